import pytest
from django import forms

from jobs.executors.fields import (
    DecimalField,
    EnvironmentField,
    FlagField,
    HeadersField,
    JsonField,
    NamesField,
    NumberField,
    NumbersField,
    TextField,
    TextListField,
)


def refusal(field, value):
    with pytest.raises(forms.ValidationError) as refused:
        field.clean(value)
    return " ".join(refused.value.messages)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1, "a": 2}', "The key 'a' stands twice."),
        ('{"a": NaN}', "NaN is no JSON value."),
        ('{"a": -Infinity}', "-Infinity is no JSON value."),
        ('{"a": 1e999}', "This holds a number that is too large."),
        ('{"a": 9223372036854775808}', "This holds a number that is too large."),
        ('{"a": ' + "1" * 5000 + "}", "This holds a number that is too large."),
        ('{"a": "\\u0000"}', "This holds a NUL or half a character."),
        ('{"\\ud800": 1}', "This holds a NUL or half a character."),
        ('{"a": }', "This is no JSON: expecting value in line 1, column 7."),
        ("[1]", 'This must be JSON, an object such as {"name": "value"}.'),
        ("{" + '"a":{' * 20 + "}" * 21, "This is nested deeper than 20 levels."),
        ('{"a":' + "[" * 100_000, "This is longer than 100,000 characters."),
        ('{"a":' + "[" * 50_000 + "]" * 49_000 + "}", "This is nested deeper than 20 levels."),
    ],
)
def test_json_that_no_database_keeps_is_refused(text, sentence):
    assert refusal(JsonField(), text) == sentence


def test_json_is_given_by_a_page_or_by_a_request():
    field = JsonField()
    assert field.clean('{"a": [1.5, null, "Zoë", 9223372036854775807]}') == field.clean(
        {"a": [1.5, None, "Zoë", 9223372036854775807]}
    )
    assert field.clean("{" + '"a":{' * 18 + "}" * 19)


def test_an_object_without_a_bottom_is_refused():
    bottomless: list = []
    for _ in range(10_000):
        bottomless = [bottomless]
    assert refusal(JsonField(), {"a": bottomless}) == "This is nested deeper than 20 levels."


@pytest.mark.parametrize("empty", [None, "", " \n"])
def test_nothing_is_no_json(empty):
    assert JsonField(required=False).clean(empty) is None
    assert refusal(JsonField(), empty) == "This field is required."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (JsonField(), {"a": "Zoë", "b": [1]}),
        (HeadersField(), {"Accept": "*/*"}),
        (EnvironmentField(), {"A": "1", "B": "two\nlines", "C": " blank "}),
        (EnvironmentField(), {"A": "{", "B": "=="}),
        (NumbersField(least=0, most=9), [1, 2]),
        (TextListField(), ["a", "b, c", "[d]"]),
        (TextListField(), ["[d]", "a"]),
        (NamesField(), ["a", "b"]),
        (NamesField(), ["a,b", "c;d"]),
    ],
)
def test_what_is_shown_is_read_back(field, value):
    assert field.clean(field.prepare_value(value)) == value


def test_lines_are_only_kept_where_there_is_room():
    assert TextField(lines=3).clean("a\r\nb\tc") == "a\nb\tc"
    assert refusal(TextField(), "a\r\nb") == "This holds a control character."


@pytest.mark.parametrize("wrong", [True, [], {}, [1], {"a": 1}])
@pytest.mark.parametrize("field", [NumberField, DecimalField])
def test_a_number_is_no_flag_and_no_list(field, wrong):
    assert "number from 0 to 9." in refusal(field(least=0, most=9, required=False), wrong)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("on", True), ("False", False), (True, True), (None, True), ("", True), ("off", False)],
)
def test_a_flag_reads_pages_and_requests(said, meant):
    assert FlagField(default=True).clean(said) is meant


def test_a_flags_box_says_no_when_it_is_not_ticked():
    class Page(forms.Form):
        loud = FlagField(default=True)

    assert [
        str(Page({}).as_p()).count(each) for each in ('type="hidden" name="loud" value="false"', " checked")
    ] == [1, 1]
    assert "checked>" not in str(Page({"loud": "false"})["loud"])
