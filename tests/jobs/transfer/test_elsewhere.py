"""What other systems ask a shell or an environment for is asked in our words, or left alone."""

import pytest

from jobs.transfer.requests import read
from tests.jobs.executors.payloads import SMALL
from tests.jobs.transfer.requests import of_type


def read_payload(code, **over):
    reading = read(of_type(code, {**SMALL[code], **over}))
    assert reading.problems == []
    return reading.definition["payload"], reading.warnings


def test_a_variable_in_the_place_of_a_secret_becomes_the_secret_of_its_name():
    headers = {"Authorization": "Bearer ${API_TOKEN}", "Accept": "${KIND}"}
    payload, warnings = read_payload("HTTP", httpHeaders=headers)
    assert payload["http_headers"] == {"Authorization": "Bearer {{ secret:API_TOKEN }}", "Accept": "${KIND}"}
    assert warnings == [
        "payload.httpHeaders.Authorization: Bearer ${API_TOKEN} becomes Bearer {{ secret:API_TOKEN }}."
    ]


def test_the_date_of_a_shell_in_a_path_becomes_the_date_of_the_tick():
    payload, warnings = read_payload("FILE_SYSTEM", path="/srv/out-$(date +%Y%m%d).csv")
    assert payload["file_path"] == "/srv/out-{{ fire.date }}.csv"
    assert warnings == ["payload.path: $(date +%Y%m%d) becomes {{ fire.date }}, written 2026-11-26."]


@pytest.mark.parametrize("said", ["$(date +%H)", "$(date -u +%F)", "$(rm -rf /)", "`date +%F`"])
def test_no_other_command_is_translated(said):
    payload, warnings = read_payload("FILE_SYSTEM", path=f"/srv/{said}")
    assert (payload["file_path"], warnings) == (f"/srv/{said}", [])


def test_the_variable_of_a_key_becomes_the_secret_of_its_name():
    sealing = {"processingType": "encryption", "keySource": "environment", "keyVariable": "SEAL"}
    payload, warnings = read_payload(
        "FILE_SYSTEM", operation="PROCESS", targetPath="/srv/to", parameters=sealing
    )
    assert payload["parameters"]["key"] == "{{ secret:SEAL }}"
    assert warnings == [
        "payload.parameters.key: jobs read no variable of the worker; the key is {{ secret:SEAL }}."
    ]


@pytest.mark.parametrize("said", [{"key": "long enough"}, {"keyVariable": "no name"}])
def test_a_key_that_is_there_or_has_no_name_is_left_alone(said):
    sealing = {"processingType": "encryption", **said}
    payload, warnings = read_payload(
        "FILE_SYSTEM", operation="PROCESS", targetPath="/srv/to", parameters=sealing
    )
    assert (payload["parameters"].get("key"), warnings) == (said.get("key"), [])


def test_a_script_keeps_what_its_shell_reads():
    said = {"TOKEN": "${OTHER}"}
    payload, warnings = read_payload("SCRIPT", environment=said)
    assert (payload["metadata"]["environment"], warnings) == (said, [])
