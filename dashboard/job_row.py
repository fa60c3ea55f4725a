"""One job as the job list shows it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from chronos_site.statements import compiled
from jobs import moves
from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.models import Job, JobTag, Status
from jobs.schedules import BadSchedule, describe
from runs import history
from runs.history import BROKEN, Durations
from runs.late import LATE_AFTER
from runs.models import Run


@dataclass(frozen=True)
class Row:
    """One job as the list shows it. `runs` are its last ones, oldest first."""

    job: Job
    at: datetime
    runs: list[Run] = field(default_factory=list)
    tags: Sequence[str] = ()

    @cached_property
    def type(self) -> JobType:
        return TYPES[self.job.type]

    @cached_property
    def state(self) -> str:
        """The job's status; for a scheduled one that is late, or whose last run failed, that instead."""
        if self.job.status != Status.SCHEDULED:
            return self.job.status
        if self.late:
            return "LATE"
        return str(self.last.outcome) if self.last and self.last.outcome in BROKEN else self.job.status

    @cached_property
    def late(self) -> bool:
        due = self.job.schedule.next_fire_at
        return due is not None and due < self.at - LATE_AFTER

    @property
    def waiting(self) -> float:
        """Seconds since the tick that is due came."""
        due = self.job.schedule.next_fire_at
        return (self.at - due).total_seconds() if due else 0

    @property
    def owner_name(self) -> str:
        return self.job.owner.email.partition("@")[0]

    @cached_property
    def error(self) -> str:
        """How the error of the last run begins, when that run failed."""
        if self.last is None or self.last.outcome not in BROKEN:
            return ""
        return getattr(self.last, "error_start", None) or self.last.error_class or ""

    @property
    def rest_of_error(self) -> str:
        """What is known of the error after its first line."""
        return self.error.strip().partition("\n")[2].strip()

    @cached_property
    def durations(self) -> Durations | None:
        return history.durations(self.runs)

    @cached_property
    def reading(self) -> str:
        try:
            return describe(self.job.schedule.plan)
        except BadSchedule as bad:
            return bad.message

    @property
    def may(self) -> set[str]:
        """What may be done with the job now, by the names of `jobs.moves.Event`."""
        return {event.name for event in moves.allowed(self.job.status)} & {"PAUSE", "RESUME"}

    @cached_property
    def last(self) -> Run | None:
        """The newest run that really ran to its end."""
        return history.last_ended(self.runs)


def rows(jobs: Sequence[Job], at: datetime, runs: int = 20) -> list[Row]:
    """The jobs with their tags and so many of their last runs, in two queries."""
    if not jobs:
        return []
    ids = [job.pk for job in jobs]
    past, tags = history.last_runs(ids, runs), defaultdict(list)
    for job_id, tag in _tags(ids):
        tags[job_id].append(tag)
    return [Row(job, at, past[job.pk], sorted(tags[job.pk])) for job in jobs]


@compiled
def _tags(ids: Sequence[str]) -> "QuerySet[JobTag, tuple[str, str]]":
    return JobTag.objects.filter(job__in=ids).values_list("job", "name")
