"""What others hear of runs and of the processes that carry them out, without these knowing who listens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.dispatch import Signal

if TYPE_CHECKING:
    from runs.settle import Ended

# Sent once for a group with `group`, a Settled, in the transaction that settles it, when all is written but
# the totals. The jobs are held. Who listens must neither fail nor wait.
settled = Signal()

# Sent every few seconds by the scheduler whose turn it is to keep house.
upkeep = Signal()

# Sent with `idle` at each heartbeat of a worker, by the process that waits for bells.
worker_beat = Signal()


@dataclass(frozen=True)
class Settled:
    """Runs that ended together, which of them are tried again, and the dead letters of those that gave up.

    `letters` goes from the run's id to the event's; a replay that gave up has none of its own.
    """

    ended: "Sequence[Ended]"
    again: frozenset[str]
    letters: Mapping[str, str]
