"""What a job remembers from run to run, such as how far it has read."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import models
from django.db.models.functions import Now

from chronos_site.locks import locked
from chronos_site.schema import cascade
from jobs.models import Job


class Memory(models.Model):
    """One job's memory; written with a run's outcome, told to its next run. `tick` is that run's."""

    job = models.OneToOneField(Job, on_delete=cascade, primary_key=True, related_name="memory")
    state = models.JSONField(default=dict)
    changed_at = models.DateTimeField()
    tick = models.DateTimeField(null=True)

    class Meta:
        db_table = "job_memories"
        verbose_name_plural = "memories"

    def __str__(self) -> str:
        return f"Memory of {self.job_id}"


@dataclass(frozen=True)
class Lesson:
    """What one run has its job remember, and what it had been told when it began."""

    job_id: str
    tick: datetime
    state: Mapping[str, Any]
    recalled: Mapping[str, Any]


def recall(job_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What these jobs remember; those that remember nothing are left out."""
    if not job_ids:
        return {}
    return dict(Memory.objects.filter(job_id__in=list(job_ids)).values_list("job_id", "state"))


def remember(lessons: Iterable[Lesson]) -> None:
    """Write what each job is to remember over what it remembered. Hold the jobs.

    Of runs that went on side by side, none of which was told what the others came to, the newest tick's is
    kept, in whatever order they end. A run that was told goes on from there, however old its tick.
    """
    for lesson in sorted(lessons, key=attrgetter("job_id")):
        found = locked(Memory.objects.filter(job_id=lesson.job_id)).first()
        if not found or found.state == lesson.recalled or not found.tick or found.tick <= lesson.tick:
            written = Memory(job_id=lesson.job_id, state=lesson.state, tick=lesson.tick, changed_at=Now())
            written.save(force_insert=not found, force_update=bool(found))
