"""Log lines are one line each, or one object each, and hold no password."""

import json
import logging
import sys

import pytest

from chronos_site.logs import Json, Text, first_line, masked


def record(message="", *args, exc_info=None, **extra):
    made = logging.LogRecord("runs.ring", logging.WARNING, __file__, 1, message, args, exc_info)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:hunter2@db/x", "postgresql://u:***@db/x"),
        ("redis://:hunter2@127.0.0.1:6379/0 is away", "redis://:***@127.0.0.1:6379/0 is away"),
        ("http://127.0.0.1:8000/a@b", "http://127.0.0.1:8000/a@b"),
        ("at 12:30 to ada@example.com", "at 12:30 to ada@example.com"),
    ],
)
def test_a_password_in_an_address_is_unreadable(text, shown):
    assert masked(text) == shown


def test_a_password_in_a_traceback_is_unreadable():
    try:
        raise OSError("no redis://:hunter2@cache")
    except OSError:
        line = Text().format(record("away", exc_info=sys.exc_info()))
    assert "redis://:***@cache" in line
    assert "hunter2" not in line


def test_for_collectors_a_message_is_an_object_with_its_fields():
    told = json.loads(Json().format(record("rang %s\nthe bell", "high", run="01J", url="redis://:hunter2@x")))
    assert told["message"] == "rang high\nthe bell"
    assert (told["level"], told["logger"], told["run"]) == ("WARNING", "runs.ring", "01J")
    assert told["url"] == "redis://:***@x"


def test_for_collectors_an_exception_is_part_of_the_object():
    try:
        raise KeyError("lost")
    except KeyError:
        line = Json().format(record("broke", exc_info=sys.exc_info()))
    assert "KeyError: 'lost'" in json.loads(line)["exception"]


def test_for_people_a_message_about_a_run_says_which_one():
    line = Text("%(levelname)s %(message)s").format(record("lost", run="01J", attempt=2, worker=None))
    assert line == "WARNING lost [run=01J attempt=2]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("\n Exit code 3\nTraceback", "Exit code 3"),
        ("red \x1b[31m \u202e", "red \N{REPLACEMENT CHARACTER}[31m \N{REPLACEMENT CHARACTER}"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_words_from_elsewhere_stay_one_short_line(text, shown):
    assert first_line(text) == shown


def test_no_message_looks_like_two():
    line = Text("%(levelname)s %(message)s").format(record("no job %s", "x\nERROR forged\r\nERROR twice"))
    assert line == r"WARNING no job x\nERROR forged\r\nERROR twice"


@pytest.mark.parametrize("made", [Text("%(message)s"), Json()])
def test_a_terminal_that_shows_the_log_obeys_nobody(made):
    line = made.format(record("job %s", "\x1b]0;pwned\x07\x1b[2J \u202egnp.exe \x9b"))
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(line)


def test_a_traceback_keeps_its_lines_but_no_escapes():
    try:
        raise OSError("\x1b[31mred")
    except OSError:
        line = Text("%(message)s").format(record("broke", exc_info=sys.exc_info()))
    assert "\nTraceback" in line
    assert "\x1b" not in line
