"""How late starts are: the last minutes run by run, the last day from the totals of its hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Sum
from django.utils import timezone

from dashboard import wording
from dashboard.charts import Column, Line, Mark
from dashboard.hours import HOUR, HOURS, full_hour
from runs.models import Outcome, Run, RunStats
from runs.stats import WAITED

DAYS = 7
RECENT = timedelta(minutes=15)
MOST_RECENT = 2000
_ENDED = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT)
# The chart, in the units of its drawing.
LEFT, RIGHT, TOP, BASE = 44.0, 620.0, 12.0, 126.0
LABEL = 40.0
_WORDS = {"100ms": "0.1 s", "1s": "1 s", "10s": "10 s", "1m": "1 min", "10m": "10 min"}
_STEPS = len(WAITED) + 1
_SUMMED = ("count", *(f"waited_{name}" for name in WAITED))
# What lies above is more than anybody should wait.
_CALM_STEPS = 3


class Start(NamedTuple):
    """A run that ended lately: its queue's rank, and when it could start and did."""

    priority: int
    ready_at: datetime | None
    began_at: datetime | None

    @property
    def waited_ms(self) -> float:
        if self.ready_at is None or self.began_at is None:
            return 0.0
        return max(0.0, (self.began_at - self.ready_at) / timedelta(milliseconds=1))


@dataclass(frozen=True)
class Recent:
    """The runs that ended within the last minutes, newest first, as far as they were read."""

    starts: Sequence[Start]
    minutes: float

    @classmethod
    def read(cls, at: datetime) -> "Recent":
        rows = Run.objects.filter(outcome__in=_ENDED, end_time__gte=at - RECENT).order_by("-end_time")
        columns = ("priority", "available_at", "start_time", "end_time")
        found = list(rows.values_list(*columns)[:MOST_RECENT])
        whole = len(found) < MOST_RECENT
        span = RECENT if whole else at - found[-1][3]
        return cls([Start(*row[:3]) for row in found], max(1 / 60, span / timedelta(minutes=1)))

    @property
    def count(self) -> int:
        return len(self.starts)

    @property
    def _waits(self) -> list[float]:
        return sorted(start.waited_ms for start in self.starts)

    def _share(self, percent: int) -> float | None:
        waits = self._waits
        return waits[-(-len(waits) * percent // 100) - 1] if waits else None

    @property
    def median(self) -> float | None:
        return self._share(50)

    @property
    def p99(self) -> float | None:
        return self._share(99)

    @property
    def worst(self) -> Start | None:
        return max(self.starts, key=lambda start: start.waited_ms, default=None)

    def per_minute(self, rank: int) -> str:
        number = sum(start.priority == rank for start in self.starts) / self.minutes
        return rate(number)


def rate(per_minute: float) -> str:
    """1,248/min; with a digit after the point where it is small."""
    if not per_minute:
        return "0/min"
    return f"{per_minute:,.0f}/min" if per_minute >= 10 else f"{per_minute:.1f}/min"


@dataclass(frozen=True)
class Totals:
    """What the totals say of the last days: waits by hour, and how many runs a day ended."""

    hours: Sequence[tuple[datetime, Mapping[str, int]]]
    runs_a_day: float

    @classmethod
    def read(cls, at: datetime) -> "Totals":
        """One query over the hours of a week."""
        current = full_hour(at)
        since = current - timedelta(days=DAYS)
        rows = RunStats.objects.filter(hour__gt=since, outcome__in=_ENDED).order_by().values_list("hour")
        sums = rows.annotate(*(Sum(name) for name in _SUMMED))
        found = {hour: dict(zip(_SUMMED, row, strict=True)) for hour, *row in sums}
        starts = [current - HOUR * n for n in reversed(range(HOURS))]
        known = min(found, default=current)
        days = max(1.0, (at - known) / timedelta(days=1))
        total = sum(row["count"] for row in found.values())
        return cls([(start, found.get(start, {})) for start in starts], total / days)

    @property
    def lines(self) -> list[Line]:
        return [Line(BASE, "0"), *(Line(_y(n), _WORDS[name]) for n, name in enumerate(WAITED, 1))]

    @property
    def columns(self) -> list["HourOfWaits"]:
        step = (RIGHT - LEFT) / HOURS
        return [
            HourOfWaits(start, _waited(row), round(LEFT + step * n, 1), round(step - 4, 1))
            for n, (start, row) in enumerate(self.hours)
        ]


@dataclass(frozen=True)
class HourOfWaits:
    """One hour: the step of the scale that 99 of 100 starts did not go beyond; 0 where nothing started."""

    start: datetime
    step: int
    x: float
    width: float

    @property
    def column(self) -> Column:
        y = _y(self.step)
        style = "hit f-now" if self.step <= _CALM_STEPS else "hit f-warn"
        return Column(self.x, [Mark(style, self.x, y, self.width, round(BASE - y, 1))] if self.step else [])

    @property
    def title(self) -> str:
        hour = wording.day_and_time(timezone.localtime(self.start))
        if not self.step:
            return f"{hour}: no run ended"
        words = list(_WORDS.values())
        bound = f"within {words[self.step - 1]}" if self.step < _STEPS else f"later than {words[-1]}"
        return f"{hour}: 99 of 100 started {bound}"

    @property
    def labelled(self) -> bool:
        return timezone.localtime(self.start).hour % 6 == 0

    @property
    def anchor(self) -> str:
        """Where its label is held: one at the edge of the drawing ends there, so that nothing is cut."""
        return "end" if self._middle + LABEL / 2 > RIGHT else "middle"

    @property
    def label_x(self) -> float:
        return RIGHT if self.anchor == "end" else self._middle

    @property
    def _middle(self) -> float:
        return round(self.x + self.width / 2, 1)


def _waited(row: Mapping[str, int]) -> int:
    count = row.get("count", 0)
    if not count:
        return 0
    for n, name in enumerate(WAITED, 1):
        if row[f"waited_{name}"] * 100 >= count * 99:
            return n
    return _STEPS


def _y(step: int) -> float:
    return round(BASE - (BASE - TOP) * step / _STEPS, 1)
