"""When a failure is tried again: pure functions of a retry policy and an error class."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

LONGEST = timedelta(hours=1)

# What other systems call the classes that Chronos knows by another name.
SYNONYMS = {
    "HTTP_4XX": "4XX",
    "HTTP_5XX": "5XX",
    "SERVER_ERROR": "5XX",
    "SERVICE_UNAVAILABLE": "HTTP_503",
    "CONNECTION_REFUSED": "CONNECTION_ERROR",
    "CONNECTION_TIMEOUT": "TIMEOUT",
    "SOCKET_TIMEOUT": "TIMEOUT",
}
_NAME = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")


def delay(strategy: str, seconds: int, failures: int) -> timedelta:
    """The wait after the n-th failure: FIXED b, EXPONENTIAL b * 2^(n-1) up to an hour."""
    if strategy == "FIXED":
        return timedelta(seconds=seconds)
    return min(timedelta(seconds=seconds * 2 ** min(failures - 1, 12)), LONGEST)


def spread(wait: timedelta, luck: float) -> timedelta:
    """The wait with jitter: from half of it to all of it, as `luck` goes from 0 to 1."""
    return wait * (1 + luck) / 2


def matches(retry_on: Sequence[str] | None, chain: Iterable[str]) -> bool:
    """Whether a failure with this chain of classes is tried again; an empty policy takes every failure."""
    return not retry_on or not set(retry_on).isdisjoint(chain)


def normal(name: str) -> str:
    """The class name as Chronos spells it: upper case, by our own word for it.

    Raises ValueError, with a sentence, for what cannot be a class name.
    """
    plain = name.strip().upper()
    if not _NAME.fullmatch(plain):
        raise ValueError(
            f"{name[:70]!r} is no error class: use capital letters, digits and _, such as TIMEOUT."
        )
    return SYNONYMS.get(plain, plain)
