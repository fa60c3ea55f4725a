"""Job requests as JSON Schema, read off the forms that check them: whatever they learn, it tells.

A schema says less than the forms: what depends on another field, only they know, and it names each key
once, as Chronos itself writes it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django import forms
from django.utils.text import capfirst

from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.forms import BasicsForm, RetryForm, ScheduleForm
from jobs.transfer.importing import FORMAT
from jobs.transfer.json_types import schema
from jobs.transfer.keys import BASICS, RETRY, SCHEDULE, Keys, by_field

Schemas = Mapping[str, dict[str, Any]]
REQUEST, CHANGE, FILE = "JobRequest", "JobChange", "JobFile"


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@cache
def schemas() -> Schemas:
    """The schemas of requests by their names: one for each type, and what they share."""
    kinds = {_named(each, "Request"): _request(each) for each in TYPES.values()}
    payloads = {_named(each, "Payload"): _payload(each) for each in TYPES.values()}
    shared = {"Schedule": _part(ScheduleForm, SCHEDULE), "RetryPolicy": _part(RetryForm, RETRY)}
    choice = {
        "oneOf": [reference(name) for name in kinds],
        "discriminator": {
            "propertyName": "type",
            "mapping": {each.code: reference(_named(each, "Request"))["$ref"] for each in TYPES.values()},
        },
    }
    return {**shared, **payloads, **kinds, REQUEST: choice, CHANGE: _change(), FILE: _file()}


def _named(job_type: JobType, of: str) -> str:
    """A name such as DbToKafkaPayload."""
    return "".join(map(capfirst, job_type.code.lower().split("_"))) + of


def _request(job_type: JobType) -> dict[str, Any]:
    basics = _part(BasicsForm, BASICS)
    parts = {
        "type": {"const": job_type.code},
        "safeToRepeat": {"type": "boolean"},
        "schedule": reference("Schedule"),
        "retryPolicy": reference("RetryPolicy"),
        "payload": reference(_named(job_type, "Payload")),
    }
    needed = list(dict.fromkeys([*basics["required"], "schedule", "payload"]))
    return {**basics, "title": job_type.label, "properties": basics["properties"] | parts, "required": needed}


def _payload(job_type: JobType) -> dict[str, Any]:
    found = _part(job_type.form, job_type.aliases)
    found["properties"] = {"type": {"const": job_type.code}, **found["properties"]}
    # What is not known is kept among the payload's other options.
    return {**found, "title": job_type.label, "description": job_type.hint, "additionalProperties": True}


def _part(form: type[forms.Form], keys: Keys) -> dict[str, Any]:
    fields = [
        (key, form.base_fields[name]) for name, key in by_field(keys).items() if name in form.base_fields
    ]
    return {
        "type": "object",
        "properties": {key: schema(field) for key, field in fields},
        "required": [key for key, field in fields if field.required],
    }


def _change() -> dict[str, Any]:
    """A merge patch: null takes a field away, and of a payload only what changes is said."""
    parts = {key: {"type": ["object", "null"]} for key in ("schedule", "retryPolicy", "payload")}
    return {"type": "object", "properties": _part(BasicsForm, BASICS)["properties"] | parts}


def _file() -> dict[str, Any]:
    listed = {"type": "array", "items": reference(REQUEST), "minItems": 1}
    export = {
        "type": "object",
        "properties": {"format": {"const": FORMAT}, "jobs": listed},
        "required": ["format", "jobs"],
    }
    return {"anyOf": [reference(REQUEST), listed, export]}
