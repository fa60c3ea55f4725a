"""Text that was written to deceive, as people see it."""

import pytest

from chronos_site.hostile import visible


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("bell\x07 and null\x00", "bell␇ and null␀"),
        ("over\rwritten", "over␍written"),
        ("abc\u202edcba\u202c", "abc[U+202E]dcba[U+202C]"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("next\u2028line", "next[U+2028]line"),
        ("\x9b31m", "[U+009B]31m"),
        ("\x7f", "␡"),
    ],
)
def test_what_would_not_be_seen_becomes_a_mark(written, seen):
    assert visible(written) == seen


def test_ordinary_text_of_any_language_stays():
    text = "Zażółć gęślą jaźń\n\tनमस्ते\n日本語 👩\u200d🔬 naïve é"
    assert visible(text) == text


def test_windows_line_ends_are_line_ends():
    assert visible("one\r\ntwo") == "one\ntwo"
