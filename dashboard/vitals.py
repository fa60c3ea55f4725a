"""Whether the engine is well: schedulers, workers, what waits, how late starts are, the database."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.context import SILENT_AFTER
from chronos_site.statements import compiled
from dashboard import charts, wording
from dashboard.charts import Mark
from dashboard.lately import Lately, start_lag
from runs.late import LATE_AFTER
from runs.models import Process, Run

# Whoever has been silent for longer is forgotten, not missed.
KNOWN_FOR = timedelta(hours=24)
MOST_PROCESSES = 200
MOST_WAITING = 10_000
LAG_WINDOW = timedelta(minutes=15)
# A due run should start within a second; five are worth a word.
LAG_TARGET = timedelta(seconds=5)
LAG_POINTS = 20
SLOW_ANSWER_MS = 250


@dataclass(frozen=True)
class Processes:
    """The processes that were heard of lately, by the database's clock.

    `gone` are those that said goodbye so short a time ago that strips still show them.
    """

    known: Sequence[Process]
    at: datetime
    answered_ms: float
    gone: Sequence[Process] = ()

    @classmethod
    def read(cls, at: datetime) -> "Processes":
        """Read them; the time of this query is the database's answer time."""
        began = time.perf_counter()
        found = _shown(at - charts.STRIP)
        took = (time.perf_counter() - began) * 1000
        now: datetime = getattr(found[0], "now", at) if found else at
        lately = [each for each in found if each.beat_at > now - KNOWN_FOR]
        known = [each for each in lately if each.stopped_at is None]
        return cls(known, now, took, [each for each in lately if each.stopped_at])

    def of(self, kind: Process.Kind) -> list[Process]:
        return [each for each in self.known if each.kind == kind]

    def silent(self, process: Process) -> bool:
        return process.beat_at < self.at - SILENT_AFTER


@compiled
def _shown(gone_since: datetime) -> QuerySet[Process]:
    shown = Q(stopped_at=None) | Q(stopped_at__gt=gone_since)
    return Process.objects.filter(shown).annotate(now=Now()).order_by("-beat_at")[:MOST_PROCESSES]


@dataclass(frozen=True)
class Scheduler:
    """The schedulers as one: one that beats is enough."""

    processes: Processes

    @cached_property
    def _known(self) -> list[Process]:
        return self.processes.of(Process.Kind.SCHEDULER)

    @property
    def at(self) -> datetime:
        return self.processes.at

    @property
    def beat_at(self) -> datetime | None:
        return self._known[0].beat_at if self._known else None

    @property
    def ticking(self) -> bool:
        return self.beat_at is not None and self.beat_at >= self.processes.at - SILENT_AFTER

    @property
    def silence(self) -> str:
        """For how long none has been heard, in words."""
        gone = self.processes.at - self.beat_at if self.beat_at else KNOWN_FOR
        return wording.rough_span(int(gone.total_seconds()))

    @property
    def note(self) -> str:
        alive = sum(not self.processes.silent(each) for each in self._known)
        if not alive:
            return "Nothing fires until one runs: manage.py scheduler"
        return "one process" if alive == 1 else f"{alive} processes"

    @property
    def marks(self) -> list[Mark]:
        gone = [each for each in self.processes.gone if each.kind == Process.Kind.SCHEDULER]
        up = [(each.started_at, each.stopped_at or each.beat_at) for each in (*self._known, *gone)]
        return charts.beats(up, self.processes.at)


@dataclass(frozen=True)
class Workers:
    processes: Processes
    busy_workers: frozenset[str]
    busy_slots: str

    @cached_property
    def known(self) -> list[Process]:
        return self.processes.of(Process.Kind.WORKER)

    @cached_property
    def alive(self) -> list[Process]:
        return [each for each in self.known if not self.processes.silent(each)]

    @property
    def well(self) -> bool:
        return bool(self.alive) and len(self.alive) == len(self.known)

    @property
    def slots(self) -> int:
        return sum(each.slots for each in self.alive)

    @property
    def note(self) -> str:
        """Who is silent, and for how long; else how busy they are."""
        silent = [each for each in self.known if self.processes.silent(each)]
        if silent:
            gone = int((self.processes.at - silent[0].beat_at).total_seconds())
            others = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
            return f"{silent[0].name}{others} silent {wording.rough_span(gone)}"
        if not self.known:
            return "Nothing runs until one does: manage.py worker"
        return (
            f"{self.busy_slots} of {self.slots:,} slots busy"
            if self.slots
            else f"{self.busy_slots} slots busy"
        )

    @property
    def marks(self) -> list[Mark]:
        def state(process: Process) -> str:
            if self.processes.silent(process):
                return "silent"
            return "busy" if process.name in self.busy_workers else "idle"

        order = {"busy": 0, "idle": 1, "silent": 2}
        return charts.squares(sorted(map(state, self.known), key=order.__getitem__))


@dataclass(frozen=True)
class Waiting:
    """Runs that may start and wait for a slot, by priority; no more than `MOST_WAITING` are counted."""

    high: int
    medium: int
    low: int
    late: int
    oldest: datetime | None

    @classmethod
    def read(cls, user: User, at: datetime) -> "Waiting":
        first = Run.objects.visible_to(user).due(at)[:MOST_WAITING]
        priorities = {"high": 1, "medium": 2, "low": 3}
        return cls(
            **first.aggregate(
                **{name: Count("pk", filter=Q(priority=rank)) for name, rank in priorities.items()},
                late=Count("pk", filter=Q(available_at__lt=at - LATE_AFTER)),
                oldest=Min("available_at"),
            )
        )

    @property
    def total(self) -> int:
        return self.high + self.medium + self.low

    @property
    def count(self) -> str:
        return told(self.total, MOST_WAITING)

    @property
    def marks(self) -> list[Mark]:
        return charts.bars([self.high, self.medium, self.low])


@dataclass(frozen=True)
class Lag:
    """How long runs that ended lately had waited for their start, in milliseconds, oldest first."""

    waits: Sequence[float]
    since: datetime | None = None

    @classmethod
    def of(cls, lately: Lately, at: datetime) -> "Lag":
        recent = [run for run in lately.done if run.end_time and run.end_time >= at - LAG_WINDOW]
        lags = [lag for lag in map(start_lag, reversed(recent)) if lag is not None]
        waits = [max(0.0, lag / timedelta(milliseconds=1)) for lag in lags]
        return cls(waits, lately.done_since)

    @property
    def p99(self) -> float | None:
        ordered = sorted(self.waits)
        return ordered[-(-len(ordered) * 99 // 100) - 1] if ordered else None

    @property
    def well(self) -> bool:
        return self.p99 is None or self.p99 <= LAG_TARGET / timedelta(milliseconds=1)

    @property
    def note(self) -> str:
        window = f"the last {len(self.waits):,} starts" if self.since else "last 15 min"
        return f"target {LAG_TARGET.seconds} s, {window}"

    @property
    def points(self) -> str:
        """A line through the longest wait of each twentieth of the runs."""
        if not self.waits:
            return ""
        size = -(-len(self.waits) // LAG_POINTS)
        peaks = [max(self.waits[n : n + size]) for n in range(0, len(self.waits), size)]
        return charts.curve(peaks, max(LAG_TARGET / timedelta(milliseconds=1), *peaks))


@dataclass(frozen=True)
class Vitals:
    scheduler: Scheduler
    workers: Workers
    waiting: Waiting
    lag: Lag

    @property
    def database_ms(self) -> float:
        return self.scheduler.processes.answered_ms

    @property
    def database_well(self) -> bool:
        return self.database_ms < SLOW_ANSWER_MS


def told(count: int, most: int) -> str:
    """A count that may have stopped at `most`."""
    return f"{most:,}+" if count >= most else f"{count:,}"
