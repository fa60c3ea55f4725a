"""What is late or takes too long: the measures, and the runs that exceed them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from runs import history
from runs.history import Durations
from runs.models import Outcome, Run, RunQuerySet

LATE_AFTER = timedelta(seconds=60)
FAR_OVER = 3
# How many earlier runs it takes to call something usual.
FEWEST = 3


def waiting(runs: RunQuerySet, at: datetime) -> RunQuerySet:
    """Those that may start and have not for a minute."""
    return runs.pending().filter(available_at__lt=at - LATE_AFTER)


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
