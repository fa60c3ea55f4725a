"""A job's definition as one JSON object: what a version keeps and a run executes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from django.db import models
from django.utils.dateparse import parse_datetime, parse_time

from jobs.models import Job, JobPayload, JobSchedule, JobTag, RetryPolicy

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
    "start_within_seconds",
    "end_by",
)
RETRY_FIELDS = ("max_attempts", "backoff_strategy", "backoff_seconds", "jitter", "retry_on")
PAYLOAD_FIELDS = tuple(
    field.name
    for field in JobPayload._meta.concrete_fields
    if field.name not in ("id", "job", "type", "host")
)
_INSTANTS = ("run_at", "starts_at", "ends_at")

Definition = dict[str, Any]


def of(job: Job) -> Definition:
    """The definition of a stored job: its fields, tags, schedule, payload and retry, empty ones left out."""
    return _of(job, RetryPolicy.objects.filter(job=job).first())


def of_loaded(job: Job) -> Definition:
    """The same of a job that was just read together with its schedule, payload, retry policy and tags."""
    return _of(job, getattr(job, "retry_policy", None))


def _of(job: Job, retry: RetryPolicy | None) -> Definition:
    return {
        **_kept(job, JOB_FIELDS),
        **_tags(tag.name for tag in job.tags.all()),
        "schedule": _kept(job.schedule, SCHEDULE_FIELDS),
        "payload": _kept(job.payload, PAYLOAD_FIELDS),
        **({"retry": _policy(_kept(retry, RETRY_FIELDS))} if retry else {}),
    }


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """What differs between two definitions: dotted name to (before, after)."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found |= changed(old, new, f"{prefix}{name}.")
        elif old != new:
            found[prefix + name] = (old, new)
    return found


def stored(definition: Definition) -> Definition:
    """The definition as `of` tells it once it is stored."""
    retry = definition.get("retry")
    return {
        **_filled(Job, JOB_FIELDS, {name: definition[name] for name in JOB_FIELDS if name in definition}),
        **_tags(definition.get("tags", ())),
        "schedule": schedule(definition),
        "payload": _filled(JobPayload, PAYLOAD_FIELDS, definition["payload"]),
        **({"retry": _policy(_filled(RetryPolicy, RETRY_FIELDS, retry))} if retry else {}),
    }


def schedule(definition: Definition) -> Definition:
    """The schedule part as `of` tells it once it is stored."""
    return _filled(JobSchedule, SCHEDULE_FIELDS, instants(definition["schedule"]))


def _filled(model: type[models.Model], names: tuple[str, ...], values: Definition) -> Definition:
    complete = {**_defaults(model, names), **values}
    return {name: _plain(value) for name, value in complete.items() if value is not None}


def _tags(names: Iterable[str]) -> Definition:
    # Versions from before there were tags do not mention them: none is not said.
    return {"tags": found} if (found := sorted(names)) else {}


def _policy(kept: Definition) -> Definition:
    # Versions from before there was jitter do not mention it: off is not said.
    return kept if kept["jitter"] else {name: value for name, value in kept.items() if name != "jitter"}


def _kept(row: models.Model, names: tuple[str, ...]) -> Definition:
    values = ((name, getattr(row, name)) for name in names)
    return {name: _plain(value) for name, value in values if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def instants(schedule: Definition) -> Definition:
    """The schedule part with its instants, and the time of day among them, as Python's again."""
    read = {**dict.fromkeys(_INSTANTS, parse_datetime), "end_by": parse_time}
    return {
        name: read[name](value) if name in read and isinstance(value, str) else value
        for name, value in schedule.items()
    }


def apply(definition: Definition, job: Job) -> None:
    """Write the definition over the job's rows; what it leaves out goes back to its default."""
    for name, default in _defaults(Job, JOB_FIELDS).items():
        setattr(job, name, definition.get(name, default))
    is_new = job._state.adding
    # What this object believes about the rest, the status above all, may be old by now.
    job.save(update_fields=None if is_new else [*JOB_FIELDS, "updated_at"])
    _tag(job, definition.get("tags", ()), before=() if is_new else job.tags.values_list("name", flat=True))
    write = _insert if is_new else _replace
    write(JobSchedule, job, instants(definition["schedule"]), SCHEDULE_FIELDS)
    write(JobPayload, job, {**definition["payload"]}, PAYLOAD_FIELDS, type=job.type)
    if "retry" in definition:
        write(RetryPolicy, job, definition["retry"], RETRY_FIELDS)
    elif not is_new:
        RetryPolicy.objects.filter(job=job).delete()


def _tag(job: Job, names: Iterable[str], *, before: Iterable[str]) -> None:
    wanted, had = set(names), set(before)
    if gone := had - wanted:
        JobTag.objects.filter(job=job, name__in=gone).delete()
    # MariaDB takes é for e: of two tags that are the same to it, one stays.
    JobTag.objects.bulk_create(
        (JobTag(job=job, name=name) for name in sorted(wanted - had)), ignore_conflicts=True
    )


def _replace(
    model: type[models.Model], job: Job, values: Definition, names: tuple[str, ...], **fixed: Any
) -> None:
    defaults = {**_defaults(model, names), **values, **fixed}
    model._default_manager.update_or_create(job=job, defaults=defaults)


def _insert(
    model: type[models.Model], job: Job, values: Definition, names: tuple[str, ...], **fixed: Any
) -> None:
    model._default_manager.create(job=job, **{**_defaults(model, names), **values, **fixed})


def _defaults(model: type[models.Model], names: tuple[str, ...]) -> Definition:
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: fields[name].get_default() for name in names}
