"""Take due runs for one worker, fenced by a token and held by a lease."""

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from chronos_site.clock import database_now
from chronos_site.locks import locked
from chronos_site.schema import new_ulid
from jobs import moves
from jobs.models import JobVersion, Priority
from jobs.moves import Event
from runs.models import Outcome, Run, RunQuerySet
from runs.occurrences import ticks_of
from runs.settle import Ended, settle_apart
from runs.stops import Open, open_to

# Definitions that a worker keeps in memory, and how long one may be to be kept.
KEPT = 2_000
KEPT_CHARACTERS = 10_000


@dataclass(frozen=True)
class Claimed:
    """A run that is ours until its lease ends, and the definition it executes."""

    run: Run
    definition: dict[str, Any]
    # Where it is another one than the run's own.
    tick: datetime | None = None


def lease() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


@transaction.atomic
def claim(
    worker: str,
    free: int,
    room: Mapping[str, int],
    *,
    reserved: int = 0,
    known: "Definitions | None" = None,
) -> list[Claimed]:
    """Take up to `free` due runs, most urgent first, and of each type no more than there is room for.

    The last `reserved` free slots are for runs of high priority alone. A type that `room` does not name has
    room. Start, worker, token and lease are written by the database's clock, and scheduled jobs become
    RUNNING, all in one transaction. Of a queue that a person has stopped, and for a worker that is drained,
    nothing is taken.
    """
    opened = open_to(worker)
    if opened.drained:
        return []
    at = database_now()
    candidates: list[Run] = []
    for due in _due(at, opened, urgent=free <= reserved):
        left = free - len(candidates)
        candidates += locked(_candidates(due, left, room), skip=True)[:left]
    definitions = (known or Definitions()).of(candidates)
    whole = [run for run in candidates if (run.job_id, run.version) in definitions]
    claimable = [Claimed(run, definitions[run.job_id, run.version]) for run in whole]
    taken = list(_fitting(claimable, room, free - reserved))
    if taken:
        _start([each.run for each in taken], worker, new_ulid(), at)
        moves.move({each.run.job_id for each in taken}, Event.CLAIM)
    ticks = ticks_of(each.run for each in taken)
    if len(whole) < len(candidates):
        _refuse([run for run in candidates if run not in whole], at)
    return [replace(each, tick=ticks[each.run.pk]) if each.run.pk in ticks else each for each in taken]


def _due(at: datetime, opened: Open, *, urgent: bool) -> Iterator[RunQuerySet]:
    """What is due, the urgent alone if asked: in one queryset, or, beside a stopped queue, one for each rank.

    Asked for all but the stopped ones at once, a database would walk past all that waits there.
    """
    due = Run.objects.due(at)
    if opened.whole and not urgent:
        yield due
        return
    for rank in opened.ranks:
        if not urgent or rank == Priority.HIGH.rank:
            yield due.filter(priority=rank)


def _candidates(due: RunQuerySet, free: int, room: Mapping[str, int]) -> RunQuerySet:
    full = [code for code, left in room.items() if left <= 0]
    if not full and connection.vendor != "mysql":
        return due
    # The types stand in another table, and a lock wants a query without joins; MariaDB locks also what it
    # only passes on its search. So they are looked up first.
    return due.filter(pk__in=list(due.exclude(job__type__in=full).values_list("pk", flat=True)[:free]))


def _fitting(candidates: Iterable[Claimed], room: Mapping[str, int], ordinary: int) -> Iterator[Claimed]:
    """Those for whose type there is room, with no more than `ordinary` ones once the urgent ones are in."""
    taken: Counter[str] = Counter()
    for each in candidates:
        code = each.definition["type"]
        urgent = each.run.priority == Priority.HIGH.rank
        if (code in room and taken[code] >= room[code]) or not (urgent or taken.total() < ordinary):
            continue
        taken[code] += 1
        yield each


def _start(runs: list[Run], worker: str, token: str, at: datetime) -> None:
    fields: dict[str, Any] = {
        "start_time": at,
        "worker_id": worker,
        "claim_token": token,
        "lease_expires_at": at + lease(),
    }
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(**fields)
    for run in runs:
        for name, value in fields.items():
            setattr(run, name, value)


Key = tuple[str, int]


class Definitions:
    """What runs execute, by job and version; small ones asked for last are kept, for none ever changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, dict[str, Any]] = OrderedDict()

    def of(self, runs: Iterable[Run]) -> dict[Key, dict[str, Any]]:
        """The definitions of these runs; a version that is gone is left out."""
        wanted = {(run.job_id, run.version) for run in runs}
        found = {key: self._kept[key] for key in wanted & self._kept.keys()}
        if unknown := wanted - found.keys():
            read = _read(unknown)
            found |= read
            self._kept.update((key, told) for key, told in read.items() if len(str(told)) < KEPT_CHARACTERS)
        for key in wanted & self._kept.keys():
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _read(wanted: Collection[Key]) -> dict[Key, dict[str, Any]]:
    rows = JobVersion.objects.filter(
        job_id__in={job_id for job_id, _ in wanted}, version__in={version for _, version in wanted}
    ).values_list("job_id", "version", "definition")
    return {(job_id, version): definition for job_id, version, definition in rows}


def _refuse(runs: list[Run], at: datetime) -> None:
    """End runs whose version is gone: nobody can execute them, and they must not stand in the others' way."""
    message = "Version %s of the job, which the run was to execute, is gone."
    settle_apart(
        [Ended(run, Outcome.FAILURE, at, "VERSION_GONE", message % run.version, repeat=False) for run in runs]
    )


@transaction.atomic
def renew(tokens: Collection[str]) -> tuple[set[str], set[str]]:
    """Extend the leases of our runs; gives the ids still ours, and those a person asked to stop."""
    ours = Run.objects.running().filter(claim_token__in=list(tokens))
    found = list(ours.values_list("pk", flat=True))
    # By their keys alone, as in settle.hold_active.
    rows = locked(Run.objects.filter(pk__in=found).order_by("pk")).only(
        "claim_token", "cancel_requested_at", "outcome"
    )
    held = {run.pk: run.cancel_requested_at for run in rows if run.claim_token in tokens and not run.outcome}
    Run.objects.filter(pk__in=held).update(lease_expires_at=database_now() + lease())
    return set(held), {pk for pk, asked in held.items() if asked}
