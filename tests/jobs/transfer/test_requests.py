"""Requests become definitions, or are told what is wrong with them and where."""

import pytest

from jobs.executors import TYPES
from jobs.transfer.requests import read
from tests.jobs.executors.payloads import FULL, SMALL
from tests.jobs.transfer.requests import cron, dummy, http, of_type


def definition(request):
    reading = read(request)
    assert reading.problems == []
    return reading.definition


def problems(request):
    reading = read(request)
    assert reading.definition is None
    return [(problem.field, problem.reason) for problem in reading.problems]


def test_a_short_request_takes_the_schemas_defaults():
    assert definition(dummy()) == {
        "name": "smoke-probe",
        "type": "DUMMY",
        "priority": "MEDIUM",
        "description": "",
        "schedule": {
            "schedule_type": "INTERVAL",
            "interval_seconds": 300,
            "timezone": "UTC",
            "misfire_policy": "FIRE_NOW",
            "overlap_policy": "SKIP",
            "jitter_seconds": 0,
        },
        "payload": {},
    }


def test_everything_said_is_kept():
    request = dummy(
        description="Probes.\nRunbook: none.",
        priority="LOW",
        safeToRepeat=False,
        schedule={
            "scheduleType": "CRON",
            "cronExpression": "0 30 2 * * *",
            "timezone": "Europe/Berlin",
            "misfirePolicy": "IGNORE",
            "overlapPolicy": "QUEUE",
            "startsAt": "2026-03-01T00:00:00+01:00",
            "endsAt": "2026-04-01T00:00",
            "jitterSeconds": 20,
        },
        retryPolicy={
            "maxAttempts": 3,
            "backoffStrategy": "EXPONENTIAL",
            "backoffSeconds": 10,
            "retryOn": ["TIMEOUT"],
        },
    )
    found = definition(request)
    assert (found["priority"], found["safe_to_repeat"]) == ("LOW", False)
    assert found["schedule"]["starts_at"] == "2026-02-28T23:00:00+00:00"
    assert found["schedule"]["ends_at"] == "2026-03-31T22:00:00+00:00"
    assert found["retry"]["retry_on"] == ["TIMEOUT"]


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("examples", [SMALL, FULL], ids=["small", "full"])
def test_every_type_is_read_without_a_warning(code, examples):
    reading = read(of_type(code, examples[code]))
    assert (reading.problems, reading.warnings) == ([], [])


@pytest.mark.parametrize("code", TYPES)
def test_every_field_of_every_type_has_a_key(code):
    assert set(TYPES[code].form.base_fields) == set(TYPES[code].aliases.values())


def test_the_payload_need_not_say_its_type_again():
    assert definition(http(type=None)) == definition(http())


def test_other_systems_keys_for_a_call_mean_the_same():
    theirs = http(httpUrl=None, httpMethod=None, url="https://billing.example.com/export", method="GET")
    assert definition(theirs) == definition(http())


def test_critical_becomes_high_with_a_warning():
    reading = read(dummy(priority="CRITICAL"))
    assert reading.definition["priority"] == "HIGH"
    assert reading.warnings == ["Priority CRITICAL becomes HIGH."]


def test_a_star_is_taken_where_quartz_wants_a_question_mark():
    assert definition(cron("0 0 9 * * MON-FRI"))["schedule"]["cron_expression"] == "0 0 9 * * MON-FRI"


def test_error_classes_are_spelt_our_way():
    policy = {"maxAttempts": 2, "retryOn": ["http_5xx", "TIMEOUT", "HTTP_418"]}
    reading = read({**http(), "retryPolicy": policy})
    assert reading.definition["retry"]["retry_on"] == ["5XX", "TIMEOUT", "HTTP_418"]
    assert reading.warnings == []


def test_an_error_class_that_no_run_of_the_type_raises_is_kept_with_a_warning():
    names = ["GREMLINS", "TIMEOUT", "WORKER_LOST", "HTTP_503", "5XX"]
    reading = read(dummy(retryPolicy={"retryOn": names}))
    assert reading.definition["retry"]["retry_on"] == names
    [warning] = reading.warnings
    assert warning.endswith("but no Dummy run fails with it: GREMLINS, HTTP_503, 5XX.")


def test_what_nobody_knows_is_kept_among_the_other_options_with_a_warning():
    request = {**http(metadata={"team": "billing"}, tracing={"on": True}), "colour": "green"}
    reading = read(request)
    kept = {"team": "billing", "tracing": {"on": True}, "colour": "green"}
    assert reading.definition["payload"]["metadata"] == kept
    assert reading.warnings == ["Not known, kept in the payload's metadata: colour, payload.tracing."]


def test_what_nobody_knows_never_replaces_what_stands_there():
    found = problems({**http(metadata={"team": "a"}, team="b"), "team": "c"})
    assert [field for field, _ in found] == ["team", "payload.team"]


def test_the_fields_of_another_kind_of_schedule_are_left_out_with_a_warning():
    reading = read(cron("0 9 * * *", intervalSeconds=60, runAt="2026-01-01T00:00:00Z"))
    assert "interval_seconds" not in reading.definition["schedule"]
    [warning] = reading.warnings
    assert warning.endswith("CRON has no use for it: schedule.runAt, schedule.intervalSeconds.")


def test_options_inside_metadata_mean_the_same_as_beside_it():
    inside = dummy(payload={"type": "DUMMY", "metadata": {"simulatedDelaySeconds": 5, "load": "high"}})
    beside = dummy(payload={"type": "DUMMY", "simulatedDelaySeconds": 5, "metadata": {"load": "high"}})
    assert definition(inside) == definition(beside)


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (None, "", "This is no job request: write an object with name, type, schedule and payload."),
        (["a"], "", "This is no job request: write an object with name, type, schedule and payload."),
        (dummy(name=None), "name", "This is missing."),
        (dummy(name="  "), "name", "This is missing."),
        (dummy(name=7), "name", "This must be text, not a whole number."),
        (dummy(name="n" * 300), "name", "Ensure this value has at most 255 characters (it has 300)."),
        (dummy(name="a\x1b[31mb"), "name", "The name holds a control character."),
        (dummy(name="a\u202eb"), "name", "The name holds a control character."),
        (dummy(name="a\0b"), "name", "This holds a NUL or half a character, which cannot be kept."),
        (dummy(name="a\ud800b"), "name", "This holds a NUL or half a character, which cannot be kept."),
        (dummy(description="a\x07"), "description", "The description holds a control character."),
        (dummy(tags="billing"), "tags", "This must be a list, not text."),
        (dummy(tags=["billing", 7]), "tags", "This must be a list of names."),
        (dummy(tags=["two words"]), "tags", "'two words' is no tag: write one word, without commas."),
        (
            cron("0 9 * * *", endBy="06:00:30"),
            "schedule.endBy",
            "This is no time of day: write it like 06:00.",
        ),
        (
            cron("0 9 * * *", startWithinSeconds=5, jitterSeconds=20),
            "schedule.startWithinSeconds",
            "The spread alone may take 20 seconds: promise no less.",
        ),
        (dummy(priority="URGENT"), "priority", "'URGENT' is none of LOW, MEDIUM, HIGH."),
        (dummy(priority=1), "priority", "This must be text, not a whole number."),
        (dummy(safeToRepeat="yes"), "safeToRepeat", "This must be true or false."),
        (dummy(retry_policy={}), "retry_policy", "This key is not known: write retryPolicy."),
        (dummy(schedule=None), "schedule", "This is missing."),
        (dummy(schedule="daily"), "schedule", "This must be an object."),
        (dummy(schedule={}), "schedule.scheduleType", "This is missing."),
        (cron("61 * * * *"), "schedule.cronExpression", "Minute: 61 is not between 0 and 59."),
        (
            cron("0 9 * * *", timeZone="Europe/Berlin"),
            "schedule.timeZone",
            "This key is not known: write timezone.",
        ),
        (
            cron("0 9 * * *", timezone="europe/berlin"),
            "schedule.timezone",
            "'europe/berlin' is not a time zone. Did you mean Europe/Berlin?",
        ),
        (
            dummy(schedule={"scheduleType": "INTERVAL", "intervalSeconds": "300"}),
            "schedule.intervalSeconds",
            "This must be a whole number, not text.",
        ),
        (
            dummy(schedule={"scheduleType": "INTERVAL", "intervalSeconds": 1.5}),
            "schedule.intervalSeconds",
            "This must be a whole number, not a number.",
        ),
        (
            dummy(schedule={"scheduleType": "INTERVAL", "intervalSeconds": True}),
            "schedule.intervalSeconds",
            "This must be a whole number, not true or false.",
        ),
        (
            dummy(schedule={"scheduleType": "INTERVAL", "intervalSeconds": 10**30}),
            "schedule.intervalSeconds",
            "This number is too large.",
        ),
        (
            dummy(schedule={"scheduleType": "ONCE", "runAt": "tomorrow"}),
            "schedule.runAt",
            "This is no date and time: write it like 2026-03-28T02:30.",
        ),
        (
            dummy(schedule={"scheduleType": "ONCE", "runAt": 1774665000}),
            "schedule.runAt",
            "This must be text, not a whole number.",
        ),
        (dummy(retryPolicy=[]), "retryPolicy", "This must be an object."),
        (
            dummy(retryPolicy={"maxAttempts": 0}),
            "retryPolicy.maxAttempts",
            "Give a whole number from 1 to 10.",
        ),
        (dummy(retryPolicy={"retryOn": "TIMEOUT"}), "retryPolicy.retryOn", "This must be a list, not text."),
        (dummy(retryPolicy={"retryOn": [503]}), "retryPolicy.retryOn", "This must be a list of names."),
        (dummy(payload=None), "payload", "This is missing."),
        (
            dummy(payload={"type": "HTTP"}),
            "payload.type",
            "The payload is of type 'HTTP', its job of type 'DUMMY'.",
        ),
        (http(httpUrl=None), "payload.httpUrl", "This is missing."),
        (http(httpUrl=["https://x.example.com"]), "payload.httpUrl", "This must be text, not a list."),
        (http(url="https://x.example.com"), "payload.url", "This is said twice: see payload.httpUrl."),
        (http(timeoutSeconds="30"), "payload.timeoutSeconds", "This must be a whole number, not text."),
        (http(verifyTls="false"), "payload.verifyTls", "This must be true or false, not text."),
        (http(httpHeaders=["a"]), "payload.httpHeaders", "This must be an object, not a list."),
        (http(httpBody={"day": 1}), "payload.httpBody", "This must be text, not an object."),
        (http(expectedStatuses=["200"]), "payload.expectedStatuses", "This must be a list of whole numbers."),
        (http(metadata="x"), "payload.metadata", "This must be an object, not text."),
        (http(metadata={"x": float("inf")}), "payload.metadata.x", "This number is too large."),
        (
            dummy(payload={"type": "DUMMY", "metadata": {"simulatedDelaySeconds": "5"}}),
            "payload.metadata.simulatedDelaySeconds",
            "This must be a number, not text.",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_field(request_, field, reason):
    assert problems(request_) == [(field, reason)]


def test_an_unknown_type_is_told_with_those_that_are_known():
    [(field, reason)] = problems(of_type("FTP", {}))
    assert (field, reason) == ("type", f"'FTP' is none of {', '.join(TYPES)}.")


@pytest.mark.parametrize("value", [7, 1.5, True, None, [], [[]], {}, {"a": {}}, "x" * 50_000])
@pytest.mark.parametrize("code", TYPES)
def test_nothing_but_sentences_comes_of_wrong_values_everywhere(code, value):
    keys = dict.fromkeys(TYPES[code].aliases, value)
    parts = {"name": value, "priority": value, "schedule": {"scheduleType": value}, "retryPolicy": value}
    for request in (
        of_type(code, keys),
        {**of_type(code, SMALL[code]), **parts},
        {"type": value},
        dummy(type=value),
    ):
        reading = read(request)
        assert reading.definition is not None or reading.problems
        assert all(problem.reason.endswith((".", "?")) for problem in reading.problems)


def test_several_problems_are_told_at_once():
    request = {**http(httpUrl="ftp://x", timeoutSeconds=0), "name": "", "priority": "X"}
    assert {field for field, _ in problems(request)} == {
        "name",
        "priority",
        "payload.httpUrl",
        "payload.timeoutSeconds",
    }
