"""A forecast as a week of hours on the viewer's clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.forecast import STEP, STEPS, STEPS_AN_HOUR, Forecast
from jobs import zones

DAYS = 7
HOURS = range(24)
# Every zone's clock is a number of quarters of an hour from UTC.
QUARTER = 3
BUSY, FIRES = UNITS = ("busy", "fires")
LEVELS = 5


class Cell(NamedTuple):
    """One hour on the viewer's clock: `steps` of the forecast, none where the hour is over or missing."""

    day: date
    hour: int
    steps: Sequence[int]
    start: datetime | None
    fires: float = 0
    busy: float = 0
    value: float = 0
    level: int = 0
    hot: bool = False
    now: bool = False
    missing: bool = False

    @property
    def twice(self) -> bool:
        """The hour comes twice, for the clock is put back."""
        return len(self.steps) > STEPS_AN_HOUR and not self.now

    @property
    def end(self) -> datetime | None:
        return self.start + STEP * len(self.steps) if self.start else None

    @property
    def asked(self) -> str:
        """The start of the hour as an address says it."""
        return self.start.isoformat().replace("+", "%2B") if self.start else ""

    @property
    def style(self) -> str:
        marks = {" hot": self.hot, " is-now": self.now, " twice": self.twice}
        return f"lv{self.level}" + "".join(mark for mark, has in marks.items() if has)

    @property
    def words(self) -> str:
        """Mon 2 Mar, 08:00 to 08:59, now: 12 fires, 3.4 slots busy."""
        marks = ", now" * self.now + ", comes twice" * self.twice
        hour = f"{self.day:%a} {self.day.day} {self.day:%b}, {self.hour:02}:00 to {self.hour:02}:59"
        return f"{hour}{marks}: {_tenths(self.fires)} fires, {_tenths(self.busy)} slots busy"

    @property
    def shown(self) -> str:
        """0.4, 7, 1,204, 12k: what fits into the cell."""
        if self.value == 0:
            return "·"
        if self.value < 9.5:
            return _tenths(max(self.value, 0.1))
        return f"{self.value:,.0f}" if self.value < 9999.5 else f"{self.value / 1000:.0f}k"


def _tenths(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Week:
    """Seven days from today on; `slots` are those of the workers that are alive."""

    forecast: Forecast
    zone: ZoneInfo
    at: datetime
    slots: int
    unit: str = BUSY

    @cached_property
    def rows(self) -> list[tuple[date, list[Cell]]]:
        plain = [self._cell(day, hour) for day in self._days for hour in HOURS]
        low, top = _range(plain)
        cells = [_levelled(cell, low, top) for cell in plain]
        return [(day, cells[n * len(HOURS) : (n + 1) * len(HOURS)]) for n, day in enumerate(self._days)]

    @property
    def cells(self) -> Iterator[Cell]:
        for _, cells in self.rows:
            yield from cells

    def cell_at(self, instant: datetime) -> Cell | None:
        """The hour that the instant lies in."""
        step = self.forecast.step(instant)
        return next((cell for cell in self.cells if step in cell.steps), None)

    @property
    def busiest(self) -> Cell | None:
        """Where to look first."""
        return max(self.cells, key=lambda cell: (cell.value, cell.fires), default=None)

    @property
    def words(self) -> str:
        """1.5 to 48: what the shades reach from and to."""
        told = sorted((cell for cell in self.cells if cell.value), key=lambda cell: cell.value)
        return f"{told[0].shown} to {told[-1].shown}" if told else "0"

    @property
    def changes(self) -> list[zones.Shift]:
        """The clock changes of the week in the viewer's zone."""
        return list(zones.shifts(self.zone, self.at, self.at + timedelta(days=DAYS)))

    @property
    def _today(self) -> date:
        return self.at.astimezone(self.zone).date()

    @property
    def _days(self) -> list[date]:
        return [self._today + timedelta(days=n) for n in range(DAYS)]

    @cached_property
    def _steps(self) -> dict[tuple[date, int], list[int]]:
        """The steps of each hour of the clock."""
        found: dict[tuple[date, int], list[int]] = {}
        hour = self.at.replace(minute=0, second=0, microsecond=0)
        for step in range(max(0, self.forecast.step(hour)), STEPS, QUARTER):
            local = (self.forecast.begin + STEP * step).astimezone(self.zone)
            found.setdefault((local.date(), local.hour), []).extend(range(step, step + QUARTER))
        return found

    def _cell(self, day: date, hour: int) -> Cell:
        steps = self._steps.get((day, hour), [])
        local = self.at.astimezone(self.zone)
        if not steps:
            return Cell(day, hour, steps, None, missing=self._is_missing(day, hour))
        fires = sum(self.forecast.fires[step] for step in steps)
        busy = max(self.forecast.busy[step] for step in steps)
        return Cell(
            day,
            hour,
            steps,
            self.forecast.begin + STEP * steps[0],
            fires,
            busy,
            fires if self.unit == FIRES else busy,
            hot=0 < self.slots < busy,
            now=(day, hour) == (local.date(), local.hour),
        )

    def _is_missing(self, day: date, hour: int) -> bool:
        shift = zones.shift_at(datetime.combine(day, time(hour)), self.zone)
        return shift is not None and shift.forward


def _range(cells: Sequence[Cell]) -> tuple[float, float]:
    values = [cell.value for cell in cells if cell.value]
    return min(values, default=0.0), max(values, default=0.0)


def _levelled(cell: Cell, low: float, top: float) -> Cell:
    if not cell.value:
        return cell
    # Where all hours are much alike, they look it.
    width = max(top - low, top / 2)
    return cell._replace(level=min(LEVELS, 1 + int((cell.value - low) / width * LEVELS)))
