"""Counts of what happens within a stretch of time, in each process."""

from django.core.cache import cache


def tallied(key: str, seconds: int) -> int:
    """Count one more under the key; how many that makes within so many seconds."""
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key)
    except ValueError:
        # It ended between the two.
        return 1


def tally(key: str) -> int:
    """How many were counted under the key."""
    return int(cache.get(key, 0))
