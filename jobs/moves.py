"""The only legal moves of a job's status, as data, and the one UPDATE that makes them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache

from chronos_site.locks import locked
from jobs.models import Job, JobSchedule, Status


class Event(StrEnum):
    ARM = "be armed"
    CLAIM = "start"
    AHEAD = "wait for what is ahead"
    END_WELL = "succeed"
    END_BADLY = "fail"
    PAUSE = "be paused"
    RESUME = "be resumed"
    CANCEL = "be cancelled"
    RESCHEDULE = "be scheduled again"
    RUN_NOW = "run"
    DISARM = "go back to pending"


MOVES: dict[Event, dict[Status, Status]] = {
    Event.ARM: {Status.PENDING: Status.SCHEDULED},
    Event.CLAIM: {Status.SCHEDULED: Status.RUNNING},
    Event.AHEAD: {Status.RUNNING: Status.SCHEDULED},
    Event.END_WELL: dict.fromkeys((Status.SCHEDULED, Status.RUNNING), Status.SUCCEEDED),
    Event.END_BADLY: dict.fromkeys((Status.SCHEDULED, Status.RUNNING), Status.FAILED),
    Event.PAUSE: {Status.SCHEDULED: Status.PAUSED, Status.RUNNING: Status.PAUSED},
    Event.RESUME: {Status.PAUSED: Status.SCHEDULED},
    Event.CANCEL: dict.fromkeys(
        (Status.PENDING, Status.SCHEDULED, Status.RUNNING, Status.PAUSED), Status.CANCELLED
    ),
    Event.RESCHEDULE: dict.fromkeys((Status.SUCCEEDED, Status.FAILED, Status.CANCELLED), Status.SCHEDULED),
    Event.RUN_NOW: dict.fromkeys(
        (Status.PENDING, Status.SUCCEEDED, Status.FAILED, Status.CANCELLED), Status.SCHEDULED
    ),
    Event.DISARM: {Status.SCHEDULED: Status.PENDING},
}
# What makes a job SCHEDULED that may still have a run in progress.
_WAKING = {Event.ARM, Event.RESCHEDULE, Event.RUN_NOW}


class IllegalMove(Exception):
    """The job's status does not allow what was asked; `str()` is the sentence for the person."""

    def __init__(self, job: Job, event: Event) -> None:
        super().__init__(f"{job.name} is {Status(job.status).label.lower()}: it cannot {event}.")
        self.job = job
        self.event = event


@cache
def allowed(status: str) -> frozenset[Event]:
    """The events a job in this status may see."""
    return frozenset(event for event, table in MOVES.items() if Status(status) in table)


def hold(job_ids: Iterable[str]) -> set[str]:
    """Lock the jobs until the transaction ends; gives the ids of those that are still there.

    All take them in one order, so that nobody waits in a circle; whoever locks runs too locks those first.
    """
    wanted = Job.objects.filter(pk__in=list(job_ids)).order_by("pk")
    return set(locked(wanted).values_list("pk", flat=True))


def move(job_ids: Iterable[str], event: Event) -> int:
    """Make the event's move for those of the jobs whose status allows it; gives their number.

    A job that is scheduled anew while a run of it goes on is RUNNING at once.
    """
    # An UPDATE alone would not wait for a status that another transaction is about to write.
    held = hold(job_ids)
    moved = _move(held, event)
    if moved and event in _WAKING:
        _move(_running(held), Event.CLAIM)
    return moved


def move_those(job_ids: Iterable[str], event: Event) -> dict[str, Status]:
    """Make the move as a person asks for it; gives the jobs whose status allowed it, with that status."""
    wanted = Job.objects.filter(pk__in=list(job_ids)).order_by("pk")
    held = locked(wanted).values_list("pk", "status")
    allowing = {pk: Status(status) for pk, status in held if Status(status) in MOVES[event]}
    _move(allowing, event)
    return allowing


def _move(held: Iterable[str], event: Event) -> int:
    ids = list(held)
    if not ids:
        return 0
    sources: dict[Status, list[Status]] = {}
    for source, target in MOVES[event].items():
        sources.setdefault(target, []).append(source)
    jobs = Job.objects.filter(pk__in=ids)
    return sum(jobs.filter(status__in=sources[target]).update(status=target) for target in sources)


def finish(outcomes: Mapping[str, str | None]) -> None:
    """Settle the status of jobs whose runs ended by what is ahead of them, else by their last outcome.

    `outcomes` maps each job to the outcome of the run that ended last, None where there was none. Call it in
    the transaction that wrote the runs and holds the jobs, so that two workers that end two runs of one job
    see each other.
    """
    idle = set(outcomes) - _running(outcomes)
    if not idle:
        return
    planned = JobSchedule.objects.filter(job_id__in=idle, next_fire_at__isnull=False)
    ahead = set(planned.values_list("job_id", flat=True))
    # Only where no tick is ahead, which is rare: a job may have many runs that wait.
    waiting = Job.objects.filter(pk__in=idle - ahead, runs__isnull=False, runs__outcome=None)
    ahead |= set(waiting.values_list("pk", flat=True))
    done = idle - ahead
    _move(ahead, Event.AHEAD)
    _move((job_id for job_id in done if outcomes[job_id] == "SUCCESS"), Event.END_WELL)
    _move((job_id for job_id in done if outcomes[job_id] not in ("SUCCESS", None)), Event.END_BADLY)
    _move((job_id for job_id in done if outcomes[job_id] is None), Event.DISARM)


def _running(job_ids: Iterable[str]) -> set[str]:
    """Those of the jobs that have a running run."""
    # By the lease, which an index has beside the job: thousands may wait for one that runs.
    running = Job.objects.filter(
        pk__in=list(job_ids), runs__lease_expires_at__isnull=False, runs__outcome=None
    )
    return set(running.values_list("pk", flat=True))


def require(job: Job, event: Event, moved: set[str]) -> None:
    """Keep the object in step with the move that was to be made. Raises IllegalMove when it was not."""
    job.refresh_from_db(fields=["status"])
    if job.pk not in moved:
        raise IllegalMove(job, event)
