"""Definitions as people read them."""

import time

from dashboard import definitions
from tests.factories import definition


def http(**payload):
    return definition(
        type="HTTP", payload={"http_url": "https://a.example/x", "http_method": "GET", **payload}
    )


def told(found):
    return {field.label: field.text for field in found}


def test_a_payload_has_the_labels_and_the_order_of_the_form():
    fields = definitions.payload(http(http_body="{}"))
    assert [field.label for field in fields] == ["Method", "URL", "Body"]


def test_secrets_are_masked_wherever_they_stand():
    fields = told(
        definitions.payload(
            http(
                http_url="https://user:hunter2@a.example/?token=abc&day=1",
                http_headers={"Authorization": "Bearer abc", "Accept": "*/*"},
                http_body='{"password": "hunter2"}',
            )
        )
    )
    assert "hunter2" not in str(fields)
    assert "abc" not in str(fields)
    assert "day=1" in fields["URL"]


def test_columns_of_other_types_are_left_out_unless_they_hold_something():
    fields = told(definitions.payload(http(read_only=True, overwrite=False, cache_region="eu")))
    assert set(fields) == {"Method", "URL", "cache_region"}


def test_a_definition_of_a_type_that_is_gone_is_shown_all_the_same():
    assert told(definitions.payload({"type": "GONE", "payload": {"query": "select 1"}})) == {
        "query": "select 1"
    }


def test_changes_name_the_field_and_both_sides():
    (change,) = definitions.changes(http(timeout_seconds=60), http(timeout_seconds=120))
    assert (change.label, change.before, change.after) == ("Timeout", "60", "120")


def test_what_was_not_set_before_has_no_before():
    (change,) = definitions.changes(http(), http(http_body="x"))
    assert (change.before, change.after) == (None, "x")


def test_a_secret_that_changed_is_told_without_being_shown():
    old, new = (
        http(http_headers={"Authorization": "Bearer aaa"}),
        http(http_headers={"Authorization": "Bearer bbb"}),
    )
    (change,) = definitions.changes(old, new)
    assert change.label == "Headers, Authorization"
    assert change.before == change.after == definitions.DOTS


def test_a_secret_that_changed_inside_a_text_is_told_too():
    (change,) = definitions.changes(http(http_body='{"password": "a"}'), http(http_body='{"password": "b"}'))
    assert change.label == "Body"
    assert '"a"' not in str(change.before)


def test_long_texts_differ_by_lines():
    old, new = http(http_body="one\ntwo\nthree"), http(http_body="one\n2\nthree")
    (change,) = definitions.changes(old, new)
    assert change.lines == [("ctx", "one"), ("del", "two"), ("add", "2"), ("ctx", "three")]


def test_equal_definitions_do_not_differ():
    assert definitions.changes(http(), http()) == []


def test_a_list_of_words_has_one_a_line_and_one_word_stands_alone():
    mail = definition(type="EMAIL", payload={"metadata": {"to": ["a@x.org", "b@x.org"], "cc": ["c@x.org"]}})
    fields = told(definitions.payload(mail))
    assert (fields["To"], fields["Cc"]) == ("a@x.org\nb@x.org", "c@x.org")


def test_one_change_in_a_very_long_text_is_shown_alone():
    lines = [str(number) for number in range(5000)]
    change = definitions.Change("Body", "\n".join(lines), "\n".join([*lines[:2500], "new", *lines[2500:]]))
    assert change.lines == [
        ("ctx", "2498"),
        ("ctx", "2499"),
        ("add", "new"),
        ("ctx", "2500"),
        ("ctx", "2501"),
    ]


def test_very_long_texts_that_differ_everywhere_take_no_time():
    before, after = ("\n".join(str(number * step % 100) for number in range(60_000)) for step in (1, 7))
    began = time.process_time()
    assert len(definitions.Change("Body", before, after).lines) > 60_000
    assert time.process_time() - began < 5


def test_a_very_long_text_may_grow_or_shrink_by_lines_that_it_has_already():
    short, long = "a\n" * 2000, "a\n" * 2001
    assert [kind for kind, _ in definitions.Change("Body", short, long).lines].count("add") == 1
    assert [kind for kind, _ in definitions.Change("Body", long, short).lines].count("del") == 1
