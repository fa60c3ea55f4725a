import pytest

from jobs.executors.json_fields import EnvironmentField, HeadersField, JsonField, NamesField, TextListField
from tests.jobs.executors.payloads import refusal


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
        (TextListField(), ["a", "b, c", "[d]"]),
        (TextListField(), ["[d]", "a"]),
        (NamesField(), ["a", "b"]),
        (NamesField(), ["a,b", "c;d"]),
    ],
)
def test_what_is_shown_is_read_back(field, value):
    assert field.clean(field.prepare_value(value)) == value
