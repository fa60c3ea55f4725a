"""Bells: what tells RQ's workers that there is due work. A bell carries none itself."""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

import django_rq
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.queue import Queue

from jobs.models import Priority

logger = logging.getLogger(__name__)

DRAIN = "runs.drain.drain"
# RQ's word for it; the drain watches each run's own limit.
NO_LIMIT = -1

# Who rings has work of their own to do, which must not wait for a store that hangs.
PATIENCE_SECONDS = 1.0

QUEUES = {priority.rank: priority.value.lower() for priority in Priority}


class Refused(Exception):
    """A job in Redis that is not one of ours."""


class Bell(Job):
    """The only RQ job that Chronos executes: our own functions by name, without what else RQ knows of a job.

    No callbacks, webhooks, retries, repeats, and no time limit, which would break off all runs in progress.

    Whoever can write to Redis could name any importable function otherwise, also with the JSON
    serializer.
    """

    ALLOWED = frozenset({DRAIN})

    @property
    def func(self) -> Any:
        if self.func_name not in self.ALLOWED or self.instance is not None:
            raise Refused(f"job {self.id} asks for {self.func_name!r}")
        return super().func

    def restore(self, raw_data: Any) -> Any:
        """Read the job as it stands in Redis. Raises NoSuchJobError for garbage: RQ takes the next."""
        try:
            left = super().restore(raw_data)
        except Exception as error:  # it may be anything, and must not end the worker
            raise NoSuchJobError(f"job {self.id} cannot be read") from error
        self.webhooks = []
        self.timeout = NO_LIMIT
        self.retries_left = self.repeats_left = None
        return left

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None


def ring(ranks: Iterable[int]) -> None:
    """Put a bell into each priority's queue that has none waiting.

    Redis may be away: the work waits in the database, and the scheduler rings again.
    """
    try:
        for rank in ranks:
            queue = django_rq.get_queue(QUEUES[rank], connection=store(settings.REDIS_URL))
            try:
                _ring(queue)
            except ResponseError as error:
                _clear(queue, error)
    except RedisError as error:
        logger.warning("could not ring: %s", error)


@cache
def store(url: str) -> Redis:
    """A connection that gives up soon."""
    # Tried once more: a connection that the store has closed is noticed only when it is used.
    return Redis.from_url(
        url,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def _ring(queue: Queue) -> None:
    if not queue.count:
        queue.enqueue(DRAIN, job_timeout=NO_LIMIT, result_ttl=0, failure_ttl=3600)


def _clear(queue: Queue, error: ResponseError) -> None:
    """Take away what stands in the queue's place and is none: nothing there is worth keeping."""
    for key, kind in ((queue.key, b"list"), (Queue.redis_queues_keys, b"set")):
        if queue.connection.type(key) not in (kind, b"none"):
            logger.warning("%s holds no bells: deleted (%s)", key, error)
            queue.connection.delete(key)
