"""What answers look like."""

from datetime import datetime
from typing import Any

from ninja import Schema

from audit.models import AuditEvent
from jobs import masking
from jobs.models import Job
from jobs.transfer import exporting
from notifications.models import Notification
from runs.models import DeadLetter, Run

ERROR_START = 2000


class JobLine(Schema):
    id: str
    name: str
    type: str
    status: str
    priority: str
    owner: str
    version: int
    tags: list[str]
    next_fire_at: datetime | None
    paused_until: datetime | None
    created_at: datetime
    updated_at: datetime


class JobShown(JobLine):
    """A job with its definition, as `POST /api/jobs` takes it; secrets are ***."""

    definition: dict[str, Any]
    warnings: list[str] = []


class RunShown(Schema):
    id: str
    job_id: str
    job: str
    state: str
    outcome: str | None
    trigger: str
    attempt: int
    version: int
    scheduled_time: datetime
    available_at: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    duration_ms: int | None
    worker: str | None
    error_class: str | None
    error_message: str | None
    signature: str | None
    skip_reason: str | None
    skipped_count: int | None
    replay_of: str | None


class RunWhole(RunShown):
    exit_code: int | None
    result: Any
    parameters: dict[str, Any] | None


class LogLine(Schema):
    id: int
    level: str
    at: datetime
    message: str
    fields: Any


class LetterShown(Schema):
    id: str
    job_id: str
    job: str
    run_id: str | None
    status: str
    reason: str
    signature: str | None
    replays: int
    created_at: datetime
    resolved_at: datetime | None
    notes: str | None
    assignee: str | None


class MessageShown(Schema):
    id: int
    to: str
    channel: str
    target: str
    template: str
    status: str
    attempts: int
    error: str | None
    job_id: str | None
    run_id: str | None
    created_at: datetime
    sent_at: datetime | None


class EventShown(Schema):
    id: str
    at: datetime
    action: str
    entity_type: str
    entity_id: str
    who: str | None
    address: str | None
    via: str | None
    details: Any


def job_line(job: Job) -> dict[str, Any]:
    """The job, loaded with schedule, owner and tags."""
    return {
        "id": job.pk,
        "name": job.name,
        "type": job.type,
        "status": job.status,
        "priority": job.priority,
        "owner": job.owner.email,
        "version": job.version,
        "tags": sorted(tag.name for tag in job.tags.all()),
        "next_fire_at": job.schedule.next_fire_at,
        "paused_until": job.schedule.paused_until,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def job(found: Job, warnings: list[str] | None = None) -> dict[str, Any]:
    definition = exporting.document([found])["jobs"][0]
    return {**job_line(found), "definition": definition, "warnings": warnings or []}


def run(found: Run) -> dict[str, Any]:
    """The run, loaded with its job; of a long error the beginning."""
    return {
        "id": found.pk,
        "job_id": found.job_id,
        "job": found.job.name,
        "state": found.state,
        "outcome": found.outcome,
        "trigger": found.trigger,
        "attempt": found.attempt,
        "version": found.version,
        "scheduled_time": found.scheduled_time,
        "available_at": found.available_at,
        "start_time": found.start_time,
        "end_time": found.end_time,
        "duration_ms": found.duration_ms,
        "worker": found.worker_id,
        "error_class": found.error_class,
        "error_message": found.error_message and found.error_message[:ERROR_START],
        "signature": found.signature,
        "skip_reason": found.skip_reason,
        "skipped_count": found.skipped_count,
        "replay_of": found.replay_of_id,
    }


def whole_run(found: Run) -> dict[str, Any]:
    return {
        **run(found),
        "exit_code": found.exit_code,
        "result": found.result,
        "parameters": found.parameters and masking.anything(found.parameters),
        "error_message": found.error_message,
    }


def letter(found: DeadLetter) -> dict[str, Any]:
    """The dead letter, loaded with job and assignee."""
    return {
        "id": found.pk,
        "job_id": found.job_id,
        "job": found.job.name,
        "run_id": found.run_id,
        "status": found.status,
        "reason": found.failure_reason[:ERROR_START],
        "signature": found.signature,
        "replays": found.replays,
        "created_at": found.created_at,
        "resolved_at": found.resolved_at,
        "notes": found.resolution_notes,
        "assignee": found.assignee.email if found.assignee else None,
    }


def message(found: Notification) -> dict[str, Any]:
    """The message, loaded with its person."""
    return {
        "id": found.pk,
        "to": found.user.email if found.user else "",
        "channel": found.channel,
        "target": masking.text(found.target),
        "template": found.template_code,
        "status": found.status,
        "attempts": found.attempts,
        "error": found.error,
        "job_id": found.job_id,
        "run_id": found.run_id,
        "created_at": found.created_at,
        "sent_at": found.sent_at,
    }


def event(found: AuditEvent) -> dict[str, Any]:
    return {
        "id": found.pk,
        "at": found.timestamp,
        "action": found.action,
        "entity_type": found.entity_type,
        "entity_id": found.entity_id,
        "who": found.user_email,
        "address": found.address,
        "via": found.via,
        "details": found.details,
    }
