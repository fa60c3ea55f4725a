"""RQ's worker as Chronos uses it: it waits for bells and supervises the process that drains."""

import os
import signal
from typing import Any

from django.conf import settings
from django.db import Error, connections
from rq import Worker as RQWorker

from runs.models import Process
from runs.processes import beat, farewell

BEAT_SECONDS = 10


class Worker(RQWorker):
    """Forks a process for each bell, passes a stop request on to it, and beats in the database.

    The connection to the database is closed after each beat, so that none is open when it forks.
    """

    # Work waits while Redis is away; it must not wait for a minute more once Redis is back.
    max_connection_wait_time = 5.0

    @property
    def dequeue_timeout(self) -> int:
        return BEAT_SECONDS

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        super().heartbeat(*args, **kwargs)
        try:
            # The process that drains says how busy it is, until it is gone, in whatever way.
            beat(self.name, Process.Kind.WORKER, slots=settings.SLOTS, idle=not self.horse_pid)
        except Error as error:
            self.log.warning("heartbeat not written: %s", error)
        finally:
            connections.close_all()

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        # RQ asks for the process group of pid 0, our own, when there is no horse.
        if self.horse_pid:
            super().kill_horse(sig)

    def teardown(self) -> None:
        super().teardown()  # type: ignore[no-untyped-call]
        farewell(self.name)
        connections.close_all()
