"""The only legal moves of a job's status, as data, and the one UPDATE that makes them."""

from collections.abc import Iterable
from enum import StrEnum

from jobs.models import Job, Status


class Event(StrEnum):
    ARM = "arm"
    CLAIM = "claim"
    AHEAD = "end with a tick or retry ahead"
    END_WELL = "end well with nothing ahead"
    END_BADLY = "end badly with nothing ahead"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    RUN_NOW = "run now"
    DISARM = "disarm"


MOVES: dict[Event, dict[Status, Status]] = {
    Event.ARM: {Status.PENDING: Status.SCHEDULED},
    Event.CLAIM: {Status.SCHEDULED: Status.RUNNING},
    Event.AHEAD: {Status.RUNNING: Status.SCHEDULED},
    Event.END_WELL: {Status.RUNNING: Status.SUCCEEDED},
    Event.END_BADLY: {Status.RUNNING: Status.FAILED},
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


class IllegalMove(Exception):
    """The job's status does not allow what was asked; `str()` is the sentence for the person."""

    def __init__(self, job: Job, event: Event) -> None:
        super().__init__(f"{job.name} is {Status(job.status).label.lower()}: it cannot {event}.")
        self.job = job
        self.event = event


def allowed(status: str) -> set[Event]:
    """The events a job in this status may see."""
    return {event for event, table in MOVES.items() if Status(status) in table}


def move(job_ids: Iterable[str], event: Event) -> int:
    """Make the event's move for those of the jobs whose status allows it; gives their number."""
    ids = list(job_ids)
    moved = 0
    for source, target in MOVES[event].items():
        moved += Job.objects.filter(pk__in=ids, status=source).update(status=target)
    return moved


def require(job: Job, event: Event) -> None:
    """Make the event's move for one job and keep the object in step.

    Raises IllegalMove when another status is in the way.
    """
    job.refresh_from_db(fields=["status"])
    target = MOVES[event].get(Status(job.status))
    if target is None or not Job.objects.filter(pk=job.pk, status=job.status).update(status=target):
        job.refresh_from_db(fields=["status"])
        raise IllegalMove(job, event)
    job.status = target
