"""Claim due runs, execute them in threads, settle them in groups, until nothing is due."""

import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from chronos_site.clock import database_now
from jobs.executors import TYPES
from jobs.executors.base import Context
from runs.carrying import DUTIES, Carrying
from runs.claim import Claimed, Definitions, claim, renew
from runs.execution import OVERTIME_SECONDS, End, Execution, Given, repeatable
from runs.gifts import gifts
from runs.logbook import Logbook, statements, write
from runs.models import Level, Outcome, Run
from runs.processes import tell_busy, worker_name
from runs.ring import QUEUES, ring
from runs.settle import WORKER_LOST, Ended, settle_apart
from runs.trying import Trying

logger = logging.getLogger(__name__)

T = TypeVar("T")

GROUP_SECONDS = 0.02
GLANCE_SECONDS = 0.002
POLL_SECONDS = 0.2
IDLE_SECONDS = 1.0
BEAT_SECONDS = 2.0
# A worker that is due for replacement waits this long for its runs to end; then it goes on.
PATIENCE_SECONDS = 60.0
# The part of a lease after which we no longer rely on it; in the rest the work has time to stop.
TRUSTED_SHARE = 2 / 3
# One slot of so many, up to a few, is kept for runs of high priority: long ones may hold all the others.
RESERVED_SHARE = 16
MOST_RESERVED = 4
# How long outcomes are kept for a database that is away.
OUTAGE_SECONDS = 600.0


@dataclass
class Work:
    """One run in progress; `lost` when we stopped it since we could no longer say that it is ours."""

    run: Run
    execution: Execution
    lost: bool = False

    @property
    def context(self) -> Context:
        return self.execution.context

    @property
    def type_code(self) -> str:
        return self.execution.type.code


@dataclass(frozen=True)
class Finish:
    """How one run's work came back from its thread; the clock is the main thread's to read."""

    work: Work
    end: End


def drain() -> None:
    """Work until nothing has been due for a second; the function that RQ calls when a bell rang."""
    connections.close_all()
    drainer = Drainer(worker_name())
    signal.signal(signal.SIGTERM, lambda *_: drainer.stop())
    drainer.run()


class Drainer:
    """One worker at work.

    Only the thread that calls `run` touches the database, and one for each duty beside the runs, with a
    connection of its own; executors run in the pool's threads. Another thread watches the time for it, since
    a database may keep it waiting longer than its leases last.
    """

    def __init__(self, worker: str, *, slots: int | None = None) -> None:
        self.worker = worker
        self.slots = slots or settings.SLOTS
        self._reserved = min(self.slots // RESERVED_SHARE, MOST_RESERVED)
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="run")
        self._logbook = Logbook()
        self._definitions = Definitions()
        self._finished: SimpleQueue[Finish] = SimpleQueue()
        self._work: dict[str, Work] = {}
        self._trying = Trying(worker, self._pool, self._leave_behind)
        self._beside = [Carrying(duty, self._may_claim) for duty in DUTIES]
        self._left_behind = 0
        self._parent = os.getppid()
        self._stopping = Flag()
        self._done = Flag()
        self._stop_by = float("inf")
        self._ends_at = time.monotonic() + settings.DRAIN_LIFETIME_SECONDS
        self._beat_at = time.monotonic() + BEAT_SECONDS
        self._trusted_until = 0.0

    def stop(self) -> None:
        """Claim no more; what runs has the grace period to end."""
        self._stopping.set()
        self._stop_by = min(self._stop_by, time.monotonic() + settings.STOP_GRACE_SECONDS)

    def run(self) -> None:
        """Drain until idle, stopped or past the lifetime; nothing of ours is left claimed."""
        Thread(target=self._watch_leases, daemon=True).start()
        try:
            self._work_until_idle()
        finally:
            self._done.set()
            self._pool.shutdown(wait=False)

    def _work_until_idle(self) -> None:
        idle_since = time.monotonic()
        while self._busy or (self._may_claim() and time.monotonic() < idle_since + IDLE_SECONDS):
            busy = self._busy
            try:
                busy |= self._take()
                busy |= self._trying.step(self._free if self._may_claim() else 0)
                for carrying in self._beside:
                    busy |= carrying.step()
                self._end(self._collect())
                self._beat()
            except (OperationalError, InterfaceError) as error:
                self._lose_database(error)
            if busy:
                # Only now: what ends may make the next run due.
                idle_since = time.monotonic()
            if time.monotonic() > self._stop_by:
                self._interrupt()

    @property
    def _busy(self) -> bool:
        return bool(self._work or self._trying or any(carrying.busy for carrying in self._beside))

    @property
    def _free(self) -> int:
        return self.slots - len(self._work) - len(self._trying) - self._left_behind

    def _may_claim(self) -> bool:
        now = time.monotonic()
        if now > self._ends_at + PATIENCE_SECONDS:
            # One run that goes on for hours must not keep the worker from all the others.
            self._ends_at = now + settings.DRAIN_LIFETIME_SECONDS
        # Without the worker that forked us nobody could tell us to stop.
        orphaned = os.getppid() != self._parent
        return now < self._ends_at and not orphaned and not self._stopping.is_set()

    def _leave_behind(self, count: int) -> None:
        """Give up on threads; each keeps its slot, and this process is to be replaced."""
        if count:
            self._left_behind += count
            self._ends_at = min(self._ends_at, time.monotonic())

    def _take(self) -> bool:
        free = self._free
        if free <= 0 or not self._may_claim():
            return False
        running = Counter(work.type_code for work in self._work.values())
        room = {code: TYPES[code].ceiling - running[code] for code in TYPES}
        trusted_until = time.monotonic() + settings.LEASE_SECONDS * TRUSTED_SHARE
        taken = claim(self.worker, free, room, reserved=self._reserved, known=self._definitions)
        if not self._work:
            self._trusted_until = trusted_until
        given = gifts(taken)
        for claimed in taken:
            self._begin(claimed, given[claimed.run.pk])
        if len(taken) >= free - self._reserved:
            # There may be more than we can hold: wake another worker.
            ring(QUEUES)
        return bool(taken)

    def _begin(self, claimed: Claimed, given: Given) -> None:
        run = claimed.run
        execution = Execution(
            claimed.definition,
            self._logbook.writer(run.pk),
            given,
            run_id=run.pk,
            job_id=run.job_id,
            tick=claimed.tick or run.scheduled_time,
            attempt=run.attempt,
        )
        work = Work(run, execution)
        self._work[run.pk] = work
        work.context.log(Level.INFO, f"Attempt {run.attempt} on {self.worker}, version {run.version}")
        self._pool.submit(self._execute, work)

    def _execute(self, work: Work) -> None:
        self._finished.put(_finish(work))

    def _collect(self) -> list[Finish]:
        """What has ended: waits for a first one, then a moment for those that are about to end too."""
        finished: list[Finish] = []
        with suppress(Empty):
            finished.append(self._finished.get(timeout=POLL_SECONDS))
        until = time.monotonic() + GROUP_SECONDS
        while finished and len(finished) < len(self._work):
            try:
                finished.append(self._finished.get_nowait())
            except Empty:
                if time.monotonic() > until:
                    break
                # Waiting for each one would hand the interpreter to and fro between two threads.
                time.sleep(GLANCE_SECONDS)
        return finished + self._overdue()

    def _overdue(self) -> list[Finish]:
        now = time.monotonic()
        late = [work for work in self._work.values() if work.context.deadline < now]
        for work in late:
            work.context.interrupt()
        overdue = [work for work in late if work.context.deadline < now - OVERTIME_SECONDS]
        self._leave_behind(len(overdue))
        return [Finish(work, work.execution.timed_out()) for work in overdue]

    def _end(self, finished: Sequence[Finish]) -> None:
        at = self._until_written(database_now)
        ended = [finish for finish in finished if self._work.pop(finish.work.run.pk, None)]
        # The others had been left behind and have come back after all.
        self._left_behind -= len(finished) - len(ended)
        group = [_ended(finish, at) for finish in ended]
        for each in group:
            self._logbook.close(each.run.pk, *_last_line(each))
        for lines in statements(self._logbook.take()):
            self._until_written(partial(write, lines))
        if group:
            self._until_written(partial(_settle, group))

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_at or not self._work:
            return
        self._beat_at = now + BEAT_SECONDS
        tell_busy(self.worker, len(self._work))
        tokens = {work.run.claim_token for work in self._work.values() if work.run.claim_token}
        ours, asked = renew(tokens)
        self._trusted_until = now + settings.LEASE_SECONDS * TRUSTED_SHARE
        for run_id, work in list(self._work.items()):
            if run_id in asked or run_id not in ours:
                work.context.cancel()

    def _until_written(self, write: Callable[[], T]) -> T:
        """Outcomes are not dropped: a database that is away is waited for. The token fences what is late."""
        give_up_at = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return write()
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > min(give_up_at, self._stop_by):
                    raise
                self._lose_database(error)

    def _lose_database(self, error: Exception) -> None:
        """Wait a moment for the database."""
        logger.warning("the database does not answer: %s", error, extra={"worker": self.worker})
        connections.close_all()
        time.sleep(POLL_SECONDS)

    def _watch_leases(self) -> None:
        """Stop work whose lease was not renewed in time, before anyone else may take it."""
        while not self._done.wait(POLL_SECONDS):
            if time.monotonic() > self._trusted_until:
                for work in list(self._work.values()):
                    work.lost = True
                    work.context.cancel()

    def _interrupt(self) -> None:
        """The grace period is over: what still runs ends as lost to the stop, and is settled at once."""
        for work in self._work.values():
            work.context.cancel()
        self._leave_behind(len(self._work))
        self._trying.interrupt()
        for carrying in self._beside:
            carrying.leave_behind()
        self._end([_interrupted(work) for work in list(self._work.values())])


def _finish(work: Work) -> Finish:
    """Execute one run and say how it ended; never raises."""
    end = work.execution.run()
    if end.outcome == Outcome.CANCELLED and work.lost:
        return _interrupted(work, "The worker could not reach the database and stopped the run.")
    return Finish(work, end)


def _settle(group: list[Ended]) -> None:
    settled = settle_apart(group)
    for ended in group:
        if ended.run.pk not in settled:
            logger.warning("run was no longer ours: its outcome is discarded", extra=ended.run.log_fields)


def _ended(finish: Finish, at: datetime) -> Ended:
    work, end = finish.work, finish.end
    return Ended(work.run, end.outcome, at, type_code=work.type_code, **end.fields)


def _interrupted(work: Work, message: str = "The worker was stopped before the run had ended.") -> Finish:
    fields = {
        "error_class": WORKER_LOST,
        "error_message": message,
        "repeat": repeatable(work.execution.definition),
        **work.execution.memory(),
    }
    return Finish(work, End(Outcome.FAILURE, fields))


def _last_line(ended: Ended) -> tuple[str, str]:
    if ended.outcome == Outcome.SUCCESS:
        return Level.INFO, str(ended.result.get("summary") or "Done")
    if ended.outcome == Outcome.CANCELLED:
        return Level.WARN, ended.error_message
    return Level.ERROR, f"{ended.error_class}: {ended.error_message}"
