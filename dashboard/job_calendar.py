"""Twelve weeks of a job, a cell a day: what ended on it, and where its runs are. Days are those of UTC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from urllib.parse import quote, urlencode

from django.urls import reverse

from dashboard.charts import Mark
from jobs.models import Job
from runs import days
from runs.days import DAY, JobDay

WEEKS = 12
WINDOWS = {"7d": ("7 days", 7), "30d": ("30 days", 30), "12w": ("12 weeks", 7 * WEEKS)}
USUAL_WINDOW = "12w"
LEFT, TOP = 34.0, 18.0
_STEP_X, _STEP_Y, WIDTH, HEIGHT = 28.0, 18.0, 25.0, 15.0
# A few failures among thousands must be seen all the same.
_LEAST, _GAP = 3.5, 1.5
_CROSS = 3.5


@dataclass(frozen=True)
class Cell:
    """One day in the grid; `totals` is None for a day that is still to come."""

    day: date
    x: float
    y: float
    totals: JobDay | None
    address: str = ""

    @property
    def marks(self) -> list[Mark]:
        """What is done fills the cell, what is broken hangs at its bottom, what was skipped is a ring."""
        if self.totals is None or not self.totals.total:
            if self.totals is None:
                return [Mark("f-next", self.x + 0.5, self.y + 0.5, WIDTH - 1, HEIGHT - 1)]
            return [Mark("f-line", self.x, self.y, WIDTH, HEIGHT)]
        if not self.totals.ended:
            return [self._idle(self.totals)]
        share = self.totals.broken / self.totals.ended
        low = HEIGHT if share == 1 else round(max(_LEAST, HEIGHT * share), 1) if share else 0.0
        high = round(max(_LEAST, HEIGHT - low - _GAP), 1) if 0 < share < 1 else HEIGHT - low
        done = Mark("f-ok", self.x, self.y, WIDTH, high)
        broken = self._broken(min(low, HEIGHT - _LEAST - _GAP) if share < 1 else low)
        return [mark for mark in (done, broken) if mark.height > 0]

    def _broken(self, height: float) -> Mark:
        y = round(self.y + HEIGHT - height, 1)
        if self.totals and not self.totals.failed:
            return Mark("f-to", self.x + 0.5, y + 0.5, WIDTH - 1, max(0.0, round(height - 1, 1)))
        return Mark("f-bad", self.x, y, WIDTH, height)

    def _idle(self, totals: JobDay) -> Mark:
        if totals.skipped:
            return Mark("f-next", self.x + WIDTH / 2, self.y + HEIGHT / 2, r=3.5)
        return Mark("f-can", self.x, self.y + HEIGHT - _LEAST, WIDTH, _LEAST)

    @property
    def cross(self) -> str:
        """A path across a day on which nothing succeeded; empty for any other."""
        if not self.totals or not self.totals.failed or self.totals.succeeded:
            return ""
        x, y, size = self.x + WIDTH / 2 - _CROSS, self.y + HEIGHT / 2 - _CROSS, 2 * _CROSS
        return f"M{x} {y}l{size} {size}m0-{size}l-{size} {size}"

    @property
    def day_words(self) -> str:
        """Mon 2 Mar."""
        return _words(self.day)

    @property
    def words(self) -> str:
        """Mon 2 Mar: 288 succeeded, 3 failed."""
        told = f"{self.day_words}: "
        if self.totals is None:
            return f"{told}still to come"
        counts = [
            (self.totals.succeeded, "succeeded"),
            (self.totals.failed, "failed"),
            (self.totals.timed_out, "timed out"),
            (self.totals.cancelled, "cancelled"),
            (self.totals.skipped, "skipped"),
        ]
        return told + (", ".join(f"{count:,} {word}" for count, word in counts if count) or "nothing fired")


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Calendar:
    """The grid of the weeks up to that of `today`, and what a window of it says."""

    job: Job
    today: date
    totals: dict[date, JobDay]
    window: str = USUAL_WINDOW

    @classmethod
    def read(cls, job: Job, at: datetime, window: str, closed: date | None) -> "Calendar":
        today = at.astimezone(UTC).date()
        found = days.of_job(job, _first(today), closed)
        return cls(job, today, found, window if window in WINDOWS else USUAL_WINDOW)

    @cached_property
    def cells(self) -> list[Cell]:
        return list(self._cells())

    def _cells(self) -> Iterator[Cell]:
        first = _first(self.today)
        for n in range(7 * WEEKS):
            day = first + n * DAY
            x, y = LEFT + _STEP_X * (n // 7), TOP + _STEP_Y * (n % 7)
            if day > self.today:
                yield Cell(day, x, y, None)
            else:
                yield Cell(day, x, y, self._on(day), self.address(day, day + DAY))

    @property
    def months(self) -> Iterator[Label]:
        """The month over the first week that begins in it, unless the next label would stand on it."""
        first = _first(self.today)
        begun = [first + 7 * n * DAY for n in range(WEEKS)]
        for n, monday in enumerate(begun):
            other = n == 0 or monday.month != begun[n - 1].month
            if other and not (n == 0 and begun[1].month != monday.month):
                yield Label(LEFT + _STEP_X * n, 11, f"{monday:%b}")

    @property
    def weekdays(self) -> list[Label]:
        return [Label(0, TOP + _STEP_Y * n + 11, word) for n, word in ((0, "Mon"), (2, "Wed"), (4, "Fri"))]

    @property
    def now(self) -> Mark:
        """The frame around today."""
        weekday = self.today.weekday()
        x, y = LEFT + _STEP_X * (WEEKS - 1), TOP + _STEP_Y * weekday
        return Mark("s-now", x - 1.5, y - 1.5, WIDTH + 3, HEIGHT + 3)

    @cached_property
    def listed(self) -> list[Cell]:
        """The days on which anything ended, newest first."""
        return [cell for cell in self.cells if cell.totals and cell.totals.total][::-1]

    def address(self, since: date, until: date | None = None) -> str:
        """The runs of the job that ended on these days."""
        rest = f"&until={_midnight(until)}" if until else ""
        return f"{self._runs}&since={_midnight(since)}{rest}"

    @cached_property
    def _runs(self) -> str:
        return f"{reverse('run_list')}?{urlencode({'job': self.job.pk})}"

    def _on(self, day: date) -> JobDay:
        return self.totals.get(day) or self._nothing

    @cached_property
    def _nothing(self) -> JobDay:
        """The totals of any day on which nothing ended."""
        return JobDay(job=self.job)

    # What the window says

    @property
    def since(self) -> date:
        """The first day of the window."""
        return self.today - (WINDOWS[self.window][1] - 1) * DAY

    @property
    def words(self) -> str:
        return WINDOWS[self.window][0]

    @property
    def windows(self) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in WINDOWS.items()]

    @cached_property
    def figures(self) -> "Figures":
        return Figures([day for on, day in sorted(self.totals.items()) if self.since <= on <= self.today])

    @property
    def window_address(self) -> str:
        return f"{self.address(self.since)}&outcome=SUCCESS&outcome=FAILURE&outcome=TIMEOUT"

    @property
    def broken_address(self) -> str:
        return f"{self.address(self.since)}&outcome=FAILURE&outcome=TIMEOUT"

    @property
    def skipped_address(self) -> str:
        return f"{self.address(self.since)}&outcome=SKIPPED"


@dataclass(frozen=True)
class Figures:
    """What some days say together, given oldest first."""

    days: Sequence[JobDay]

    @property
    def succeeded(self) -> int:
        return sum(day.succeeded for day in self.days)

    @property
    def ended(self) -> int:
        return sum(day.ended for day in self.days)

    @property
    def broken(self) -> int:
        return self.ended - self.succeeded

    @property
    def skipped(self) -> int:
        return sum(day.skipped for day in self.days)

    @property
    def share(self) -> str:
        """95.2%, never rounded up to all of it; empty where nothing ended."""
        if not self.ended:
            return ""
        tenths = 1000 * self.succeeded // self.ended
        return f"{tenths // 10}%" if tenths % 10 == 0 else f"{tenths / 10:.1f}%"

    @property
    def longest_clean(self) -> int:
        """How many days in a row that had runs had no failure."""
        longest = clean = 0
        for day in self.days:
            clean = 0 if day.broken else clean + bool(day.succeeded)
            longest = max(longest, clean)
        return longest


def _first(today: date) -> date:
    """The Monday with which the grid begins."""
    return today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))


# The days are the same for every job that somebody looks at.
@lru_cache(maxsize=512)
def _words(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


@lru_cache(maxsize=512)
def _midnight(day: date) -> str:
    """The day's first instant, as an address has it."""
    return quote(f"{datetime.combine(day, time.min):%Y-%m-%dT%H:%M:%SZ}")
