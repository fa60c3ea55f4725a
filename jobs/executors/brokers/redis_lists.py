"""Redis: a queue is a list of texts, sent to its end and taken from its beginning."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.brokers import Message, is_room
from jobs.executors.brokers.failures import told
from jobs.executors.brokers.places import CONNECT_SECONDS, Place


@contextmanager
def opened(place: Place, context: Context) -> Iterator["RedisLists"]:
    """A connection to the server, which the end of the run closes."""
    sockets = guard.Sockets()
    client = redis.Redis(connection_pool=_pool(place, context, sockets))
    with context.closing(sockets.shut_down), told(place, context):
        try:
            yield RedisLists(client, context.job_id)
        finally:
            client.connection_pool.disconnect()
            sockets.close()


def _pool(place: Place, context: Context, sockets: guard.Sockets) -> redis.ConnectionPool:
    seconds = max(0.01, min(CONNECT_SECONDS, context.remaining))

    class Plain(redis.Connection):
        """Connects by a socket that is checked, and that another thread can end."""

        def _connect(self) -> Any:
            return place.connect(seconds, sockets)

    class OverTls(redis.SSLConnection, Plain):
        """The same, over TLS."""

    if place.path and not place.path.isdecimal():
        raise ExecutionError("BROKER_ERROR", f"{place.path[:40]!r} is no number of a Redis database.")
    return redis.ConnectionPool(
        connection_class=OverTls if place.tls else Plain,
        host=place.host,
        port=place.port,
        db=int(place.path or 0),
        username=place.username,
        password=place.password,
        socket_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class RedisLists:
    """One open connection.

    What a job has taken and not done with waits in a list of the job's own, from which its next run
    brings it back.
    """

    def __init__(self, client: redis.Redis, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._looked_into: set[str] = set()

    def _taken(self, queue: str) -> str:
        return f"{queue}:taken:{self._job_id}"

    def send(self, queues: Sequence[str], message: Message) -> None:
        for queue in queues:
            self._client.rpush(queue, message.body)

    def count(self, queue: str) -> int:
        self._bring_back(queue)
        return int(self._client.llen(queue))

    def take(self, queue: str, most: int) -> list[Message]:
        self._bring_back(queue)
        found: list[Message] = []
        while is_room(found, most):
            body: Any = self._client.lmove(queue, self._taken(queue), "LEFT", "RIGHT")
            if body is None:
                break
            found.append(Message(body, place=queue))
        return found

    def _bring_back(self, queue: str) -> None:
        if queue not in self._looked_into:
            self._looked_into.add(queue)
            while self._client.lmove(self._taken(queue), queue, "RIGHT", "LEFT") is not None:
                pass

    def done(self, messages: Sequence[Message]) -> None:
        with self._client.pipeline(transaction=True) as all_at_once:
            for queue, count in Counter(each.place for each in messages).items():
                all_at_once.lpop(self._taken(queue), count)
            all_at_once.execute()

    def purge(self, queue: str) -> int:
        with self._client.pipeline(transaction=True) as both:
            both.llen(queue)
            both.unlink(queue)
            return int(both.execute()[0])
