"""Late or stuck: what misses its promise, what waits too long for its start, what runs far over its usual."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, QuerySet

from accounts.models import User
from chronos_site.statements import compiled
from dashboard import charts, wording
from jobs.promises import Promise
from runs import history
from runs.history import Durations
from runs.late import LATE_AFTER, Promised, is_slow, promised, usual, waiting
from runs.models import Run, RunQuerySet, Trigger

MOST_RUNNING = 1000
# Those that run longest are compared with their past; more would cost more than they tell.
MOST_COMPARED = 12
MOST_PROMISED = 1000


class Running(NamedTuple):
    """What is told about a run in progress."""

    pk: str
    job_id: str
    job_name: str
    started_at: datetime
    lease_expires_at: datetime | None
    worker: str | None
    attempt: int
    most_attempts: int | None


def running(user: User) -> list[Running]:
    """What runs now, those whose lease ends first before the others."""
    return [Running(*row) for row in _running(user)]


@compiled
def _running(user: User) -> "QuerySet[Run, Any]":
    runs = Run.objects.visible_to(user).running().order_by("lease_expires_at")
    told = runs.values_list(
        "pk",
        "job_id",
        "job__name",
        "start_time",
        "lease_expires_at",
        "worker_id",
        "attempt",
        F("job__retry_policy__max_attempts"),
    )
    return told[:MOST_RUNNING]


def waiting_late(user: User, at: datetime) -> RunQuerySet:
    """Runs that may start and have not for a minute, in the order in which workers will take them."""
    return waiting(Run.objects.visible_to(user), at).order_by("priority", "available_at")


class Missed(NamedTuple):
    """A run that should have started or ended by now, and the words for it."""

    run: Promised
    words: str

    def waits_late(self, at: datetime) -> bool:
        """Whether it is among `waiting_late` too."""
        ready = self.run.available_at
        return self.run.start_time is None and ready is not None and ready < at - LATE_AFTER


def missed(user: User, at: datetime) -> list[Missed]:
    """The runs in progress or waiting that have missed a promise by now, those due first first."""
    runs = sorted((Promised(*row) for row in _promised(user)), key=lambda run: run.tick)
    return [Missed(run, words) for run in runs if (words := run.missed(at))]


@compiled
def _promised(user: User) -> "QuerySet[Run, Any]":
    return promised(Run.objects.visible_to(user))[:MOST_PROMISED]


def missed_by(promise: Promise, attempts: Sequence[Run], at: datetime) -> str:
    """What the attempts of one occurrence, in order, have missed of its promise, in words; empty for nothing.

    By hand, again and of the past are no occurrences that anything was promised of.
    """
    if not promise or not attempts:
        return ""
    first, last = attempts[0], attempts[-1]
    if first.trigger != Trigger.SCHEDULE or first.attempt != 1 or first.skip_reason:
        return ""
    return promise.missed(first.scheduled_time, first.start_time, last.end_time, at)


@dataclass(frozen=True)
class Progress:
    """A running run against what is usual for its job."""

    run: Running
    at: datetime
    usual: Durations | None = None

    @property
    def seconds(self) -> float:
        return max(0.0, (self.at - self.run.started_at).total_seconds())

    @property
    def elapsed(self) -> str:
        return wording.span(max(1, int(self.seconds)))

    @property
    def usual_seconds(self) -> float | None:
        return self.usual.p50 / 1000 if self.usual else None

    @property
    def times(self) -> float | None:
        """How many times the usual it has run."""
        return round(self.seconds / self.usual_seconds, 1) if self.usual_seconds else None

    @property
    def bar(self) -> charts.Elapsed:
        return charts.elapsed(self.seconds, self.usual_seconds)

    @property
    def stuck(self) -> bool:
        """Whether its worker stopped renewing the lease."""
        lease = self.run.lease_expires_at
        return lease is not None and lease < self.at

    @property
    def slow(self) -> bool:
        """Whether it runs far over its usual: three times, longer than slow ones take, and over a minute."""
        return is_slow(self.seconds, self.usual)

    @property
    def needs_a_look(self) -> bool:
        return self.stuck or self.slow

    @property
    def attempts(self) -> int:
        return max(self.run.attempt, self.run.most_attempts or 1)


def longest(runs: Iterable[Running]) -> list[Running]:
    """Those that run longest."""
    return sorted(runs, key=lambda run: run.started_at)[:MOST_COMPARED]


def compared(runs: Sequence[Running], past: Mapping[str, Sequence[Run]], at: datetime) -> list[Progress]:
    """The running runs against their jobs' past: those that need a look first, then the longest."""
    known = {job_id: usual(runs) for job_id, runs in past.items()}
    found = [Progress(run, at, known.get(run.job_id)) for run in runs]
    return sorted(found, key=lambda each: (not each.stuck, not each.slow, -each.seconds))


def late_ids(user: User, at: datetime) -> list[str]:
    """The ids of the runs that are late or stuck, in four bounded queries: what the overview counts."""
    now = running(user)
    past = history.last_runs({run.job_id for run in longest(now)})
    needing = [each.run.pk for each in compared(now, past, at) if each.needs_a_look]
    waiting = waiting_late(user, at).values_list("pk", flat=True)[:MOST_RUNNING]
    promised = (each.run.pk for each in missed(user, at))
    return list(dict.fromkeys([*promised, *needing, *waiting]))
