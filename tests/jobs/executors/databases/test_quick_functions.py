"""Our text functions against SQLite's own."""

import sqlite3

import pytest

from jobs.executors.databases import quick_functions
from tests.computing import at_most

VALUES = ["NULL", "''", "'a'", "'aba'", "'ba  '", "' äöä'", "12", "1.5", "x'6162'", "x''", "-1"]


@pytest.fixture
def ours():
    connection = sqlite3.connect(":memory:")
    quick_functions.give(connection)
    yield connection
    connection.close()


@pytest.mark.parametrize("name", ["instr", "trim", "ltrim", "rtrim"])
def test_they_say_what_those_of_sqlite_say(ours, name):
    theirs = sqlite3.connect(":memory:")
    for each in VALUES:
        for other in VALUES:
            question = f"SELECT {name}({each}, {other})"
            assert ours.execute(question).fetchone() == theirs.execute(question).fetchone(), question
    theirs.close()


@pytest.mark.parametrize("old", ["'a'", "''", "NULL", "1", "'ä'", "'ab'"])
def test_replace_says_what_that_of_sqlite_says(ours, old):
    theirs = sqlite3.connect(":memory:")
    for each in VALUES:
        for new in VALUES:
            question = f"SELECT replace({each}, {old}, {new})"
            assert ours.execute(question).fetchone() == theirs.execute(question).fetchone(), question
    theirs.close()


@pytest.mark.parametrize(
    "question",
    [
        "instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')",
        "replace(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1', 'x')",
        "rtrim(hex(zeroblob(2000000)), replace(hex(zeroblob(2000000)), '0', '1') || '0')",
    ],
)
def test_long_texts_take_no_longer_than_reading_them(ours, question):
    with at_most(5):
        ours.execute(f"SELECT length({question})").fetchone()


def test_a_replacement_that_would_fill_the_memory_is_refused(ours):
    question = "SELECT replace(hex(zeroblob(1000000)), '0', hex(zeroblob(1000000)))"
    with pytest.raises(sqlite3.DataError):
        ours.execute(question).fetchone()
