"""What people do with runs: one function, one transaction, audited; the bell rings after commit."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.models import record, record_all
from chronos_site.locks import locked
from jobs import masking, moves
from jobs.actions import hold_plans, told_of_moves
from jobs.models import Job, JobSchedule, Overlap, Priority
from jobs.moves import Event, IllegalMove
from jobs.schedules import next_fire
from runs import occurrences, stats
from runs.backfill import Proposal, propose
from runs.fire import fire_before_change
from runs.models import Outcome, Run, RunQuerySet, Skip, Trigger
from runs.ring import ring
from runs.settle import Ended, ask_to_stop, cancel_pending, hold_active, release, settle


class BackfillInProgress(Exception):
    """A job is backfilled once at a time; `str()` is the sentence for the person."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"A backfill of {job.name} is in progress: let it end, or cancel it first.")


class NoBackfill(Exception):
    """There is nothing to cancel; `str()` is the sentence for the person."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"No backfill of {job.name} is in progress.")


class NothingToSkip(Exception):
    """The fire cannot be skipped; `str()` is the sentence for the person."""


class RunHasEnded(Exception):
    """The run has its outcome; `str()` is the sentence for the person."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"The run has ended already: {run.get_outcome_display().lower()}.")


@transaction.atomic
def run_now(job: Job, *, by: User | None, at: datetime, parameters: Mapping[str, str] | None = None) -> Run:
    """Start one run by hand; one with these parameters that still waits is given back instead of a second."""
    locked(JobSchedule.objects.filter(job=job)).get()
    job.refresh_from_db()
    waiting = Run.objects.pending().filter(job=job, trigger=Trigger.MANUAL)
    same = [run for run in waiting if (run.parameters or {}) == (parameters or {})]
    if same:
        return same[0]
    # Before the run: MariaDB locks what a new row refers to, though not for a change.
    moves.hold([job.pk])
    schedule = JobSchedule.objects.get(job=job)
    instant = next(occurrences.instants([schedule], at)) if waiting else at
    run = asked_for(job, Trigger.MANUAL, instant, at, parameters=parameters)
    run.save(force_insert=True)
    moves.move([job.pk], Event.RUN_NOW)
    record(by, "JOB_TRIGGERED", job, details={"run": run.pk, **_told(parameters)})
    transaction.on_commit(lambda: ring([run.priority]))
    return run


def _told(parameters: Mapping[str, str] | None) -> dict[str, Any]:
    """The parameters as the audit trail keeps them."""
    return {"parameters": masking.anything(dict(parameters))} if parameters else {}


def asked_for(
    job: Job,
    trigger: Trigger,
    instant: datetime,
    available: datetime | None,
    repeats: str | None = None,
    parameters: Mapping[str, str] | None = None,
    version: int | None = None,
) -> Run:
    """A run of the job as it is now, in the place of a tick; `repeats` is the id of the run it repeats.

    `version` is one of the job's that the run executes instead of the job's own.
    """
    return Run(
        job_id=job.pk,
        scheduled_time=instant,
        available_at=available,
        trigger=trigger,
        version=version or job.version,
        priority=Priority(job.priority).rank,
        replay_of_id=repeats,
        parameters=parameters or None,
    )


@transaction.atomic
def cancel_job(job: Job, *, by: User | None, at: datetime, note: str = "") -> None:
    """Stop firing for good: what waits ends CANCELLED, what runs is asked to stop.

    Raises IllegalMove when the job has ended already.
    """
    schedule = locked(JobSchedule.objects.filter(job=job)).get()
    fire_before_change(schedule, at)
    moves.require(job, Event.CANCEL, _cancel_held([job.pk], by=by, at=at, note=note))


@transaction.atomic
def cancel_jobs(job_ids: Iterable[str], *, by: User | None, at: datetime, note: str = "") -> set[str]:
    """Cancel those of the jobs that allow it and have no tick to account for first; gives their ids."""
    plans = hold_plans(job_ids)
    calm = [pk for pk, plan in plans.items() if not _is_due(plan, at)]
    allowing = Job.objects.filter(pk__in=calm, status__in=moves.MOVES[Event.CANCEL])
    ids = set(allowing.values_list("pk", flat=True))
    cancelled = _cancel_held(ids, by=by, at=at, note=note)
    if left := Job.objects.filter(pk__in=ids - cancelled).first():
        # It ended in this moment, and its runs are not to be touched.
        raise IllegalMove(left, Event.CANCEL)
    return cancelled


def _is_due(plan: JobSchedule, at: datetime) -> bool:
    return any(tick and tick <= at for tick in (plan.next_fire_at, plan.held_fire_at))


def _cancel_held(job_ids: Collection[str], *, by: User | None, at: datetime, note: str) -> set[str]:
    """Cancel the jobs, whose schedules are held; gives the ids of those whose status allowed it."""
    # In this order a run that is claimed meanwhile is asked, and a retry that is made meanwhile is cancelled.
    hold_active(job_ids)
    waiting = cancel_pending(job_ids, at)
    running = ask_to_stop(job_ids, at)
    cancelled = moves.move_those(job_ids, Event.CANCEL)
    JobSchedule.objects.filter(job_id__in=cancelled).update(
        next_fire_at=None, held_fire_at=None, paused_until=None
    )
    told = {
        pk: {"waiting": waiting[pk], "running": running[pk], **moved}
        for pk, moved in told_of_moves(cancelled).items()
    }
    record_all(by, "JOB_CANCELLED", Job, told, note=note)
    ends = [stats.End(pk, Outcome.CANCELLED, at, times=times) for pk, times in waiting.items()]
    stats.write(ends, stats.types_of(waiting))
    return set(cancelled)


@transaction.atomic
def skip_next(job: Job, *, tick: datetime | None, by: User | None, at: datetime, note: str = "") -> None:
    """Let the next fire, the one at `tick`, not happen: a row that says who wanted it takes its place.

    Raises NothingToSkip when that is not the next fire, and when no other follows it.
    """
    schedule = locked(JobSchedule.objects.filter(job=job)).get()
    moves.hold([job.pk])
    job.refresh_from_db()
    following = after_skipping(schedule, at)
    if tick is None or tick != schedule.next_fire_at:
        raise NothingToSkip(f"The next fire of {job.name} is another one by now.")
    JobSchedule.objects.filter(pk=schedule.pk).update(next_fire_at=following)
    # There may be a row already: the plan was made anew after the same tick had been skipped.
    Run.objects.bulk_create([_left_out(job, tick, at, by, note)], ignore_conflicts=True)
    record(by, "JOB_FIRE_SKIPPED", job, details={"tick": tick.isoformat()}, note=note)
    stats.write([stats.End(job.pk, stats.SKIPPED, at)], {job.pk: job.type})


def after_skipping(schedule: JobSchedule, at: datetime) -> datetime:
    """The fire after the next one, if that may be skipped.

    Raises NothingToSkip.
    """
    tick, name = schedule.next_fire_at, schedule.job.name
    if tick is None:
        raise NothingToSkip(f"{name} has no fire ahead.")
    if tick <= at:
        raise NothingToSkip(f"The next fire of {name} is due already.")
    following = next_fire(schedule.plan, tick)
    if following is None:
        raise NothingToSkip(f"It is the last fire of {name}: cancel the job instead.")
    return following


def _left_out(job: Job, tick: datetime, at: datetime, by: User | None, note: str) -> Run:
    who = by.email if by else "the system"
    return Run(
        job_id=job.pk,
        scheduled_time=tick,
        available_at=at,
        end_time=at,
        outcome=Outcome.CANCELLED,
        skip_reason=Skip.PAUSED,
        skipped_count=1,
        error_message=f"Skipped by {who}: {note}" if note else f"Skipped by {who}.",
        version=job.version,
        priority=Priority(job.priority).rank,
    )


@transaction.atomic
def cancel_run(run: Run, *, by: User | None, at: datetime) -> None:
    """End a waiting run as CANCELLED; ask the worker of a running one to stop it.

    Raises RunHasEnded when there is nothing left to cancel.
    """
    # With what waits behind it, and may be let go.
    hold_active([run.job_id])
    run = locked(Run.objects.filter(pk=run.pk)).get()
    if run.outcome:
        raise RunHasEnded(run)
    if run.start_time is None:
        settle([Ended(run, Outcome.CANCELLED, at, error_message="Cancelled before it started.")])
    else:
        ask_to_stop_run(run, at)
    told = {"cancel requested": (False, True)} if run.start_time else {"outcome": (None, Outcome.CANCELLED)}
    record(by, "RUN_CANCELLED", run, details={"job": run.job_id}, changes=told)


def ask_to_stop_run(run: Run, at: datetime) -> None:
    Run.objects.running().filter(pk=run.pk, cancel_requested_at=None).update(cancel_requested_at=at)


@transaction.atomic
def backfill(
    job: Job,
    *,
    since: datetime,
    until: datetime,
    include_ran: bool = False,
    parameters: Mapping[str, str] | None = None,
    by: User | None,
    at: datetime,
) -> int:
    """Run the ticks from `since` to `until` that did not run, or all of them; gives how many.

    They run one after the other, behind whatever else of the job runs, unless its overlap policy is ALLOW.
    Raises BackfillInProgress, and backfill.BadRange when there is nothing or too much to run.
    """
    schedule = locked(JobSchedule.objects.filter(job=job)).get()
    job.refresh_from_db()
    if _backfilling(job).exists():
        raise BackfillInProgress(job)
    found = propose(schedule, since, until, at=at, include_ran=include_ran)
    runs = _backfill_of(job, schedule, found, at, parameters)
    hold_active([], lines=[job.pk])
    moves.hold([job.pk])
    Run.objects.bulk_create(runs, batch_size=500)
    moves.move([job.pk], Event.RUN_NOW)
    release([job.pk], at)
    told = {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "runs": len(runs),
        **_told(parameters),
    }
    record(by, "JOB_BACKFILLED", job, details=told)
    transaction.on_commit(lambda: ring([runs[0].priority]))
    return len(runs)


def _backfilling(job: Job) -> RunQuerySet:
    return Run.objects.active().filter(job=job, trigger=Trigger.BACKFILL)


def _backfill_of(
    job: Job, schedule: JobSchedule, found: Proposal, at: datetime, parameters: Mapping[str, str] | None
) -> list[Run]:
    """A run for each tick: in its place where that is free, else one that repeats what stands there."""
    free = occurrences.instants([schedule], at)
    available = at if schedule.overlap_policy == Overlap.ALLOW else None
    return [
        asked_for(job, Trigger.BACKFILL, next(free) if standing else tick, available, standing, parameters)
        for tick, standing in found.ticks
    ]


@transaction.atomic
def cancel_backfill(job: Job, *, by: User | None, at: datetime) -> None:
    """End what waits of the job's backfill, and ask the run that is under way to stop. Raises NoBackfill."""
    locked(JobSchedule.objects.filter(job=job)).get()
    hold_active([job.pk])
    waiting = list(_backfilling(job).pending())
    running = _backfilling(job).running()
    if not waiting and not running.exists():
        raise NoBackfill(job)
    asked = running.filter(cancel_requested_at=None).update(cancel_requested_at=at)
    record(by, "JOB_BACKFILL_CANCELLED", job, details={"waiting": len(waiting), "running": asked})
    message = "Cancelled with its backfill before it started."
    settle([Ended(run, Outcome.CANCELLED, at, error_message=message) for run in waiting])
