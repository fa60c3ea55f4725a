"""Totals a job and day: what heat maps show, also after the runs themselves are gone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models.constants import OnConflict
from django.db.models.functions import Coalesce, TruncDate
from django.utils.translation import gettext_lazy as _

from chronos_site import rows
from chronos_site.schema import SeedIndex, cascade
from chronos_site.statements import compiled
from jobs.models import Job
from runs.models import Outcome, Run

DAY = timedelta(days=1)
# An outcome is written within this of its own time, or never.
CLOSED_AFTER = timedelta(hours=1)


class JobDay(models.Model):
    """Totals of one job's runs that ended on one day (UTC); they outlive the runs."""

    job = models.ForeignKey(Job, on_delete=cascade, related_name="days", db_index=False)
    day = models.DateField()
    succeeded = models.PositiveIntegerField(default=0, db_default=0)
    failed = models.PositiveIntegerField(default=0, db_default=0)
    timed_out = models.PositiveIntegerField(default=0, db_default=0)
    cancelled = models.PositiveIntegerField(default=0, db_default=0)
    skipped = models.PositiveIntegerField(default=0, db_default=0)
    took_ms = models.BigIntegerField(
        default=0, db_default=0, help_text=_("Of those that succeeded, together.")
    )
    slowest_ms = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "job_days"
        constraints = [models.UniqueConstraint(fields=["job", "day"], name="uniq_job_days")]
        indexes = [SeedIndex(fields=["day"], name="idx_job_days_day")]

    def __str__(self) -> str:
        return f"{self.job_id} on {self.day}"

    @property
    def broken(self) -> int:
        return self.failed + self.timed_out

    @property
    def ended(self) -> int:
        """The runs that succeeded or failed: what was cancelled or skipped says nothing about the job."""
        return self.succeeded + self.broken

    @property
    def total(self) -> int:
        return self.ended + self.cancelled + self.skipped


def of_job(job: Job, first: date, closed: date | None) -> dict[date, JobDay]:
    """The job's days from `first` on: totals up to the day `closed`, and what has ended since then.

    Of a run that was due long before the last closed day, as those of a backfill are, the totals tell once
    its day is closed.
    """
    begin = closed_until(max(closed, first - DAY) if closed else first - DAY)
    live = [JobDay(job=job, **totals) for totals in _live(job, begin - DAY, begin)]
    return {each.day: each for each in [*_added_up(job, first), *live]}


@compiled
def _added_up(job: Job, first: date) -> models.QuerySet[JobDay]:
    return JobDay.objects.filter(job=job, day__gte=first)


@compiled
def _live(job: Job, due_since: datetime, ended_since: datetime) -> "models.QuerySet[Run, Any]":
    # By the index over the job and its ticks; none knows a job's ends.
    ended = Run.objects.filter(job=job, scheduled_time__gte=due_since, end_time__gte=ended_since)
    days = ended.annotate(day=TruncDate("end_time", tzinfo=UTC)).order_by("day").values("day")
    return days.annotate(**_TALLY)


def _how_many(**those: Any) -> models.Count:
    return models.Count("pk", filter=models.Q(**those))


_TALLY = {
    "succeeded": _how_many(outcome=Outcome.SUCCESS),
    "failed": _how_many(outcome=Outcome.FAILURE),
    "timed_out": _how_many(outcome=Outcome.TIMEOUT),
    "cancelled": _how_many(outcome=Outcome.CANCELLED, skip_reason=None),
    "skipped": Coalesce(models.Sum(Coalesce("skipped_count", 1), filter=~models.Q(skip_reason=None)), 0),
}


def rolled_up_to() -> date | None:
    """The last day whose totals are there, and with it all days before; None while there is none."""
    last: date | None = JobDay.objects.aggregate(last=models.Max("day"))["last"]
    return last


# The same for a query that asks for something else.
ROLLED_UP_TO = models.Subquery(JobDay.objects.order_by("-day").values("day")[:1])


def closed_until(day: date) -> datetime:
    """The instant at which the day (UTC) is over."""
    return datetime.combine(day + DAY, time.min, tzinfo=UTC)


def roll_up(at: datetime) -> date | None:
    """Add up the first closed day that is not, one statement; gives the day, None when there is none.

    A day without runs has no rows and needs none.
    """
    last = rolled_up_to()
    first = _first_end(closed_until(last) if last else None)
    if first is None or closed_until(first.date()) + CLOSED_AFTER > at:
        return None
    _add_up(first.date())
    return first.date()


def _first_end(since: datetime | None) -> datetime | None:
    """When the first run ended, since then if asked: a look at one end of an index for each outcome."""
    ends = (
        Run.objects.filter(outcome=outcome, **({"end_time__gte": since} if since else {})).aggregate(
            first=models.Min("end_time")
        )["first"]
        for outcome in Outcome.values
    )
    return min((end.astimezone(UTC) for end in ends if end), default=None)


# Our own names; every value is bound.
_TOTALS = """
SELECT job_id, %s,
    SUM(CASE WHEN outcome = 'SUCCESS' THEN 1 ELSE 0 END),
    SUM(CASE WHEN outcome = 'FAILURE' THEN 1 ELSE 0 END),
    SUM(CASE WHEN outcome = 'TIMEOUT' THEN 1 ELSE 0 END),
    SUM(CASE WHEN outcome = 'CANCELLED' AND skip_reason IS NULL THEN 1 ELSE 0 END),
    SUM(CASE WHEN skip_reason IS NOT NULL THEN COALESCE(skipped_count, 1) ELSE 0 END),
    SUM(CASE WHEN outcome = 'SUCCESS' THEN COALESCE(duration_ms, 0) ELSE 0 END),
    MAX(CASE WHEN outcome = 'SUCCESS' THEN COALESCE(duration_ms, 0) ELSE 0 END)
FROM job_runs
WHERE outcome IN ('SUCCESS', 'FAILURE', 'TIMEOUT', 'CANCELLED') AND end_time >= %s AND end_time < %s
GROUP BY job_id
"""
_COLUMNS = "job_id, day, succeeded, failed, timed_out, cancelled, skipped, took_ms, slowest_ms"


@transaction.atomic
def _add_up(day: date) -> None:
    # Another scheduler may be about to do the same: the first one's rows stay.
    verb = connection.ops.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = connection.ops.on_conflict_suffix_sql([], OnConflict.IGNORE, [], [])
    end = closed_until(day)
    values = [connection.ops.adapt_datefield_value(day), rows.stored(end - DAY), rows.stored(end)]
    with connection.cursor() as cursor:
        cursor.execute(f"{verb} job_days ({_COLUMNS}) {_TOTALS} {suffix}", values)
