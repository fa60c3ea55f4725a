"""What people do with a job's definition and schedule: one function, one transaction, audited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.dispatch import Signal

from accounts.models import User
from audit.models import record, record_all
from chronos_site.locks import locked
from jobs import definition as definitions
from jobs import moves, recorded, rights
from jobs.definition import Definition, changed
from jobs.models import Job, JobSchedule, JobVersion, Kind, Status
from jobs.moves import Event
from jobs.schedules import next_fire
from jobs.spread import later
from jobs.vault import Secret

# What was promised about a tick does not move it.
_PROMISES = {"start_within_seconds", "end_by"}

# Sent with the locked `schedule` and the instant `at` before its plan changes: ticks that are due by then
# are still the old plan's.
plan_changes = Signal()


class TypeIsFixed(Exception):
    """The type of a job that has runs cannot change; `str()` is the sentence for the person."""


class Stale(Exception):
    """Somebody else has saved the job since; `job` is as they left it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.name} is at version {job.version} by now.")
        self.job = job


class NothingToRestore(Exception):
    """The version says what the job does now; `str()` is the sentence for the person."""

    def __init__(self, job: Job, number: int) -> None:
        super().__init__(f"{job.name} is as it was in version {number}: there is nothing to restore.")


@transaction.atomic
def create(definition: Definition, *, owner: User, by: User | None, at: datetime, arm: bool = True) -> Job:
    """Store a new job as version 1 and arm it, if asked, when a tick is ahead.

    Raises rights.NotAllowed.
    """
    rights.require(definition["type"], by=by, owner=owner)
    job = Job(owner=owner)
    definitions.apply(definition, job)
    told = recorded.changes({}, _keep_version(job, by=by))
    record(by, "JOB_CREATED", job, details={"name": job.name, "type": job.type}, changes=told)
    if arm:
        _plan_anew(job, at=at, has_been=False)
    return job


@transaction.atomic
def edit(
    job: Job,
    definition: Definition,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    version: int | None = None,
    restores: int | None = None,
) -> Job:
    """Replace the job's definition and keep the new one as a version; no change, no version.

    A changed schedule is planned anew from `at`; runs that exist go on with the version they were fired with.
    `restores` is the number of the earlier version that it goes back to, for the audit trail.
    Raises Stale when the job is no longer at the `version` that the change was made from, TypeIsFixed
    when the type changes after a first run, and rights.NotAllowed.
    """
    for type_code in {job.type, definition["type"]}:
        rights.require(type_code, by=by, owner=job.owner)
    schedule = _lock(job)
    if version not in (None, schedule.job.version):
        raise Stale(schedule.job)
    before = definitions.of(schedule.job)
    if definition["type"] != before["type"] and job.runs.exists():
        raise TypeIsFixed(f"{job.name} has runs: its type stays {before['type']}.")
    if changed(before["schedule"], definitions.schedule(definition)).keys() - _PROMISES:
        plan_changes.send(JobSchedule, schedule=schedule, at=at)
    definitions.apply(definition, job)
    job = Job.objects.select_related("schedule", "payload").get(pk=job.pk)
    after = definitions.of(job)
    changes = changed(before, after)
    if changes:
        job.version = _last_version(job) + 1
        Job.objects.filter(pk=job.pk).update(version=job.version)
        _keep_version(job, by=by, note=note)
        details = {"version": job.version, **({"restored": restores} if restores else {})}
        told = recorded.changes(before, after)
        action = "JOB_RESTORED" if restores else "JOB_UPDATED"
        record(by, action, job, details=details, changes=told, note=note)
    # A job that waits to be armed is armed by saving it, whatever was changed.
    moved = {name.removeprefix("schedule.") for name in changes if name.startswith("schedule.")} - _PROMISES
    planned = bool(moved) or job.status == Status.PENDING
    if planned:
        _plan_anew(job, at=at)
    return job


@transaction.atomic
def restore(
    job: Job, kept: JobVersion, *, by: User | None, at: datetime, version: int, note: str = ""
) -> Job:
    """Make an earlier version's definition the job's again, as a new version.

    Raises NothingToRestore when that changes nothing, BadSchedule when its plan can no longer be kept, and
    what `edit` raises.
    """
    number = kept.version
    job = edit(job, kept.definition, by=by, at=at, note=note, version=version, restores=number)
    if job.version == version:
        raise NothingToRestore(job, number)
    return job


@transaction.atomic
def spread(moves: Iterable[tuple[Job, int, int]], *, by: User | None, at: datetime) -> None:
    """Let each job, if it is still at the given version, fire so many minutes later; all of them, or none.

    Raises Stale, spread.CannotMove and rights.NotAllowed.
    """
    # In one order, so that two people who spread the same hour do not wait for each other.
    for job, version, minutes in sorted(moves, key=lambda move: move[0].pk):
        definition = definitions.of(job)
        definition["schedule"] |= later(job.schedule, minutes)
        edit(job, definition, by=by, at=at, note=f"Spread: {minutes} min later", version=version)


@transaction.atomic
def hand_over(job: Job, owner: User, *, by: User | None) -> None:
    """Make the job another person's; its history goes with it. Raises Job.DoesNotExist when it is gone."""
    moves.hold([job.pk])
    job.refresh_from_db(fields=["owner"])
    before = job.owner
    job.owner = owner
    job.save(update_fields=["owner", "updated_at"])
    record(by, "JOB_HANDED_OVER", job, changes={"owner": (before.email, owner.email)})


# So many jobs at a time: each batch is one transaction.
_BATCH = 100


def pause_of(owner: User, *, by: User, at: datetime, note: str = "") -> int:
    """Pause all jobs of a person that can be paused, a batch after the other; gives how many were."""
    paused = 0
    ids = list(Job.objects.filter(owner=owner).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        paused += len(pause_all(ids[start : start + _BATCH], by=by, at=at, note=note))
    return paused


def hand_over_of(owner: User, to: User, *, by: User) -> int:
    """Make all jobs of a person another person's, a batch after the other; gives how many."""
    handed = 0
    theirs = Job.objects.filter(owner=owner).select_related("owner").order_by("pk")
    while ids := list(theirs.values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            moves.hold(ids)
            # What somebody has given to another one meanwhile stays theirs.
            jobs = list(theirs.filter(pk__in=ids))
            for job in jobs:
                hand_over(job, to, by=by)
        handed += len(jobs)
    return handed


@transaction.atomic
def delete(job: Job, *, by: User | None) -> None:
    """Remove the job with all its runs, logs and dead letters. Raises Job.DoesNotExist when it is gone."""
    # Before the job's own row: who fires or ends a run holds these when it asks for the job.
    if not list(locked(JobSchedule.objects.filter(job=job))):
        raise Job.DoesNotExist(f"{job.name} was deleted meanwhile.")
    active = list(job.runs.filter(outcome=None).values_list("pk", flat=True))
    list(locked(job.runs.filter(pk__in=active).order_by("pk")))
    job.refresh_from_db(fields=["status"])
    details = {"name": job.name, "type": job.type, "owner": job.owner.email}
    told = {"status": (job.status, None), **recorded.changes(definitions.of(job), {})}
    record(by, "JOB_DELETED", job, details=details, changes=told)
    job.delete()


@transaction.atomic
def save_secret(secret: Secret, *, changed: Iterable[str], by: User | None, at: datetime) -> None:
    """Keep a secret whose value was hidden; `changed` names what is new of it, for the audit trail."""
    action = "SECRET_CREATED" if secret._state.adding else "SECRET_CHANGED"
    secret.changed_at = at
    secret.save()
    record(by, action, secret, details={"name": secret.name, "changed": list(changed)})


@transaction.atomic
def delete_secret(secret: Secret, *, by: User | None) -> None:
    """Forget a secret; jobs that name it fail from now on."""
    record(by, "SECRET_DELETED", secret, details={"name": secret.name})
    secret.delete()


@transaction.atomic
def pause(job: Job, *, by: User | None, at: datetime, note: str = "", until: datetime | None = None) -> None:
    """Stop firing until resumed, or until the given time; a run in progress goes on.

    Raises IllegalMove unless the job is scheduled or running.
    """
    moves.require(job, Event.PAUSE, pause_all([job.pk], by=by, at=at, note=note, until=until))


@transaction.atomic
def pause_all(
    job_ids: Iterable[str], *, by: User | None, at: datetime, note: str = "", until: datetime | None = None
) -> set[str]:
    """Pause those of the jobs whose status allows it; gives their ids."""
    paused = moves.move_those(hold_plans(job_ids), Event.PAUSE)
    JobSchedule.objects.filter(job_id__in=paused).update(
        held_fire_at=F("next_fire_at"), next_fire_at=None, paused_until=until
    )
    ending = {"until": until.isoformat()} if until else {}
    told = {pk: {**moved, **ending} for pk, moved in told_of_moves(paused).items()}
    record_all(by, "JOB_PAUSED", Job, told, note=note)
    return set(paused)


@transaction.atomic
def resume(job: Job, *, by: User | None, at: datetime) -> None:
    """Fire again; ticks missed meanwhile follow the misfire policy.

    Raises IllegalMove unless the job is paused.
    """
    moves.require(job, Event.RESUME, resume_all([job.pk], by=by, at=at))


@transaction.atomic
def resume_all(job_ids: Iterable[str], *, by: User | None, at: datetime) -> set[str]:
    """Resume those of the jobs that are paused; gives their ids."""
    resumed = moves.move_those(hold_plans(job_ids), Event.RESUME)
    JobSchedule.objects.filter(job_id__in=resumed).update(
        next_fire_at=F("held_fire_at"), held_fire_at=None, paused_until=None, resumed_at=at
    )
    _take_up(resumed)
    record_all(by, "JOB_RESUMED", Job, told_of_moves(resumed))
    return set(resumed)


@transaction.atomic
def resume_over(job_ids: Iterable[str], *, at: datetime) -> set[str]:
    """Resume those of the jobs whose pause has come to its end by itself; gives their ids.

    What a person has resumed and paused anew in this moment stays paused.
    """
    plans = hold_plans(job_ids)
    over = [pk for pk, plan in plans.items() if plan.paused_until and plan.paused_until <= at]
    return resume_all(over, by=None, at=at) if over else set()


def told_of_moves(before: Mapping[str, Status]) -> dict[str, dict[str, Any]]:
    """What the audit trail keeps of the jobs' moves: their status before, and the one they have now."""
    now = dict(Job.objects.filter(pk__in=before).values_list("pk", "status"))
    return {pk: {"changes": {"status": [before[pk].value, now[pk]]}} for pk in sorted(before)}


def _take_up(resumed: Iterable[str]) -> None:
    """Give the jobs the status that their runs and what is ahead of them make."""
    started = Job.objects.filter(pk__in=resumed, runs__start_time__isnull=False, runs__outcome=None)
    moves.move(set(started.values_list("pk", flat=True)), Event.CLAIM)
    # What ended last tells only where no tick is ahead, which is rare.
    idle = Job.objects.filter(pk__in=resumed, schedule__next_fire_at=None)
    moves.finish(dict.fromkeys(resumed) | {job.pk: _last_outcome(job) for job in idle})


def _last_outcome(job: Job) -> str | None:
    ended = job.runs.filter(skip_reason=None).exclude(outcome=None)
    outcome: str | None = ended.order_by("-id").values_list("outcome", flat=True).first()
    return outcome


def hold_plans(job_ids: Iterable[str]) -> dict[str, JobSchedule]:
    """Lock the jobs' schedules, in one order, until the transaction ends; gives them by their jobs."""
    found = list(JobSchedule.objects.filter(job_id__in=list(job_ids)).values_list("pk", flat=True))
    return {plan.job_id: plan for plan in locked(JobSchedule.objects.filter(pk__in=found).order_by("pk"))}


def _lock(job: Job) -> JobSchedule:
    # The schedule's row is the lock that firing takes too: what we decide here, no tick can cross.
    return locked(JobSchedule.objects.filter(job=job)).get()


def _keep_version(job: Job, *, by: User | None, note: str = "") -> Definition:
    kept = definitions.of(job)
    JobVersion.objects.create(job=job, version=job.version, definition=kept, author=by, note=note)
    return kept


def _last_version(job: Job) -> int:
    return JobVersion.objects.filter(job=job).aggregate(last=Max("version"))["last"] or 0


def keep_once(job: Job, definition: Definition, *, by: User | None, note: str = "") -> JobVersion:
    """Keep a definition that one run is to execute, as a version that the job itself never had.

    Call it where the job is held. Raises rights.NotAllowed.
    """
    rights.require(job.type, by=by, owner=job.owner)
    return JobVersion.objects.create(
        job=job,
        version=_last_version(job) + 1,
        definition=definitions.stored(definition),
        author=by,
        note=note,
        once=True,
    )


def _plan_anew(job: Job, *, at: datetime, has_been: bool = True) -> None:
    schedule = job.schedule
    if schedule.schedule_type == Kind.INTERVAL:
        schedule.anchor_at = schedule.starts_at or at
    tick = next_fire(schedule.plan, at)
    paused = job.status == Status.PAUSED
    schedule.next_fire_at = None if paused else tick
    schedule.held_fire_at = tick if paused else None
    if tick:
        schedule.problem = ""
    schedule.save(update_fields=["anchor_at", "next_fire_at", "held_fire_at", "problem"])
    if tick is None:
        moves.move([job.pk], Event.DISARM)
    elif not paused:
        moves.move([job.pk], Event.ARM)
        if has_been:
            moves.move([job.pk], Event.RESCHEDULE)
    job.refresh_from_db(fields=["status"])
