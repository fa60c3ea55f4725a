"""The parts of a definition as forms: what they take and refuse, and that they give back what is stored."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from jobs.executors import TYPES
from jobs.forms import ONE_ATTEMPT, BasicsForm, RetryForm, ScheduleForm, initial_of
from tests.jobs.executors.payloads import FULL

BERLIN = {"timezone": "Europe/Berlin"}
WHOLE_SECONDS = "Give a whole number of seconds, 1 or more."
YEARS = "Give a date from the year 1970 to the year 9999."


def basics(**said):
    return BasicsForm({"name": "probe", "type": "DUMMY", **said})


def schedule(kind="CRON", initial=None, **said):
    if kind == "CRON":
        said.setdefault("cron_expression", "0 9 * * *")
    return ScheduleForm({"schedule_type": kind, **said}, initial=initial)


def definition(form):
    assert form.errors == {}
    return form.definition()


def errors(form):
    return {name: list(sentences) for name, sentences in form.errors.items()}


def test_a_name_and_a_type_are_enough():
    assert definition(basics()) == {
        "name": "probe",
        "type": "DUMMY",
        "priority": "MEDIUM",
        "description": "",
    }


def test_a_description_keeps_its_lines_as_lf():
    assert definition(basics(description="One.\r\n\r\n\tTwo."))["description"] == "One.\n\n\tTwo."


@pytest.mark.parametrize(
    "bad", ["\t", "\x1b", "\x7f", "\x85", "\u200f", "\u2028", "\u202e", "\u2066", "\ud800"]
)
def test_a_name_holds_nothing_that_cannot_be_seen(bad):
    assert errors(basics(name=f"a{bad}b")) == {"name": ["The name holds a control character."]}


@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff\u2060", "\u00ad \u200b", "\U000e0041"])
def test_a_name_can_be_seen(unseen):
    assert errors(basics(name=unseen)) == {"name": ["The name has no character that can be seen."]}
    assert not errors(basics(name=f"a{unseen}b"))


@pytest.mark.parametrize("bad", ["\x07", "\x1b", "\x9b", "\u202e", "\ud800"])
def test_a_description_holds_no_control_characters_but_line_ends_and_tabs(bad):
    assert errors(basics(description=f"a{bad}b")) == {
        "description": ["The description holds a control character."]
    }


@pytest.mark.parametrize("name", ["", "   ", "n" * 256, None])
def test_a_name_has_1_to_255_characters(name):
    assert "name" in errors(basics(name=name))


@pytest.mark.parametrize(
    ("kind", "own", "value"),
    [
        ("CRON", "cron_expression", "0 9 * * *"),
        ("INTERVAL", "interval_seconds", 60),
        ("ONCE", "run_at", None),
    ],
)
def test_only_the_field_of_the_chosen_kind_is_kept(kind, own, value):
    everything = {"cron_expression": "0 9 * * *", "interval_seconds": "60", "run_at": "2026-03-02T12:00Z"}
    kept = definition(schedule(kind, **everything))
    assert everything.keys() & kept.keys() == {own}
    assert kept[own] == (value or "2026-03-02T12:00:00+00:00")


@pytest.mark.parametrize(
    ("typed", "instant"),
    [
        ("2026-07-01T09:00", "2026-07-01T07:00:00+00:00"),
        ("2026-07-01 09:00:30", "2026-07-01T07:00:30+00:00"),
        ("2026-07-01T09:00Z", "2026-07-01T09:00:00+00:00"),
        ("2026-07-01T09:00:00.5+05:30", "2026-07-01T03:30:00.500000+00:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30:00+00:00"),
        ("2026-03-29T02:30", "2026-03-29T01:00:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_on_the_clock_of_the_jobs_zone(typed, instant):
    assert definition(schedule("ONCE", run_at=typed, **BERLIN))["run_at"] == instant


@pytest.mark.parametrize("again", ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00.250000+00:00"])
def test_a_time_shown_and_sent_back_stays_the_same_instant(again):
    stored = {"schedule_type": "ONCE", "run_at": again, **BERLIN}
    shown = initial_of({"type": "DUMMY", "payload": {}, "schedule": stored})["schedule"]
    form = ScheduleForm({"schedule_type": "ONCE", "run_at": "2026-10-25T02:30:00", **BERLIN}, initial=shown)
    assert definition(form)["run_at"] == again


@pytest.mark.parametrize(
    ("kind", "said", "field", "sentence"),
    [
        ("ONCE", {}, "run_at", "Give the date and time of the run."),
        ("ONCE", {"run_at": "soon"}, "run_at", "This is no date and time: write it like 2026-03-28T02:30."),
        (
            "ONCE",
            {"run_at": "2026-02-30T00:00"},
            "run_at",
            "This is no date and time: write it like 2026-03-28T02:30.",
        ),
        # No clock that counts here knows a leap second.
        (
            "ONCE",
            {"run_at": "2016-12-31T23:59:60Z"},
            "run_at",
            "This is no date and time: write it like 2026-03-28T02:30.",
        ),
        ("ONCE", {"run_at": "0001-01-01T00:00", **BERLIN}, "run_at", YEARS),
        ("ONCE", {"run_at": "9999-12-31T23:59-14:00"}, "run_at", YEARS),
        ("ONCE", {"run_at": "1969-12-31T23:59Z"}, "run_at", YEARS),
        ("INTERVAL", {}, "interval_seconds", "Give the number of seconds between two fires."),
        ("INTERVAL", {"interval_seconds": "1.5"}, "interval_seconds", WHOLE_SECONDS),
        (
            "INTERVAL",
            {"interval_seconds": "9" * 4000},
            "interval_seconds",
            "Give a whole number of seconds, from 1 second to 3,650 days.",
        ),
        ("INTERVAL", {"interval_seconds": "9" * 5000}, "interval_seconds", WHOLE_SECONDS),
        (
            "INTERVAL",
            {"interval_seconds": "60", "jitter_seconds": "60"},
            "jitter_seconds",
            "The jitter must be shorter than the interval.",
        ),
        ("CRON", {"cron_expression": "0 0 31 2 *"}, "cron_expression", None),
        ("CRON", {"cron_expression": "a\ud800"}, "cron_expression", None),
        (
            "CRON",
            {"timezone": "berlin"},
            "timezone",
            "'berlin' is not a time zone; write it like Europe/Berlin or UTC.",
        ),
        (
            "CRON",
            {"starts_at": "2026-03-02T12:00", "ends_at": "2026-03-02T11:00"},
            "ends_at",
            "The end lies before the start.",
        ),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(kind, said, field, sentence):
    found = errors(schedule(kind, **said))
    assert list(found) == [field]
    assert sentence is None or found[field] == [sentence]


def test_whether_a_plan_fires_again():
    form = schedule("ONCE", run_at="2026-03-02T12:00Z")
    assert form.is_valid()
    assert form.fires_after(datetime(2026, 3, 2, 11, 59, tzinfo=UTC))
    assert not form.fires_after(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def test_an_empty_retry_policy_takes_the_schemas_defaults():
    assert definition(RetryForm({})) == {
        "max_attempts": 1,
        "backoff_strategy": "FIXED",
        "backoff_seconds": 60,
    }


def test_a_job_without_a_policy_is_not_given_one_by_looking_at_it():
    stored, untouched = RetryForm({}, initial=ONE_ATTEMPT), RetryForm({})
    asked = RetryForm({"max_attempts": "2"})
    assert untouched.is_valid()
    assert untouched.part() == {}
    assert [form.part()["retry"]["max_attempts"] for form in (stored, asked) if form.is_valid()] == [1, 2]


def test_a_wait_of_zero_seconds_is_not_the_default():
    assert definition(RetryForm({"backoff_seconds": "0"}))["backoff_seconds"] == 0


@pytest.mark.parametrize("typed", ["timeout, http_5xx 5XX", "TIMEOUT\n5XX", ["Timeout", "SERVER_ERROR"]])
def test_error_classes_are_spelt_our_way_and_stand_once(typed):
    assert definition(RetryForm({"retry_on": typed}))["retry_on"] == ["TIMEOUT", "5XX"]


def test_error_classes_may_be_ticked_and_typed():
    posted = QueryDict("retry_on=5XX&retry_on=TIMEOUT&retry_on=http_418,+GREMLINS")
    assert definition(RetryForm(posted))["retry_on"] == ["5XX", "TIMEOUT", "HTTP_418", "GREMLINS"]


def test_a_box_is_ticked_for_each_class_that_is_offered_and_the_others_stand_in_the_line():
    form = RetryForm(initial={"retry_on": ["5XX", "GREMLINS"]})
    form.fields["retry_on"].widget.offered = ["HTTP_ERROR", "5XX"]
    shown = str(form["retry_on"])
    assert [words.split('"')[0] for words in shown.split('value="')[1:]] == ["HTTP_ERROR", "5XX", "GREMLINS"]
    assert shown.count(" checked") == 1


def test_another_order_of_the_same_classes_is_no_change():
    form = RetryForm({"retry_on": "5XX, TIMEOUT"}, initial={"retry_on": ["TIMEOUT", "5XX"]})
    assert definition(form)["retry_on"] == ["TIMEOUT", "5XX"]


@pytest.mark.parametrize(("said", "kept"), [({"jitter": "on"}, True), ({}, None)])
def test_jitter_is_said_only_where_it_is_on(said, kept):
    assert definition(RetryForm(said)).get("jitter") is kept


@pytest.mark.parametrize(
    "said",
    [
        {"max_attempts": "0"},
        {"max_attempts": "11"},
        {"backoff_seconds": "-1"},
        {"backoff_seconds": "3601"},
        {"backoff_strategy": "LINEAR"},
        {"retry_on": "5XX;TIMEOUT"},
        {"retry_on": "A" * 65},
        {"retry_on": ",".join(f"E{number}" for number in range(51))},
    ],
)
def test_a_retry_policy_out_of_bounds_is_told_at_its_field(said):
    assert list(errors(RetryForm(said))) == list(said)


@pytest.mark.parametrize("code", TYPES)
def test_a_stored_definition_fills_the_forms_that_give_it_back(code):
    aliases = TYPES[code].aliases
    payload = TYPES[code].form({aliases[key]: value for key, value in FULL[code].items()})
    stored = {
        **definition(basics(type=code, description="Two\nlines", priority="LOW")),
        "schedule": definition(schedule(starts_at="2026-03-01T00:00", jitter_seconds="5", **BERLIN)),
        "payload": payload.columns() if payload.is_valid() else payload.errors,
        "retry": definition(RetryForm({"max_attempts": "3", "retry_on": "TIMEOUT"})),
    }
    shown = initial_of(stored)
    again = TYPES[code].form(shown["payload"])
    assert again.is_valid()
    assert stored == {
        **definition(BasicsForm(shown["basics"])),
        "schedule": definition(ScheduleForm(shown["schedule"])),
        "payload": again.columns(),
        "retry": definition(RetryForm(shown["retry"])),
    }
