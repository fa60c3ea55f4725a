"""Who did what, to what, when, from where and why. Rows are written once."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.db import models

from audit.origin import origin
from chronos_site.schema import SeedIndex, Stamp, UlidField, new_ulid


class AuditEvent(models.Model):
    """One entry of the trail; `address` and `via` are NULL where it was not a request."""

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    entity_type = models.CharField(max_length=50)
    entity_id = models.CharField(max_length=255)
    action = models.CharField(max_length=50)
    user_email = models.CharField(max_length=255, null=True)  # noqa: DJ001 (NULL is the system, by the schema)
    timestamp = Stamp()
    details = models.JSONField(null=True)
    address = models.CharField(max_length=45, null=True)  # noqa: DJ001 (what there was not is not hashed)
    via = models.CharField(max_length=10, null=True)  # noqa: DJ001 (the same)

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
            # The newest first, by each of what the list is filtered by.
            SeedIndex(fields=["user_email", "id"], name="idx_audit_events_user_newest"),
            SeedIndex(fields=["action", "id"], name="idx_audit_events_action_newest"),
            SeedIndex(fields=["entity_type", "id"], name="idx_audit_events_type_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entity_type} {self.entity_id}"


class Seal(models.Model):
    """A block of the chain: `hash` covers the hash of the block before and what this block covers."""

    number = models.PositiveIntegerField(primary_key=True)
    previous = models.CharField(max_length=64)
    events = models.PositiveIntegerField()
    content = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = Stamp()

    class Meta:
        db_table = "audit_seals"

    def __str__(self) -> str:
        return f"block {self.number}"


class SealedEvent(models.Model):
    """Which block covers an event, and the event's hash: no foreign keys, as what is gone must be missed."""

    event_id = UlidField(primary_key=True)
    seal = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        db_table = "audit_sealed_events"
        indexes = [SeedIndex(fields=["seal", "event_id"], name="idx_audit_sealed_events_seal")]

    def __str__(self) -> str:
        return f"{self.event_id} in block {self.seal}"


class Verification(models.Model):
    """How the last look at the whole chain ended; one row, its key 1."""

    id = models.PositiveIntegerField(primary_key=True, default=1)
    ended_at = models.DateTimeField()
    seal = models.PositiveIntegerField()
    events = models.PositiveIntegerField()
    problem = models.TextField(blank=True, default="")

    class Meta:
        db_table = "audit_verifications"

    def __str__(self) -> str:
        return self.problem or f"verified up to block {self.seal}"


class Person(Protocol):
    email: str


Changes = Mapping[str, tuple[Any, Any]]


def record(
    by: Person | None,
    action: str,
    entity: models.Model,
    *,
    details: dict[str, Any] | None = None,
    changes: Changes | None = None,
    note: str = "",
) -> AuditEvent:
    """Write one event; call it inside the transaction that makes the change.

    `by` is None for the system. `details` is a small JSON object and `changes` names fields with their values
    before and after; never is a secret in either. `note` is what the person typed as the reason.
    """
    event = _event(by, action, type(entity).__name__, entity.pk, details, changes, note)
    event.save(force_insert=True)
    return event


def record_about(
    by: Person | None,
    action: str,
    entity_type: str,
    entity_id: str,
    *,
    details: dict[str, Any] | None = None,
    changes: Changes | None = None,
    note: str = "",
) -> AuditEvent:
    """Write one event, as `record` does, about what may not exist."""
    event = _event(by, action, entity_type, entity_id, details, changes, note)
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
        _event(by, action, entities.__name__, pk, details, None, note) for pk, details in told.items()
    )


def _event(
    by: Person | None,
    action: str,
    entity_type: str,
    entity_id: Any,
    details: dict[str, Any] | None,
    changes: Changes | None,
    note: str,
) -> AuditEvent:
    told = dict(details or {})
    if changes:
        told["changes"] = {name: list(sides) for name, sides in changes.items()}
    if note:
        told["note"] = note
    request = origin()
    return AuditEvent(
        entity_type=entity_type,
        entity_id=str(entity_id),
        action=action,
        user_email=by.email if by else None,
        details=told or None,
        address=request.address or None,
        via=request.via or None,
    )
