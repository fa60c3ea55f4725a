"""What the dummy runs of one process share: the memory they may hold, and their groups."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from jobs.executors.base import Context, ExecutionError

MEMORY_MB = 512
_counting = Lock()
_groups: Counter[str] = Counter()
_holding: list[int] = []


@contextmanager
def of_memory(megabytes: int) -> Iterator[None]:
    """Keep dummy runs together from taking the memory that the worker's other runs need.

    Raises ExecutionError with RESOURCE_ERROR where the others hold too much already.
    """
    with _counting:
        held = sum(_holding)
        if held + megabytes > MEMORY_MB:
            raise ExecutionError(
                "RESOURCE_ERROR", f"Dummy runs hold {held} of the {MEMORY_MB} MB that they may hold together."
            )
        _holding.append(megabytes)
    try:
        yield
    finally:
        with _counting:
            _holding.remove(megabytes)


@contextmanager
def of_group(group: str | None, context: Context) -> Iterator[int]:
    """How many runs of the group this process is at, this one among them; 0 without a group."""
    if not group:
        yield 0
        return
    with _counting:
        _groups[group] += 1
        at_once = _groups[group]
    try:
        context.log("INFO", f"{at_once} of group {group} at once", at_once=at_once)
        yield at_once
    finally:
        with _counting:
            _groups[group] -= 1
            # Names come and go; the counter must not keep them all.
            if not _groups[group]:
                del _groups[group]
