"""A worker's bulk operations: carried out beside its runs, however busy it is with those."""

import logging
import time
from collections.abc import Callable
from threading import Thread

from django.db import connections

from chronos_site.clock import database_now
from runs.bulk import BulkOperation
from runs.carry_out import carry_out, take

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


class Carrying:
    """The thread in which one worker carries out bulk operations, with a connection of its own.

    Not the drain's own thread: an item may wait for a lock, and leases are to be renewed meanwhile. Not a
    job of its own for RQ: it would wait while all workers drain, as they do for as long as there is work.
    """

    def __init__(self, may_go_on: Callable[[], bool]) -> None:
        self._may_go_on = may_go_on
        self._thread: Thread | None = None
        self._look_at = 0.0

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def step(self) -> bool:
        """Start the thread when there is something to carry out; True while it is at work."""
        now = time.monotonic()
        if not self.busy and now >= self._look_at and self._may_go_on():
            self._look_at = now + LOOK_SECONDS
            if BulkOperation.objects.free(database_now()).exists():
                self._thread = Thread(target=self._carry_out, name="bulk", daemon=True)
                self._thread.start()
        return self.busy

    def leave_behind(self) -> None:
        """Wait for the thread no longer; what it has not committed is as if it had not begun."""
        self._thread = None

    def _carry_out(self) -> None:
        try:
            while self._may_go_on() and (operation := take(database_now())):
                carry_out(operation, go_on=self._may_go_on)
        except Exception:  # a thread's own end would be told to nobody
            logger.exception("bulk operations are not carried out")
        finally:
            connections.close_all()
