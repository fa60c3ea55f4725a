"""Turn due ticks into runs: exactly one row for each, whatever the number of schedulers."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, transaction

from audit.models import record
from chronos_site import rows
from chronos_site.locks import locked
from jobs import moves
from jobs.models import (
    Job,
    JobSchedule,
    JobScheduleQuerySet,
    JobVersion,
    Kind,
    Misfire,
    Overlap,
    Priority,
    Status,
)
from jobs.moves import Event
from jobs.schedules import BadSchedule, available_at, count
from runs import stats
from runs.models import Run, Skip, Trigger
from runs.reckon import Stretch, reckon
from runs.settle import NewRun, ask_to_stop, cancel_pending, hold_active, release, skip
from runs.stops import firing_stopped
from runs.storable import text

logger = logging.getLogger(__name__)

MISSED_ONCE = "Its only run was missed: give it a new time."
MISSED_ALL = "Its plan has ended and all of its runs were missed: give it a new one."
BATCH = 2000
# No schedule's fault: the database is away, read-only, without its tables, or refuses us.
OF_THE_DATABASE = (OperationalError, InterfaceError, ProgrammingError, InternalError)
# Rows written in one transaction, more or less: others wait for what it holds.
MOST_ROWS = 10_000


def fire(at: datetime, limit: int = BATCH) -> int:
    """Fire up to `limit` due schedules; gives how many it took.

    Any number of schedulers may fire at once: each takes rows the others do not hold, a run's
    identity (job, tick, attempt) is unique, and runs and plans change in one transaction. A schedule
    with which the others cannot be fired is disarmed; a database that is away, or not in order, still raises.
    Nothing fires while a person has stopped all firing.
    """
    if firing_stopped():
        return 0
    due = JobSchedule.objects.due(at)
    try:
        return _fire(due[:limit], at)
    except OF_THE_DATABASE:
        raise
    except Exception:  # whatever it is, it is one schedule's, and the others are due
        logger.warning("schedules could not be fired together: now one by one", exc_info=True)
    return sum(_fire_alone(pk, at) for pk in due.values_list("pk", flat=True)[:limit])


def fire_before_change(schedule: JobSchedule, at: datetime) -> None:
    """Account for the ticks that are due under a plan which is about to change or to end.

    Call it in a transaction that holds the schedule's row.
    """
    # In the order in which everyone locks, and before the totals, which the rest of the transaction holds.
    hold_active([schedule.job_id])
    moves.hold([schedule.job_id])
    if firing_stopped():
        _skip_paused(schedule, schedule.next_fire_at, at)
    else:
        _fire_alone(schedule.pk, at)
    _skip_paused(schedule, schedule.held_fire_at, at)


def _fire_alone(schedule_id: int, at: datetime) -> int:
    try:
        return _fire(JobSchedule.objects.due(at).filter(pk=schedule_id), at)
    except OF_THE_DATABASE:
        raise
    except Exception as error:  # it may be anything, from a date that is none to a bug
        disarm(JobSchedule.objects.due(at).filter(pk=schedule_id), error)
        return 1


@transaction.atomic
def _fire(due: JobScheduleQuerySet, at: datetime) -> int:
    schedules = list(locked(due, skip=True))
    jobs = Job.objects.only("type", "status", "version", "priority").in_bulk(
        [schedule.job_id for schedule in schedules]
    )
    versions = _versions(jobs.values())
    replacing = [each.job_id for each in schedules if each.overlap_policy == Overlap.CANCEL_RUNNING]
    hold_active(replacing, lines=jobs)
    active = _active(jobs)
    runs: list[NewRun] = []
    taken: list[JobSchedule] = []
    bad: list[tuple[JobSchedule, Exception]] = []
    for schedule in schedules:
        if len(runs) > MOST_ROWS:
            # The rest stays due.
            break
        job = jobs[schedule.job_id]
        try:
            if (job.pk, job.version) not in versions:
                raise BadSchedule("version", f"Version {job.version} of the job is gone: save the job again.")
            runs += _fire_one(schedule, job, at, active.get(job.pk, set()))
            taken.append(schedule)
        except Exception as error:  # as in _fire_alone, but the others need not be fired again
            bad.append((schedule, error))
    replaced = _replace(set(replacing) & set(active) & {run.job_id for run in runs if not run.outcome}, at)
    waiting = {run.job_id for run in runs if run.outcome is None and run.available_at is None}
    over = [schedule for schedule in taken if schedule.next_fire_at is None]
    # In the order in which everyone locks jobs, and all: MariaDB locks those that a new row refers to.
    runs.sort(key=attrgetter("job_id"))
    if waiting or over or bad:
        moves.hold(jobs)
    _insert(runs)
    _advance(taken)
    for schedule, reason in sorted(bad, key=lambda each: each[0].job_id):
        disarm(JobSchedule.objects.filter(pk=schedule.pk), reason)
    # A predecessor may have ended since we saw it run, and nobody else lets these start.
    release(waiting, at)
    _end(over, jobs)
    stats.write(_skipped(runs, replaced, at), {job.pk: job.type for job in jobs.values()})
    return len(taken) + len(bad)


def _versions(jobs: Iterable[Job]) -> set[tuple[str, int]]:
    """Those of the jobs' current versions that are there, by job."""
    current = {job.pk: job.version for job in jobs}
    # Asked by key, since PostgreSQL reads the whole table where a subquery asks for each job's version.
    rows = JobVersion.objects.filter(job_id__in=current, version__in=set(current.values()))
    return set(rows.values_list("job_id", "version"))


def _replace(job_ids: set[str], at: datetime) -> Counter[str]:
    """Make way for new runs: what waits is cancelled and counted, what runs is asked to stop.

    A backfill goes on.
    """
    if not job_ids:
        return Counter()
    replaced = cancel_pending(job_ids, at, reason=Skip.OVERLAP, spare=Trigger.BACKFILL)
    ask_to_stop(job_ids, at, spare=Trigger.BACKFILL)
    return replaced


def _skipped(runs: list[NewRun], replaced: Counter[str], at: datetime) -> Iterator[stats.End]:
    """The ticks that end here without a run."""
    for run in runs:
        if run.skip_reason:
            yield stats.End(run.job_id, stats.SKIPPED, at, times=run.skipped_count or 1)
    for job_id, number in replaced.items():
        yield stats.End(job_id, stats.SKIPPED, at, times=number)


def _end(schedules: list[JobSchedule], jobs: dict[str, Job]) -> None:
    """See to the jobs, which are held, whose plan has ended with nothing in progress."""
    if schedules:
        active = _active(schedule.job_id for schedule in schedules)
        for schedule in schedules:
            if schedule.job_id not in active:
                _end_unfired(schedule, jobs[schedule.job_id])


def _active(job_ids: Iterable[str]) -> dict[str, set[str]]:
    """Which of the jobs have a run in progress or waiting, as states.

    A run of a backfill is neither: ticks do not overlap with it, and wait in front of its line.
    """
    states: dict[str, set[str]] = {}
    rows = Run.objects.active().filter(job_id__in=list(job_ids))
    for job_id, started, trigger in rows.values_list("job_id", "start_time", "trigger"):
        state = "BACKFILL" if trigger == Trigger.BACKFILL else "RUNNING" if started else "PENDING"
        states.setdefault(job_id, set()).add(state)
    return states


def _fire_one(schedule: JobSchedule, job: Job, at: datetime, active: set[str]) -> list[NewRun]:
    """The rows for the ticks of one schedule, which is taken to its next one."""
    if job.status not in (Status.SCHEDULED, Status.RUNNING) or schedule.next_fire_at is None:
        schedule.next_fire_at = None
        return []
    plan = schedule.plan
    found = reckon(
        plan,
        schedule.next_fire_at,
        at,
        misfire=schedule.misfire_policy or Misfire.FIRE_NOW,
        threshold=timedelta(seconds=settings.MISFIRE_THRESHOLD_SECONDS),
        cap=settings.CATCH_UP_CAP,
        resumed_at=schedule.resumed_at,
    )
    runs = [_skip_row(job, stretch, at) for stretch in found.skipped]
    if found.late_run:
        runs += _overlapping(schedule, _run(job, found.late_run, at), active, runs, at)
    for tick in found.due:
        runs += _overlapping(schedule, _run(job, tick, available_at(plan, tick)), active, runs, at)
    schedule.next_fire_at = found.next_fire_at
    schedule.anchor_at = found.anchor_at or schedule.anchor_at
    return runs


def _run(job: Job, tick: datetime, available: datetime) -> NewRun:
    return NewRun(
        job_id=job.pk,
        scheduled_time=tick,
        available_at=available,
        version=job.version,
        priority=Priority(job.priority).rank,
    )


def _skip_row(job: Job, stretch: Stretch, at: datetime) -> NewRun:
    return skip(_run(job, stretch.first, at), stretch.reason, at, stretch.count)


def _overlapping(
    schedule: JobSchedule, run: NewRun, active: set[str], earlier: list[NewRun], at: datetime
) -> list[NewRun]:
    """The run as the overlap policy lets it be; `active`, and what fires just before it, are kept in step."""
    policy = schedule.overlap_policy
    if not active or policy == Overlap.ALLOW:
        active.add("PENDING")
        return [run]
    overlapping = active - {"BACKFILL"}
    if (policy == Overlap.SKIP and overlapping) or (policy == Overlap.QUEUE and "PENDING" in active):
        return [skip(run, Skip.OVERLAP, at)]
    if policy == Overlap.CANCEL_RUNNING:
        for each in earlier:
            if not each.outcome:
                skip(each, Skip.OVERLAP, at)
    if active & {"RUNNING", "BACKFILL"}:
        run.available_at = None
    active.add("PENDING")
    return [run]


def _end_unfired(schedule: JobSchedule, job: Job) -> None:
    """A plan that ended with its last tick missed: a single one goes back to a person or is over."""
    last = job.runs.filter(skip_reason=None).exclude(outcome=None).order_by("-id").first()
    if last and schedule.schedule_type != Kind.ONCE:
        moves.finish({job.pk: last.outcome})
        return
    once = schedule.schedule_type == Kind.ONCE
    ignored = once and schedule.misfire_policy == Misfire.IGNORE
    if not moves.move([job.pk], Event.CANCEL if ignored else Event.DISARM):
        return
    record(None, "JOB_MISSED", job, details={"policy": schedule.misfire_policy})
    if not ignored:
        _mark(schedule.pk, MISSED_ONCE if once else MISSED_ALL)


def disarm(broken: JobScheduleQuerySet, error: Exception) -> None:
    """Stop a schedule that cannot be kept, and tell of it: once in the log, and wherever its job is shown.

    One that is no longer among the broken has been mended or deleted since, and is left alone.
    """
    known = isinstance(error, BadSchedule)
    sentence = (
        text(str(error)) if known else f"It cannot be fired: {text(str(error)) or type(error).__name__}."
    )
    with transaction.atomic():
        # Its other columns may be what cannot be read.
        found = locked(broken).values_list("pk", "job_id").first()
        if found is None:
            return
        schedule_id, job_id = found
        JobSchedule.objects.filter(pk=schedule_id).update(
            next_fire_at=None, paused_until=None, problem=sentence
        )
        moves.move([job_id], Event.DISARM)
        record(None, "JOB_DISARMED", Job(pk=job_id), details={"reason": sentence})
    logger.error("schedule disarmed: %s", sentence, extra={"job": job_id}, exc_info=None if known else error)


def _mark(schedule_id: int, sentence: str) -> None:
    JobSchedule.objects.filter(pk=schedule_id).update(problem=sentence)


def _skip_paused(schedule: JobSchedule, held: datetime | None, at: datetime) -> None:
    """Account for ticks, from the held one on, that came during a pause whose end will not look at them."""
    if held is None or held > at:
        return
    number = 1
    # A plan that cannot be read has this one tick.
    with suppress(BadSchedule, OverflowError):
        number += count(schedule.plan, held, at)
    runs = [_skip_row(schedule.job, Stretch(held, number, Skip.PAUSED), at)]
    _insert(runs)
    stats.write(_skipped(runs, Counter(), at), {schedule.job_id: schedule.job.type})


_INSERTED = (
    "id",
    "job_id",
    "scheduled_time",
    "available_at",
    "end_time",
    "outcome",
    "version",
    "priority",
    "skip_reason",
    "skipped_count",
)


def _insert(runs: list[NewRun]) -> None:
    """Write the rows, but for those whose tick has one."""
    # Many share their instants.
    stored = cache(rows.stored)
    rows.insert_new(Run, _INSERTED, [_row(run, stored) for run in runs])


def _row(run: NewRun, stored: Callable[[Any], Any]) -> tuple[Any, ...]:
    return (
        run.id,
        run.job_id,
        stored(run.scheduled_time),
        stored(run.available_at),
        stored(run.end_time),
        run.outcome,
        run.version,
        run.priority,
        run.skip_reason,
        run.skipped_count,
    )


def _advance(schedules: list[JobSchedule]) -> None:
    stored = cache(rows.stored)
    planned = [(stored(each.next_fire_at), stored(each.anchor_at), each.pk) for each in schedules]
    rows.update(JobSchedule, ("next_fire_at", "anchor_at"), planned)
