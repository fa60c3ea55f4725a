"""What lists say about the past of jobs: their last runs and how long these take."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import router
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Left
from django.db.models.query import RawQuerySet

from jobs.models import JobQuerySet, Status
from runs.models import Outcome, Run

_COLUMNS = (
    "id",
    "job_id",
    "scheduled_time",
    "start_time",
    "end_time",
    "attempt",
    "outcome",
    "duration_ms",
    "trigger",
    "error_class",
    "skip_reason",
    "skipped_count",
)
_ERROR_START = 300
BROKEN = (Outcome.FAILURE, Outcome.TIMEOUT)


def last_runs(job_ids: Iterable[str], count: int = 20) -> dict[str, list[Run]]:
    """The newest runs of each job, oldest first, in one query; a job without runs has an empty list.

    The runs carry what a mark and a row need, and `error_start`, the beginning of the error message; reading
    a column beyond that costs a query.
    """
    runs: dict[str, list[Run]] = {job_id: [] for job_id in job_ids}
    if not runs:
        return runs
    for run in _newest(list(runs), count):
        runs[run.job_id].append(run)
    for past in runs.values():
        past.sort(key=lambda run: (run.scheduled_time, run.attempt))
    return runs


def _newest(job_ids: list[str], count: int) -> "RawQuerySet[Run]":
    # One limited branch a job: each reads `count` entries off the end of the index over (job,
    # scheduled_time, attempt), however many runs the job has. A window function would number all
    # of them first. LATERAL does the same on PostgreSQL alone; a LIMIT inside IN is unknown to
    # MariaDB, and SQLite wants each branch wrapped. The branches differ in the id alone, so the ORM
    # compiles the first one for all.
    database = router.db_for_read(Run)
    newest = (
        Run.objects.filter(job=job_ids[0])
        .order_by("-scheduled_time", "-attempt")
        .values(*_COLUMNS, error_start=Left("error_message", _ERROR_START))[:count]
    )
    sql, values = newest.query.get_compiler(database).as_sql()
    branch = f"SELECT * FROM ({sql}) AS newest"  # noqa: S608 (compiled by the ORM, its values are bound)
    params = [job_id if value == job_ids[0] else value for job_id in job_ids for value in values]
    return Run.objects.raw(" UNION ALL ".join([branch] * len(job_ids)), params, using=database)


def last_ended(runs: Iterable[Run]) -> Run | None:
    """The newest run that really ran to its end: skipped ticks say nothing about the job's health."""
    return next((run for run in reversed(list(runs)) if run.outcome and not run.skip_reason), None)


@dataclass(frozen=True)
class Durations:
    """The usual and the slow duration, in milliseconds."""

    p50: int
    p95: int


def durations(runs: Iterable[Run]) -> Durations | None:
    """How long those of the runs took that succeeded, by nearest rank; None when none did."""
    took = sorted(
        run.duration_ms for run in runs if run.outcome == Outcome.SUCCESS and run.duration_ms is not None
    )
    return Durations(_rank(took, 50), _rank(took, 95)) if took else None


def _rank(ordered: list[int], percent: int) -> int:
    return ordered[-(-len(ordered) * percent // 100) - 1]


def failing(jobs: JobQuerySet) -> JobQuerySet:
    """Those of the jobs whose last run that really ended failed or timed out.

    It looks at the last run of each job: ask it about few, as `Failures.suspects` finds them.
    """
    last = (
        Run.objects.filter(job=OuterRef("pk"), skip_reason=None)
        .ended()
        .order_by("-scheduled_time", "-attempt")
        .values("outcome")[:1]
    )
    return jobs.alias(last_outcome=Subquery(last)).filter(last_outcome__in=BROKEN)


@dataclass(frozen=True)
class Failures:
    """The jobs of everyone's newest failures, and since when these are all there were; None for ever."""

    job_ids: frozenset[str]
    since: datetime | None = None

    def suspects(self, jobs: JobQuerySet) -> JobQuerySet:
        """Those of the jobs that may be failing."""
        return jobs.filter(Q(pk__in=self.job_ids) | Q(status=Status.FAILED))


def newest_failures(count: int = 2000) -> Failures:
    """What failed last, read off the end of an index, one query an outcome."""
    job_ids: set[str] = set()
    limits: list[datetime] = []
    for outcome in BROKEN:
        ended = Run.objects.filter(outcome=outcome, end_time__isnull=False).order_by("-end_time")
        rows = list(ended.values_list("job_id", "end_time")[:count])
        job_ids.update(job_id for job_id, _ in rows)
        limits += [end for _, end in rows[count - 1 :] if end]
    return Failures(frozenset(job_ids), max(limits, default=None))
