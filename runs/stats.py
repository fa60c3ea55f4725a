"""Totals of what ended, by hour, type and outcome: kept while runs end, so that nobody has to count them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

from django.db import connection

from jobs.models import Job

# What is no outcome of a run, though an end of its tick.
SKIPPED = "SKIPPED"

# The longest times, in milliseconds, that each column counts.
TOOK = {"100ms": 100, "1s": 1000, "10s": 10_000, "1m": 60_000, "10m": 600_000, "1h": 3_600_000}
WAITED = {name: TOOK[name] for name in ("100ms", "1s", "10s", "1m", "10m")}

Key = tuple[datetime, str, str]


class End(NamedTuple):
    """The end of one run, or of `times` that never started, in milliseconds; what did not start took none."""

    job_id: str
    outcome: str
    at: datetime
    took_ms: int = 0
    waited_ms: int = 0
    times: int = 1


def types_of(job_ids: Iterable[str]) -> dict[str, str]:
    """The types of those of the jobs that are still there."""
    return dict(Job.objects.filter(pk__in=set(job_ids)).values_list("pk", "type"))


def write(ends: Iterable[End], types: Mapping[str, str]) -> None:
    """Add the ends to the totals of their hours; those of jobs that `types` does not know are left out.

    Call it as the last thing in a transaction: everyone who ends a run waits for these few rows, so they are
    held for as short as can be, always after what else is locked, and in the order of their keys.
    """
    for key, counts in sorted(_totals(ends, types).items()):
        _add(key, counts)


def _totals(ends: Iterable[End], types: Mapping[str, str]) -> dict[Key, list[int]]:
    """What to add to the columns, in their order."""
    tallies: defaultdict[Key, _Tally] = defaultdict(_Tally)
    for end in ends:
        if end.job_id in types and end.times:
            hour = end.at.replace(minute=0, second=0, microsecond=0)
            tallies[hour, types[end.job_id], end.outcome].add(end)
    return {key: tally.columns() for key, tally in tallies.items()}


class _Tally:
    """The ends of one key, each time in the first bucket that holds it."""

    def __init__(self) -> None:
        self.count = self.took_ms = self.waited_ms = 0
        self.took = [0] * (len(TOOK) + 1)
        self.waited = [0] * (len(WAITED) + 1)

    def add(self, end: End) -> None:
        self.count += end.times
        self.took_ms += end.took_ms
        self.waited_ms += end.waited_ms
        self.took[bisect_left(_TOOK_BOUNDS, end.took_ms)] += end.times
        self.waited[bisect_left(_WAITED_BOUNDS, end.waited_ms)] += end.times

    def columns(self) -> list[int]:
        took, waited = list(accumulate(self.took))[:-1], list(accumulate(self.waited))[:-1]
        return [self.count, self.took_ms, *took, self.waited_ms, *waited]


_TOOK_BOUNDS, _WAITED_BOUNDS = list(TOOK.values()), list(WAITED.values())

COLUMNS = [
    "count",
    "took_ms",
    *(f"took_{name}" for name in TOOK),
    "waited_ms",
    *(f"waited_{name}" for name in WAITED),
]
# Names of our own columns; every value is bound.
_UPDATE = (
    f"UPDATE run_stats SET {', '.join(f'{name} = {name} + %s' for name in COLUMNS)} "  # noqa: S608
    "WHERE hour = %s AND type = %s AND outcome = %s"
)
_INSERT = (
    f"INSERT INTO run_stats ({', '.join(COLUMNS)}, hour, type, outcome) "  # noqa: S608
    f"VALUES ({', '.join(['%s'] * (len(COLUMNS) + 3))}) "
)
# What follows where somebody else has made the row since we looked.
_ON_CONFLICT = "ON CONFLICT (hour, type, outcome) DO UPDATE SET " + ", ".join(
    f"{name} = run_stats.{name} + excluded.{name}" for name in COLUMNS
)
_ON_DUPLICATE = "ON DUPLICATE KEY UPDATE " + ", ".join(
    f"{name} = {name} + VALUES({name})" for name in COLUMNS
)


def _add(key: Key, counts: Sequence[int]) -> None:
    hour, kind, outcome = key
    values: list[Any] = [*counts, connection.ops.adapt_datetimefield_value(hour), kind, str(outcome)]
    with connection.cursor() as cursor:
        # The row is there but for once an hour, and an INSERT that finds it takes more locks on MariaDB.
        cursor.execute(_UPDATE, values)
        if not cursor.rowcount:
            found = _ON_DUPLICATE if connection.vendor == "mysql" else _ON_CONFLICT
            cursor.execute(_INSERT + found, values)
