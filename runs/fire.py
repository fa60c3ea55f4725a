"""Turn due ticks into runs: exactly one row for each, whatever the number of schedulers."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from audit.models import record
from chronos_site.locks import locked
from jobs import moves
from jobs.models import Job, JobSchedule, Kind, Misfire, Overlap, Priority, Status
from jobs.moves import Event
from jobs.schedules import BadSchedule, Plan, available_at, next_fire
from runs import stats
from runs.models import Run, Skip, Trigger
from runs.settle import ask_to_stop, cancel_pending, hold_active, release, skip

logger = logging.getLogger(__name__)

BATCH = 1000
# Ticks walked in one transaction: what is left of a long outage follows in the next ones.
STRETCH = 10_000


@dataclass(frozen=True)
class Reckoning:
    """What one due schedule owes: ticks to run, ticks missed, and where it goes from here.

    `anchor_at` is the new start of an interval's grid, or None to keep it.
    """

    due: list[datetime]
    missed: list[datetime]
    late_run: datetime | None
    next_fire_at: datetime | None
    anchor_at: datetime | None = None


def reckon(plan: Plan, tick: datetime, at: datetime, *, misfire: str, threshold: timedelta) -> Reckoning:
    """Sort the ticks from `tick` up to `at` by the misfire policy; pure.

    A tick older than the threshold is missed. FIRE_NOW turns the missed ones into one late run,
    IGNORE drops them, RESCHEDULE drops them and plans anew from `at`. Where a whole stretch is missed,
    the policy waits for the last one.
    """
    ticks = list(_ticks(plan, tick, at))
    missed = [each for each in ticks if each < at - threshold]
    due = ticks[len(missed) :]
    ahead = next_fire(plan, ticks[-1])
    if not missed or misfire == Misfire.IGNORE or len(missed) == STRETCH:
        return Reckoning(due, missed, None, ahead)
    if misfire == Misfire.FIRE_NOW:
        return Reckoning(due, missed[:-1], missed[-1], ahead)
    if plan.kind == Kind.INTERVAL:
        return Reckoning(
            [], ticks, None, next_fire(replace(plan, anchor_at=at, starts_at=None), at), anchor_at=at
        )
    return Reckoning([], ticks, None, next_fire(plan, at))


def _ticks(plan: Plan, tick: datetime, at: datetime) -> Iterator[datetime]:
    here: datetime | None = tick
    for _ in range(STRETCH):
        if here is None or here > at:
            return
        yield here
        here = next_fire(plan, here)


@transaction.atomic
def fire(at: datetime, limit: int = BATCH) -> int:
    """Fire up to `limit` due schedules; gives how many it took.

    Any number of schedulers may fire at once: each takes rows the others do not hold, a run's
    identity (job, tick, attempt) is unique, and runs and plans change in one transaction.
    """
    schedules = list(locked(JobSchedule.objects.due(at), skip=True)[:limit])
    jobs = Job.objects.in_bulk([schedule.job_id for schedule in schedules])
    replacing = [each.job_id for each in schedules if each.overlap_policy == Overlap.CANCEL_RUNNING]
    hold_active(replacing)
    active = _active(jobs)
    runs: list[Run] = []
    taken: list[JobSchedule] = []
    walked = 0
    for schedule in schedules:
        if walked > STRETCH:
            # The rest stays due: others wait for what we hold.
            break
        job = jobs[schedule.job_id]
        try:
            fired = _fire_one(schedule, job, at, active.get(job.pk, set()))
        except (BadSchedule, OverflowError) as error:
            logger.exception("schedule cannot be read: disarmed", extra={"job": job.pk})
            fired = []
            _disarm(schedule, job, str(error))
        runs += fired
        taken.append(schedule)
        walked += sum(run.skipped_count or 1 for run in fired)
    replaced = _replace(set(replacing) & set(active) & {run.job_id for run in runs if not run.outcome}, at)
    # In the order in which everyone locks jobs: MariaDB locks those that a new row refers to.
    runs.sort(key=lambda run: run.job_id)
    Run.objects.bulk_create(runs, batch_size=500, ignore_conflicts=True)
    _advance(taken)
    _release({run.job_id for run in runs if run.state == "PENDING" and run.available_at is None}, at)
    _end([schedule for schedule in taken if schedule.next_fire_at is None], jobs)
    stats.write(_skipped(runs, replaced, at), {job.pk: job.type for job in jobs.values()})
    return len(taken)


def _replace(job_ids: set[str], at: datetime) -> Counter[str]:
    """Make way for new runs: what waits is cancelled and counted, what runs is asked to stop.

    A backfill goes on.
    """
    if not job_ids:
        return Counter()
    replaced = cancel_pending(job_ids, at, reason=Skip.OVERLAP, spare=Trigger.BACKFILL)
    ask_to_stop(job_ids, at, spare=Trigger.BACKFILL)
    return replaced


def _skipped(runs: list[Run], replaced: Counter[str], at: datetime) -> Iterator[stats.End]:
    """The ticks that end here without a run."""
    for run in runs:
        if run.skip_reason:
            yield stats.End(run.job_id, stats.SKIPPED, at, times=run.skipped_count or 1)
    for job_id, count in replaced.items():
        yield stats.End(job_id, stats.SKIPPED, at, times=count)


def _release(job_ids: set[str], at: datetime) -> None:
    """Let new runs start whose predecessor has ended since we saw it run: nobody else will."""
    if job_ids:
        moves.hold(job_ids)
        release(job_ids, at)


def _end(schedules: list[JobSchedule], jobs: dict[str, Job]) -> None:
    """See to the jobs whose plan has ended with nothing in progress."""
    if schedules:
        # Held before we look: a run that ends meanwhile takes its job for planned.
        active = _active(moves.hold(schedule.job_id for schedule in schedules))
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


def _fire_one(schedule: JobSchedule, job: Job, at: datetime, active: set[str]) -> list[Run]:
    if job.status not in (Status.SCHEDULED, Status.RUNNING) or schedule.next_fire_at is None:
        schedule.next_fire_at = None
        return []
    threshold = timedelta(seconds=settings.MISFIRE_THRESHOLD_SECONDS)
    policy = schedule.misfire_policy or Misfire.FIRE_NOW
    plan = schedule.plan
    found = reckon(plan, schedule.next_fire_at, at, misfire=policy, threshold=threshold)
    runs = _missed_runs(schedule, job, found.missed, at)
    for tick in [found.late_run] if found.late_run else []:
        runs += _overlapping(schedule, _run(job, tick, at), active, runs, at)
    for tick in found.due:
        runs += _overlapping(schedule, _run(job, tick, available_at(plan, tick)), active, runs, at)
    schedule.next_fire_at = found.next_fire_at
    schedule.anchor_at = found.anchor_at or schedule.anchor_at
    return runs


def _run(job: Job, tick: datetime, available: datetime) -> Run:
    return Run(
        job_id=job.pk,
        scheduled_time=tick,
        available_at=available,
        version=job.version,
        priority=Priority(job.priority).rank,
    )


def _missed_runs(schedule: JobSchedule, job: Job, missed: list[datetime], at: datetime) -> list[Run]:
    """One row for each stretch of ticks missed for one reason."""
    resumed = schedule.resumed_at
    paused = [tick for tick in missed if resumed and tick < resumed]
    rest = missed[len(paused) :]
    stretches = ((Skip.PAUSED, paused), (Skip.MISFIRE, rest))
    return [skip(_run(job, ticks[0], at), reason, at, len(ticks)) for reason, ticks in stretches if ticks]


def _overlapping(
    schedule: JobSchedule, run: Run, active: set[str], earlier: list[Run], at: datetime
) -> list[Run]:
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
    ignored = schedule.schedule_type == Kind.ONCE and schedule.misfire_policy == Misfire.IGNORE
    if moves.move([job.pk], Event.CANCEL if ignored else Event.DISARM):
        record(None, "JOB_MISSED", job, details={"policy": schedule.misfire_policy})


def _disarm(schedule: JobSchedule, job: Job, sentence: str) -> None:
    schedule.next_fire_at = None
    moves.move([job.pk], Event.DISARM)
    record(None, "JOB_DISARMED", job, details={"reason": sentence})


_ADVANCE = "UPDATE job_schedules SET next_fire_at = %s, anchor_at = %s WHERE id = %s"


def _advance(schedules: list[JobSchedule]) -> None:
    def told(instant: datetime | None) -> Any:
        return connection.ops.adapt_datetimefield_value(instant)

    rows = [(told(each.next_fire_at), told(each.anchor_at), each.pk) for each in schedules]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_ADVANCE, rows)
