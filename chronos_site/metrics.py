"""What Prometheus asks: the engine's figures, read from the database when it asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hmac import compare_digest
from threading import Lock
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from accounts.access import address
from chronos_site import __version__
from chronos_site.clock import database_now
from chronos_site.health import redis_answers
from jobs.models import Job, JobSchedule, Priority, Status
from notifications.models import Notification
from runs.models import DeadLetter, Outcome, Process, Run, RunStats
from runs.stats import COLUMNS, TOOK, WAITED
from runs.stops import Stop

# Outcomes of work that was done; what was cancelled says nothing about how long the work takes.
DONE = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT)
# An outcome is written within this of its own time, or never: older hours change no more.
CLOSED_AFTER = timedelta(hours=2)

_HERE = ("127.0.0.1", "::1", "localhost")
# What proxies say of themselves, each in its own way.
_PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")

Sums = dict[tuple[str, str], dict[str, int]]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures in Prometheus's text format, for this machine and for who has the token."""
    if not _may_read(request):
        sentence = "Metrics are for this machine, or for a bearer token: see CHRONOS_METRICS_TOKEN.\n"
        return HttpResponse(sentence, status=403, content_type="text/plain")
    registry = CollectorRegistry()
    try:
        registry.register(Engine(HISTORY))
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")


def _may_read(request: HttpRequest) -> bool:
    told = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN:
        return compare_digest(told.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return _is_from_here(request)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether it comes from this machine itself, and not from elsewhere through a proxy on it."""
    passed_on = any(name in request.headers for name in _PASSED_ON)
    name = urlsplit(f"//{request.get_host()}").hostname
    return address(request) in ("127.0.0.1", "::1") and name in _HERE and not passed_on


class History:
    """The totals of run_stats, of which this process keeps those of the hours that are over.

    They do not change any more, and there are ever more of them: only the newest hours are read each time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._closed: Sums = {}
        self._until: datetime | None = None

    def sums(self, now: datetime) -> Sums:
        """Everything that ever ended, by type and outcome, each column by its name."""
        until = now.replace(minute=0, second=0, microsecond=0) - CLOSED_AFTER
        with self._lock:
            if self._until is None or until > self._until:
                rows = RunStats.objects.filter(hour__lt=until)
                since = rows.filter(hour__gte=self._until) if self._until else rows
                self._closed, self._until = _added(self._closed, since), until
            return _added(self._closed, RunStats.objects.filter(hour__gte=self._until))


HISTORY = History()


def _added(sums: Sums, rows: QuerySet[RunStats]) -> Sums:
    total = dict(sums)
    summed = rows.values_list("type", "outcome").annotate(*map(Sum, COLUMNS))
    for kind, outcome, *columns in summed:
        before = total.get((kind, outcome), {})
        pairs = zip(COLUMNS, columns, strict=True)
        total[kind, outcome] = {name: before.get(name, 0) + int(column) for name, column in pairs}
    return total


class Engine(Collector):
    """The figures of one moment; each group of them costs one query that an index bounds."""

    def __init__(self, history: History) -> None:
        self._history = history

    def collect(self) -> Iterator[Metric]:
        now = database_now()
        yield InfoMetricFamily(
            "chronos_build",
            "What runs here.",
            {"version": __version__, "database": connection.vendor},
        )
        yield _gauge("chronos_redis_up", "1 while Redis answers.", int(redis_answers()))
        yield from _ended(self._history.sums(now))
        yield from _queue(now)
        yield from _schedules(now)
        yield from _processes(now)
        yield from _stopped()
        yield from _people()
        yield from _messages()


def _gauge(name: str, claim: str, value: float) -> Metric:
    return GaugeMetricFamily(name, claim, value)


def _by(name: str, claim: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, claim, labels=[label])
    for told, value in values.items():
        family.add_metric([told], value)
    return family


def _ended(sums: Sums) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "chronos_runs", "Runs that ended, and ticks that were skipped.", labels=["type", "outcome"]
    )
    for (kind, outcome), columns in sorted(sums.items()):
        total.add_metric([kind, outcome], columns["count"])
    yield total
    yield _histogram("chronos_run_duration_seconds", "From start to end.", sums, "took", TOOK)
    yield _histogram("chronos_run_wait_seconds", "From due to start.", sums, "waited", WAITED)


def _histogram(name: str, claim: str, sums: Sums, columns: str, bounds: dict[str, int]) -> Metric:
    family = HistogramMetricFamily(name, claim, labels=["type"])
    for kind in sorted({kind for kind, outcome in sums if outcome in DONE}):
        done = [row for (each, outcome), row in sums.items() if each == kind and outcome in DONE]

        def summed(column: str, rows: list[dict[str, int]] = done) -> int:
            return sum(row[column] for row in rows)

        buckets: list[tuple[str, float]] = [
            (str(most / 1000), summed(f"{columns}_{bound}")) for bound, most in bounds.items()
        ]
        buckets.append(("+Inf", summed("count")))
        family.add_metric([kind], buckets, summed(f"{columns}_ms") / 1000)
    return family


def _queue(now: datetime) -> Iterator[Metric]:
    due = Q(available_at__lte=now)
    counts = {
        "waiting": Count("pk"),
        "late": Count("pk", filter=due),
        "first": Min("available_at", filter=due),
    }
    rows = Run.objects.pending().values_list("priority").annotate(**counts)
    found = {rank: told for rank, *told in rows}
    queued = {each.value: found.get(each.rank, (0, 0, None)) for each in Priority}
    oldest = min((first for _, _, first in queued.values() if first), default=now)
    yield _by(
        "chronos_pending_runs",
        "Runs that have not started.",
        "priority",
        {name: count for name, (count, _, _) in queued.items()},
    )
    yield _by(
        "chronos_due_runs",
        "Runs that may start and have not.",
        "priority",
        {name: count for name, (_, count, _) in queued.items()},
    )
    yield _gauge("chronos_oldest_due_run_age_seconds", "How late the latest is.", _age(oldest, now))
    yield _gauge("chronos_running_runs", "Runs in progress.", Run.objects.running().count())


def _schedules(now: datetime) -> Iterator[Metric]:
    overdue = JobSchedule.objects.due(now).order_by().aggregate(count=Count("pk"), first=Min("next_fire_at"))
    problems = JobSchedule.objects.broken().count()
    yield _gauge("chronos_overdue_schedules", "Schedules whose tick has not fired.", overdue["count"])
    yield _gauge(
        "chronos_oldest_overdue_schedule_age_seconds",
        "How late the latest is.",
        _age(overdue["first"] or now, now),
    )
    yield _gauge("chronos_schedules_with_problem", "Schedules taken out of the plan.", problems)


def _processes(now: datetime) -> Iterator[Metric]:
    rows = Process.objects.alive(now).values_list("kind").annotate(Count("pk"), Sum("slots"), Sum("busy"))
    alive = {kind: told for kind, *told in rows}
    schedulers, _, _ = alive.get(Process.Kind.SCHEDULER, (0, 0, 0))
    workers, slots, busy = alive.get(Process.Kind.WORKER, (0, 0, 0))
    last = Process.objects.filter(kind=Process.Kind.SCHEDULER).aggregate(at=Max("beat_at"))["at"]
    yield _gauge("chronos_schedulers_alive", "Schedulers that beat.", schedulers)
    yield _gauge("chronos_workers_alive", "Workers that beat.", workers)
    yield _gauge("chronos_worker_slots", "Runs that these workers can work on.", slots)
    yield _gauge("chronos_worker_slots_busy", "Runs that they say they work on.", busy)
    if last:
        yield _gauge("chronos_scheduler_beat_age_seconds", "Since a scheduler last beat.", _age(last, now))


def _stopped() -> Iterator[Metric]:
    """What people have stopped."""
    found = list(Stop.objects.values_list("kind", "name"))
    kinds = [kind for kind, _ in found]
    yield _gauge("chronos_firing_paused", "1 while all firing is paused.", Stop.Kind.FIRING in kinds)
    yield _by(
        "chronos_queue_paused",
        "1 while no run of the queue is claimed.",
        "priority",
        {each.value: (Stop.Kind.QUEUE, each.value.lower()) in found for each in Priority},
    )
    drained = kinds.count(Stop.Kind.WORKER)
    yield _gauge("chronos_workers_drained", "Workers that were told to claim no more.", drained)


def _people() -> Iterator[Metric]:
    """What waits for people."""
    letters = DeadLetter.objects.pending().count()
    found = dict(Job.objects.values_list("status").annotate(Count("pk")))
    yield _gauge("chronos_dead_letters_pending", "Occurrences that gave up and wait for a person.", letters)
    yield _by("chronos_jobs", "Jobs.", "status", {each.value: found.get(each.value, 0) for each in Status})


def _messages() -> Iterator[Metric]:
    """What is to be told."""
    found = dict(Notification.objects.unsettled().values_list("status").annotate(Count("pk")))
    yield _gauge("chronos_messages_pending", "Messages that wait to be sent.", found.get("PENDING", 0))
    yield _gauge("chronos_messages_failed", "Messages that could not be delivered.", found.get("FAILED", 0))


def _age(then: datetime, now: datetime) -> float:
    return max((now - then).total_seconds(), 0.0)
