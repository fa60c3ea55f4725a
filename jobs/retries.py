"""When a failure is tried again: pure functions of a retry policy and an error class."""

import re
from collections.abc import Sequence
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
# Failures after which nobody knows whether the work was done: once more may be twice.
MAY_HAVE_HAPPENED = {"DELIVERY_UNKNOWN"}
_NAME = re.compile(r"[A-Z0-9][A-Z0-9_]{0,63}")


def delay(strategy: str, seconds: int, failures: int) -> timedelta:
    """The wait after the n-th failure: FIXED b, EXPONENTIAL b * 2^(n-1) up to an hour."""
    if strategy == "FIXED":
        return timedelta(seconds=seconds)
    return min(timedelta(seconds=seconds * 2 ** min(failures - 1, 12)), LONGEST)


def spread(wait: timedelta, luck: float) -> timedelta:
    """The wait with jitter: from half of it to all of it, as `luck` goes from 0 to 1."""
    return wait * (1 + luck) / 2


def matches(retry_on: Sequence[str] | None, chain: Sequence[str]) -> bool:
    """Whether a failure with this chain of classes, its own first, is tried again.

    An empty policy takes every failure but those that may have done their work: a policy must name these.
    """
    if chain[0] in MAY_HAVE_HAPPENED:
        return chain[0] in (retry_on or ())
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
