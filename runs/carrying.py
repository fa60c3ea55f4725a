"""What a worker does beside its runs, however busy it is with those: bulk operations, messages."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread

from django.db import connections

from chronos_site.clock import database_now
from runs.bulk import BulkOperation
from runs.carry_out import GoOn, carry_out, take

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Duty:
    """One kind of work beside the runs: whether some waits, and what does all of it while it may go on."""

    name: str
    waits: Callable[[], bool]
    work: Callable[[GoOn], None]


def _bulk_waits() -> bool:
    return BulkOperation.objects.free(database_now()).exists()


def _carry_out_bulk(go_on: GoOn) -> None:
    while go_on() and (operation := take(database_now())):
        carry_out(operation, go_on=go_on)


# Others add theirs when they are loaded.
DUTIES = [Duty("bulk", _bulk_waits, _carry_out_bulk)]


def something_waits() -> bool:
    """Whether there is work beside the runs, for which a worker is to be woken."""
    return any(duty.waits() for duty in DUTIES)


class Carrying:
    """The thread in which one worker does one duty, with a connection of its own.

    Not the drain's own thread: it may wait for a lock or a peer, and leases are to be renewed meanwhile. Not
    a job of its own for RQ: it would wait while all workers drain, as they do for as long as there is work.
    """

    def __init__(self, duty: Duty, may_go_on: Callable[[], bool]) -> None:
        self._duty = duty
        self._may_go_on = may_go_on
        self._thread: Thread | None = None
        self._look_at = 0.0

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def step(self) -> bool:
        """Start the thread when there is something to do; True while it is at work."""
        now = time.monotonic()
        if not self.busy and now >= self._look_at and self._may_go_on():
            self._look_at = now + LOOK_SECONDS
            if self._duty.waits():
                self._thread = Thread(target=self._carry_out, name=self._duty.name, daemon=True)
                self._thread.start()
        return self.busy

    def leave_behind(self) -> None:
        """Wait for the thread no longer; what it has not committed is as if it had not begun."""
        self._thread = None

    def _carry_out(self) -> None:
        try:
            self._duty.work(self._may_go_on)
        except Exception:  # a thread's own end would be told to nobody
            logger.exception("%s: not carried out", self._duty.name)
        finally:
            connections.close_all()
