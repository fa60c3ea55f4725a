"""Cache regions in a Redis or Valkey."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from redis import ConnectionPool, Redis, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.executors.base import Context, ExecutionError
from jobs.executors.caches.region import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    MEASURED,
    Entry,
    Failures,
    Size,
    batches,
    failure,
    glob,
)

_STEP = 500


class RedisRegion:
    """The keys of a Redis database that begin with the region's prefix."""

    kind = "Redis"
    listable = True

    def __init__(self, name: str, prefix: bytes, context: Context, url: str) -> None:
        self.name = name
        self.prefix = prefix
        self._context = context
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=max(0.01, min(CONNECT_SECONDS, context.remaining)),
            socket_timeout=max(0.01, min(ANSWER_SECONDS, context.remaining)),
        )
        self._redis: Any = Redis(connection_pool=self._pool)

    def connect(self) -> None:
        self._ask("PING")

    def _ask(self, *words: Any) -> Any:
        return self._told(lambda: self._redis.execute_command(*words))

    def _ask_each(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers to commands that are sent at once; what the server refuses comes as an error."""

        def ask() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            for words in commands:
                pipeline.execute_command(*words)
            return list(pipeline.execute(raise_on_error=False))

        return self._told(ask) if commands else []

    def _told(self, ask: Callable[[], Any]) -> Any:
        self._context.check()
        try:
            return ask()
        except (exceptions.RedisError, OSError) as error:
            self._context.check()
            raise failure(error, self.name, _FAILURES) from error
        except Exception:
            # The client stumbles over a connection that is ended under its hands in many ways.
            self._context.check()
            raise

    def _all(self, answers: Sequence[Any]) -> list[Any]:
        """The answers, none of which is a refusal."""
        for answer in answers:
            if isinstance(answer, Exception):
                raise failure(answer, self.name, _FAILURES)
        return list(answers)

    def found(self, pattern: str, batch: int) -> Iterator[list[bytes]]:
        wanted, cursor = glob(self.prefix, pattern), 0
        while True:
            cursor, keys = self._ask("SCAN", cursor, "MATCH", wanted, "COUNT", batch)
            # A server that reads patterns in another way must not lead out of the region.
            within = [key[len(self.prefix) :] for key in keys if key.startswith(self.prefix)]
            yield from batches(within, batch)
            if not cursor:
                return

    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        answers = self._all(self._ask_each([("EXISTS", self.prefix + key) for key in keys]))
        return {key for key, answer in zip(keys, answers, strict=True) if answer}

    def remove(self, keys: Sequence[bytes]) -> int:
        return int(self._ask("UNLINK", *(self.prefix + key for key in keys)))

    def keep(self, keys: Sequence[bytes], seconds: int) -> set[bytes]:
        answers = self._all(self._ask_each([("EXPIRE", self.prefix + key, seconds) for key in keys]))
        return {key for key, answer in zip(keys, answers, strict=True) if answer}

    def read(self, keys: Sequence[bytes], *, dumped: bool) -> dict[bytes, Entry]:
        how = "DUMP" if dumped else "GET"
        names = [self.prefix + key for key in keys]
        answers = self._ask_each([words for name in names for words in ((how, name), ("PTTL", name))])
        entries = {}
        for key, value, left in zip(keys, answers[::2], answers[1::2], strict=True):
            if isinstance(value, exceptions.ResponseError) and "WRONGTYPE" in str(value):
                raise ExecutionError(
                    "SYNC_ERROR", f"{_shown(key)} in {self.name} is no text, and memcached keeps only texts."
                )
            self._all([value, left])
            # What is gone between the two questions is gone.
            if value is not None and left != _GONE:
                entries[key] = Entry(value, max(left, 0), dumped)
        return entries

    def write(self, entries: Mapping[bytes, Entry], *, only_new: bool) -> int:
        commands = [_storing(self.prefix + key, entry, only_new) for key, entry in entries.items()]
        answers = self._ask_each(commands)
        taken = [isinstance(each, exceptions.ResponseError) and "BUSYKEY" in str(each) for each in answers]
        self._all([each for each, is_taken in zip(answers, taken, strict=True) if not is_taken])
        return sum(bool(each) and not is_taken for each, is_taken in zip(answers, taken, strict=True))

    def replicated(self) -> tuple[int, int]:
        replicas = int(self._ask("INFO", "replication").get("connected_slaves", 0))
        if not replicas:
            return 0, 0
        patience = round(min(ANSWER_SECONDS / 2, self._context.remaining) * 1000)
        return int(self._ask("WAIT", replicas, max(1, patience))), replicas

    def tell(self, channel: str, message: str) -> int | None:
        return int(self._ask("PUBLISH", channel, message))

    def compact(self) -> bool:
        self._ask("MEMORY", "PURGE")
        return True

    def size(self, *, measured: bool) -> Size | None:
        if not self.prefix and not measured:
            return Size(self._ask("DBSIZE"), 0, 0)
        seen, weighed, weight = 0, 0, 0
        for keys in self.found("*", _STEP):
            seen += len(keys)
            if measured and weighed < MEASURED:
                sizes = self._all(self._ask_each([("MEMORY", "USAGE", self.prefix + key) for key in keys]))
                weighed += sum(size is not None for size in sizes)
                weight += sum(filter(None, sizes))
            elif not self.prefix:
                return Size(self._ask("DBSIZE"), weighed, weight)
        return Size(seen, weighed, weight)

    def figures(self) -> dict[str, Any]:
        told: dict[str, Any] = self._ask("INFO")
        with suppress(ExecutionError):
            # Older ones do not know this section.
            told["latency"] = self._ask("INFO", "latencystats")
        return told

    def histogram(self) -> dict[str, list[tuple[int, int]]] | None:
        try:
            found = self._ask("LATENCY", "HISTOGRAM")
        except ExecutionError:
            return None
        by_command = dict(zip(found[::2], found[1::2], strict=True))
        return {name.decode(): _buckets(told) for name, told in by_command.items()}

    def wake(self) -> None:
        self._pool.disconnect()

    def close(self) -> None:
        self._redis.close()
        self._pool.disconnect()


_GONE = -2
_FAILURES: Failures = (
    (exceptions.AuthenticationError, "CACHE_ERROR", "The region {name} refuses the sign-in: {said}."),
    (exceptions.TimeoutError, "TIMEOUT", "The region {name} does not answer in time: {said}."),
    (exceptions.OutOfMemoryError, "STORAGE_ERROR", "The region {name} is full: {said}."),
    (exceptions.ResponseError, "CACHE_ERROR", "The region {name} refuses: {said}."),
)


def _storing(name: bytes, entry: Entry, only_new: bool) -> list[Any]:
    if entry.dumped:
        return ["RESTORE", name, entry.milliseconds, entry.value, *([] if only_new else ["REPLACE"])]
    lasting = ["PX", entry.milliseconds] if entry.milliseconds else []
    return ["SET", name, entry.value, *lasting, *(["NX"] if only_new else [])]


def _buckets(told: Sequence[Any]) -> list[tuple[int, int]]:
    fields = dict(zip(told[::2], told[1::2], strict=True))
    flat = fields.get(b"histogram_usec", [])
    return list(zip(flat[::2], flat[1::2], strict=True))


def _shown(key: bytes) -> str:
    return key.decode("utf-8", "replace")[:100]
