"""Signs of life for an outside monitor, which notices when they stop."""

from django.db import models
from django.db.models import Q

from chronos_site.schema import PartialIndex, cascade
from jobs.models import Job

SCHEDULER = "SCHEDULER"


class Heartbeat(models.Model):
    """A URL that is called when a job has succeeded, or, as `SCHEDULER`, every minute while the scheduler ticks.

    `token` is the encrypted URL: whoever knows it could pretend that all is well. `host` is what people see.
    """

    key = models.CharField(max_length=26, primary_key=True)
    job = models.OneToOneField(Job, on_delete=cascade, null=True, related_name="heartbeat")
    token = models.TextField(blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    due_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    last_sent_at = models.DateTimeField(null=True)
    last_error_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        db_table = "heartbeats"
        indexes = [
            PartialIndex(
                fields=["due_at"],
                condition=Q(due_at__isnull=False),
                fallback=["due_at"],
                name="idx_heartbeats_due",
            ),
        ]

    def __str__(self) -> str:
        return f"Heartbeat of {self.key}"
