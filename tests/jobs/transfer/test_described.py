"""Schemas of job requests: of the forms' own fields, and true of requests that are accepted."""

import jsonschema_rs
import pytest

from jobs.executors import TYPES
from jobs.transfer import documents, exporting, requests
from jobs.transfer.described import REQUEST, schemas
from jobs.transfer.importing import entries_of
from jobs.transfer.keys import by_field

REQUESTS = jsonschema_rs.Draft202012Validator(
    {"$ref": f"#/components/schemas/{REQUEST}", "components": {"schemas": dict(schemas())}}
)


def request(**payload):
    schedule = {"scheduleType": "INTERVAL", "intervalSeconds": 300}
    return {"name": "greet", "type": "HTTP", "schedule": schedule, "payload": payload}


@pytest.mark.parametrize("code", TYPES)
def test_each_payload_has_the_keys_of_its_form(code):
    kind = TYPES[code]
    named = schemas()[REQUEST]["discriminator"]["mapping"][code].rpartition("/")[2]
    payload = schemas()[named]["properties"]["payload"]["$ref"].rpartition("/")[2]
    keys = {key for name, key in by_field(kind.aliases).items() if name in kind.form.base_fields}
    assert set(schemas()[payload]["properties"]) == {"type", *keys}


def test_what_is_accepted_and_exported_again_is_as_the_schema_says(corpus):
    readings = [requests.read(entry.request) for entry in entries_of(documents.read(corpus.read_bytes()))]
    written = [exporting.request(each.definition) for each in readings if each.definition]
    assert len(written) > 50
    assert [error.message[:200] for each in written for error in REQUESTS.iter_errors(each)] == []


@pytest.mark.parametrize(
    "payload",
    [
        {"httpMethod": "GET"},
        {"httpUrl": 1, "httpMethod": "GET"},
        {"httpUrl": "https://example.com/", "httpMethod": "FETCH"},
        {"type": "DUMMY", "httpUrl": "https://example.com/", "httpMethod": "GET"},
    ],
)
def test_what_the_forms_refuse_by_its_type_the_schema_refuses_too(payload):
    assert requests.read(request(**payload)).problems
    assert not REQUESTS.is_valid(request(**payload))
