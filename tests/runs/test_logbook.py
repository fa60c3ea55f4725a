import pytest

from runs.logbook import (
    LINES_A_SECOND,
    RUN_CHARACTERS,
    STATEMENT_CHARACTERS,
    STATEMENT_LINES,
    Logbook,
    Tally,
    statements,
    write,
)
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


def test_a_run_that_writes_too_much_at_once_leaves_a_mark_and_its_last_line(monkeypatch):
    monkeypatch.setattr("runs.logbook.LINES_A_SECOND", 3)
    book = Logbook()
    for _ in range(30_000):
        book.add("r", "INFO", "again")
    book.close("r", "INFO", "Done")
    *_, mark, last = [line.message for line in book.take()]
    assert mark.endswith("lines left out: a run keeps 3 a second.")
    assert last == "Done"


def test_a_busy_second_does_not_silence_the_next():
    tally = Tally()
    for _ in range(LINES_A_SECOND + 5):
        tally.admit(1, 1)
    assert tally.admit(2, 1) == (f"5 lines left out: a run keeps {LINES_A_SECOND:,} a second.", True)
    assert tally.admit(2, 1) == ("", True)


@pytest.mark.parametrize(("lines", "size"), [(9, 1), (3, RUN_CHARACTERS // 2)])
def test_a_log_ends_with_a_mark_where_it_is_full(lines, size, settings):
    settings.LOG_LINES_LIMIT = 9
    tally = Tally()
    told = [tally.admit(second, size) for second in range(lines)]
    assert [kept for _, kept in told] == [True] * (lines - 1) + [False]
    assert told[-1][0].startswith("Log cut here")
    assert tally.admit(lines, 1) == ("", False)


def test_no_statement_carries_more_than_every_database_takes():
    pieces = list(statements(taken(*["x" * 7_000] * 400)))
    assert sum(map(len, pieces)) == 400
    assert all(sum(len(line.message) for line in piece) <= STATEMENT_CHARACTERS for piece in pieces)


def test_short_lines_go_in_few_statements():
    pieces = list(statements(taken(*["short"] * (STATEMENT_LINES + 1))))
    assert [len(piece) for piece in pieces] == [STATEMENT_LINES, 1]


def test_a_last_line_that_the_work_has_written_itself_is_not_repeated():
    book = Logbook()
    book.add("R1", "INFO", "All 3 done")
    book.close("R1", "INFO", "All 3 done")
    book.add("R2", "INFO", "Two of 3 done")
    book.close("R2", "INFO", "All 3 done")
    told = [(line.run_id, line.message) for line in book.take()]
    assert told == [("R1", "All 3 done"), ("R2", "Two of 3 done"), ("R2", "All 3 done")]
