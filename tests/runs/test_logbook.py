import pytest

from runs.logbook import STATEMENT_CHARACTERS, STATEMENT_LINES, Logbook, statements, write
from runs.models import Run, RunLog
from tests import factories
from tests.factories import NOON


def taken(*lines, **fields):
    book = Logbook()
    for line in lines:
        book.writer("r")("INFO", line, **fields)
    return book.take()


@pytest.mark.django_db
@pytest.mark.databases
def test_whatever_an_executor_says_can_be_stored():
    run = Run.objects.create(job=factories.job(), scheduled_time=NOON)
    hostile = {"n\0": float("nan"), "half": "\ud800", "raw": b"\xff", "text": "\\u0000", "deep": [[]] * 40}
    Logbook.add(book := Logbook(), run.pk, "INFO", "NUL \0, half a pair \ud800", hostile)
    write(book.take())
    line = RunLog.objects.get()
    assert line.message == "NUL \ufffd, half a pair \ufffd"
    assert (line.context["half"], line.context["text"]) == ("\ufffd", "\\u0000")


def test_a_long_line_is_cut_with_a_mark():
    (line,) = taken("x" * 10_000_000)
    assert line.message.endswith("… cut: 10,000,000 characters")
    assert len(line.message) < 9_000


def test_no_statement_carries_more_than_every_database_takes():
    pieces = list(statements(taken(*["x" * 7_000] * 400)))
    assert sum(map(len, pieces)) == 400
    assert all(sum(len(line.message) for line in piece) <= STATEMENT_CHARACTERS for piece in pieces)


def test_short_lines_go_in_few_statements():
    pieces = list(statements(taken(*["short"] * (STATEMENT_LINES + 1))))
    assert [len(piece) for piece in pieces] == [STATEMENT_LINES, 1]
