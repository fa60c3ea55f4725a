"""Placeholders: what they stand for, what is none, and how forms check the text around them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs.executors import placeholders
from tests.computing import at_most
from tests.jobs.executors.payloads import errors, small

FIRED = datetime(2026, 10, 24, 12, 0, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
TOLD = {"job.name": "nightly", "job.id": "J1", "run.id": "R1", "run.attempt": "2"}


def filled(text, fired=FIRED, **parameters):
    value = placeholders.lookup(TOLD, fired=fired, parameters=parameters, secrets={})
    return placeholders.fill(text, value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ job.name }}/{{job.id}}", "nightly/J1"),
        ("{{ run.id }}-{{ run.attempt }}", "R1-2"),
        ("{{ fire.time }}", "2026-10-24T14:00:00+02:00"),
        ("{{ fire.date }}", "2026-10-24"),
        ("{{ fire.date - 1d }} {{ fire.date+2w }}", "2026-10-23 2026-11-07"),
        # Over the end of summer time a day has 25 hours.
        ("{{ fire.time + 1d }}", "2026-10-25T14:00:00+01:00"),
        ("{{ fire.time + 24h }}", "2026-10-25T13:00:00+01:00"),
        ("{{ fire.time - 90m }} {{ fire.time - 5s }}", "2026-10-24T12:30:00+02:00 2026-10-24T13:59:55+02:00"),
        ("{{ param:region }}", "north"),
        ("{{ param:zone=a, b }}", "a, b"),
        ("{{ param:zone= }}", ""),
        (r"\{{ job.name }}", "{{ job.name }}"),
        ("{{.Names}} {{7*7}} {% debug %} {{ }}", "{{.Names}} {{7*7}} {% debug %} {{ }}"),
    ],
)
def test_a_placeholder_stands_for_what_the_docs_say(text, told):
    assert filled(text, region="north") == told


def test_placeholders_are_filled_at_any_depth_keys_included():
    asked = {"{{ job.id }}": ["{{ run.id }}", 7, {"a": "{{ job.name }}"}]}
    assert filled(asked) == {"J1": ["R1", 7, {"a": "nightly"}]}


def test_what_a_placeholder_brings_in_is_not_looked_at_again():
    assert filled("{{ param:x }}", x="{{ secret:token }}") == "{{ secret:token }}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ param:missing }}", "The parameter missing was not given"),
        ("{{ secret:missing }}", "There is no secret missing"),
        ("{{ fire.time + 99999999d }}", "is no placeholder"),
    ],
)
def test_what_has_no_value_says_so(text, sentence):
    with pytest.raises(LookupError, match=sentence):
        filled(text)


@pytest.mark.parametrize("unit", ["w", "h"])
def test_an_instant_outside_the_calendar_says_so(unit):
    with pytest.raises(LookupError, match="leaves the calendar"):
        filled(f"{{{{ fire.time + 99999{unit} }}}}", fired=datetime(9999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("said", ["secrets", "fire.datetime", "job.owner", "param:", "fire.date * 2", "end"])
def test_an_unknown_placeholder_is_refused_at_its_field(said):
    form = small("HTTP", httpBody=f"text {{{{ {said} }}}}")
    assert f"{{{{ {said} }}}} is no placeholder" in errors(form)["http_body"]


def test_what_a_payload_asks_for_can_be_told():
    asked = {"a": ["{{ param:b=1 }}", "{{ param:c }} {{ secret:key }}"], "d": "{{ param:b }}"}
    assert placeholders.parameters(asked) == {"b": "1", "c": None}
    assert placeholders.secrets(asked) == {"key"}


def test_values_are_bound_by_name_and_never_pasted():
    text, values = placeholders.bind(
        "a > {{ param:x }} AND b = {{ param:x }} AND c = {{ job.id }}",
        {"param:x": "1 OR 1=1", "job.id": "J1"}.__getitem__,
        lambda name: f":{name}",
    )
    assert text == "a > :chronos_1 AND b = :chronos_1 AND c = :chronos_2"
    assert values == {"chronos_1": "1 OR 1=1", "chronos_2": "J1"}


KEPT = {
    "HTTP": {
        "http_url": "https://{{ param:host=example.com }}/v2/{{ fire.date }}",
        "http_headers": {"Authorization": "Bearer {{ secret:token }}", "X-{{ job.id }}": "{{ run.id }}"},
        "http_body": '{"since": "{{ fire.date - 1d }}"}',
    },
    "FILE_SYSTEM": {"file_path": "/srv/{{ fire.date }}/{{ param:x }}"},
    "EMAIL": {"to": ["{{ param:to }}", "{{ param:user }}@example.com"], "subject": "{{ job.name }}"},
    "CACHE": {"cache_region": "{{ param:region }}", "cache_keys": ["user:{{ param:id }}"]},
    "DATABASE": {"database_url": "postgresql://reader:{{ secret:password }}@db/shop"},
    "DB_TO_KAFKA": {"kafka_topic": "orders-{{ param:zone }}"},
}
KEYS = {"http_url": "httpUrl", "http_headers": "httpHeaders", "http_body": "httpBody", "file_path": "path",
        "cache_region": "region", "cache_keys": "keys", "database_url": "databaseUrl",
        "kafka_topic": "kafkaTopic"}  # fmt: skip


@pytest.mark.parametrize(("code", "name"), [(code, name) for code, each in KEPT.items() for name in each])
def test_a_field_keeps_its_placeholders_and_checks_what_stands_around_them(code, name):
    value = KEPT[code][name]
    if isinstance(value, list) and name == "to":
        value = value[1:]
    form = small(code, **{KEYS.get(name, name): value})
    assert errors(form) == {}
    assert form.cleaned_data[name] == value


@pytest.mark.parametrize(
    ("code", "key", "name", "text"),
    [
        ("HTTP", "httpUrl", "http_url", "{{ param:url }}"),
        ("HTTP", "httpUrl", "http_url", "{{ param:base }}/orders"),
        ("FILE_SYSTEM", "path", "file_path", "{{ param:root }}/orders"),
        ("EMAIL", "to", "to", ["ops@example.com", "{{ param:to }}"]),
        ("DATABASE", "databaseUrl", "database_url", "{{ secret:orders_database }}"),
    ],
)
def test_a_placeholder_may_stand_for_the_whole(code, key, name, text):
    form = small(code, **{key: text})
    assert errors(form) == {}
    assert form.cleaned_data[name] == text


def test_an_error_beside_a_placeholder_is_told_in_the_words_that_were_typed():
    form = small("FILE_SYSTEM", path="{{ param:a }}/../b")
    assert errors(form) == {"file_path": "Write the path without .. in it."}
    form = small("EMAIL", to=["{{ job.id }} at home"])
    assert "{{ job.id }} at home" in errors(form)["to"]
    assert form["to"].value() == "{{ job.id }} at home"


def test_no_field_gets_the_placeholders_of_another():
    said = {"httpUrl": "https://example.com/{{ fire.date }}", "httpBody": "{{ secret:body }} {{ run.id }}"}
    checked = small("HTTP", httpMethod="POST", **said)
    assert errors(checked) == {}
    columns = checked.columns()
    assert [columns["http_url"], columns["http_body"]] == [*said.values()]


@pytest.mark.parametrize("piece", [" ", " a", "\n", "{{ a", "\\{{", "{{ param:a=b "])
def test_no_text_makes_the_search_slow(piece):
    with at_most(2):
        placeholders.find("{{ a" + piece * 100_000)


def test_more_placeholders_than_anybody_needs_are_refused_at_once():
    body = " ".join(f"{{{{ param:p{number} }}}}" for number in range(20_000))
    with at_most(2):
        assert "300 different placeholders at most" in errors(small("HTTP", httpBody=body))["http_body"]
