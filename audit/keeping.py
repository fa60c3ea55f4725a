"""What one process does all the time: seal what was recorded, and look along the whole chain now and then."""

import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from audit import sealing, verifying
from audit.models import Seal, Verification
from audit.verifying import Look
from chronos_site.clock import database_now

SEAL_SECONDS = 5.0
LOOK_EVERY = timedelta(hours=6)
ANCHOR_SECONDS = 3600.0
log = logging.getLogger(__name__)


class Keeper:
    """The keeping of the chain, in slices; two at once do no harm."""

    def __init__(self) -> None:
        self.due_at = 0.0
        self._anchor_at = 0.0
        self._look = Look()
        self._walk: Iterator[int] | None = None

    def keep(self, until: float) -> None:
        """Work until then: sealing comes first."""
        self.due_at = time.monotonic() + SEAL_SECONDS
        for _ in sealing.seal_all():
            if time.monotonic() > until:
                self.due_at = 0.0
                return
        self._note_anchor()
        if self._walk is None and _is_time_to_look():
            self._look = Look()
            self._walk = self._look.whole()
        if self._walk:
            self._go_on(self._walk, until)

    def _go_on(self, walk: Iterator[int], until: float) -> None:
        self._walk = None
        for _ in walk:
            if time.monotonic() > until:
                self._walk, self.due_at = walk, 0.0
                return
        verifying.keep_result(self._look, database_now())
        for problem in self._look.problems:
            log.error("The audit trail is not as it was recorded. %s", problem)

    def _note_anchor(self) -> None:
        """Say the newest hash where logs are kept: who writes the chain anew cannot do so there."""
        now = time.monotonic()
        if now < self._anchor_at:
            return
        self._anchor_at = now + ANCHOR_SECONDS
        if last := Seal.objects.order_by("-number").first():
            log.info("The audit trail's anchor at block %d: %s", last.number, last.hash)


def _is_time_to_look() -> bool:
    last = Verification.objects.filter(pk=1).values_list("ended_at", flat=True).first()
    return Seal.objects.exists() and (last is None or last < database_now() - LOOK_EVERY)
