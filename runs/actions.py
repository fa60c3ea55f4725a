"""What people do with runs: one function, one transaction, audited; the bell rings after commit."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from audit.models import record
from chronos_site.locks import locked
from jobs import moves
from jobs.actions import NotRunnable
from jobs.executors import TYPES
from jobs.models import Job, JobSchedule, Priority
from jobs.moves import Event
from runs import stats
from runs.fire import fire_before_change
from runs.models import Outcome, Run, Trigger
from runs.ring import ring
from runs.settle import Ended, ask_to_stop, cancel_pending, hold_active, settle


class RunHasEnded(Exception):
    """The run has its outcome; `str()` is the sentence for the person."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"The run has ended already: {run.get_outcome_display().lower()}.")


@transaction.atomic
def run_now(job: Job, *, by: User | None, at: datetime) -> Run:
    """Start one run by hand; a run by hand that still waits is given back instead of a second one.

    Raises NotRunnable when this version cannot run the job's type.
    """
    locked(JobSchedule.objects.filter(job=job)).get()
    job.refresh_from_db()
    if not TYPES[job.type].runnable:
        raise NotRunnable(job.type)
    waiting = Run.objects.pending().filter(job=job, trigger=Trigger.MANUAL).first()
    if waiting:
        return waiting
    run = Run.objects.create(
        job=job,
        scheduled_time=at,
        available_at=at,
        trigger=Trigger.MANUAL,
        version=job.version,
        priority=Priority(job.priority).rank,
    )
    moves.move([job.pk], Event.RUN_NOW)
    record(by, "JOB_TRIGGERED", job, details={"run": run.pk})
    transaction.on_commit(lambda: ring([run.priority]))
    return run


@transaction.atomic
def cancel_job(job: Job, *, by: User | None, at: datetime, note: str = "") -> None:
    """Stop firing for good: what waits ends CANCELLED, what runs is asked to stop.

    Raises IllegalMove when the job has ended already.
    """
    schedule = locked(JobSchedule.objects.filter(job=job)).get()
    fire_before_change(schedule, at)
    JobSchedule.objects.filter(pk=schedule.pk).update(next_fire_at=None, held_fire_at=None, paused_until=None)
    # In this order a run that is claimed meanwhile is asked, and a retry that is made meanwhile is cancelled.
    hold_active([job.pk])
    waiting = cancel_pending([job.pk], at)
    running = ask_to_stop([job.pk], at)
    moves.require(job, Event.CANCEL)
    record(by, "JOB_CANCELLED", job, details={"waiting": waiting[job.pk], "running": running}, note=note)
    stats.write([stats.End(job.pk, Outcome.CANCELLED, at, times=waiting[job.pk])], {job.pk: job.type})


@transaction.atomic
def cancel_run(run: Run, *, by: User | None, at: datetime) -> None:
    """End a waiting run as CANCELLED; ask the worker of a running one to stop it.

    Raises RunHasEnded when there is nothing left to cancel.
    """
    run = locked(Run.objects.filter(pk=run.pk)).get()
    if run.outcome:
        raise RunHasEnded(run)
    if run.start_time is None:
        settle([Ended(run, Outcome.CANCELLED, at, error_message="Cancelled before it started.")])
    else:
        ask_to_stop_run(run, at)
    record(by, "RUN_CANCELLED", run, details={"job": run.job_id})


def ask_to_stop_run(run: Run, at: datetime) -> None:
    Run.objects.running().filter(pk=run.pk, cancel_requested_at=None).update(cancel_requested_at=at)
