"""Delete what is too old by the rules of retention, in steps small enough for nobody to wait for.

Nothing goes that is still active, that an open dead letter points to, or that is the last run or the last
good run of its job; runs go only when their day has been added up. The audit trail has no rule and stays.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, models, router
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from chronos_site.schema import first_id
from jobs.models import Job
from runs import days
from runs.acknowledgements import Acknowledgement
from runs.artefacts import Artefact, Part
from runs.bulk import BulkItem, BulkOperation
from runs.models import DeadLetter, Outcome, Process, Run, RunLog
from runs.trials import Trial

# Rows that one statement looks at, and so removes, at most; of files, which are large, fewer.
CHUNK = 1000
FEW = 20
# A person is told of no more than this; and of log lines, so many of the oldest are looked at.
MOST_COUNTED = 10_000


class Step(NamedTuple):
    """The keys that go among those looked at, and after which key to look on; None at the end."""

    keys: list[Any]
    after: Any


Look = Callable[[Any, datetime], Step]

SUCCEEDED = Q(outcome=Outcome.SUCCESS)
FAILED = Q(outcome__in=[Outcome.FAILURE, Outcome.TIMEOUT])
CANCELLED = Q(outcome=Outcome.CANCELLED, skip_reason=None)
SKIPPED = Q(outcome=Outcome.CANCELLED, skip_reason__isnull=False)
CALM = Q(outcome__in=[Outcome.SUCCESS, Outcome.CANCELLED])


# What may go


def _by_id(rows: "QuerySet[Any]", after: Any, before: datetime, chunk: int = CHUNK) -> Step:
    """The next keys of rows whose ids are ULIDs, and so tell when they were made."""
    made = rows.filter(pk__gt=after or "", pk__lt=first_id(before)).order_by("pk")
    keys = list(made.values_list("pk", flat=True)[:chunk])
    return Step(keys, keys[-1] if len(keys) == chunk else None)


def _of(model: type[models.Model], too_old: Callable[[datetime], Q], chunk: int = CHUNK) -> Look:
    def look(after: Any, before: datetime) -> Step:
        rows = model._default_manager.all()
        seen = _by_id(rows, after, before, chunk)
        gone = rows.filter(too_old(before), pk__in=seen.keys)
        return Step(list(gone.values_list("pk", flat=True)), seen.after)

    return look


def _runs(which: Q) -> Look:
    def look(after: Any, before: datetime) -> Step:
        added_up = days.rolled_up_to()
        if added_up is None:
            return Step([], None)
        seen = _by_id(Run.objects.all(), after, before)
        end = min(before, days.closed_until(added_up))
        gone = Run.objects.filter(which, ~_open_letter("pk"), pk__in=seen.keys, end_time__lt=end)
        found = dict(gone.values_list("pk", "job_id"))
        needed = _last_of(set(found.values()))
        return Step([pk for pk in found if pk not in needed], seen.after)

    return look


def _open_letter(run: str) -> Exists:
    """Whether an open dead letter points to the run that this column names."""
    return Exists(DeadLetter.objects.pending().filter(run=OuterRef(run)))


def _last_of(job_ids: set[str]) -> set[str | None]:
    """The last run and the last good run of each job."""
    ran = Run.objects.filter(job=OuterRef("pk"), skip_reason=None, outcome__isnull=False)
    newest = ran.order_by("-scheduled_time", "-attempt").values("pk")
    last, good = Subquery(newest[:1]), Subquery(newest.filter(outcome=Outcome.SUCCESS)[:1])
    rows = Job.objects.filter(pk__in=job_ids).order_by().values_list(last, good)
    return {run_id for row in rows for run_id in row}


def _logs(which: Q) -> Look:
    """Of log lines, whose keys grow with time."""

    def look(after: Any, before: datetime) -> Step:
        lines = RunLog.objects.filter(pk__gt=after or 0).order_by("pk")
        seen = list(lines.values_list("pk", "run_id", "timestamp")[:CHUNK])
        run_ids = {run_id for _, run_id, _ in seen}
        runs = Run.objects.filter(which, ~_open_letter("pk"), pk__in=run_ids, end_time__lt=before)
        gone = set(runs.values_list("pk", flat=True))
        over = len(seen) < CHUNK or seen[-1][2] >= before
        return Step([pk for pk, run_id, _ in seen if run_id in gone], None if over else seen[-1][0])

    return look


def _artefacts(after: Any, before: datetime) -> Step:
    seen = _by_id(Artefact.objects.all(), after, before, FEW)
    gone = Artefact.objects.filter(~_open_letter("run"), pk__in=seen.keys)
    return Step(list(gone.values_list("pk", flat=True)), seen.after)


def _processes(after: Any, before: datetime) -> Step:
    seen = list(Process.objects.filter(pk__gt=after or "").order_by("pk")[:CHUNK])
    gone = [each.pk for each in seen if each.beat_at < before]
    return Step(gone, seen[-1].pk if len(seen) == CHUNK else None)


def _closed(before: datetime) -> Q:
    return Q(resolved_at__lt=before) & ~Q(status=DeadLetter.Status.PENDING)


def _created(before: datetime) -> Q:
    return Q(created_at__lt=before)


def _ended(before: datetime) -> Q:
    return Q(ended_at__lt=before)


def _silent(before: datetime) -> Q:
    return Q(beat_at__lt=before)


class Kind(NamedTuple):
    """Where the rows of a subject are.

    `too_old` says which go, but for what is spared; `parts` are what goes before them, by which field, how
    many at once; `needed` are those that stay though they were to go, as somebody has opened a dead letter.
    """

    model: type[models.Model]
    look: Look
    too_old: Callable[[datetime], Q]
    parts: tuple[tuple[type[models.Model], str, int], ...] = ()
    needed: Q | Exists = Q(pk__in=())

    def going(self, keys: Sequence[Any]) -> "QuerySet[Any]":
        """Those of the rows that still may go."""
        return self.model._default_manager.filter(~self.needed, pk__in=keys)


def _of_runs(which: Q) -> Kind:
    def too_old(before: datetime) -> Q:
        return which & Q(end_time__lt=before)

    parts = ((RunLog, "run", CHUNK), (Part, "artefact__run", FEW))
    return Kind(Run, _runs(which), too_old, parts, _open_letter("pk"))


def _of_lines(which: Q) -> Kind:
    return Kind(RunLog, _logs(which), lambda before: Q(timestamp__lt=before), needed=_open_letter("run"))


KINDS = {
    "PROCESSES": Kind(Process, _processes, _silent),
    "TRIALS": Kind(Trial, _of(Trial, _created), _created),
    "BULK": Kind(BulkOperation, _of(BulkOperation, _ended), _ended, ((BulkItem, "operation", CHUNK),)),
    "ACKNOWLEDGEMENTS": Kind(Acknowledgement, _of(Acknowledgement, _ended), _ended),
    "LETTERS_CLOSED": Kind(
        DeadLetter, _of(DeadLetter, _closed), _closed, needed=Q(status=DeadLetter.Status.PENDING)
    ),
    "ARTEFACTS": Kind(Artefact, _artefacts, _created, ((Part, "artefact", FEW),), _open_letter("run")),
    "LOGS_SUCCESS": _of_lines(CALM),
    "LOGS_FAILED": _of_lines(FAILED),
    "RUNS_SKIPPED": _of_runs(SKIPPED),
    "RUNS_SUCCESS": _of_runs(SUCCEEDED),
    "RUNS_CANCELLED": _of_runs(CANCELLED),
    "RUNS_FAILED": _of_runs(FAILED),
}


def steps(code: str, before: datetime) -> Iterator[list[Any]]:
    """What may go of a subject, some keys at a time, which may be none; looked for when asked for."""
    after: Any = None
    while True:
        keys, after = KINDS[code].look(after, before)
        yield keys
        if after is None:
            return


def remove(code: str, keys: Sequence[Any]) -> Iterator[int]:
    """Delete these rows and what belongs to them, one statement at a time; tells after each how many went."""
    kind = KINDS[code]
    for part, field, few in kind.parts:
        rows = part._default_manager.filter(**{f"{field}__in": kind.going(keys).values("pk")})
        while found := list(rows.order_by("pk").values_list("pk", flat=True)[:few]):
            _delete(part._default_manager.filter(pk__in=found))
            yield 0
    if keys:
        yield _delete(kind.going(keys))


def _delete(rows: "QuerySet[Any]") -> int:
    # The database itself sees to what refers to these: Django would read all of them first, with their texts.
    return int(rows._raw_delete(router.db_for_write(rows.model)))


# What a person is told before


def counted(before: dict[str, datetime]) -> dict[str, str]:
    """About how many rows of each subject would go, in one query: 1,248, or "10,000+" without counting on.

    What is spared is counted too.
    """
    samples = [_sample(code, instant) for code, instant in before.items()]
    if not samples:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(sql for sql, _ in samples), [each for _, values in samples for each in values]
        )
        return {code: f"{going:,}+" if seen > MOST_COUNTED else f"{going:,}" for code, going, seen in cursor}


def _sample(code: str, before: datetime) -> tuple[str, list[Any]]:
    """One row: the code, how many go of the first ones that are looked at, how many these are."""
    kind = KINDS[code]
    rows = kind.model._default_manager.filter(kind.too_old(before)).order_by()
    if kind.model is not RunLog:
        sql, values = rows.values("pk")[: MOST_COUNTED + 1].query.sql_with_params()
        return f"SELECT %s, COUNT(*), COUNT(*) FROM ({sql}) AS looked_at", [code, *values]  # noqa: S608
    # Lines say nothing of how their run ended.
    sql, values = rows.values("run_id")[: MOST_COUNTED + 1].query.sql_with_params()
    outcomes = ("SUCCESS", "CANCELLED") if code == "LOGS_SUCCESS" else ("FAILURE", "TIMEOUT")
    going = "COALESCE(SUM(CASE WHEN job_runs.outcome IN (%s, %s) THEN 1 ELSE 0 END), 0)"
    source = f"({sql}) AS looked_at JOIN job_runs ON job_runs.id = looked_at.run_id"
    return f"SELECT %s, {going}, COUNT(*) FROM {source}", [code, *outcomes, *values]  # noqa: S608
