"""Late or stuck: what waits too long for its start, what nobody looks after, what runs far over its usual."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from dashboard import charts, wording
from runs import history
from runs.history import Durations
from runs.models import Run, RunQuerySet

LATE_AFTER = timedelta(seconds=60)
MOST_RUNNING = 1000
# Those that run longest are compared with their past; more would cost more than they tell.
MOST_COMPARED = 25
FAR_OVER = 3
# How many earlier runs it takes to call something usual.
FEWEST = 3


def waiting_late(user: User, at: datetime) -> RunQuerySet:
    """Runs that may start and have not for a minute, in the order in which workers will take them."""
    pending = Run.objects.visible_to(user).pending()
    return pending.filter(available_at__lt=at - LATE_AFTER).order_by("priority", "available_at")


def running(user: User) -> list[Run]:
    """What runs now, the ones whose lease ends first before the others; with job and attempts.

    Read no other column of them: it would cost a query each.
    """
    runs = Run.objects.visible_to(user).running().order_by("lease_expires_at")
    return list(
        runs.select_related("job__retry_policy").only(
            "job_id",
            "start_time",
            "lease_expires_at",
            "worker_id",
            "attempt",
            "scheduled_time",
            "outcome",
            "skip_reason",
            "job__name",
            "job__retry_policy__max_attempts",
            "job__retry_policy__job_id",
        )[: MOST_RUNNING + 1]
    )


@dataclass(frozen=True)
class Progress:
    """A running run against what is usual for its job."""

    run: Run
    at: datetime
    usual: Durations | None = None

    @property
    def seconds(self) -> float:
        return max(0.0, (self.at - self.run.start_time).total_seconds()) if self.run.start_time else 0.0

    @property
    def elapsed(self) -> str:
        return wording.span(max(1, int(self.seconds)))

    @property
    def bar(self) -> charts.Elapsed:
        return charts.elapsed(self.seconds, self.usual_seconds)

    @property
    def usual_seconds(self) -> float | None:
        return self.usual.p50 / 1000 if self.usual else None

    @property
    def times(self) -> float | None:
        """How many times the usual it has run."""
        return round(self.seconds / self.usual_seconds, 1) if self.usual_seconds else None

    @property
    def stuck(self) -> bool:
        """Whether its worker stopped renewing the lease."""
        lease = self.run.lease_expires_at
        return lease is not None and lease < self.at

    @property
    def slow(self) -> bool:
        """Whether it runs far over its usual: three times, longer than slow ones take, and over a minute."""
        if self.usual is None:
            return False
        far = max(FAR_OVER * self.usual.p50, self.usual.p95) / 1000
        return self.seconds > max(far, LATE_AFTER.total_seconds())

    @property
    def attempts(self) -> int:
        policy = getattr(self.run.job, "retry_policy", None)
        return max(self.run.attempt, policy.max_attempts if policy else 1)


def usual(runs: Iterable[Run]) -> Durations | None:
    """The usual duration of a job by its last runs; None where too few succeeded to say."""
    good = [run for run in runs if run.outcome == "SUCCESS"]
    return history.durations(good) if len(good) >= FEWEST else None


def compared(runs: Sequence[Run], past: Mapping[str, Sequence[Run]], at: datetime) -> list[Progress]:
    """The running runs against their jobs' past, those that need a look first, then the longest."""
    found = [Progress(run, at, usual(past.get(run.job_id, ()))) for run in runs]
    return sorted(found, key=lambda each: (not each.stuck, not each.slow, -each.seconds))


def longest(runs: Iterable[Run]) -> list[Run]:
    """Those that run longest."""
    return sorted((run for run in runs if run.start_time), key=lambda run: run.start_time)[:MOST_COMPARED]  # type: ignore[arg-type,return-value]


def late_ids(user: User, at: datetime) -> list[str]:
    """The ids of all runs that are late or stuck, in three bounded queries: what the overview counts."""
    now = running(user)
    past = history.last_runs({run.job_id for run in longest(now)})
    needing = [each.run.pk for each in compared(now, past, at) if each.stuck or each.slow]
    return [*needing, *waiting_late(user, at).values_list("pk", flat=True)[:MOST_RUNNING]]
