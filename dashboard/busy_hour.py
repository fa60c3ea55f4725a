"""One hour of the forecast: which jobs fire in it, what collides, and how they could be spread."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice, takewhile
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from dashboard.forecast import MOMENT, Forecast, usual_seconds
from dashboard.week import Cell
from jobs import schedules, spread
from jobs.models import Job
from jobs.rights import refusal
from jobs.schedules import BadSchedule
from jobs.spread import CannotMove, Start

MOST_JOBS = 200
MOST_TICKS = 60
MOST_COLLISIONS = 5
MINUTE = timedelta(minutes=1)
# Of the drawing of minutes.
LEFT, WIDTH, BASE, TALLEST = 10, 10, 46, 40


@dataclass(frozen=True)
class Firing:
    """A job that fires in the hour; `room` is how many minutes later it may, `stays` why it may not."""

    job: Job
    ticks: Sequence[datetime]
    minute: int
    seconds: float
    host: str
    room: int
    stays: str
    proposed: datetime | None = None
    minutes: int = 0

    @property
    def first(self) -> datetime:
        return self.ticks[0]

    @property
    def more(self) -> int:
        return len(self.ticks) - 1

    @property
    def milliseconds(self) -> float:
        return self.seconds * 1000

    @property
    def move(self) -> str:
        """What the form sends for this move."""
        return f"{self.job.pk}.{self.job.version}.{self.minutes}"

    @property
    def start(self) -> Start:
        return Start(self.job.pk, self.minute, self.room, self.seconds)


@dataclass(frozen=True)
class Collision:
    """Jobs that start in one minute, and the host that most of those with a known one call."""

    at: datetime
    jobs: int
    host: str
    on_host: int


@dataclass(frozen=True)
class Bar:
    """The starts of one minute before and after, as heights."""

    x: int
    before: int
    after: int
    label: str

    @property
    def before_y(self) -> int:
        return BASE - self.before

    @property
    def after_y(self) -> int:
        return BASE - self.after


@dataclass(frozen=True)
class BusyHour:
    """The jobs of one hour, at most so many; `total` and `often` count all of them."""

    cell: Cell
    user: User
    often: int
    total: int = 0
    found: list[Firing] = field(default_factory=list)

    @classmethod
    def read(cls, forecast: Forecast, cell: Cell, user: User, at: datetime) -> "BusyHour":
        """The jobs of the hour, in two queries."""
        steps = range(cell.steps[0], cell.steps[-1] + 1)
        groups = list(forecast.firing(steps))
        job_ids = sorted([job_id for group in groups for job_id in group.job_ids][:MOST_JOBS])
        usual = usual_seconds(Q(job__in=job_ids), user, at)
        hour = cls(cell, user, forecast.often_jobs)
        found = [
            hour._firing(job, usual.get(job.pk, forecast.usual_of_types.get(job.type, 0.0)))
            for job in _jobs(job_ids, user)
        ]
        firings = [firing for firing in found if firing]
        # Some have fired in this hour already, or were changed since the forecast was made.
        gone = len(job_ids) - len(firings)
        return replace(hour, found=firings, total=sum(group.jobs for group in groups) - gone)

    @cached_property
    def moves(self) -> Mapping[str, int]:
        return spread.propose(each.start for each in self.found)

    @property
    def firings(self) -> list[Firing]:
        """By time, the longest first, each with where it would go."""
        shown = [self._proposed(each) for each in self.found]
        return sorted(shown, key=lambda each: (each.first, -each.seconds, each.job.name))

    @property
    def moving(self) -> int:
        return min(len(self.moves), spread.MOST)

    @property
    def peak(self) -> int:
        """The most jobs that start in one minute."""
        return spread.peak(each.start for each in self.found)

    @property
    def peak_after(self) -> int:
        return spread.peak((each.start for each in self.found), self.moves)

    @property
    def collisions(self) -> list[Collision]:
        """The minutes in which most jobs start."""
        minutes = Counter(each.minute for each in self.found)
        most = [(minute, jobs) for minute, jobs in minutes.most_common(MOST_COLLISIONS) if jobs > 1]
        return [self._collision(minute, jobs) for minute, jobs in most]

    @property
    def known(self) -> int:
        return len(self.found)

    @property
    def offered(self) -> set[str]:
        """The jobs whose move may be ticked."""
        return set(list(self.moves)[: spread.MOST])

    @property
    def bars(self) -> list[Bar]:
        """Starts by the minute, before and after."""
        before = Counter(each.minute for each in self.found)
        after = Counter(each.minute + self.moves.get(each.job.pk, 0) for each in self.found)
        unit = TALLEST / max(self.peak, 1)
        start = timezone.localtime(self._start)
        return [
            Bar(
                LEFT + WIDTH * minute,
                round(before[minute] * unit),
                round(after[minute] * unit) if self.moves else 0,
                f"{start + minute * MINUTE:%H:%M}" if minute % 15 == 0 else "",
            )
            for minute in range(60)
        ]

    def _collision(self, minute: int, jobs: int) -> Collision:
        hosts = Counter(each.host for each in self.found if each.minute == minute and each.host)
        host, number = hosts.most_common(1)[0] if hosts else ("", 0)
        return Collision(self._start + minute * MINUTE, jobs, host if number > 1 else "", number)

    def _proposed(self, firing: Firing) -> Firing:
        minutes = self.moves.get(firing.job.pk, 0)
        if not minutes:
            return firing
        return replace(firing, minutes=minutes, proposed=firing.first + minutes * MINUTE)

    @property
    def _start(self) -> datetime:
        if self.cell.start is None:
            raise ValueError("an hour that is over or missing has no jobs")
        return self.cell.start

    def _firing(self, job: Job, seconds: float) -> Firing | None:
        ticks = self._ticks(job)
        if not ticks:
            return None
        minute = (ticks[0] - self._start) // MINUTE
        try:
            room, stays = spread.room(job.schedule), refusal(self.user, job.type)
        except CannotMove as sentence:
            room, stays = 0, str(sentence)
        return Firing(job, ticks, minute, seconds, host_of(job), 0 if stays else room, stays)

    def _ticks(self, job: Job) -> list[datetime]:
        end = self._start + len(self.cell.steps) * 5 * MINUTE
        try:
            ahead = schedules.ticks(job.schedule.plan, max(self._start - MOMENT, _known_from(job)))
            return list(islice(takewhile(lambda tick: tick < end, ahead), MOST_TICKS))
        except BadSchedule:
            return []


def _known_from(job: Job) -> datetime:
    """Nothing fires before the next fire: what came before it has been fired."""
    tick = job.schedule.next_fire_at
    if tick is None:
        raise BadSchedule("next_fire_at", "It is not armed.")
    return tick - MOMENT


def _jobs(job_ids: Sequence[str], user: User) -> Any:
    jobs = Job.objects.visible_to(user).filter(pk__in=job_ids, schedule__next_fire_at__isnull=False)
    columns = ("name", "type", "version", "payload__host")
    schedule = ("next_fire_at", "schedule_type", "cron_expression", "interval_seconds", "timezone", "run_at")
    limits = ("anchor_at", "starts_at", "ends_at", "end_by", "jitter_seconds", "job_id")
    fields = [*columns, *(f"schedule__{name}" for name in (*schedule, *limits)), "payload__job_id"]
    return jobs.select_related("schedule", "payload").only(*fields)


def host_of(job: Job) -> str:
    """The host that the job calls, where its payload names one."""
    host = job.payload.host
    return "" if "{" in host else host
