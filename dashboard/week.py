"""A week of hours on the viewer's clock: what ran in those that are over, a forecast of the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import NamedTuple

from dashboard import wording
from dashboard.forecast import STEP, STEPS, STEPS_AN_HOUR, Forecast
from dashboard.hours import HOUR
from dashboard.ran_hours import RanHour, RanHours, together
from dashboard.seven_days import SevenDays
from jobs import zones

HOURS = range(24)
# Every zone's clock is a number of quarters of an hour from UTC.
QUARTER = 3
BUSY, FIRES = UNITS = ("busy", "fires")
LEVELS = 5


class Cell(NamedTuple):
    """One hour on the viewer's clock: `steps` of the forecast, or what `ran` in it; missing, neither.

    `fires` and `busy` of an hour that is over are the runs that ended and the slots busy on average.
    """

    day: date
    hour: int
    steps: Sequence[int]
    start: datetime | None
    ran: RanHour | None = None
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
        if self.ran:
            return self.ran.end - self.ran.start > HOUR
        return len(self.steps) > STEPS_AN_HOUR and not self.now

    @property
    def end(self) -> datetime | None:
        if self.ran:
            return self.ran.end
        return self.start + STEP * len(self.steps) if self.start else None

    def holds(self, instant: datetime) -> bool:
        return self.start is not None and self.end is not None and self.start <= instant < self.end

    @property
    def asked(self) -> str:
        """The start of the hour as an address says it."""
        return self.start.isoformat().replace("+", "%2B") if self.start else ""

    @property
    def style(self) -> str:
        broke = self.ran is not None and self.ran.broken > 0
        marks = {" hot": self.hot, " is-now": self.now, " twice": self.twice, " broke": broke}
        return f"lv{self.level}" + "".join(mark for mark, has in marks.items() if has)

    @property
    def words(self) -> str:
        """Mon 2 Mar, 08:00 to 08:59, now: 12 fires, 3.4 slots busy; or what ran."""
        marks = ", now" * self.now + ", comes twice" * self.twice
        hour = f"{self.day:%a} {self.day.day} {self.day:%b}, {self.hour:02}:00 to {self.hour:02}:59"
        if self.ran:
            return f"{hour}{marks}: {_ran_words(self.ran)}"
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


def _ran_words(ran: RanHour) -> str:
    if not ran.runs:
        return "nothing ended"
    failed = f", {ran.broken:,} failed" if ran.broken else ""
    ended = f"{ran.runs:,} run{'s' * (ran.runs != 1)} ended"
    return f"{ended}{failed}, busy for {wording.duration(ran.took_ms)}"


@dataclass(frozen=True)
class Week:
    """The seven days; `slots` are those of the workers that are alive, and what is over needs no forecast."""

    forecast: Forecast | None
    days: SevenDays
    at: datetime
    slots: int
    unit: str = BUSY
    past: RanHours = field(default_factory=RanHours)

    @cached_property
    def rows(self) -> list[tuple[date, list[Cell]]]:
        plain = [self._cell(day, hour) for day in self.days.days for hour in HOURS]
        low, top = _range(_shading(plain))
        cells = [_levelled(cell, low, top) for cell in plain]
        return [(day, cells[n * len(HOURS) : (n + 1) * len(HOURS)]) for n, day in enumerate(self.days.days)]

    @property
    def cells(self) -> Iterator[Cell]:
        for _, cells in self.rows:
            yield from cells

    def cell_at(self, instant: datetime) -> Cell | None:
        """The hour that the instant lies in."""
        return next((cell for cell in self.cells if cell.holds(instant)), None)

    @property
    def busiest(self) -> Cell | None:
        """Where to look first: in what is to come, if any of it is shown."""
        return max(_shading(self.cells), key=lambda cell: (cell.value, cell.fires), default=None)

    @property
    def ran(self) -> list[tuple[date, RanHour]]:
        """What ran on each day, as far as it is over."""
        hours = [(day, [cell.ran for cell in cells if cell.ran]) for day, cells in self.rows]
        return [(day, together(ran)) for day, ran in hours if ran]

    @property
    def broke(self) -> bool:
        """Whether runs failed in any of the hours."""
        return any(ran.broken for ran in self.past.hours.values())

    @property
    def grows(self) -> bool:
        """Whether the next look at it shows more."""
        return not self.past.complete or (self.forecast is not None and not self.forecast.complete)

    @property
    def words(self) -> str:
        """1.5 to 48: what the shades reach from and to."""
        told = sorted((cell for cell in _shading(self.cells) if cell.value), key=lambda cell: cell.value)
        return f"{told[0].shown} to {told[-1].shown}" if told else "0"

    @property
    def changes(self) -> list[zones.Shift]:
        """The clock changes of the week in the viewer's zone."""
        begin = self.at if self.days.from_today else self.days.begin
        return list(zones.shifts(self.days.zone, begin, self.days.end))

    @cached_property
    def _steps(self) -> dict[tuple[date, int], list[int]]:
        """The steps of each hour of the clock."""
        found: dict[tuple[date, int], list[int]] = {}
        if self.forecast is None:
            return found
        hour = self.at.replace(minute=0, second=0, microsecond=0)
        for step in range(max(0, self.forecast.step(hour)), STEPS, QUARTER):
            local = (self.forecast.begin + STEP * step).astimezone(self.days.zone)
            found.setdefault((local.date(), local.hour), []).extend(range(step, step + QUARTER))
        return found

    @cached_property
    def _past(self) -> dict[tuple[date, int], list[RanHour]]:
        """The hours that are over, each where it begins on the clock."""
        found: dict[tuple[date, int], list[RanHour]] = {}
        for start, ran in self.past.hours.items():
            local = start.astimezone(self.days.zone)
            found.setdefault((local.date(), local.hour), []).append(ran)
        return found

    def _cell(self, day: date, hour: int) -> Cell:
        steps = self._steps.get((day, hour), [])
        local = self.at.astimezone(self.days.zone)
        if not steps or self.forecast is None:
            return self._over(day, hour)
        fires = sum(self.forecast.fires[step] for step in steps)
        busy = max(self.forecast.busy[step] for step in steps)
        return Cell(
            day,
            hour,
            steps,
            self.forecast.begin + STEP * steps[0],
            None,
            fires,
            busy,
            fires if self.unit == FIRES else busy,
            hot=0 < self.slots < busy,
            now=(day, hour) == (local.date(), local.hour),
        )

    def _over(self, day: date, hour: int) -> Cell:
        ended = self._past.get((day, hour))
        if not ended:
            return Cell(day, hour, [], None, missing=self._is_missing(day, hour))
        ran = together(ended)
        value = ran.runs if self.unit == FIRES else ran.busy
        return Cell(day, hour, [], ran.start, ran, ran.runs, ran.busy, value)

    def _is_missing(self, day: date, hour: int) -> bool:
        shift = zones.shift_at(datetime.combine(day, time(hour)), self.days.zone)
        return shift is not None and shift.forward


def _shading(cells: Iterable[Cell]) -> list[Cell]:
    """Those to come, if there are any: what ran is counted in another way."""
    told = [cell for cell in cells if cell.start]
    return [cell for cell in told if cell.steps] or told


def _range(cells: Sequence[Cell]) -> tuple[float, float]:
    values = [cell.value for cell in cells if cell.value]
    return min(values, default=0.0), max(values, default=0.0)


def _levelled(cell: Cell, low: float, top: float) -> Cell:
    if not cell.value:
        return cell
    # Where all hours are much alike, they look it.
    width = max(top - low, top / 2)
    return cell._replace(level=max(1, min(LEVELS, 1 + int((cell.value - low) / width * LEVELS))))
