"""Schedulers, workers and queues as the system page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from chronos_site.schema import first_id, made_at
from dashboard import vitals
from dashboard.late import Running
from dashboard.lateness import Recent, rate
from dashboard.vitals import Processes
from jobs.models import Priority
from runs.models import Process, Run
from runs.stops import Stop, is_of

MOST_WAITING = 20_000
MOST_FRESH = 5000
MINUTE = timedelta(minutes=1)
SHOWN = 60


@dataclass(frozen=True)
class Worker:
    """One worker: what it does, and whether it was told to claim no more."""

    process: Process
    silent: bool
    drained: bool
    running: Sequence[Running]

    @property
    def busy(self) -> int:
        return max(len(self.running), self.process.busy)

    @property
    def longest(self) -> Running | None:
        return min(self.running, key=lambda run: run.started_at, default=None)

    @property
    def bar(self) -> float:
        return round(150 * min(1.0, self.busy / self.process.slots), 1) if self.process.slots else 0.0

    @property
    def state(self) -> str:
        if self.silent:
            return "LATE"
        if self.drained:
            return "PAUSED"
        return "RUNNING" if self.busy else "SUCCEEDED"

    @property
    def word(self) -> str:
        if self.silent:
            return "Silent"
        if self.drained:
            return "Draining" if self.busy else "Drained"
        return "Busy" if self.busy else "Idle"


def workers(processes: Processes, running: Sequence[Running], drained: set[str]) -> list[Worker]:
    """Those that need a look first, then the busiest."""
    by_worker: dict[str | None, list[Running]] = {}
    for run in running:
        by_worker.setdefault(run.worker, []).append(run)
    found = [
        Worker(each, processes.silent(each), is_of(each, drained), by_worker.get(each.name, []))
        for each in processes.of(Process.Kind.WORKER)
    ]
    return sorted(found, key=lambda each: (not each.silent, not each.drained, -each.busy, each.process.name))


@dataclass(frozen=True)
class Queue:
    """One queue: what waits in it, what comes and goes, and the stop that a person has put on it."""

    name: str
    rank: int
    waiting: int
    oldest: datetime | None
    share: float
    per_minute_in: str
    per_minute_out: str
    stop: Stop | None

    @property
    def count(self) -> str:
        return vitals.told(self.waiting, MOST_WAITING)

    @property
    def bar(self) -> float:
        return round(150 * self.share, 1)


def _made(at: datetime, minutes: float) -> tuple[list[int], float]:
    """The priorities of the runs made within so many minutes, or in as many as the newest of them take."""
    fresh = Run.objects.filter(pk__gte=first_id(at - minutes * MINUTE), skip_reason=None)
    rows = list(fresh.order_by("-pk").values_list("pk", "priority")[:MOST_FRESH])
    if len(rows) == MOST_FRESH:
        minutes = max(1 / 60, (at - made_at(rows[-1][0])) / MINUTE)
    return [priority for _, priority in rows], minutes


def queues(recent: Recent, stops: Sequence[Stop], at: datetime) -> list[Queue]:
    """The three queues, most urgent first, in two bounded queries."""
    ranks = sorted((each.rank, each.value.lower()) for each in Priority)
    first = Run.objects.due(at)[:MOST_WAITING]
    found = first.aggregate(
        **{f"{name}_count": Count("pk", filter=Q(priority=rank)) for rank, name in ranks},
        **{f"{name}_oldest": Min("available_at", filter=Q(priority=rank)) for rank, name in ranks},
    )
    made, minutes = _made(at, recent.minutes)
    stopped = {stop.name: stop for stop in stops if stop.kind == Stop.Kind.QUEUE}
    most = max([1, *(found[f"{name}_count"] for _, name in ranks)])
    return [
        Queue(
            name,
            rank,
            found[f"{name}_count"],
            found[f"{name}_oldest"],
            found[f"{name}_count"] / most,
            rate(made.count(rank) / minutes),
            recent.per_minute(rank),
            stopped.get(name),
        )
        for rank, name in ranks
    ]
