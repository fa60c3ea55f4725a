"""The fixed cast and plain rows for tests."""

from datetime import UTC, datetime
from typing import Any

from accounts.models import Role, User
from jobs import actions
from jobs.models import Job

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


def person(name: str, role: Role = Role.USER, **fields: Any) -> User:
    return User.objects.create_user(f"{name}@example.com", PASSWORD, roles=role.value, **fields)


def alice() -> User:
    """Owns the jobs."""
    return person("alice")


def bob() -> User:
    """Operates everyone's."""
    return person("bob", Role.OPERATOR)


def charlie() -> User:
    """Must be refused."""
    return person("charlie")


def ada() -> User:
    """Administers."""
    return person("ada", Role.ADMIN)


def definition(**over: Any) -> dict[str, Any]:
    """A DUMMY job every five minutes; `over` replaces whole top-level parts."""
    return {
        "name": "smoke-probe",
        "type": "DUMMY",
        "priority": "MEDIUM",
        "schedule": {"schedule_type": "INTERVAL", "interval_seconds": 300},
        "payload": {},
        **over,
    }


def job(owner: User | None = None, *, at: datetime = NOON, arm: bool = True, **over: Any) -> Job:
    return actions.create(definition(**over), owner=owner or alice(), by=None, at=at, arm=arm)
