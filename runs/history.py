"""What lists say about the past of jobs: their last runs and how long these take."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Case, DateTimeField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Left

from chronos_site.branches import Branch, compiled_together, values_together
from chronos_site.statements import Slot
from jobs.models import Job, JobQuerySet, Status
from runs.models import Outcome, Run, RunQuerySet

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
_NO_JOB = Value("")
NO_TIME = Cast(Value(None), DateTimeField())
_ERROR_START = 300
BROKEN = (Outcome.FAILURE, Outcome.TIMEOUT)
# How far back, counted in runs, the newest ends of an outcome are looked through.
MOST_ENDS = 2000


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


def _newest(job_ids: list[str], count: int) -> list[Run]:
    # One limited branch a job: each reads `count` entries off the end of the index over (job,
    # scheduled_time, attempt), however many runs the job has. A window function would number all
    # of them first; a LIMIT inside IN is unknown to MariaDB. The branches differ in the id alone.
    return _branch(count).each(job_ids)


@cache
def _branch(count: int) -> Branch[Run]:
    newest = Run.objects.filter(job=Slot(0)).order_by("-scheduled_time", "-attempt")
    return Branch.of(newest.values(*_COLUMNS, error_start=Left("error_message", _ERROR_START))[:count])


@dataclass(frozen=True)
class Ended:
    """The first success at or after a failure; `same` where it was a later attempt of the same occurrence."""

    good: Run
    same: bool


def successes_after(failed: Iterable[str]) -> dict[str, Ended]:
    """The first success of its job since each of these failed runs, by the failed run's id, in one query.

    Where none came there is no entry. The runs carry their ids, times, attempt and outcome.
    """
    ids = list(failed)
    if not ids:
        return {}
    found = _first_success().each(ids)
    return {getattr(run, "failed", ""): Ended(run, bool(getattr(run, "same", False))) for run in found}


@cache
def _first_success() -> Branch[Run]:
    # One limited branch a failed run: each goes up the index over (job, scheduled_time) from its tick.
    failed = Run.objects.filter(pk=Slot(0))
    since = Subquery(failed.values("scheduled_time"))
    later = Run.objects.filter(
        job=Subquery(failed.values("job")), scheduled_time__gte=since, outcome=Outcome.SUCCESS
    )
    told = later.order_by("scheduled_time", "attempt").values(
        "id",
        "job_id",
        "scheduled_time",
        "end_time",
        "attempt",
        "outcome",
        failed=Subquery(failed.values("pk")),
        same=Case(When(scheduled_time=since, then=Value(1)), default=Value(0)),
    )
    return Branch.of(told[:1])


def of_job(job: Job, count: int) -> list[Run]:
    """The newest runs of one job, newest first, with what charts need and, of skipped ticks, `why`."""
    return _of_job(job, count=count)


@compiled_together
def _of_job(job: Job, *, count: int) -> list[QuerySet[Run, Any]]:
    why = Case(When(skip_reason__isnull=False, then=Left("error_message", _ERROR_START)))
    runs = Run.objects.filter(job=job).values(*_COLUMNS, why=why)
    return [runs.order_by("-scheduled_time", "-attempt")[:count]]


def last_ended(runs: Iterable[Run]) -> Run | None:
    """The newest run that really ran to its end: skipped ticks say nothing about the job's health."""
    return next((run for run in reversed(list(runs)) if run.outcome and not run.skip_reason), None)


def occurrences(runs: Iterable[Run]) -> list[Run]:
    """The last attempt of each occurrence that ran to its end, in the order of the runs."""
    ended = (run for run in runs if run.outcome and not run.skip_reason)
    return list({run.scheduled_time: run for run in ended}.values())


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
    """Those of the jobs whose last run that really ended failed or timed out; see `ended_last`."""
    # Nothing is ahead of a job that has failed for good: its status says what its last run would.
    return jobs.alias(last_outcome=_last_outcome()).filter(
        Q(status=Status.FAILED) | Q(last_outcome__in=BROKEN)
    )


def ended_last(jobs: JobQuerySet, outcomes: Iterable[str]) -> JobQuerySet:
    """Those of the jobs whose last run that really ended did so with one of the outcomes.

    It looks at the last run of each job: ask it about few, as `Ends.suspects` finds them.
    """
    return jobs.alias(last_outcome=_last_outcome()).filter(last_outcome__in=list(outcomes))


def _last_outcome() -> Subquery:
    last = Run.objects.filter(job=OuterRef("pk"), skip_reason=None).ended()
    return Subquery(last.order_by("-scheduled_time", "-attempt").values("outcome")[:1])


_STATUS_AFTER = {
    Outcome.SUCCESS: Status.SUCCEEDED,
    Outcome.FAILURE: Status.FAILED,
    Outcome.TIMEOUT: Status.FAILED,
    Outcome.CANCELLED: Status.CANCELLED,
}


@dataclass(frozen=True)
class Ends:
    """The jobs of everyone's newest runs with some outcomes, failures unless said otherwise.

    `since` is since when these are all there were; None for ever. A compiled query has a slot for the ids.
    """

    job_ids: Collection[str]
    since: datetime | None = None
    outcomes: tuple[Outcome, ...] = BROKEN

    def suspects(self, jobs: JobQuerySet) -> JobQuerySet:
        """Those of the jobs whose last run may have ended so."""
        # Jobs with nothing ahead keep their status, however long ago they ended.
        ended = {_STATUS_AFTER[outcome] for outcome in self.outcomes}
        return jobs.filter(Q(pk__in=self.job_ids) | Q(status__in=ended))


def newest_ends(outcomes: tuple[Outcome, ...], count: int = MOST_ENDS) -> Ends:
    """What ended last with these outcomes, read off the end of an index, in one query."""
    newest = [_newest_ended(Run.objects.all(), outcome) for outcome in outcomes]
    # Only the last of each is asked when it ended: to make instants of thousands takes longer than the rest.
    ends = [runs.values_list("job_id", NO_TIME)[:count] for runs in newest]
    ends += [runs.values_list(_NO_JOB, "end_time")[count - 1 : count] for runs in newest]
    rows = values_together(ends)
    since = max((end for _, end in rows if end), default=None)
    return Ends(frozenset(job_id for job_id, _ in rows if job_id), since, outcomes)


def _newest_ended(runs: RunQuerySet, outcome: str) -> RunQuerySet:
    return runs.filter(outcome=outcome, end_time__isnull=False).order_by("-end_time")


@dataclass(frozen=True)
class Errors:
    """How the last failure of each job begins, by job; and since when these are all there were."""

    starts: dict[str, str]
    since: datetime | None = None

    def saying(self, text: str) -> list[str]:
        """The ids of the jobs whose last failure begins with words that hold the text, in any case."""
        wanted = text.casefold()
        return [job_id for job_id, start in self.starts.items() if wanted in start.casefold()]


def newest_errors(runs: RunQuerySet, count: int = MOST_ENDS) -> Errors:
    """The errors of the newest failures among the runs, each with its class, one query an outcome."""
    found: dict[str, tuple[datetime, str]] = {}
    limits: list[datetime] = []
    for outcome in BROKEN:
        told = _newest_ended(runs, outcome).values_list(
            "job_id", "end_time", "error_class", Left("error_message", _ERROR_START)
        )
        rows = [
            (job_id, end, f"{kind or ''} {start or ''}") for job_id, end, kind, start in told[:count] if end
        ]
        for job_id, end, start in rows:
            if job_id not in found or found[job_id][0] < end:
                found[job_id] = (end, start)
        limits += [end for _, end, _ in rows[count - 1 :]]
    return Errors({job_id: start for job_id, (_, start) in found.items()}, max(limits, default=None))
