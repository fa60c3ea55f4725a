"""What every cache region can do, and where a wildcard leads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from jobs import masking
from jobs.executors.base import ExecutionError

T = TypeVar("T")

CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
# Keys whose memory is measured; that of a region with more is estimated from them.
MEASURED = 10_000


@dataclass(frozen=True)
class Entry:
    """A value, and how long it is to be kept: 0 is for ever.

    A dump holds whatever the cache can keep, lists and hashes too; only a cache of its kind reads it.
    """

    value: bytes
    milliseconds: int
    dumped: bool = False


@dataclass(frozen=True)
class Size:
    """How many keys a region has, and the memory that they take as far as it was measured."""

    keys: int
    measured: int
    bytes: int

    @property
    def total_bytes(self) -> int:
        return round(self.bytes * self.keys / self.measured) if self.measured else 0


class Region(Protocol):
    """A named part of a cache. Keys go in and come out without the region's prefix.

    Every method raises ExecutionError for what the cache says or fails to say, and Cancelled or
    DeadlineExceeded where the run is to stop.
    """

    name: str
    prefix: bytes
    kind: str
    listable: bool

    def connect(self) -> None:
        """Make the connection."""

    def found(self, pattern: str, batch: int) -> Iterator[list[bytes]]:
        """The keys that match, in batches; a key may come twice."""

    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the keys that are there."""

    def remove(self, keys: Sequence[bytes]) -> int:
        """Drop the keys; gives how many were there."""

    def keep(self, keys: Sequence[bytes], seconds: int) -> set[bytes]:
        """Keep what is there for so long from now; gives the keys that are there."""

    def read(self, keys: Sequence[bytes], *, dumped: bool) -> dict[bytes, Entry]:
        """The entries of those keys that are there, as dumps or as plain texts."""

    def write(self, entries: Mapping[bytes, Entry], *, only_new: bool) -> int:
        """Store the entries, or only those whose keys are free; gives how many."""

    def replicated(self) -> tuple[int, int]:
        """Wait for the replicas: how many have what was written, of how many there are."""

    def tell(self, channel: str, message: str) -> int | None:
        """Publish a message; gives how many listen, or None where there is no way to listen."""

    def compact(self) -> bool:
        """Ask for memory that is kept in reserve to be given back; False where nobody can ask."""

    def size(self, *, measured: bool) -> Size | None:
        """How much it holds; None where keys cannot be listed."""

    def figures(self) -> dict[str, Any]:
        """What the server tells about itself, as it calls it."""

    def histogram(self) -> dict[str, list[tuple[int, int]]] | None:
        """For each command how many calls took up to so many microseconds; None where it is not known."""

    def wake(self) -> None:
        """End the connection from another thread, so that whoever waits for it wakes up."""

    def close(self) -> None:
        """Go."""


# Errors of a client, what a run calls them, and the sentence for the person.
Failures = Sequence[tuple[type[Exception], str, str]]


def failure(error: Exception, region: str, known: Failures) -> ExecutionError:
    """The client's error in the words of a run: the first of the known kinds, else that nobody is there."""
    said = masking.text(str(error)).rstrip(".")[:500]
    for kind, error_class, sentence in known:
        if isinstance(error, kind):
            return ExecutionError(error_class, sentence.format(name=region, said=said))
    return ExecutionError("CONNECTION_ERROR", f"The region {region} cannot be reached: {said}.")


_WILD = re.compile(r"[*?]")


def is_wild(key: str) -> bool:
    """Whether the key has a wildcard: `*` for any letters, `?` for one."""
    return bool(_WILD.search(key))


def glob(prefix: bytes, pattern: str) -> bytes:
    """The pattern as Redis reads it, behind the region's prefix: only `*` and `?` are wild in it."""
    return _literal(prefix) + re.sub(rb"[\[\]\\]", rb"\\\g<0>", pattern.encode())


def _literal(text: bytes) -> bytes:
    return re.sub(rb"[*?\[\]\\]", rb"\\\g<0>", text)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of that size, the last one perhaps shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
