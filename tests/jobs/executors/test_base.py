"""What every type's form promises, tried with requests of all ten."""

import json
import threading
import time
from pathlib import Path

import pytest

from jobs.executors import TYPES
from jobs.executors.base import Context, Payload
from jobs.executors.error_classes import chain
from jobs.executors.json_fields import DEPTH_LIMIT
from jobs.models import JobPayload
from jobs.retries import normal
from tests.factories import NOON
from tests.jobs.executors.payloads import FULL, SMALL, errors, form, posted

DOCS = Path(__file__).resolve().parents[3] / "docs" / "job-types"
COLUMNS = {field.name for field in JobPayload._meta.concrete_fields}
DEEP = json.loads('{"a":' * (DEPTH_LIMIT + 1) + "1" + "}" * (DEPTH_LIMIT + 1))
BOTTOMLESS = json.loads('{"a":' * 900 + "1" + "}" * 900)
# What JSON can say and no field takes.
WRONG = {
    "list": [["a"]],
    "nan": {"a": float("nan")},
    "deep": DEEP,
    "bottomless": BOTTOMLESS,
    "huge": 10**400,
    "negative": -(10**30),
    "half a key": {"\ud800": 1},
    "half a character": "\ud800",
    "nul": "a\0b",
}
# Any number is a position, or a value to expect.
ANY_NUMBER = {"last_processed_value", "json_equals"}


def stored(code, request):
    checked = form(code, request)
    assert errors(checked) == {}
    return checked.columns()


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("requests", [SMALL, FULL], ids=["small", "full"])
def test_what_is_stored_comes_back_the_same(code, requests):
    columns = stored(code, requests[code])
    kind = TYPES[code].form
    again = kind(kind.initial_from(columns))
    assert errors(again) == {}
    assert again.columns() == columns


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("requests", [SMALL, FULL], ids=["small", "full"])
def test_saving_the_page_unchanged_changes_nothing(code, requests):
    columns = stored(code, requests[code])
    kind = TYPES[code].form
    again = kind(posted(kind(initial=kind.initial_from(columns), prefix="payload")), prefix="payload")
    assert errors(again) == {}
    assert again.columns() == columns


@pytest.mark.parametrize("code", TYPES)
def test_every_field_has_a_place_in_the_table_and_a_key_in_requests(code):
    kind = TYPES[code].form
    assert {*kind.base_fields} - {*kind.options} <= COLUMNS
    assert {*TYPES[code].aliases.values()} == {*kind.base_fields}
    assert {*kind.options} <= {*kind.base_fields}
    assert kind.options_column in kind.base_fields


def test_every_request_of_the_corpus_is_understood(corpus):
    for entry in json.loads(corpus.read_text()):
        code, request = entry["job"]["type"], entry["job"]["payload"]
        checked = form(code, request)
        assert errors(checked) == {}, entry["source"]
        kind = TYPES[code].form
        again = kind(kind.initial_from(checked.columns()))
        assert errors(again) == {}
        assert again.columns() == checked.columns(), entry["source"]


def test_the_corpus_uses_no_key_that_is_not_known(corpus):
    for entry in json.loads(corpus.read_text()):
        unknown = {*entry["job"]["payload"]} - {"type"} - {*TYPES[entry["job"]["type"]].aliases}
        assert unknown == set(), entry["source"]


def test_the_types_know_the_error_classes_of_the_corpus(corpus):
    for entry in json.loads(corpus.read_text()):
        known = TYPES[entry["job"]["type"]].error_classes
        wider = {each for name in known for each in chain(name)}
        asked = {normal(name) for name in (entry["job"].get("retryPolicy") or {}).get("retryOn") or []}
        assert asked - wider == set(), entry["source"]


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("name", WRONG)
def test_no_value_of_a_wrong_kind_gets_past_its_field(code, name):
    kind = TYPES[code].form
    initial = kind.initial_from(stored(code, FULL[code]))
    checked = {field: kind({**initial, field: WRONG[name]}) for field in kind.base_fields}
    passed = {field for field, each in checked.items() if field not in errors(each)}
    assert passed <= ANY_NUMBER
    for each in checked.values():
        str(each)


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("wrong", [5, True, ["text"], {"a": 1}])
def test_text_is_text(code, wrong):
    kind = TYPES[code].form
    for name, field in kind.base_fields.items():
        if type(field).__name__ in ("TextField", "PathField", "TopicField", "DatabaseUrlField", "WordField"):
            assert name in errors(kind({name: wrong}))


@pytest.mark.parametrize("code", TYPES)
@pytest.mark.parametrize("wrong", [0, 1, "maybe", [True], {}])
def test_a_flag_is_true_or_false(code, wrong):
    kind = TYPES[code].form
    for name, field in kind.base_fields.items():
        if type(field).__name__ == "FlagField":
            assert "Say true or false." in errors(kind({name: wrong}))[name]


@pytest.mark.parametrize(
    ("code", "key", "column", "default"),
    [
        ("DATABASE", "readOnly", "read_only", True),
        ("FILE_SYSTEM", "overwrite", "overwrite", False),
        ("FILE_SYSTEM", "createDirectories", "create_directories", False),
        ("CACHE", "skipIfExists", "skip_if_exists", False),
        ("CACHE", "async", "run_async", False),
        ("DB_TO_KAFKA", "includeMetadata", "include_metadata", False),
        ("DB_TO_KAFKA", "skipOnError", "skip_on_error", False),
    ],
)
def test_a_flag_that_is_left_out_has_the_tables_default(code, key, column, default):
    assert stored(code, SMALL[code])[column] is default
    assert JobPayload._meta.get_field(column).get_default() is default
    assert stored(code, {**SMALL[code], key: not default})[column] is not default


def test_an_unticked_box_says_no():
    kind = TYPES["DATABASE"].form
    data = posted(
        kind(initial=kind.initial_from(stored("DATABASE", {**SMALL["DATABASE"], "readOnly": False})))
    )
    assert data.getlist("read_only") == ["false"]
    again = kind(data)
    assert again.is_valid()
    assert again.columns()["read_only"] is False


def test_a_box_keeps_its_tick_when_the_page_comes_back_with_errors():
    kind = TYPES["DATABASE"].form
    ticked = [posted(kind({"read_only": said})).getlist("read_only") for said in ("on", "false", None)]
    assert ticked == [["false", "on"], ["false"], ["false", "on"]]


@pytest.mark.parametrize("code", TYPES)
def test_keys_that_nobody_knows_are_kept(code):
    assert stored(code, {**SMALL[code], "costCentre": 17})["metadata"]["costCentre"] == 17


def test_the_ten_types_stand_in_the_order_of_the_cards():
    assert list(TYPES) == [
        "HTTP",
        "DATABASE",
        "FILE_SYSTEM",
        "MESSAGE_QUEUE",
        "CACHE",
        "EMAIL",
        "REPORT",
        "SCRIPT",
        "DUMMY",
        "DB_TO_KAFKA",
    ]


@pytest.mark.parametrize("code", TYPES)
def test_the_documentation_names_every_key_and_class_and_its_example_is_complete(code):
    text = (DOCS / f"{code.lower().replace('_', '-')}.md").read_text()
    example = json.loads(text.partition("```json")[2].partition("```")[0])
    assert errors(form(code, example)) == {}
    told = [each for each in (*TYPES[code].aliases, *TYPES[code].error_classes) if f"`{each}`" not in text]
    assert told == []


@pytest.mark.parametrize(
    ("code", "said", "repeatable"),
    [
        ("HTTP", {"http_method": "GET"}, True),
        ("HTTP", {"http_method": "POST"}, False),
        ("DATABASE", {"read_only": True}, True),
        ("DATABASE", {"read_only": None}, True),
        ("DATABASE", {"read_only": False}, False),
        ("CACHE", {"cache_operation": "STATS"}, True),
        ("CACHE", {"cache_operation": "INVALIDATE"}, False),
        ("REPORT", {}, True),
        ("REPORT", {"metadata": {"recipients": ["ops@example.com"]}}, False),
        ("DUMMY", {}, True),
        ("FILE_SYSTEM", {}, False),
        ("MESSAGE_QUEUE", {}, False),
        ("EMAIL", {}, False),
        ("SCRIPT", {}, False),
        ("DB_TO_KAFKA", {}, False),
    ],
)
def test_only_what_does_no_harm_twice_may_be_repeated(code, said, repeatable):
    assert TYPES[code].repeatable(Payload(said)) is repeatable


def test_work_does_not_go_on_while_it_is_being_woken():
    context = Context("r", "j", "Nightly", NOON, 1, time.monotonic() + 60, log=print)
    waking, went_on, seen = threading.Event(), threading.Event(), []

    def wake():
        waking.set()
        seen.append(went_on.wait(0.2))

    other = threading.Thread(target=context.interrupt)
    with context.closing(wake):
        other.start()
        waking.wait(10)
    went_on.set()
    other.join()
    assert seen == [False]
