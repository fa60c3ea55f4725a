"""Jobs become a file that imports back to the same definitions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chronos_site.sealed import Unreadable
from jobs import definition
from jobs.definition import Definition
from jobs.executors import TYPES
from jobs.models import Job
from jobs.transfer import documents
from jobs.transfer.documents import Format
from jobs.transfer.importing import FORMAT
from jobs.transfer.keys import BASICS, RETRY, SCHEDULE, Keys, by_field
from jobs.transfer.stars import MASK, masked


def document(jobs: Iterable[Job], *, with_secrets: bool = False) -> dict[str, Any]:
    """The jobs' definitions as one document of requests; secrets are *** unless asked for."""
    definitions = map(definition.of, jobs)
    shown = definitions if with_secrets else map(masked, definitions)
    return {"format": FORMAT, "jobs": [request(each) for each in shown]}


def pieces(jobs: Iterable[Job], file_format: Format) -> Iterator[str]:
    """The text of the jobs' document a job at a time, for any number of them; secrets are ***.

    The jobs are read with their schedule, payload and retry policy.
    """
    requests = (request(masked(definition.of_loaded(job))) for job in jobs)
    return _yaml(requests) if file_format == "yaml" else _json(requests)


def _json(requests: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f'{{"format": {json.dumps(FORMAT)}, "jobs": ['
    before = "\n"
    for each in requests:
        yield before + documents.write(each, "json").rstrip()
        before = ",\n"
    yield "\n]}\n"


def _yaml(requests: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield documents.write({"format": FORMAT}, "yaml")
    head = "jobs:\n"
    for each in requests:
        yield head + documents.write([each], "yaml")
        head = ""
    if head:
        yield "jobs: []\n"


def request(definition: Definition) -> dict[str, Any]:
    """The request that reads back to this definition."""
    job_type = TYPES[definition["type"]]
    keys = by_field(job_type.aliases)
    # What no present key opens must not become text of the payload where it is imported.
    read = {
        name: MASK if isinstance(value, Unreadable) else value
        for name, value in definition["payload"].items()
    }
    stored = job_type.form.initial_from(read)
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
