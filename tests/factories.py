"""The fixed cast and plain rows for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Role, User
from jobs import actions
from jobs import definition as definitions
from jobs.models import Job
from runs.models import Run, RunLog

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
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


def script(owner: User) -> Job:
    """A script job of somebody who was an administrator when they made it."""
    made = job(owner)
    one = {"type": "SCRIPT", "payload": {"script_content": "#!/bin/sh\ntrue"}}
    definitions.apply(definition(**one), made)
    return made


def run(job: Job, state: str = "SUCCESS", *, at: datetime = NOON, took: float = 1.0, **fields: Any) -> Run:
    """A run that was due at `at`, started then, unless PENDING, and, unless RUNNING, ended `took` s after."""
    started = {} if state == "PENDING" else {"start_time": at, "worker_id": "w-01"}
    ended = {}
    if state not in ("PENDING", "RUNNING"):
        ended = {
            "outcome": state,
            "end_time": at + timedelta(seconds=took),
            "duration_ms": round(took * 1000),
        }
    if state == "RUNNING":
        ended = {"lease_expires_at": NEVER}
    plain = {"job": job, "scheduled_time": at, "available_at": at, "version": job.version}
    return Run.objects.create(**{**plain, **started, **ended, **fields})


def log(run: Run, *messages: str, level: str = "INFO") -> list[RunLog]:
    """Lines of the run's log."""
    return RunLog.objects.bulk_create(
        RunLog(run=run, message=message, level=level, timestamp=run.scheduled_time) for message in messages
    )
