"""The newest ended runs of each outcome, read off the end of the index and no further."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Value

from accounts.models import User
from dashboard.branches import together
from runs.models import Outcome, Run

HOUR = timedelta(hours=1)
MOST_DONE, MOST_FAILED = 250, 250
# People who see their own jobs only: their failures stand between everyone's, so the search ends somewhere.
FAILURES_BACK = timedelta(days=1)
_COLUMNS = ("id", "job_id", "start_time", "end_time", "available_at", "outcome", "duration_ms")


@dataclass(frozen=True)
class Lately:
    """Runs that succeeded within the hour and runs that failed, newest first.

    They carry what a chart needs, the failed ones `job_name` too; reading another column costs a query.
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
    visible = Run.objects.visible_to(user)
    failures_since = {} if user.is_operator else {"end_time__gte": at - FAILURES_BACK}
    branches = [
        visible.filter(outcome=Outcome.SUCCESS, end_time__gte=at - HOUR)
        .order_by("-end_time")
        .values(*_COLUMNS, job_name=Value(""))[:MOST_DONE],
        *(
            visible.filter(outcome=outcome, end_time__isnull=False, **failures_since)
            .order_by("-end_time")
            .values(*_COLUMNS, job_name=F("job__name"))[:MOST_FAILED]
            for outcome in (Outcome.FAILURE, Outcome.TIMEOUT)
        ),
    ]
    runs = list(together(branches))
    failed = [run for run in runs if run.outcome != Outcome.SUCCESS]
    failed.sort(key=_end, reverse=True)
    return Lately(
        done=[run for run in runs if run.outcome == Outcome.SUCCESS],
        # No more than one outcome's share: older ones of the rarer outcome would hide gaps in the other.
        failed=failed[:MOST_FAILED],
    )


def _end(run: Run) -> datetime:
    return run.end_time or run.scheduled_time


def job_name(run: Run) -> str:
    """The name of a failed run's job."""
    name: str = getattr(run, "job_name", "")
    return name
