"""Cache regions in a memcached, which knows its keys but does not list them."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from pymemcache import Client, MemcacheError
from pymemcache.exceptions import (
    MemcacheIllegalInputError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from jobs.executors.base import Context, ExecutionError
from jobs.executors.caches.region import ANSWER_SECONDS, CONNECT_SECONDS, Entry, Failures, Size, failure

PORT = 11211
# It takes a longer time for a date.
_LONGEST_SECONDS = 30 * 86_400


class MemcachedRegion:
    """The keys of a memcached that begin with the region's prefix."""

    kind = "memcached"
    listable = False

    def __init__(self, name: str, prefix: bytes, context: Context, host: str, port: int | None) -> None:
        self.name = name
        self.prefix = prefix
        self._context = context
        self._client = Client(
            (host, port or PORT),
            connect_timeout=max(0.01, min(CONNECT_SECONDS, context.remaining)),
            timeout=max(0.01, min(ANSWER_SECONDS, context.remaining)),
            default_noreply=False,
            no_delay=True,
            allow_unicode_keys=True,
        )

    def connect(self) -> None:
        self._told(self._client.version)

    def _told(self, ask: Callable[..., Any], *words: Any, **options: Any) -> Any:
        self._context.check()
        try:
            return ask(*words, **options)
        except (MemcacheError, OSError) as error:
            self._context.check()
            raise failure(error, self.name, _FAILURES) from error

    def found(self, pattern: str, batch: int) -> Iterator[list[bytes]]:
        self._refuse_to_list()

    def _refuse_to_list(self) -> NoReturn:
        raise ExecutionError(
            "PATTERN_ERROR",
            f"The region {self.name} is in memcached, which does not list its keys: name them without"
            " wildcards.",
        )

    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        return {key for key in keys if self._left(key) is not None}

    def _left(self, key: bytes) -> int | None:
        """For how many more seconds the key is kept, -1 for ever; None where it is not there."""
        name = self._told(self._client.check_key, self.prefix + key, b"")
        answer = self._told(self._client.raw_command, b"mg %s t" % name)
        return int(answer.split()[1][1:]) if answer.startswith(b"HD") else None

    def remove(self, keys: Sequence[bytes]) -> int:
        return sum(bool(self._told(self._client.delete, self.prefix + key)) for key in keys)

    def keep(self, keys: Sequence[bytes], seconds: int) -> set[bytes]:
        until = _expiry(seconds * 1000)
        return {key for key in keys if self._told(self._client.touch, self.prefix + key, until)}

    def read(self, keys: Sequence[bytes], *, dumped: bool) -> dict[bytes, Entry]:
        found = self._told(self._client.get_many, [self.prefix + key for key in keys])
        entries = {}
        for key in keys:
            value, left = found.get(self.prefix + key), self._left(key)
            if value is not None and left is not None:
                # What has less than a second left is not to be kept for ever.
                entries[key] = Entry(value, 0 if left < 0 else max(left, 1) * 1000)
        return entries

    def write(self, entries: Mapping[bytes, Entry], *, only_new: bool) -> int:
        store = self._client.add if only_new else self._client.set
        return sum(
            bool(self._told(store, self.prefix + key, entry.value, expire=_expiry(entry.milliseconds)))
            for key, entry in entries.items()
        )

    def replicated(self) -> tuple[int, int]:
        return 0, 0

    def tell(self, channel: str, message: str) -> int | None:
        return None

    def compact(self) -> bool:
        return False

    def size(self, *, measured: bool) -> Size | None:
        return None

    def figures(self) -> dict[str, Any]:
        told: dict[bytes, Any] = self._told(self._client.stats)
        return {
            name.decode(): each.decode() if isinstance(each, bytes) else each for name, each in told.items()
        }

    def histogram(self) -> dict[str, list[tuple[int, int]]] | None:
        return None

    def wake(self) -> None:
        if connection := self._client.sock:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.close()


_FAILURES: Failures = (
    (TimeoutError, "TIMEOUT", "The region {name} does not answer in time: {said}."),
    (MemcacheIllegalInputError, "CACHE_ERROR", "The region {name} takes no such key: {said}."),
    (MemcacheUnexpectedCloseError, "CONNECTION_ERROR", "The region {name} ended the connection."),
    (MemcacheServerError, "STORAGE_ERROR", "The region {name} cannot store it: {said}."),
    (MemcacheError, "CACHE_ERROR", "The region {name} refuses: {said}."),
)


def _expiry(milliseconds: int) -> int:
    """When to forget, as memcached is told it: in seconds or, when that is long, by its date."""
    if not milliseconds:
        return 0
    seconds = -(-milliseconds // 1000)
    return seconds if seconds <= _LONGEST_SECONDS else int(time.time()) + seconds
