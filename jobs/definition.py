"""A job's definition as one JSON object: what a version keeps and a run executes."""

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.utils.dateparse import parse_datetime

from jobs.models import Job, JobPayload, JobSchedule, RetryPolicy

JOB_FIELDS = ("name", "type", "priority", "description", "safe_to_repeat")
SCHEDULE_FIELDS = (
    "schedule_type",
    "run_at",
    "cron_expression",
    "interval_seconds",
    "timezone",
    "misfire_policy",
    "overlap_policy",
    "starts_at",
    "ends_at",
    "jitter_seconds",
)
RETRY_FIELDS = ("max_attempts", "backoff_strategy", "backoff_seconds", "jitter", "retry_on")
PAYLOAD_FIELDS = tuple(
    field.name for field in JobPayload._meta.concrete_fields if field.name not in ("id", "job", "type")
)
_INSTANTS = ("run_at", "starts_at", "ends_at")

Definition = dict[str, Any]


def of(job: Job) -> Definition:
    """The definition of a stored job: job fields, `schedule`, `payload` and `retry`, empty ones left out."""
    retry = RetryPolicy.objects.filter(job=job).first()
    return {
        **_kept(job, JOB_FIELDS),
        "schedule": _kept(job.schedule, SCHEDULE_FIELDS),
        "payload": _kept(job.payload, PAYLOAD_FIELDS),
        **({"retry": _policy(retry)} if retry else {}),
    }


def schedule(definition: Definition) -> Definition:
    """The schedule part as `of` tells it once it is stored."""
    values = {**_defaults(JobSchedule, SCHEDULE_FIELDS), **instants(definition["schedule"])}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _policy(retry: RetryPolicy) -> Definition:
    kept = _kept(retry, RETRY_FIELDS)
    # Versions from before there was jitter do not mention it: off is not said.
    return kept if retry.jitter else {name: value for name, value in kept.items() if name != "jitter"}


def _kept(row: models.Model, names: tuple[str, ...]) -> Definition:
    values = ((name, getattr(row, name)) for name in names)
    return {name: _plain(value) for name, value in values if value is not None}


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def instants(schedule: Definition) -> Definition:
    """The schedule part with its instants as datetimes again."""
    return {
        name: parse_datetime(value) if name in _INSTANTS and isinstance(value, str) else value
        for name, value in schedule.items()
    }


def apply(definition: Definition, job: Job) -> None:
    """Write the definition over the job's rows; what it leaves out goes back to its default."""
    for name, default in _defaults(Job, JOB_FIELDS).items():
        setattr(job, name, definition.get(name, default))
    # What this object believes about the rest, the status above all, may be old by now.
    job.save(update_fields=None if job._state.adding else [*JOB_FIELDS, "updated_at"])
    _replace(JobSchedule, job, instants(definition["schedule"]), SCHEDULE_FIELDS)
    _replace(JobPayload, job, {**definition["payload"]}, PAYLOAD_FIELDS, type=job.type)
    if "retry" in definition:
        _replace(RetryPolicy, job, definition["retry"], RETRY_FIELDS)
    else:
        RetryPolicy.objects.filter(job=job).delete()


def _replace(
    model: type[models.Model], job: Job, values: Definition, names: tuple[str, ...], **fixed: Any
) -> None:
    defaults = {**_defaults(model, names), **values, **fixed}
    model._default_manager.update_or_create(job=job, defaults=defaults)


def _defaults(model: type[models.Model], names: tuple[str, ...]) -> Definition:
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: fields[name].get_default() for name in names}
