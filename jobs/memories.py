"""What a job remembers from run to run, such as how far it has read."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import models
from django.db.models.functions import Now

from chronos_site.schema import cascade
from jobs.models import Job


class Memory(models.Model):
    """One job's memory; written with a run's outcome, told to its next run."""

    job = models.OneToOneField(Job, on_delete=cascade, primary_key=True, related_name="memory")
    state = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "job_memories"
        verbose_name_plural = "memories"

    def __str__(self) -> str:
        return f"Memory of {self.job_id}"


def recall(job_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What these jobs remember; those that remember nothing are left out."""
    if not job_ids:
        return {}
    return dict(Memory.objects.filter(job_id__in=list(job_ids)).values_list("job_id", "state"))


def remember(states: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what each job is to remember over what it remembered. Hold the jobs."""
    for job_id, state in sorted(states.items()):
        Memory.objects.update_or_create(job_id=job_id, defaults={"state": state, "changed_at": Now()})
