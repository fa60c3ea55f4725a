"""When what would fire does not: pauses that end, schedules that begin or end, what people have stopped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from accounts.models import User
from dashboard.forecast import Forecast
from jobs.models import Job, JobSchedule
from runs.stops import Stop

WEEK = timedelta(days=7)
SHOWN = 8
MOST_PAUSED = 1000


@dataclass(frozen=True)
class Turn:
    """The instant at which jobs begin to fire, or cease to; `name` is the job's where it is one alone."""

    at: datetime
    kind: str
    jobs: int
    job_id: str
    name: str = ""

    @property
    def icon(self) -> str:
        return {"paused": "pause", "begin": "play", "end": "stop"}[self.kind]

    @property
    def words(self) -> str:
        """Is paused until, begin to fire at: what stands before the instant."""
        one = self.jobs == 1
        return {
            "paused": "is paused until" if one else "are paused until",
            "begin": "does not fire before" if one else "do not fire before",
            "end": "fires no more after" if one else "fire no more after",
        }[self.kind]


@dataclass(frozen=True)
class Quiet:
    """The first turns of the coming week, soonest first, and the stops that have no end yet."""

    turns: Sequence[Turn]
    more: int
    stops: Sequence[Stop]

    @classmethod
    def read(cls, user: User, found: Forecast, at: datetime) -> Self:
        """What the forecast has met so far, the pauses, and the stops, in three queries."""
        until = at + WEEK
        pauses = {instant: _first(ids) for instant, ids in _pauses(user, at, until).items()}
        kinds = (("paused", pauses), ("begin", found.beginning), ("end", found.ending))
        turns = [
            Turn(instant, kind, jobs, job_id)
            for kind, met in kinds
            for instant, (jobs, job_id) in list(met.items())
            if at < instant <= until
        ]
        turns.sort(key=lambda turn: (turn.at, turn.kind))
        stops = Stop.objects.exclude(kind=Stop.Kind.WORKER).select_related("by").order_by("since")
        return cls(_named(turns[:SHOWN], user), len(turns[SHOWN:]), list(stops))


def _pauses(user: User, at: datetime, until: datetime) -> Mapping[datetime, list[str]]:
    paused = JobSchedule.objects.filter(paused_until__gt=at, paused_until__lte=until)
    if not user.is_operator:
        paused = paused.filter(job__owner=user)
    found: dict[datetime, list[str]] = {}
    soonest = paused.order_by("paused_until").values_list("paused_until", "job_id")[:MOST_PAUSED]
    for instant, job_id in soonest:
        if instant:
            found.setdefault(instant, []).append(job_id)
    return found


def _first(job_ids: Sequence[str]) -> tuple[int, str]:
    return len(job_ids), job_ids[0]


def _named(turns: Iterable[Turn], user: User) -> list[Turn]:
    """The turns of jobs that are still there, with their names."""
    shown = list(turns)
    jobs = Job.objects.visible_to(user).filter(pk__in=[turn.job_id for turn in shown])
    names = dict(jobs.values_list("pk", "name"))
    return [
        Turn(turn.at, turn.kind, turn.jobs, turn.job_id, names[turn.job_id])
        for turn in shown
        if turn.job_id in names
    ]
