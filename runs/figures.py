"""Figures for reports: what Chronos's own books say, as the owner of the report's job may see it."""

import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import Error, connection, connections
from django.db.models import Avg, Case, Count, F, Max, Min, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Left

from accounts.models import User
from chronos_site.clock import database_now
from jobs.executors.base import ExecutionError
from jobs.models import Job, JobQuerySet
from runs.history import BROKEN
from runs.models import PENDING, DeadLetter, Outcome, Run, RunQuerySet
from runs.stats import SKIPPED

LATE_AFTER = timedelta(seconds=60)
# What one question may bring; who wants more asks again for what comes after.
MOST_ROWS = 2_000
TEXT_START = 2_000

# As Context.closing: what keeps a function that ends the work, for the time of a block.
Closing = Callable[[Callable[[], object]], AbstractContextManager[Any]]
Rows = list[dict[str, Any]]
Ask = Callable[..., Rows]


def reader(job_id: str) -> Ask:
    """What answers `figures(name, **asked)` for a run of the job, from whatever thread asks.

    Each answer is of at most MOST_ROWS rows, read by one query whose cost is bounded by the window or
    the page that was asked for. While it is read, `closing` holds what ends it from another thread.
    Raises ExecutionError where the name or the job is unknown, and where the database gives no answer.
    """
    return partial(_answer, partial(_asker_of_job, job_id))


def trial_reader(owner_id: int, timezone: str) -> Ask:
    """The same for a definition that is tried before there is a job of it."""
    return partial(_answer, partial(_asker_of_trial, owner_id, timezone))


class _Asker(NamedTuple):
    """Whose figures are asked for, and by whose clock."""

    owner: User
    timezone: str


def _answer(find: Callable[[], _Asker], name: str, *, closing: Closing = nullcontext, **asked: Any) -> Rows:
    try:
        connection.ensure_connection()
        with closing(partial(_wake, connection.vendor, connection.connection)):
            return _figures(name, find(), asked)
    except Error as error:
        raise ExecutionError("REPORT_ERROR", f"Chronos's own database gave no figures: {error}") from error
    finally:
        _hang_up()


def _wake(vendor: str, raw: Any) -> None:
    # It may be closed by now, for which each driver has its own error: then nobody waits any more.
    with suppress(Exception):
        _WAKE[vendor](raw)


_WAKE: dict[str, Callable[[Any], object]] = {
    "sqlite": lambda raw: raw.interrupt(),
    "postgresql": lambda raw: raw.cancel_safe(timeout=1),
    # MariaDB's driver knows no way to say that the answer is not wanted any more.
    "mysql": lambda raw: raw._sock.shutdown(socket.SHUT_RDWR),
}


def _asker_of_job(job_id: str) -> _Asker:
    job = Job.objects.select_related("owner", "schedule").filter(pk=job_id).first()
    if job is None:
        raise ExecutionError(
            "REPORT_ERROR", "The job of this report is gone, and with it whose figures to read."
        )
    return _Asker(job.owner, job.schedule.timezone or "UTC")


def _asker_of_trial(owner_id: int, timezone: str) -> _Asker:
    return _Asker(User.objects.get(pk=owner_id), timezone)


def _figures(name: str, asker: _Asker, asked: Mapping[str, Any]) -> Rows:
    if name == "zone":
        return [{"timezone": asker.timezone}]
    if name not in _READERS:
        raise ExecutionError("REPORT_ERROR", f"There are no figures about {name}.")
    return _READERS[name](asker.owner, **asked)


def _hang_up() -> None:
    """Close this thread's connections: its next user may come in hours or never.

    A transaction is somebody else's, who asks in his own thread and goes on.
    """
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close()


@dataclass(frozen=True)
class _Window:
    """The runs that were due from one instant to before another."""

    since: datetime
    until: datetime

    def of(self, runs: RunQuerySet) -> RunQuerySet:
        return runs.filter(scheduled_time__gte=self.since, scheduled_time__lt=self.until)


def _ended(owner: User, *, since: datetime, until: datetime) -> Rows:
    """How the runs that were due in the window ended, by type and outcome; skipped ticks apart.

    The sums are those of the view `execution_stats`, of a window that an index can find.
    """
    runs = _Window(since, until).of(Run.objects.visible_to(owner)).ended()
    found: Any = runs.values(type=F("job__type"), ended=_HOW_IT_ENDED).annotate(
        runs=Sum(Coalesce("skipped_count", 1)),
        average_ms=Avg("duration_ms"),
        shortest_ms=Min("duration_ms"),
        longest_ms=Max("duration_ms"),
    )
    return list(found.order_by("type", "ended"))


_SKIPPED = Q(skip_reason__isnull=False)
_HOW_IT_ENDED = Case(When(_SKIPPED, then=Value(SKIPPED)), default=F("outcome"))


def _jobs(
    owner: User, *, since: datetime, until: datetime, after: tuple[str, str] | None = None, most: int = 500
) -> Rows:
    """Jobs in the order of their names, with their runs that were due in the window and how they last ended.

    `after` is the name and the id of the last row of the page before.
    """
    page = _page(Job.objects.visible_to(owner), after)[: min(most, MOST_ROWS)]
    jobs = list(
        page.values(
            "id",
            "name",
            "type",
            "status",
            "priority",
            owner_email=F("owner__email"),
            schedule_type=F("schedule__schedule_type"),
            run_at=F("schedule__run_at"),
            cron_expression=F("schedule__cron_expression"),
            interval_seconds=F("schedule__interval_seconds"),
            timezone=F("schedule__timezone"),
            next_run=F("schedule__next_fire_at"),
            last_run=_last_ended("end_time"),
            last_outcome=_last_ended("outcome"),
        )
    )
    counted = _counted([job["id"] for job in jobs], _Window(since, until))
    return [{**job, **counted.get(job["id"], _NO_RUNS)} for job in jobs]


def _page(jobs: JobQuerySet, after: tuple[str, str] | None) -> JobQuerySet:
    ordered = jobs.order_by("name", "id")
    if after is None:
        return ordered
    name, pk = after
    # The first condition alone lets the index find the place.
    return ordered.filter(Q(name__gt=name) | Q(name=name, id__gt=pk), name__gte=name)


def _last_ended(column: str) -> Subquery:
    runs = Run.objects.filter(job=OuterRef("pk"), skip_reason=None).ended()
    return Subquery(runs.order_by("-scheduled_time", "-attempt").values(column)[:1])


def _counted(job_ids: list[str], window: _Window) -> dict[str, dict[str, Any]]:
    """The runs of each of the jobs in the window, by outcome."""
    ran = Q(skip_reason=None)
    counts: dict[str, Any] = {
        name: Count("pk", filter=ran & Q(outcome=outcome)) for name, outcome in _COUNTED.items()
    }
    runs = window.of(Run.objects.filter(job_id__in=job_ids)).values("job_id")
    found: Any = runs.annotate(
        **counts,
        runs=Count("pk", filter=ran),
        skipped=Coalesce(Sum(Coalesce("skipped_count", 1), filter=_SKIPPED), 0),
        average_ms=Avg("duration_ms", filter=ran),
    )
    return {row.pop("job_id"): row for row in found}


_COUNTED = {
    "succeeded": Outcome.SUCCESS,
    "failed": Outcome.FAILURE,
    "timed_out": Outcome.TIMEOUT,
    "cancelled": Outcome.CANCELLED,
}
_NO_RUNS = {**dict.fromkeys([*_COUNTED, "runs", "skipped"], 0), "average_ms": None}


def _late_and_failed(
    owner: User,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, str] | None = None,
    most: int = MOST_ROWS,
) -> Rows:
    """Runs due in the window that failed, timed out, or started or wait late, the latest first."""
    now = database_now()
    wrong = Q(outcome__in=BROKEN) | Q(start_time__gt=F("available_at") + LATE_AFTER)
    waiting = PENDING & Q(available_at__lt=now - LATE_AFTER)
    runs = _Window(since, until).of(Run.objects.visible_to(owner)).filter(wrong | waiting, skip_reason=None)
    rows = _newest(runs, "scheduled_time", after, most).values(
        "id",
        "job_id",
        "scheduled_time",
        "available_at",
        "start_time",
        "attempt",
        "outcome",
        "duration_ms",
        "error_class",
        job_name=F("job__name"),
        type=F("job__type"),
        error=Left("error_message", TEXT_START),
    )
    return [{**row, "late_ms": _late_ms(row, now)} for row in rows]


def _late_ms(row: Mapping[str, Any], now: datetime) -> int | None:
    """How long the run was ready before it started, or has been; None where that was soon enough."""
    if row["available_at"] is None or (row["start_time"] is None and row["outcome"]):
        return None
    waited = (row["start_time"] or now) - row["available_at"]
    return round(waited / timedelta(milliseconds=1)) if waited > LATE_AFTER else None


def _dead_letters(
    owner: User,
    *,
    since: datetime,
    until: datetime,
    after: tuple[datetime, str] | None = None,
    most: int = MOST_ROWS,
) -> Rows:
    """Dead letters that came up in the window, the newest first."""
    events = DeadLetter.objects.visible_to(owner).filter(created_at__gte=since, created_at__lt=until)
    return list(
        _newest(events, "created_at", after, most).values(
            "id",
            "job_id",
            "run_id",
            "created_at",
            "status",
            "signature",
            "resolved_at",
            "replays",
            job_name=F("job__name"),
            type=F("job__type"),
            reason=Left("failure_reason", TEXT_START),
            notes=Left("resolution_notes", TEXT_START),
        )
    )


def _newest(rows: Any, column: str, after: tuple[datetime, str] | None, most: int) -> Any:
    """The newest rows after those of the page before, whose last one's instant and id are `after`."""
    if after:
        at, pk = after
        earlier = Q(**{f"{column}__lt": at}) | Q(**{column: at}, id__lt=pk)
        # The second condition alone lets the index find the place.
        rows = rows.filter(earlier, **{f"{column}__lte": at})
    return rows.order_by(f"-{column}", "-id")[: min(most, MOST_ROWS)]


def _letters(owner: User, *, since: datetime, until: datetime) -> Rows:
    """The dead letters that came up in the window, counted by status."""
    events = DeadLetter.objects.visible_to(owner).filter(created_at__gte=since, created_at__lt=until)
    counted: Any = events.values("status").annotate(events=Count("pk"))
    return list(counted.order_by("status"))


_READERS: dict[str, Ask] = {
    "ended": _ended,
    "jobs": _jobs,
    "late_and_failed": _late_and_failed,
    "dead_letters": _dead_letters,
    "letters": _letters,
}
