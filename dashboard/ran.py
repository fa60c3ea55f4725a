"""What ran in an hour or a day: a row a job, a bar a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from accounts.models import User
from jobs import schedules
from jobs.models import JobSchedule
from jobs.schedules import BadSchedule
from runs.history import BROKEN
from runs.models import Run

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPANS = {"hour": HOUR, "day": DAY}
MOST_RUNS, MOST_JOBS, MOST_AHEAD = 1500, 50, 30
MOMENT = timedelta(microseconds=1)
# The drawing is so wide; a bar is at least so wide, and bars nearer than this are one.
WIDTH, LEAST, NEAR = 1000.0, 4.0, 4
LABELS = 4
STYLES = {"SUCCESS": "f-ok", "FAILURE": "f-bad", "TIMEOUT": "f-to", "CANCELLED": "f-can", "RUNNING": "f-now"}
WORDS = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "TIMEOUT": "timed out",
    "CANCELLED": "cancelled",
    "RUNNING": "running",
}
_WORST_LAST = ("SUCCESS", "CANCELLED", "RUNNING", "TIMEOUT", "FAILURE")


class Ran(NamedTuple):
    """One run that was due in the window and has started."""

    run_id: str
    job_id: str
    job_name: str
    due: datetime
    start: datetime
    end: datetime | None
    outcome: str | None

    @property
    def state(self) -> str:
        return self.outcome or "RUNNING"

    @property
    def broken(self) -> bool:
        return self.outcome in BROKEN


@dataclass(frozen=True)
class Bar:
    """A run on its job's line: above it what went well, below it what broke."""

    x: float
    width: float
    run: Ran
    style: str
    words: str

    @property
    def y(self) -> int:
        return 13 if self.run.broken else 1

    @property
    def height(self) -> int:
        return 7 if self.run.broken else 11


@dataclass(frozen=True)
class Line:
    """One job: its bars, and the places where it is still to fire."""

    job_id: str
    name: str
    bars: Sequence[Bar]
    ahead: Sequence[float]
    runs: int
    broken: int
    seconds: float

    @property
    def milliseconds(self) -> float:
        return self.seconds * 1000


@dataclass(frozen=True)
class Window:
    """The stretch of time that is drawn."""

    start: datetime
    span: str
    at: datetime

    @property
    def length(self) -> timedelta:
        return SPANS[self.span]

    @property
    def end(self) -> datetime:
        return self.start + self.length

    @property
    def before(self) -> datetime:
        return self.start - self.length

    @property
    def holds_now(self) -> bool:
        return self.start <= self.at < self.end

    @property
    def now_x(self) -> float:
        return self.x(self.at)

    @property
    def labels(self) -> list[datetime]:
        return [self.start + self.length * n / LABELS for n in range(LABELS)]

    def x(self, instant: datetime) -> float:
        share = (instant - self.start) / self.length
        return round(WIDTH * min(1.0, max(0.0, share)), 1)


@dataclass(frozen=True)
class Chart:
    """The busiest jobs of the window; `until` is where the runs end that were read, None for all."""

    window: Window
    runs: Sequence[Ran]
    plans: Mapping[str, JobSchedule]
    until: datetime | None

    @classmethod
    def read(cls, user: User, window: Window) -> "Chart":
        """In two queries, by the index over due times."""
        started = Run.objects.visible_to(user).filter(
            scheduled_time__gte=window.start, scheduled_time__lt=window.end, start_time__isnull=False
        )
        columns = ("pk", "job_id", "job__name", "scheduled_time", "start_time", "end_time", "outcome")
        rows = started.order_by("scheduled_time").values_list(*columns)[: MOST_RUNS + 1]
        runs = [Ran(*row) for row in rows]
        until = runs[MOST_RUNS - 1].due if len(runs) > MOST_RUNS else None
        chart = cls(window, runs[:MOST_RUNS], {}, until)
        return cls(window, chart.runs, _plans(chart.busiest), until) if window.holds_now else chart

    @cached_property
    def busiest(self) -> list[str]:
        """The jobs that kept slots for longest."""
        seconds: dict[str, float] = {}
        for run in self.runs:
            seconds[run.job_id] = seconds.get(run.job_id, 0.0) + self._seconds([run])
        return sorted(seconds, key=lambda job_id: -seconds[job_id])[:MOST_JOBS]

    @property
    def lines(self) -> list[Line]:
        by_job: dict[str, list[Ran]] = {job_id: [] for job_id in self.busiest}
        for run in self.runs:
            if run.job_id in by_job:
                by_job[run.job_id].append(run)
        return [self._line(job_id, runs) for job_id, runs in by_job.items()]

    @property
    def jobs(self) -> int:
        return len({run.job_id for run in self.runs})

    def _line(self, job_id: str, runs: Sequence[Ran]) -> Line:
        broken = sum(run.broken for run in runs)
        return Line(
            job_id,
            runs[0].job_name,
            list(self._bars(runs)),
            self._ahead(job_id),
            len(runs),
            broken,
            self._seconds(runs),
        )

    def _bars(self, runs: Iterable[Ran]) -> Iterable[Bar]:
        """Of runs at one place the worst is drawn."""
        places = {round(self.window.x(run.start) / NEAR): run for run in sorted(runs, key=_badness)}
        for run in sorted(places.values(), key=lambda run: run.start):
            x, end = self.window.x(run.start), self.window.x(run.end or self.window.at)
            width = round(max(end - x, LEAST), 1)
            yield Bar(min(x, WIDTH - LEAST), width, run, STYLES[run.state], WORDS[run.state])

    def _ahead(self, job_id: str) -> list[float]:
        schedule = self.plans.get(job_id)
        if schedule is None or schedule.next_fire_at is None:
            return []
        try:
            ticks = schedules.fires(schedule.plan, schedule.next_fire_at - MOMENT, MOST_AHEAD)
        except BadSchedule:
            return []
        return [self.window.x(tick) for tick in ticks if self.window.at <= tick < self.window.end]

    def _seconds(self, runs: Iterable[Ran]) -> float:
        return sum(((run.end or self.window.at) - run.start).total_seconds() for run in runs)


def _badness(run: Ran) -> int:
    return _WORST_LAST.index(run.state)


def _plans(job_ids: Sequence[str]) -> dict[str, JobSchedule]:
    armed = JobSchedule.objects.filter(job__in=job_ids, next_fire_at__isnull=False)
    return {schedule.job_id: schedule for schedule in armed}
