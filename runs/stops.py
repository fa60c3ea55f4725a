"""What people have stopped: all firing, a queue, a worker."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.schema import SeedIndex, set_null
from jobs.models import JobSchedule
from runs.models import Process
from runs.ring import QUEUES, ring

RANKS: Mapping[str, int] = {name: rank for rank, name in QUEUES.items()}
NAME_LIMIT = 100
# What a person who stops all firing is told of.
SOON = timedelta(hours=1)


class StopQuerySet(models.QuerySet["Stop"]):
    def of_all(self) -> Self:
        """Those that concern everyone."""
        return self.exclude(kind=Stop.Kind.WORKER)

    def firing(self) -> Self:
        return self.filter(kind=Stop.Kind.FIRING)

    def queues(self) -> Self:
        return self.filter(kind=Stop.Kind.QUEUE)

    def workers(self) -> Self:
        return self.filter(kind=Stop.Kind.WORKER)


class Stop(models.Model):
    """What a person has stopped until somebody lets it go on: all firing, one queue, one worker.

    `name` is the queue's, or that of the worker's process; empty for firing.
    """

    class Kind(models.TextChoices):
        FIRING = "FIRING", "Firing"
        QUEUE = "QUEUE", "Queue"
        WORKER = "WORKER", "Worker"

    kind = models.CharField(max_length=20, choices=Kind)
    name = models.CharField(max_length=100, blank=True, default="")
    since = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=255, blank=True, default="")

    objects = StopQuerySet.as_manager()

    class Meta:
        db_table = "stops"
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="uniq_stops")]
        indexes = [SeedIndex(fields=["by"], name="idx_stops_by")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


class NotSo(Exception):
    """It is stopped already, or was not; `str()` is the sentence for the person."""


# What the machine asks


class Open(NamedTuple):
    """What one worker may claim: the ranks of the queues that are not stopped, most urgent first.

    A worker that is drained may claim nothing at all.
    """

    ranks: tuple[int, ...]
    drained: bool

    @property
    def whole(self) -> bool:
        return len(self.ranks) == len(RANKS)


_OPEN = "SELECT kind, name FROM stops WHERE kind = 'QUEUE' OR (kind = 'WORKER' AND name = %s)"


def firing_stopped() -> bool:
    return Stop.objects.firing().exists()


def open_to(worker: str) -> Open:
    """What is open to the worker, in one look at a table that nearly always is empty."""
    with connection.cursor() as cursor:
        # Asked at every claim: the ORM would take several times as long to ask as the database to answer.
        cursor.execute(_OPEN, [_told(worker)])
        found = cursor.fetchall()
    closed = {name for kind, name in found if kind == Stop.Kind.QUEUE}
    ranks = tuple(sorted(rank for name, rank in RANKS.items() if name not in closed))
    return Open(ranks, drained=any(kind == Stop.Kind.WORKER for kind, _ in found))


def is_drained(worker: str) -> bool:
    return open_to(worker).drained


def closed_ranks() -> set[int]:
    return {RANKS[name] for name in Stop.objects.queues().values_list("name", flat=True) if name in RANKS}


def drained_workers() -> set[str]:
    """The names of the processes that claim no more, as `Stop` keeps them: see `is_of`."""
    return set(Stop.objects.workers().values_list("name", flat=True))


def is_of(process: Process, names: set[str]) -> bool:
    """Whether the process is among these names of stops."""
    return _told(process.name) in names


def _told(worker: str) -> str:
    # A host's name may be long; what tells its processes apart stands at the end.
    return worker[-NAME_LIMIT:]


def forget_worker(name: str) -> None:
    """A worker that is gone is not stopped: the one that follows it has a name of its own."""
    Stop.objects.workers().filter(name=_told(name)).delete()


# What every page shows


class Shown(NamedTuple):
    """One stop as every page tells of it."""

    kind: str
    name: str
    since: datetime
    by: str
    note: str

    @classmethod
    def of(cls, stop: Stop) -> "Shown":
        return cls(stop.kind, stop.name, stop.since, stop.by.email if stop.by else "", stop.note)


def shown() -> list[Shown]:
    """The stops that concern everyone, firing first."""
    rows = Stop.objects.of_all().select_related("by")
    return [Shown.of(stop) for stop in rows.order_by("kind", "since")]


# What people do


@transaction.atomic
def stop_firing(*, by: User | None, at: datetime, note: str = "") -> None:
    """Fire nothing until somebody resumes; what waits and what is started by hand runs. Raises NotSo."""
    _stop(Stop.Kind.FIRING, "", "Firing is paused already.", by=by, at=at, note=note)


@transaction.atomic
def resume_firing(*, by: User | None, at: datetime) -> None:
    """Fire again; ticks that came meanwhile follow their jobs' misfire policies. Raises NotSo."""
    # Before anything fires: what was missed tells apart what the stop kept from firing.
    due = JobSchedule.objects.due(at).order_by().update(resumed_at=at)
    _let_go(Stop.Kind.FIRING, "", "Firing is not paused.", by=by, details={"overdue": due})


@transaction.atomic
def stop_queue(name: str, *, by: User | None, at: datetime, note: str = "") -> None:
    """Have no worker claim runs of this queue; those in progress go on. Raises NotSo."""
    _stop(Stop.Kind.QUEUE, name, f"The queue {name} is paused already.", by=by, at=at, note=note)


@transaction.atomic
def resume_queue(name: str, *, by: User | None) -> None:
    """Let workers claim runs of this queue again. Raises NotSo."""
    _let_go(Stop.Kind.QUEUE, name, f"The queue {name} is not paused.", by=by)
    transaction.on_commit(lambda: ring([RANKS[name]]))


@transaction.atomic
def drain_worker(process: Process, *, by: User | None, at: datetime, note: str = "") -> None:
    """Have this worker claim no more and finish what it has. Raises NotSo."""
    sentence = f"{process.name} claims no more already."
    _stop(Stop.Kind.WORKER, _told(process.name), sentence, by=by, at=at, note=note)


@transaction.atomic
def undrain_worker(process: Process, *, by: User | None) -> None:
    """Let this worker claim runs again. Raises NotSo."""
    _let_go(Stop.Kind.WORKER, _told(process.name), f"{process.name} claims runs as it is.", by=by)
    transaction.on_commit(lambda: ring(QUEUES))


def _stop(kind: Stop.Kind, name: str, sentence: str, *, by: User | None, at: datetime, note: str) -> None:
    stop, made = Stop.objects.get_or_create(
        kind=kind, name=name, defaults={"by": by, "since": at, "note": note}
    )
    if not made:
        raise NotSo(sentence)
    record(by, f"{kind}_STOPPED", stop, details={"name": name} if name else None, note=note)


def _let_go(
    kind: Stop.Kind, name: str, sentence: str, *, by: User | None, details: dict[str, Any] | None = None
) -> None:
    stop = Stop.objects.filter(kind=kind, name=name).first()
    if stop is None or not Stop.objects.filter(pk=stop.pk).delete()[0]:
        raise NotSo(sentence)
    told = {"since": stop.since.isoformat(), **({"name": name} if name else {}), **(details or {})}
    record(by, f"{kind}_RESUMED", stop, details=told)
