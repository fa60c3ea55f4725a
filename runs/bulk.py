"""One decision about many jobs or dead letters, carried out in the background."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from chronos_site.schema import PartialIndex, SeedIndex, UlidField, cascade, new_ulid, set_null


class BulkOperation(models.Model):
    """One thing a person does to many jobs or dead letters, carried out in the background.

    `parameters` says with what (a note, the changes), `conditions` how the targets were found.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        RUNNING = "RUNNING", "Under way"
        DONE = "DONE", "Done"
        CANCELLED = "CANCELLED", "Cancelled"

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    action = models.CharField(max_length=40)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=set_null, null=True, related_name="+", db_index=False
    )
    parameters = models.JSONField(default=dict)
    conditions = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    claim_token = models.CharField(max_length=26, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True)
    undoes = models.OneToOneField("self", on_delete=set_null, null=True, related_name="undone_by")

    class Meta:
        db_table = "bulk_operations"
        indexes = [
            SeedIndex(fields=["by", "created_at"], name="idx_bulk_operations_by"),
            PartialIndex(
                fields=["id"],
                condition=Q(ended_at__isnull=True),
                fallback=["ended_at"],
                name="idx_bulk_operations_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.total}"


class BulkItem(models.Model):
    """One target of a bulk operation: what became of it, and what undoing it needs."""

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        DONE = "DONE", "Done"
        REFUSED = "REFUSED", "Refused"

    operation = models.ForeignKey(BulkOperation, on_delete=cascade, related_name="items", db_index=False)
    target_id = UlidField()
    state = models.CharField(max_length=20, choices=State, default=State.PENDING, db_default="PENDING")
    message = models.CharField(max_length=255, blank=True, default="", db_default="")
    before = models.JSONField(null=True)

    class Meta:
        db_table = "bulk_items"
        constraints = [models.UniqueConstraint(fields=["operation", "target_id"], name="uniq_bulk_items")]
        indexes = [SeedIndex(fields=["operation", "state", "id"], name="idx_bulk_items_state")]

    def __str__(self) -> str:
        return f"{self.target_id} of {self.operation_id}"
