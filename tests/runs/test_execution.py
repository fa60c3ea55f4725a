"""One execution: its placeholders, its secrets and what is shown of them."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from chronos_site.sealed import Unreadable
from jobs.executors import TYPES
from jobs.executors.base import Artefact, DeadlineExceeded, ExecutionError, Result
from runs.execution import Execution, Given

TICK = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
SECRET = "tr0ub4dor & 3"


@pytest.fixture
def lines():
    return []


@pytest.fixture
def executed(monkeypatch, lines):
    """Execute one definition of a type by a function of the test."""

    def use(execute, payload, code="HTTP", **given):
        monkeypatch.setitem(TYPES, code, replace(TYPES[code], execute=execute))
        method = {"http_method": "GET"} if code == "HTTP" else {}
        definition = {
            "name": "nightly",
            "type": code,
            "schedule": {"timezone": "Europe/Berlin"},
            "payload": {**method, **payload},
        }
        return Execution(
            definition,
            lambda level, message, **fields: lines.append((level, message, fields)),
            Given(**given),
            run_id="R1",
            job_id="J1",
            tick=TICK,
            attempt=2,
        ).run()

    return use


def url(payload, context):
    return Result(payload.http_url)


def test_the_payload_arrives_filled_in_the_zone_of_the_job(executed):
    end = executed(url, {"http_url": "https://example.com/{{ fire.date }}/{{ run.attempt }}"})
    assert end.fields["result"]["summary"] == "https://example.com/2026-03-03/2"


def test_what_parameters_bring_in_is_checked_as_if_it_had_been_typed(executed):
    payload = {"http_url": "{{ param:url }}"}
    assert executed(url, payload, parameters={"url": "https://example.com/"}).outcome == "SUCCESS"
    end = executed(url, payload, parameters={"url": "file:///etc/passwd"})
    assert end.fields["error_class"] == "PLACEHOLDER_ERROR"
    assert end.fields["error_message"] == (
        "URL, with its placeholders filled: The URL must start with http:// or https://."
    )


def test_one_long_value_many_times_over_does_not_take_the_memory(executed):
    payload = {"http_url": "https://example.com/", "http_body": "{{ param:x }}" * 10_000}
    end = executed(url, payload, parameters={"x": "y" * 10_000})
    assert end.fields["error_class"] == "PLACEHOLDER_ERROR"
    assert end.fields["error_message"].endswith("is longer than 1,000,000 characters together.")


@pytest.mark.parametrize(
    ("code", "column", "text"),
    [
        ("SCRIPT", "script_content", 'echo "{{ param:zone }}" {{ run.id }}'),
        ("DATABASE", "query", "SELECT {{ param:zone }}, {{ run.id }}"),
        ("DB_TO_KAFKA", "query", "SELECT {{ param:zone }}, {{ run.id }}"),
        ("REPORT", "query", "SELECT {{ param:zone }}, {{ run.id }}"),
    ],
)
def test_text_that_is_code_reaches_its_type_with_its_placeholders(executed, code, column, text):
    end = executed(
        lambda payload, _: Result(payload.columns[column]), {column: text}, code, parameters={"zone": "x"}
    )
    assert end.fields["result"]["summary"] == text


def test_a_line_end_in_a_parameter_makes_no_header(executed):
    payload = {"http_url": "https://example.com/", "http_headers": {"X-Zone": "{{ param:zone }}"}}
    end = executed(url, payload, parameters={"zone": "a\r\nHost: evil.example.com"})
    assert end.fields["error_class"] == "PLACEHOLDER_ERROR"


@pytest.mark.parametrize("said", ["param:zone", "secret:token"])
def test_a_placeholder_without_a_value_is_a_failure_that_names_it(executed, said):
    end = executed(url, {"http_url": f"https://example.com/{{{{ {said} }}}}"})
    assert (end.outcome, end.fields["error_class"]) == ("FAILURE", "PLACEHOLDER_ERROR")
    assert said.partition(":")[2] in end.fields["error_message"]


def test_a_secret_is_hidden_wherever_it_comes_back(executed, lines):
    def leak(payload, context):
        encoded = base64.b64encode(f"user:{SECRET}".encode()).decode()
        context.log(
            "INFO", f"sent {payload.http_headers['X-Key']}", again=[SECRET], url="?k=tr0ub4dor%20%26%203"
        )
        return Result(
            f"{SECRET} {base64.b64encode(SECRET.encode()).decode()}", {SECRET: SECRET, "b": encoded}
        )

    payload = {"http_url": "https://example.com/", "http_headers": {"X-Key": "{{ secret:key }}"}}
    end = executed(leak, payload, secrets={"key": SECRET})
    assert end.outcome == "SUCCESS"
    shown = str(lines) + str(end.fields)
    assert "tr0ub4dor" not in shown
    # What it is in Base64, on its own and behind a user's name.
    assert "dHIwdWI0ZG9yICYg" not in shown
    assert "cjB1YjRkb3Ig" not in shown


def test_a_sentence_that_quotes_the_beginning_of_a_secret_shows_none_of_it(executed):
    secret = "0123456789 no topic has such a name 0123456789"
    asked = {"queue_name": "{{ secret:topic }}", "operation_type": "PRODUCE", "message_body": "x"}
    kafka = {"queue_config": {"type": "KAFKA"}}
    end = executed(url, {**asked, **kafka}, code="MESSAGE_QUEUE", secrets={"topic": secret})
    assert "no topic name" in end.fields["error_message"]
    assert secret[:8] not in end.fields["error_message"]


def test_a_secret_in_the_name_of_a_host_is_hidden_though_hosts_have_small_letters(executed):
    def leak(payload, context):
        raise ExecutionError("DNS_ERROR", f"No host {urlsplit(payload.http_url).hostname}")

    payload = {"http_url": "https://{{ secret:tenant }}.example.com/"}
    end = executed(leak, payload, secrets={"tenant": "Zq9xV7mK"})
    assert end.fields["error_message"] == "No host ••••••••.example.com"


def test_a_password_in_the_payload_itself_is_hidden_too(executed, lines):
    def leak(payload, context):
        raise ExecutionError("DATABASE_ERROR", 'FATAL: "hunter two" is wrong', result={"tried": "hunter two"})

    end = executed(
        leak, {"database_url": "postgresql://u:hunter%20two@db/x", "query": "SELECT 1"}, code="DATABASE"
    )
    assert "hunter" not in str(end.fields)


def test_a_secret_of_several_lines_is_hidden_line_by_line(executed, lines):
    def leak(payload, context):
        for line in payload.http_body.splitlines():
            context.log("INFO", line)
        return Result("read", {"last": payload.http_body.splitlines()[-1]})

    key = "first line of it\nc2Vjb25kIGxpbmU="
    payload = {"http_url": "https://example.com/", "http_body": "{{ secret:key }}"}
    end = executed(leak, payload, secrets={"key": key})
    assert "line of it" not in str(lines)
    assert "c2Vjb25k" not in str(lines) + str(end.fields)


def test_a_secret_in_the_base64_of_urls_is_hidden(executed):
    secret = "?>?>~~~ÿÿ"
    payload = {"http_url": "https://example.com/", "http_body": "{{ secret:key }}"}
    end = executed(
        lambda payload, _: Result(base64.urlsafe_b64encode(payload.http_body.encode()).decode()),
        payload,
        secrets={"key": secret},
    )
    assert end.fields["result"]["summary"].count("•") == 8
    assert len(end.fields["result"]["summary"]) < 12


def test_a_parameter_whose_name_tells_that_it_is_secret_is_hidden(executed, lines):
    def leak(payload, context):
        context.log("INFO", payload.http_body)
        return Result(payload.http_body, artefacts=[Artefact(f"{payload.http_body}.txt", b"")])

    payload = {"http_url": "https://example.com/", "http_body": "{{ param:password }} in {{ param:region }}"}
    end = executed(leak, payload, parameters={"password": SECRET, "region": "north"})
    assert SECRET not in str(lines) + str(end.fields)
    assert end.fields["result"]["summary"] == "•••••••• in north"


def test_the_trace_of_a_bug_shows_no_secret(executed, lines):
    def fail(payload, context):
        raise ValueError(payload.http_body)

    payload = {"http_url": "https://example.com/", "http_body": "{{ secret:key }}"}
    end = executed(fail, payload, secrets={"key": SECRET})
    assert end.fields["error_class"] == "INTERNAL_ERROR"
    assert "tr0ub4dor" not in str(end.fields) + str(lines)


def test_memories_are_kept_whatever_the_outcome(executed):
    def remember(payload, context):
        context.remember(offset=7)
        if payload.http_url.endswith("bug"):
            raise KeyError("bug")
        raise DeadlineExceeded if payload.http_url.endswith("late") else ExecutionError("X", "no")

    for path in ("late", "early", "bug"):
        end = executed(remember, {"http_url": f"https://example.com/{path}"}, state={"offset": 3})
        assert end.fields["remembered"] == {"offset": 7}


def test_files_above_the_limit_are_a_failure(executed, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    end = executed(lambda *_: Result("Done", artefacts=[Artefact("a.bin", b"x" * 1_000_001)]), {})
    assert (end.outcome, end.fields["error_class"]) == ("FAILURE", "ARTEFACT_TOO_LARGE")


def test_what_was_encrypted_with_a_key_that_is_gone_fails_the_run_by_name(executed):
    end = executed(url, {"http_url": Unreadable("sealed:gAAAAA"), "metadata": Unreadable("sealed:gAAAAA")})
    assert (end.outcome, end.fields["error_class"]) == ("FAILURE", "SECRET_UNREADABLE")
    assert end.fields["error_message"].startswith("http_url, metadata: encrypted with a key")


def test_parameters_that_no_key_opens_fail_the_run_too(executed):
    end = executed(url, {"http_url": "https://example.com/"}, parameters=Unreadable("sealed:gAAAAA"))
    assert end.fields["error_class"] == "SECRET_UNREADABLE"
