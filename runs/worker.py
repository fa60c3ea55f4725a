"""RQ's worker as Chronos uses it: it waits for bells and supervises the process that drains."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import Error, connections
from redis.exceptions import RedisError
from rq import Worker as RQWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.worker import WorkerStatus

from runs import signals
from runs.models import Process
from runs.processes import beat, farewell
from runs.ring import PATIENCE_SECONDS
from runs.stops import is_drained

BEAT_SECONDS = 10
PAUSE_SECONDS = 1.0
# A stop waits no longer than this for each thing that Redis is still to be told.
FAREWELL_SECONDS = 0.2
# From Linux' <sys/prctl.h>: the signal that a process gets when its parent dies.
PR_SET_PDEATHSIG = 1


class Worker(RQWorker):
    """Forks a process for each bell, passes a stop request on to it, and beats in the database.

    The connection to the database is closed after each beat, so that none is open when it forks.

    RQ's own worker ends when Redis fails in the wrong moment, and leaves the process it forked behind.
    Ours goes on: all that Redis can lose is a bell, and the scheduler rings again while work is due.
    """

    # Work waits while Redis is away; it must not wait for a minute more once Redis is back.
    max_connection_wait_time = 5.0
    # Whether a person has asked for it, when last seen.
    drained = False

    @property
    def dequeue_timeout(self) -> int:
        return BEAT_SECONDS

    @property
    def connection_timeout(self) -> int:
        # A little more than the longest wait for a bell: a Redis that hangs is given up soon after.
        return self.dequeue_timeout + 2

    def register_birth(self) -> None:
        while True:
            with self._unless_redis_fails("waiting for Redis"):
                super().register_birth()  # type: ignore[no-untyped-call]
                return
            time.sleep(PAUSE_SECONDS)

    def subscribe(self) -> None:
        """Hear no commands: whoever can write to Redis could end the worker, or kill what it runs.

        Signals stop a worker, and the database says what is cancelled.
        """

    def set_state(self, *args: Any, **kwargs: Any) -> None:
        with self._unless_redis_fails("the state is not told"):
            super().set_state(*args, **kwargs)

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> tuple[Job, Queue] | None:
        while True:
            try:
                self._wait_while_drained()
                return super().dequeue_job_and_maintain_ttl(*args, **kwargs)
            except StopRequested:
                raise
            except Exception as error:  # whatever stands in the queues, the next bell may be a good one
                self.log.warning("cannot take a bell: %s", error)
                time.sleep(PAUSE_SECONDS)

    def _wait_while_drained(self) -> None:
        """Take no bell meanwhile, so that another worker hears it."""
        if self.drained:
            self.set_state(WorkerStatus.IDLE)
        while self.drained:
            time.sleep(PAUSE_SECONDS)
            self.heartbeat()

    def execute_job(self, job: Job, queue: Queue) -> None:
        with self._unless_redis_fails("the end of a drain is not noted"):
            super().execute_job(job, queue)

    def check_for_suspension(self, burst: bool) -> None:
        with self._unless_redis_fails("nobody can suspend us"):
            super().check_for_suspension(burst)

    def run_maintenance_tasks(self) -> None:
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except StopRequested:
            raise
        except Exception as error:  # garbage in RQ's registries is not ours to mend, nor to die of
            self.log.warning("RQ's registries are not cleaned: %s", error)

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        try:
            # The process that drains says how busy it is, until it is gone, in whatever way.
            beat(self.name, Process.Kind.WORKER, slots=settings.SLOTS, idle=not self.horse_pid)
            self.drained = is_drained(self.name)
            signals.worker_beat.send_robust(Worker, idle=not self.horse_pid)
        except Error as error:
            self.log.warning("heartbeat not written: %s", error)
        finally:
            connections.close_all()
        with self._unless_redis_fails("heartbeat not sent"):
            super().heartbeat(*args, **kwargs)

    def maintain_heartbeats(self, *args: Any, **kwargs: Any) -> None:
        with self._unless_redis_fails("heartbeat not sent"):
            super().maintain_heartbeats(*args, **kwargs)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)
        self._be_short_with_redis(FAREWELL_SECONDS)

    def _be_short_with_redis(self, seconds: float) -> None:
        """From here on wait for no bell, and so not long for a Redis that hangs."""
        pool = self.connection.connection_pool
        pool.connection_kwargs |= {"socket_timeout": seconds, "socket_connect_timeout": seconds}
        pool.reset()

    def set_shutdown_requested_date(self) -> None:
        with self._unless_redis_fails("the stop is not noted"):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]

    @contextmanager
    def _unless_redis_fails(self, consequence: str) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            self.log.warning("%s: %s", consequence, error)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        self._stop_with_parent()
        self._be_short_with_redis(PATIENCE_SECONDS)

    def _stop_with_parent(self) -> None:
        """Have the forked process stopped, as SIGTERM to the worker would, when the worker dies unasked."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self.pid:
            # It died before we could ask for the signal.
            os._exit(1)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        # RQ asks for the process group of pid 0, our own, when there is no horse.
        if self.horse_pid:
            super().kill_horse(sig)

    def teardown(self) -> None:
        with self._unless_redis_fails("the end of the worker is not noted"):
            super().teardown()  # type: ignore[no-untyped-call]
        try:
            farewell(self.name)
        except Error as error:
            self.log.warning("farewell not written: %s", error)
        connections.close_all()
