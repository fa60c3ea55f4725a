"""Cache regions: places in a Redis, a Valkey or a memcached that the administrator has named."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from redis import ConnectionPool

from jobs.executors.base import Context, ExecutionError
from jobs.executors.caches import memcached, redis
from jobs.executors.caches.region import Entry, Region, Size

__all__ = ["ALL", "Entry", "Region", "Size", "named", "opened"]

ALL = "all-regions"


def named(text: str) -> list[str]:
    """The names of the regions that a job means: one, several between commas, or `all-regions`.

    Raises ExecutionError with CACHE_REGION_MISSING where the administrator has named no such region.
    """
    known = settings.CACHE_REGIONS
    if text.strip() == ALL and ALL not in known:
        names = list(known)
    else:
        names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if missing := [name for name in names if name not in known] or ([] if names else [text]):
        there_are = f" There are {', '.join(known)}"[:300] if known else " There are none"
        raise ExecutionError(
            "CACHE_REGION_MISSING",
            f"There is no cache region {missing[0][:100]}: the administrator names them in"
            f" CHRONOS_CACHE_REGIONS.{there_are}.",
        )
    return names


@contextmanager
def opened(names: list[str], context: Context) -> Iterator[list[Region]]:
    """The regions, connected for the time of the block; all of them, before anything is changed in one.

    Raises ExecutionError with CONNECTION_ERROR, TIMEOUT or CACHE_ERROR.
    """
    with ExitStack() as stack:
        regions = []
        for name in names:
            region = _region(name, context)
            stack.callback(region.close)
            stack.enter_context(context.closing(region.wake))
            region.connect()
            regions.append(region)
        yield regions


def _place(url: str) -> tuple[Any, ...]:
    """The server and the database of a Redis."""
    parts = ConnectionPool.from_url(url).connection_kwargs
    where = parts.get("path") or (parts.get("host", "localhost"), parts.get("port", 6379))
    return where, parts.get("db", 0)


def _region(name: str, context: Context) -> Region:
    parts = urlsplit(settings.CACHE_REGIONS[name])
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = options.pop("prefix", "").encode()
    try:
        if parts.scheme == "memcached":
            return memcached.MemcachedRegion(name, prefix, context, parts.hostname or "", parts.port)
        url = parts._replace(query=urlencode(options)).geturl()
        if not prefix and _place(url) == _place(settings.REDIS_URL):
            raise ExecutionError(
                "CACHE_ERROR", f"The region {name} is where Chronos keeps its queues: give it a ?prefix=."
            )
        return redis.RedisRegion(name, prefix, context, url)
    except (ValueError, TypeError) as error:
        raise ExecutionError("CACHE_ERROR", f"The URL of the region {name} cannot be read.") from error
