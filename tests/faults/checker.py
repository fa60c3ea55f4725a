"""Whether a scheduler may have a history: judged by what was asked, what was done and what was kept.

It knows nothing of Chronos. Times are seconds since 1970.
"""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

VALID, INVALID, UNKNOWN = "valid", "invalid", "unknown"


@dataclass(frozen=True)
class Plan:
    """What the driver asked for: a job's ticks, and how many seconds each may begin late and may take.

    `repeatable` says whether a tick may be worked on more than once, `alone` that its runs never overlap,
    `seen` that the world outside sees what they do.
    """

    job: str
    ticks: tuple[float, ...]
    patience: float = 10
    longest: float = 60
    repeatable: bool = False
    alone: bool = True
    seen: bool = True


@dataclass(frozen=True)
class Row:
    """What the database holds of a run at the end; `outcomes` are all that were ever seen of it, in order.

    One with `skips` stands for so many ticks, from its own on, which were left out on purpose. `lost` is one
    whose worker was given up.
    """

    run: str
    job: str
    tick: float
    attempt: int = 1
    outcomes: tuple[str, ...] = ()
    skips: int = 0
    lost: bool = False


@dataclass(frozen=True)
class Call:
    """What the world outside saw of a run; without an end it broke off, or goes on."""

    run: str
    job: str
    began: float
    ended: float | None = None


@dataclass(frozen=True)
class Fault:
    """A stretch of time in which something was broken on purpose."""

    what: str
    began: float
    ended: float


@dataclass(frozen=True)
class Finding:
    """One thing that must not be, and where."""

    kind: str
    what: str


@dataclass(frozen=True)
class Verdict:
    findings: tuple[Finding, ...]
    # What it was too early to judge.
    waiting: tuple[str, ...]

    @property
    def word(self):
        return INVALID if self.findings else UNKNOWN if self.waiting else VALID

    @property
    def kinds(self):
        return {finding.kind for finding in self.findings}

    def __str__(self):
        reasons = [f"{each.kind}: {each.what}" for each in self.findings] or [*self.waiting]
        return "\n".join([self.word, *reasons])


def intervals(anchor, seconds, until):
    """The ticks of an interval after its anchor."""
    return tuple(anchor + seconds * n for n in range(1, int((until - anchor) // seconds) + 1))


def crons(expression, zone, after, until):
    """The ticks of a cron expression in (after, until], by another reader of cron than the product's."""
    began = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(zone))
    found = (each.timestamp() for each in CronSim(expression.replace("?", "*"), began))
    return tuple(takewhile(lambda tick: tick <= until, found))


def check(plans, rows, calls, read_at, faults=()):
    """The verdict on a history whose rows were read at the end, at `read_at`."""
    of_run = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        of_run[call.run].append(call)
    found = [*_unasked(plans, rows, of_run)]
    for plan in plans:
        own = [row for row in rows if row.job == plan.job]
        found += [
            *_ticks(plan, own, of_run, read_at, faults),
            *_repeats(plan, own, of_run),
            *_overlaps(plan, own, of_run),
            *_ends(plan, own, of_run, read_at, faults),
        ]
    findings = tuple(each for each in found if isinstance(each, Finding))
    return Verdict(findings, tuple(each for each in found if each not in findings))


def stretched(instant, seconds, faults):
    """So long after the instant, without the time in which something was broken."""
    deadline = instant + seconds
    for fault in sorted(faults, key=lambda fault: fault.began):
        if fault.began < deadline and fault.ended > instant:
            deadline += fault.ended - max(fault.began, instant)
    return deadline


def _unasked(plans, rows, of_run):
    planned, known = {plan.job for plan in plans}, {row.run for row in rows}
    for job in sorted({row.job for row in rows} - planned):
        yield Finding("phantom", f"{job} was never asked for")
    for run in sorted(of_run.keys() - known):
        yield Finding("phantom", f"run {run} has no row")


def _ticks(plan, rows, of_run, read_at, faults):
    """Whether each tick has one row that began in time, and no row another tick."""
    of_tick = defaultdict(list)
    for row in rows:
        if row.attempt == 1:
            for tick in _covered(plan, row):
                of_tick[tick].append(row)
    for tick in sorted(set(of_tick) - set(plan.ticks)):
        yield Finding("phantom", f"{plan.job} at {tick}")
    for tick in plan.ticks:
        deadline = stretched(tick, plan.patience, faults)
        found = of_tick[tick]
        if len(found) > 1:
            yield Finding("double-fired", f"{plan.job} at {tick}")
        for row in found:
            yield from _begin(plan, row, tick, of_run[row.run], deadline, read_at)
        if not found:
            yield _open("missed", f"{plan.job} at {tick}", deadline, read_at)


def _covered(plan, row):
    """The ticks that a row stands for."""
    if not row.skips:
        return (row.tick,)
    first = bisect_left(plan.ticks, row.tick)
    return plan.ticks[first : first + row.skips] if row.tick in plan.ticks else (row.tick,)


def _begin(plan, row, tick, calls, deadline, read_at):
    if row.skips:
        return
    if not calls:
        # What ended before it did anything is accounted for.
        if not row.outcomes:
            yield _open("missed", f"{plan.job} at {tick} never began", deadline, read_at)
        return
    if calls[0].began < tick:
        yield Finding("early", f"{plan.job} at {tick} began at {calls[0].began}")
    if calls[0].began > deadline:
        yield Finding("late", f"{plan.job} at {tick} began at {calls[0].began}")


def _open(kind, what, deadline, read_at):
    """A finding once its time is over; until then something to wait for."""
    return Finding(kind, what) if read_at > deadline else what


def _repeats(plan, rows, of_run):
    """What was done twice: a run always must not be, a tick where the job does not say that it may."""
    of_tick = defaultdict(list)
    for row in rows:
        if len(of_run[row.run]) > 1:
            yield Finding("executed twice", f"run {row.run} of {plan.job}")
        if of_run[row.run]:
            of_tick[row.tick].append(row)
    if not plan.repeatable:
        for tick, found in of_tick.items():
            if len({row.attempt for row in found}) > 1:
                yield Finding("executed twice", f"{plan.job} at {tick}")


def _overlaps(plan, rows, of_run):
    """Runs that were at work at once, of a job that is to be alone."""
    if not plan.alone:
        return
    # What a worker that was given up left behind goes on outside, whatever we do.
    calls = [call for row in rows if not row.lost for call in of_run[row.run] if call.ended is not None]
    for one, other in pairwise(sorted(calls, key=lambda call: call.began)):
        if other.run != one.run and other.began < one.ended:
            yield Finding("overlapping", f"{plan.job}: {one.run} and {other.run}")


def _ends(plan, rows, of_run, read_at, faults):
    """Whether each run that began has one outcome, and each success something to show for it."""
    for row in rows:
        calls = of_run[row.run]
        if len(set(row.outcomes)) > 1:
            yield Finding("two outcomes", f"run {row.run} of {plan.job}: {', '.join(row.outcomes)}")
        if calls and not row.outcomes:
            deadline = stretched(calls[0].began, plan.longest, faults)
            yield _open("no outcome", f"run {row.run} of {plan.job}", deadline, read_at)
        silent = plan.seen and row.outcomes[-1:] == ("SUCCESS",)
        if silent and not any(call.ended is not None for call in calls):
            yield Finding("success without effect", f"run {row.run} of {plan.job}")
