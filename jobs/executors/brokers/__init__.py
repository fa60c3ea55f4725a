"""The brokers that message jobs speak to, each behind the same few verbs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """One message. `place` is how the broker that it comes from calls it, and `kept` what it knew of it."""

    body: bytes
    key: bytes | None = None
    id: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    exchange: str = ""
    routing_key: str = ""
    priority: int | None = None
    ttl_seconds: int | None = None
    persistent: bool = True
    place: Any = None
    kept: Any = None


class Broker(Protocol):
    """One open connection. Every verb raises ExecutionError where the broker refuses."""

    def send(self, queues: Sequence[str], message: Message) -> None:
        """Send to each of the queues; the broker has acknowledged it on return."""

    def count(self, queue: str) -> int:
        """How many messages wait in the queue, at most."""

    def take(self, queue: str, most: int) -> list[Message]:
        """The next messages that are there, fewer if they are large; they come back unless `done` follows."""

    def done(self, messages: Sequence[Message]) -> None:
        """Have the broker forget these, the oldest of all that were taken."""

    def purge(self, queue: str) -> int:
        """Empty the queue; gives how many messages were in it."""


# No more than this is taken at once, beside one message that is larger.
PORTION_BYTES = 1_000_000


def is_room(found: Sequence[Message], most: int) -> bool:
    """Whether one more message may be taken with these."""
    return len(found) < most and sum(len(each.body) for each in found) < PORTION_BYTES
