"""What a scheduler does beside firing: upkeep of what others keep, days, deletions, the audit trail."""

import time
from collections.abc import Iterator

from accounts import sessions
from audit.keeping import Keeper
from chronos_site.clock import database_now
from runs import acknowledgements, days, purge, retention, signals
from runs.models import Process

# One slice of work, and the pause until the next one: due ticks come first.
SLICE_SECONDS = 0.1
PAUSE_SECONDS = 0.5
ROLL_UP_SECONDS = 600.0
PURGE_SECONDS = 6 * 3600.0
UPKEEP_SECONDS = 10.0
# Whose turn it is changes when a scheduler ends.
TURN_SECONDS = 60.0


class House:
    """The housekeeping of one scheduler; of several that are alive, the eldest does it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: Iterator[int] | None = None
        self._slice_at = 0.0
        self._roll_up_at = 0.0
        self._purge_at = 0.0
        self._upkeep_at = 0.0
        self._trail = Keeper()

    def keep(self) -> None:
        """Work for a moment if it is time for it."""
        now = time.monotonic()
        if now < self._slice_at:
            return
        self._slice_at = now + PAUSE_SECONDS
        if now >= self._upkeep_at:
            self._upkeep_at = now + UPKEEP_SECONDS
            if self._is_ours():
                acknowledgements.end_due(database_now())
                signals.upkeep.send_robust(House)
        if now >= min(self._roll_up_at, self._purge_at):
            self._begin(now)
        if self._work:
            self._go_on(now)
        if now >= self._trail.due_at and self._is_ours():
            self._trail.keep(now + SLICE_SECONDS)

    def _begin(self, now: float) -> None:
        if not self._is_ours():
            self._roll_up_at = self._purge_at = now + TURN_SECONDS
            return
        if now >= self._roll_up_at and days.roll_up(database_now()) is None:
            # Until then there is another day to add up, in the next slice.
            self._roll_up_at = now + ROLL_UP_SECONDS
        if self._purge_at <= now < self._roll_up_at:
            self._work = everything()

    def _go_on(self, now: float) -> None:
        work, self._work = self._work, None
        # When it fails: once more, and soon.
        self._purge_at = now + TURN_SECONDS
        for _ in work or ():
            if time.monotonic() > now + SLICE_SECONDS:
                self._work = work
                return
        self._purge_at = now + PURGE_SECONDS

    def _is_ours(self) -> bool:
        alive = Process.objects.alive(database_now()).filter(kind=Process.Kind.SCHEDULER)
        eldest = alive.order_by("started_at", "name").values_list("name", flat=True).first()
        return eldest in (None, self._name)


def everything() -> Iterator[int]:
    """Delete all that is too old by the rules of now, piece by piece; each tells how many rows went."""
    while gone := sessions.forget_over():
        yield gone
    before = retention.cutoffs(retention.rules(), database_now())
    for code in purge.KINDS:
        if code in before:
            for keys in purge.steps(code, before[code]):
                yield 0
                yield from purge.remove(code, keys)
