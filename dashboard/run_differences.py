"""How one run differs from an earlier one: what it was told, how it went, and what its log says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from accounts.models import User
from dashboard import definitions, log_differences, wording
from dashboard.definitions import Change
from dashboard.log_differences import Parting
from dashboard.run_log import Size
from jobs import masking
from jobs.definition import Definition
from jobs.models import JobVersion, Priority
from runs import history
from runs.history import Durations
from runs.models import Outcome, Run, RunQuerySet

# How far back, and through how many failures, others of the same signature are looked for.
ALIKE_WITHIN, ALIKE_AMONG = timedelta(days=7), 2_000
# How many good runs tell how long the job usually takes.
GOODS = 20
# Waits that differ by less than this are the same to people.
SHORT_WAIT_MS = 2_000
PRIORITIES = {priority.rank: priority.label.lower() for priority in Priority}


@dataclass(frozen=True)
class Fact:
    """One thing about two runs, in words; `note` says more of the second."""

    label: str
    before: str
    after: str
    note: str = ""
    same: bool = False


def facts(before: Run, after: Run, usual: Durations | None = None) -> list[Fact]:
    """What can be said of both runs, whether it differs or not."""
    pairs = [
        _took(before, after, usual),
        _waited(before, after),
        _fact("Worker", before.worker_id, after.worker_id),
        _fact("Host", _host(before), _host(after)),
        _fact("Started by", before.get_trigger_display(), after.get_trigger_display()),
        _fact("Priority", PRIORITIES.get(before.priority), PRIORITIES.get(after.priority)),
        *_parameters(before, after),
    ]
    return [fact for fact in pairs if fact.before or fact.after]


def _fact(label: str, before: Any, after: Any, note: str = "") -> Fact:
    sides = ["" if side is None else str(side) for side in (before, after)]
    return Fact(label, sides[0], sides[1], note, same=sides[0] == sides[1])


def _host(run: Run) -> str | None:
    """The machine that a worker's name begins with, where it does."""
    host, colon, _ = (run.worker_id or "").partition(":")
    return host if colon else None


def _took(before: Run, after: Run, usual: Durations | None) -> Fact:
    notes = []
    if before.duration_ms and after.duration_ms and after.duration_ms >= 2 * before.duration_ms:
        notes.append(f"{after.duration_ms / before.duration_ms:.1f} times as long")
    if usual:
        told = f"{wording.duration(usual.p50)}, slowest {wording.duration(usual.p95)}"
        notes.append(f"usually {told}")
    one, other = (_ms(run.duration_ms) for run in (before, after))
    return Fact("Took", one, other, "; ".join(notes))


def _waited(before: Run, after: Run) -> Fact:
    waits = [
        None if run.waited is None else round(run.waited.total_seconds() * 1000) for run in (before, after)
    ]
    near = all(wait is not None and wait < SHORT_WAIT_MS for wait in waits) or waits[0] == waits[1]
    return Fact("Waited for a slot", _ms(waits[0]), _ms(waits[1]), same=near)


def _ms(milliseconds: int | None) -> str:
    return "" if milliseconds is None else wording.duration(max(0, milliseconds))


def _parameters(before: Run, after: Run) -> list[Fact]:
    given = before.given, after.given
    shown = masking.anything(given[0]), masking.anything(given[1])
    names = dict.fromkeys([*given[0], *given[1]])
    return [
        Fact(
            f"Parameter {name}",
            str(shown[0].get(name, "")),
            str(shown[1].get(name, "")),
            same=given[0].get(name) == given[1].get(name),
        )
        for name in names
    ]


@dataclass(frozen=True)
class Alike:
    """Other runs that failed with the same signature, of how many jobs, and since when."""

    runs: int
    jobs: int
    since: datetime


def alike(run: Run, user: User) -> Alike | None:
    """The others among the newest failures that the person may see; None without any."""
    if not run.signature or run.end_time is None:
        return None
    since = run.end_time - ALIKE_WITHIN
    newest = Run.objects.visible_to(user).filter(outcome=run.outcome, end_time__gte=since)
    same = Q(signature=run.signature) & ~Q(pk=run.pk)
    told = newest.order_by("-end_time")[:ALIKE_AMONG].aggregate(
        runs=Count("pk", filter=same),
        jobs=Count("job", filter=same, distinct=True),
        since=Min("end_time", filter=same),
    )
    return Alike(**told) if told["runs"] else None


@dataclass(frozen=True)
class SinceGood:
    """What is different since the last good run."""

    good: Run
    changes: list[Change]
    facts: list[Fact]
    parting: Parting | None
    compared: int
    version: JobVersion | None

    @property
    def different(self) -> list[Fact]:
        return [fact for fact in self.facts if not fact.same]

    @property
    def same(self) -> str:
        """What did not change, in words."""
        told = [fact.label.lower() for fact in self.facts if fact.same]
        if not self.changes:
            told.insert(0, "definition")
        if self.compared and self.parting is None:
            told.append(f"first {self.compared:,} lines of the log")
        return ", ".join(told)


def since_good(
    run: Run, goods: list[Run], versions: dict[int, JobVersion], sizes: dict[str, Size]
) -> SinceGood:
    """Set a run beside the last good one of its job, the first of the `goods` before it."""
    good = goods[0]
    one, other = log_differences.beginnings((good, sizes[good.pk]), (run, sizes[run.pk]))
    new = versions.get(run.version)
    definition: Definition = new.definition if new else {}
    old = versions[good.version].definition if good.version in versions else definition
    return SinceGood(
        good,
        definitions.changes(old, definition),
        facts(good, run, history.durations(goods)),
        log_differences.parting(one, other),
        min(len(one), len(other)),
        new,
    )


def goods(run: Run) -> list[Run]:
    """The last runs of the same job that succeeded before this one, newest first."""
    return list(_earlier(run).filter(outcome=Outcome.SUCCESS)[:GOODS])


def last_good(run: Run) -> Run | None:
    """The last run of the same job that succeeded before this one."""
    return _earlier(run).filter(outcome=Outcome.SUCCESS).first()


def previous(run: Run) -> Run | None:
    """The run of the same job before this one that was not skipped."""
    return _earlier(run).filter(skip_reason=None).first()


def _earlier(run: Run) -> RunQuerySet:
    runs = Run.objects.filter(job=run.job_id, scheduled_time__lt=run.scheduled_time)
    return runs.order_by("-scheduled_time", "-attempt").defer("result")
