"""What is late or takes too long: the measures, and the runs that exceed them."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from jobs.promises import Promise
from runs import history
from runs.history import Durations
from runs.models import Outcome, Run, RunQuerySet, Trigger

LATE_AFTER = timedelta(seconds=60)
FAR_OVER = 3
# How many earlier runs it takes to call something usual.
FEWEST = 3


def waiting(runs: RunQuerySet, at: datetime) -> RunQuerySet:
    """Those that may start and have not for a minute."""
    return runs.pending().filter(available_at__lt=at - LATE_AFTER)


class Promised(NamedTuple):
    """A run that has not ended of an occurrence with a promise."""

    pk: str
    job_id: str
    job_name: str
    tick: datetime
    attempt: int
    start_time: datetime | None
    available_at: datetime | None
    start_within_seconds: int | None
    end_by: time | None
    timezone: str | None

    def missed(self, at: datetime) -> str:
        """Which promise was missed, in words; empty while none was."""
        promise = Promise(self.start_within_seconds, self.end_by, self.timezone or "UTC")
        # An occurrence that is tried again has started long ago.
        started = self.tick if self.attempt > 1 else self.start_time
        return promise.missed(self.tick, started, None, at)


def promised(runs: RunQuerySet) -> "QuerySet[Run, Any]":
    """Those that wait or run of ticks with a promise, as what `Promised` is made of."""
    first = Run.objects.filter(
        job=OuterRef("job"), scheduled_time=OuterRef("scheduled_time"), attempt=1, trigger=Trigger.SCHEDULE
    )
    promise = Q(job__schedule__start_within_seconds__isnull=False) | Q(job__schedule__end_by__isnull=False)
    return (
        runs.active()
        .filter(promise, Exists(first))
        .values_list(
            "pk",
            "job_id",
            "job__name",
            "scheduled_time",
            "attempt",
            "start_time",
            "available_at",
            "job__schedule__start_within_seconds",
            "job__schedule__end_by",
            "job__schedule__timezone",
        )
    )


def usual(runs: Iterable[Run]) -> Durations | None:
    """The usual duration of a job by its last runs; None where too few succeeded to say."""
    good = [run for run in runs if run.outcome == Outcome.SUCCESS]
    return history.durations(good) if len(good) >= FEWEST else None


def is_slow(seconds: float, usual: Durations | None) -> bool:
    """Whether it runs far over its usual: three times, longer than slow ones take, and over a minute."""
    if usual is None:
        return False
    far = max(FAR_OVER * usual.p50, usual.p95) / 1000
    return seconds > max(far, LATE_AFTER.total_seconds())
