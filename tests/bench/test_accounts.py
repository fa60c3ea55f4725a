"""Ticks and rows held against each other."""

from datetime import timedelta

from bench.accounts import account
from tests.factories import NOON

TICKS = [NOON + timedelta(seconds=second) for second in range(6)]
UNTIL = TICKS[3]
RUNS = [(tick, 1) for tick in TICKS[:4]]


def test_a_run_for_each_tick_balances():
    assert account(TICKS, RUNS, UNTIL).balanced


def test_a_tick_without_a_row_is_noticed():
    found = account(TICKS, [RUNS[0], RUNS[1], RUNS[3]], UNTIL)
    assert found.missing == [TICKS[2]]
    assert not found.balanced


def test_the_last_tick_that_counts_is_noticed_too():
    assert account(TICKS, RUNS[:3], UNTIL).missing == [UNTIL]


def test_a_skip_row_stands_for_its_stretch_and_no_more():
    assert account(TICKS, [RUNS[0], (TICKS[1], 3)], UNTIL).balanced
    assert account(TICKS, [RUNS[0], (TICKS[1], 2)], UNTIL).missing == [UNTIL]


def test_a_tick_with_two_rows_is_noticed():
    assert account(TICKS, [*RUNS, RUNS[1]], UNTIL).doubled == [TICKS[1]]
    assert account(TICKS, [(TICKS[0], 2), *RUNS[1:]], UNTIL).doubled == [TICKS[1]]


def test_a_row_that_no_tick_asked_for_is_noticed():
    between = NOON + timedelta(milliseconds=500)
    assert account(TICKS, [*RUNS, (between, 1)], UNTIL).unplanned == [between]


def test_ticks_after_the_end_may_have_rows_or_not():
    assert account(TICKS, [*RUNS, (TICKS[4], 1)], UNTIL).balanced
