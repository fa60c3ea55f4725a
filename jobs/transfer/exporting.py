"""Jobs become a file that imports back to the same definitions."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs import definition
from jobs.definition import Definition
from jobs.executors import TYPES
from jobs.models import Job
from jobs.transfer.importing import FORMAT
from jobs.transfer.keys import BASICS, RETRY, SCHEDULE, Keys, by_field
from jobs.transfer.stars import masked


def document(jobs: Iterable[Job], *, with_secrets: bool = False) -> dict[str, Any]:
    """The jobs' definitions as one document of requests; secrets are *** unless asked for."""
    definitions = map(definition.of, jobs)
    shown = definitions if with_secrets else map(masked, definitions)
    return {"format": FORMAT, "jobs": [request(each) for each in shown]}


def request(definition: Definition) -> dict[str, Any]:
    """The request that reads back to this definition."""
    job_type = TYPES[definition["type"]]
    keys = by_field(job_type.aliases)
    stored = job_type.form.initial_from(definition["payload"])
    payload = {keys[name]: stored.get(name) for name in job_type.form.base_fields}
    return _said(
        {
            **_renamed(definition, BASICS),
            "safeToRepeat": definition.get("safe_to_repeat"),
            "schedule": _renamed(definition["schedule"], SCHEDULE),
            "retryPolicy": _renamed(definition.get("retry", {}), RETRY),
            "payload": {"type": job_type.code, **_said(payload)},
        }
    )


def _renamed(part: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    return _said({key: part.get(name) for key, name in keys.items()})


def _said(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if value is not None and value not in ("", [], {})}
