import json

import pytest

from runs.storable import DEEPEST, RESULT_LIMIT, plain, result, text


def test_what_some_database_refuses_is_marked():
    assert text("a\0b\ud800c") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_other_control_characters_and_emoji_stay():
    assert text("\x1b[31m \N{GRINNING FACE}") == "\x1b[31m \N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (b"\xff", "b'\\xff'"),
        ({1}, "{1}"),
        ({("a", 1): (2, 3)}, {"('a', 1)": [2, 3]}),
        ("\\u0000", "\\u0000"),
        ({"a": [1, 2.5, True, None]}, {"a": [1, 2.5, True, None]}),
    ],
)
def test_what_json_cannot_say_becomes_text(value, stored):
    assert plain(value) == stored


def test_a_number_too_long_to_print_says_how_long_it_is():
    assert plain(2**20_000) == "a number of 20001 bits"


def test_a_value_that_contains_itself_ends():
    knot = []
    knot.append(knot)
    assert json.dumps(plain(knot)).count("[") <= DEEPEST + 2


def test_a_result_is_kept_whole_as_long_as_it_has_room():
    room = RESULT_LIMIT - len('{"data": ""}')
    assert json.loads(result({"data": "x" * room})) == {"data": "x" * room}
    assert json.loads(result({"data": "x" * (room + 1)})) == {"summary": "", "cut": "100,001 characters"}
