"""Jobs that start in the same minute, moved apart within their hour: what may move, and where to.

Jobs only ever move later, and stay in their hour: what is ready at two is ready at ten past two.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jobs.definition import Definition
from jobs.models import JobSchedule, Kind

LAST_MINUTE = 59
HOUR_SECONDS = 3600
MOST = 100


class CannotMove(Exception):
    """The schedule is not one that moves by minutes; `str()` is the sentence for the person."""


@dataclass(frozen=True)
class Start:
    """A job that starts in minute `minute` and may start up to `room` minutes later."""

    job_id: str
    minute: int
    room: int = 0
    seconds: float = 0


def propose(starts: Iterable[Start]) -> Mapping[str, int]:
    """How many minutes later which of the jobs should start, so that few start in one minute.

    Of those in one minute the longest stays. Each other goes where fewest start and, of such minutes,
    to the one farthest from its neighbours.
    """
    ordered = sorted(starts, key=lambda start: (start.room > 0, -start.seconds, start.job_id))
    taken, moves, waiting = Counter[int](), {}, []
    for start in ordered:
        if start.room and taken[start.minute]:
            waiting.append(start)
        else:
            taken[start.minute] += 1
    # The next hour has its own crowd at its first minute.
    distances = [LAST_MINUTE + 1 - minute for minute in range(LAST_MINUTE + 1)]
    for minute in taken:
        _come_closer(distances, minute)
    for start in waiting:
        minute = min(
            # The room is that of the next fire, which may lie in another minute of its hour.
            range(start.minute, min(start.minute + start.room, LAST_MINUTE) + 1),
            key=lambda minute: (taken[minute], -distances[minute], minute),
        )
        taken[minute] += 1
        _come_closer(distances, minute)
        if minute > start.minute:
            moves[start.job_id] = minute - start.minute
    return moves


def _come_closer(distances: list[int], crowded: int) -> None:
    """Bring in a minute that something starts in: how far each of the hour is from the nearest of them."""
    for minute, distance in enumerate(distances):
        distances[minute] = min(distance, abs(minute - crowded))


def peak(starts: Iterable[Start], moves: Mapping[str, int] | None = None) -> int:
    """The most jobs that start in one minute, before or after the moves."""
    minutes = Counter(start.minute + (moves or {}).get(start.job_id, 0) for start in starts)
    return max(minutes.values(), default=0)


def room(schedule: JobSchedule) -> int:
    """How many minutes later within its hour the schedule may fire. Raises CannotMove."""
    if schedule.end_by:
        raise CannotMove(f"It has to be done by {schedule.end_by:%H:%M}.")
    if schedule.ends_at:
        raise CannotMove("Its schedule comes to an end.")
    if schedule.schedule_type == Kind.ONCE:
        raise CannotMove("It runs once, at a time that somebody chose.")
    minute = _minute_of_cron(schedule) if schedule.schedule_type == Kind.CRON else _minute_of_grid(schedule)
    if minute == LAST_MINUTE:
        raise CannotMove("It fires in the last minute of its hour.")
    return LAST_MINUTE - minute


def _minute_of_cron(schedule: JobSchedule) -> int:
    fields = (schedule.cron_expression or "").split()
    if len(fields) != 5 or not (fields[0].isdecimal() and len(fields[0]) <= 2):
        raise CannotMove("Its cron expression does not name one minute.")
    return int(fields[0])


def _minute_of_grid(schedule: JobSchedule) -> int:
    if (schedule.interval_seconds or 0) < HOUR_SECONDS:
        raise CannotMove("It fires several times an hour.")
    if schedule.next_fire_at is None:
        raise CannotMove("It is not armed.")
    return schedule.next_fire_at.minute


def later(schedule: JobSchedule, minutes: int) -> Definition:
    """What changes in the schedule's definition when it fires so much later. Raises CannotMove."""
    if not 0 < minutes <= room(schedule):
        raise CannotMove("That would leave its hour.")
    changes: dict[str, Any]
    if schedule.schedule_type == Kind.CRON:
        minute, *rest = (schedule.cron_expression or "").split()
        changes = {"cron_expression": " ".join([str(int(minute) + minutes), *rest])}
    elif schedule.next_fire_at:
        # The grid of an interval begins at its start.
        changes = {"starts_at": schedule.next_fire_at + timedelta(minutes=minutes)}
    return changes
