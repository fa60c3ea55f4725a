"""What people have stopped: all firing, a queue, a worker."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chronos_site.schema import SeedIndex, set_null


class Stop(models.Model):
    """What a person has stopped until somebody lets it go on: all firing, one queue, one worker.

    `name` is the queue's, or the id of the worker's process; empty for firing.
    """

    class Kind(models.TextChoices):
        FIRING = "FIRING", "Firing"
        QUEUE = "QUEUE", "Queue"
        WORKER = "WORKER", "Worker"

    kind = models.CharField(max_length=20, choices=Kind)
    name = models.CharField(max_length=100, blank=True, default="")
    since = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        db_table = "stops"
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="uniq_stops")]
        indexes = [SeedIndex(fields=["by"], name="idx_stops_by")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()
