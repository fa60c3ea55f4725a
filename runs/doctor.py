"""What is wrong with this installation: its surroundings, and every invariant of the engine."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import RedisError

from audit import sealing
from audit.models import Verification
from audit.verifying import Look
from chronos_site import checks
from chronos_site.clock import database_now
from chronos_site.logs import masked
from chronos_site.schema import first_id
from runs.acknowledgements import Acknowledgement
from runs.invariants import INVARIANTS, Invariant, Moment, is_unique
from runs.models import DeadLetter, Process, Run, RunStats
from runs.ring import store
from runs.stops import Stop

# Rows that one check looks at, at most: more of them say nothing new.
MOST = 1000
# How many of them are shown.
SHOWN = 20
# What is seen twice, this far apart, was not in the middle of something.
APART_SECONDS = 2.0
DRIFT = timedelta(seconds=5)
# Blocks of the audit trail that are looked at, and how long an entry may wait for one.
BLOCKS = 20
SEALED_WITHIN = timedelta(minutes=10)


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """What one check found; `ids` are the first of what breaks it, up to `MOST`."""

    name: str
    claim: str
    verdict: Verdict = Verdict.OK
    told: str = ""
    ids: tuple[str, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """The same as JSON, with the first of the ids."""
        return {
            "name": self.name,
            "claim": self.claim,
            "verdict": self.verdict.value,
            "told": self.told,
            "count": len(self.ids),
            "ids": self.ids[:SHOWN],
        }


def examine(days: int) -> Iterator[Finding]:
    """Every check, cheapest first; invariants are looked at only where there is a database to look at."""
    reached = _database()
    yield reached
    yield _redis()
    yield _settings()
    if reached.verdict == Verdict.BROKEN:
        return
    yield _clock()
    migrations = _migrations()
    yield migrations
    if migrations.verdict == Verdict.BROKEN:
        return
    yield _indexes()
    yield from map(_alive, Process.Kind)
    yield _stops()
    yield _trail()
    yield from invariants(days)


def invariants(days: int, *, apart: float = APART_SECONDS) -> Iterator[Finding]:
    """Every invariant; what seems broken is broken if it still is `apart` seconds later."""
    seen = dict(_look(INVARIANTS, days))
    suspects = [invariant for invariant in INVARIANTS if seen[invariant.name]]
    if suspects:
        time.sleep(apart)
    again = dict(_look(suspects, days))
    for invariant in INVARIANTS:
        first = set(seen[invariant.name])
        ids = tuple(pk for pk in again.get(invariant.name, ()) if pk in first)
        yield _finding(invariant.name, invariant.claim, not ids, ids=ids)


def _look(asked: Iterable[Invariant], days: int) -> Iterator[tuple[str, list[str]]]:
    for invariant in asked:
        moment = Moment.at(database_now(), days)
        yield invariant.name, list(invariant.broken(moment)[:MOST])


def _finding(name: str, claim: str, holds: bool, told: str = "", ids: tuple[str, ...] = ()) -> Finding:
    return Finding(name, claim, Verdict.OK if holds else Verdict.BROKEN, told, ids)


def _database() -> Finding:
    claim = "The database answers."
    try:
        database_now()
    except DatabaseError as error:
        return _finding("database", claim, False, masked(str(error).strip()))
    return _finding("database", claim, True, connection.vendor)


def _redis() -> Finding:
    claim = "Redis answers."
    try:
        store(settings.REDIS_URL).ping()
    except (RedisError, ValueError) as error:
        return _finding("redis", claim, False, masked(str(error)))
    return _finding("redis", claim, True)


def _settings() -> Finding:
    reasons = checks.unsafe()
    return _finding("settings", "No setting is unsafe.", not reasons, " ".join(reasons))


def _clock() -> Finding:
    before = datetime.now(UTC)
    drift = abs(database_now() - before - (datetime.now(UTC) - before) / 2)
    told = f"{drift.total_seconds():.1f} s apart"
    verdict = Verdict.OK if drift <= DRIFT else Verdict.WARNING
    return Finding("clock", "This machine's clock is within 5 s of the database's.", verdict, told)


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    ids = tuple(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
    return _finding("migrations", "The tables are those of this version.", not ids, ids=ids)


_UNIQUE = (
    (Run, ("job_id", "scheduled_time", "attempt")),
    (DeadLetter, ("run_id",)),
    (RunStats, ("hour", "type", "outcome")),
    (Acknowledgement, ("open_for",)),
)


def _indexes() -> Finding:
    missing = tuple(
        f"{model._meta.db_table} ({', '.join(columns)})"
        for model, columns in _UNIQUE
        if not is_unique(model, *columns)
    )
    claim = "The database itself forbids second runs of a tick and second dead letters."
    return _finding("unique-indexes", claim, not missing, ids=missing)


def _alive(kind: Process.Kind) -> Finding:
    count = Process.objects.alive(database_now()).filter(kind=kind).count()
    return _finding(kind.lower(), f"A {kind.lower()} is alive.", count > 0, f"{count} alive")


def _trail() -> Finding:
    """The newest blocks, what the last look at the whole chain found, and what waits."""
    claim = "The audit trail is as it was recorded, and sealed."
    look = Look()
    look.end(BLOCKS)
    problems = tuple(map(str, look.problems))
    known = Verification.objects.exclude(problem="").values_list("problem", flat=True).first()
    if known and known not in problems:
        problems += (known,)
    if problems:
        return Finding("audit-trail", claim, Verdict.BROKEN, "Run manage.py audit_verify.", problems)
    if sealing.unsealed().filter(pk__lt=first_id(database_now() - SEALED_WITHIN)).exists():
        return Finding("audit-trail", claim, Verdict.WARNING, "Entries wait for a scheduler to seal them.")
    return _finding("audit-trail", claim, True, f"the last {BLOCKS} blocks of {look.block}")


def _stops() -> Finding:
    claim = "Nobody has paused firing or a queue, or drained a worker."
    names = tuple(str(stop).lower() for stop in Stop.objects.order_by("pk"))
    verdict = Verdict.WARNING if names else Verdict.OK
    return Finding("stops", claim, verdict, ids=names)
