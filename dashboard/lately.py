"""The newest ended runs of each outcome, read off the end of the index and no further."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet, Value

from accounts.models import User
from chronos_site.branches import compiled_together
from runs.history import NO_TIME
from runs.models import Outcome, Run

HOUR = timedelta(hours=1)
MOST_DONE, MOST_FAILED = 200, 200
# People who see their own jobs only: their failures stand between everyone's, so the search ends somewhere.
FAILURES_BACK = timedelta(days=1)
_COLUMNS = ("id", "job_id", "end_time", "outcome", "duration_ms")


@dataclass(frozen=True)
class Lately:
    """Runs that succeeded within the hour and runs that failed, newest first.

    They carry what a chart needs; the others' columns are not read, for instants are what costs most. The
    failed ones carry `job_name`, the others `ready_at` and `began_at`.
    """

    done: list[Run]
    failed: list[Run]

    @property
    def done_since(self) -> datetime | None:
        """Since when all successes are here, where they are more than were read; None for the whole hour."""
        return self.done[-1].end_time if len(self.done) >= MOST_DONE else None

    @property
    def failed_since(self) -> datetime | None:
        """Since when all failures are here, where they are more than were read; None for ever."""
        return self.failed[-1].end_time if len(self.failed) >= MOST_FAILED else None


def lately(user: User, at: datetime) -> Lately:
    """What ended lately of the jobs that the person may see, in one query."""
    runs = _ended(user, at - HOUR, at - FAILURES_BACK)
    failed = [run for run in runs if run.outcome != Outcome.SUCCESS]
    failed.sort(key=_end, reverse=True)
    return Lately(
        done=[run for run in runs if run.outcome == Outcome.SUCCESS],
        # No more than one outcome's share: older ones of the rarer outcome would hide gaps in the other.
        failed=failed[:MOST_FAILED],
    )


@compiled_together
def _ended(user: User, done_since: datetime, failed_since: datetime) -> list[QuerySet[Run, Any]]:
    visible = Run.objects.visible_to(user)
    back = {} if user.is_operator else {"end_time__gte": failed_since}
    return [
        visible.filter(outcome=Outcome.SUCCESS, end_time__gte=done_since)
        .order_by("-end_time")
        .values(*_COLUMNS, ready_at=F("available_at"), began_at=F("start_time"), job_name=Value(""))[
            :MOST_DONE
        ],
        *(
            visible.filter(outcome=outcome, end_time__isnull=False, **back)
            .order_by("-end_time")
            .values(*_COLUMNS, ready_at=NO_TIME, began_at=NO_TIME, job_name=F("job__name"))[:MOST_FAILED]
            for outcome in (Outcome.FAILURE, Outcome.TIMEOUT)
        ),
    ]


def _end(run: Run) -> datetime:
    return run.end_time or run.scheduled_time


def job_name(run: Run) -> str:
    """The name of a failed run's job."""
    name: str = getattr(run, "job_name", "")
    return name


def start_lag(run: Run) -> timedelta | None:
    """How long a successful run was ready before it began."""
    # As the driver gives them, without a zone on some databases: only their difference means something.
    ready: datetime | None = getattr(run, "ready_at", None)
    began: datetime | None = getattr(run, "began_at", None)
    return began - ready if ready and began else None
