"""Who did what, to what, when and why. Rows are written once."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.db import models

from chronos_site.schema import SeedIndex, Stamp, UlidField, new_ulid


class AuditEvent(models.Model):
    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    entity_type = models.CharField(max_length=50)
    entity_id = models.CharField(max_length=255)
    action = models.CharField(max_length=50)
    user_email = models.CharField(max_length=255, null=True)  # noqa: DJ001 (NULL is the system, by the schema)
    timestamp = Stamp()
    details = models.JSONField(null=True)

    class Meta:
        db_table = "audit_events"
        indexes = [
            SeedIndex(fields=["entity_type", "entity_id"], name="idx_audit_events_entity"),
            SeedIndex(fields=["user_email"], name="idx_audit_events_user"),
            SeedIndex(fields=["timestamp"], name="idx_audit_events_timestamp"),
            SeedIndex(fields=["action"], name="idx_audit_events_action"),
            SeedIndex(
                fields=["entity_type", "entity_id", "-timestamp"],
                name="idx_audit_events_composite_entity_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"


class Person(Protocol):
    email: str


def record(
    by: Person | None,
    action: str,
    entity: models.Model,
    *,
    details: dict[str, Any] | None = None,
    note: str = "",
) -> AuditEvent:
    """Write one event; call it inside the transaction that makes the change.

    `by` is None for the system. `details` is a small JSON object, never with a secret in it;
    `note` is what the person typed as the reason.
    """
    event = _event(by, action, type(entity), entity.pk, details, note)
    event.save(force_insert=True)
    return event


def record_all(
    by: Person | None,
    action: str,
    entities: type[models.Model],
    told: Mapping[str, dict[str, Any] | None],
    *,
    note: str = "",
) -> None:
    """Write one event for each of many entities, as `record` does; `told` has the details by their ids."""
    AuditEvent.objects.bulk_create(
        _event(by, action, entities, pk, details, note) for pk, details in told.items()
    )


def _event(
    by: Person | None,
    action: str,
    entity: type[models.Model],
    pk: Any,
    details: dict[str, Any] | None,
    note: str,
) -> AuditEvent:
    told = dict(details or {})
    if note:
        told["note"] = note
    return AuditEvent(
        entity_type=entity.__name__,
        entity_id=str(pk),
        action=action,
        user_email=by.email if by else None,
        details=told or None,
    )
