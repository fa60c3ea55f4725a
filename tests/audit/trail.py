"""A small trail that is sealed, and what somebody with the database's password may do to it."""

from datetime import UTC, datetime, timedelta

from ulid import ULID

from audit import gate
from audit.models import AuditEvent
from audit.sealing import seal

BEGAN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def an_event(at, action="JOB_PAUSED", **fields):
    told = {"entity_type": "Job", "entity_id": "one", "details": {"note": "so"}, **fields}
    return AuditEvent.objects.create(id=str(ULID.from_datetime(at)), action=action, timestamp=at, **told)


def a_trail(blocks=1, events=3):
    """So many blocks of so many events, an event a minute."""
    made = []
    for _ in range(blocks):
        for _ in range(events):
            made.append(an_event(BEGAN + timedelta(minutes=len(made)), action=f"STEP_{len(made)}"))
        assert seal(made[-1].timestamp + timedelta(minutes=1)) == events
    return made


def forge(row, **values):
    """Change a row, which no trigger lets through, by way of what one does let through."""
    kind = type(row)
    told = {field.attname: getattr(row, field.attname) for field in kind._meta.concrete_fields}
    with gate.opened():
        kind.objects.filter(pk=row.pk).delete()
        kind.objects.create(**{**told, **values})


def remove(row):
    with gate.opened():
        type(row).objects.filter(pk=row.pk).delete()
