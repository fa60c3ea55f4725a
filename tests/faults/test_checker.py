"""The checker of histories itself, by histories made by hand."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.faults.checker import Call, Fault, Plan, Row, check, crons, intervals, stretched

LONG_AFTER = 1000
TICKS = (0.0, 60.0, 120.0, 180.0)
PLAN = Plan("job", TICKS)
ROWS = [Row(f"r{n}", "job", tick, outcomes=("SUCCESS",)) for n, tick in enumerate(TICKS)]
CALLS = [Call(f"r{n}", "job", tick + 1, tick + 2) for n, tick in enumerate(TICKS)]


def judge(plan=PLAN, rows=ROWS, calls=CALLS, at=LONG_AFTER, faults=()):
    return check([plan], rows, calls, at, faults)


def changed(things, number, **fields):
    return [replace(each, **fields) if n == number else each for n, each in enumerate(things)]


def test_a_history_in_which_all_was_done_is_valid():
    assert judge().word == "valid"


EXTRA = Row("again", "job", 60.0, outcomes=("SUCCESS",))
BAD = {
    "missed": {"rows": ROWS[:3], "calls": CALLS[:3]},
    "missed too, as it never began": {"rows": changed(ROWS, 3, outcomes=()), "calls": CALLS[:3]},
    "late": {"calls": changed(CALLS, 1, began=75, ended=76)},
    "early": {"calls": changed(CALLS, 1, began=59)},
    "double-fired": {"rows": [*ROWS, EXTRA], "calls": [*CALLS, Call("again", "job", 63, 64)]},
    "phantom": {"rows": [*ROWS, replace(EXTRA, tick=61.0)], "calls": [*CALLS, Call("again", "job", 63, 64)]},
    "phantom too, without a row": {"calls": [*CALLS, Call("unknown", "job", 63, 64)]},
    "phantom too, of another job": {"rows": [*ROWS, Row("r9", "other", 0.0, outcomes=("CANCELLED",))]},
    "executed twice": {"calls": [*CALLS, Call("r1", "job", 63, 64)]},
    "overlapping": {"calls": changed(CALLS, 1, ended=122)},
    "two outcomes": {"rows": changed(ROWS, 1, outcomes=("FAILURE", "SUCCESS"))},
    "no outcome": {"rows": changed(ROWS, 1, outcomes=())},
    "success without effect": {"calls": CALLS[:3]},
    "success without effect too, as it broke off": {"calls": changed(CALLS, 1, ended=None)},
}


@pytest.mark.parametrize("case", BAD)
def test_it_finds_what_must_not_be_and_nothing_else(case):
    assert judge(**BAD[case]).kinds == {case.partition(" too")[0]}


def test_a_tick_that_may_be_repeated_is_repeated_as_another_attempt_alone():
    rows = [*changed(ROWS, 1, outcomes=("FAILURE",)), replace(EXTRA, attempt=2)]
    calls = [*CALLS, Call("again", "job", 63, 64)]
    assert judge(rows=rows, calls=calls).kinds == {"executed twice"}
    assert judge(replace(PLAN, repeatable=True), rows, calls).word == "valid"


def test_runs_that_may_overlap_and_those_of_a_lost_worker_do():
    calls = changed(CALLS, 1, ended=122)
    assert judge(replace(PLAN, alone=False), calls=calls).word == "valid"
    assert judge(rows=changed(ROWS, 1, lost=True), calls=calls).word == "valid"


def test_what_cannot_have_happened_yet_is_unknown():
    assert judge(rows=ROWS[:3], calls=CALLS[:3], at=185).word == "unknown"
    assert judge(rows=changed(ROWS, 3, outcomes=()), at=185).word == "unknown"


def test_a_skipped_tick_is_accounted_for_and_a_row_may_stand_for_several():
    rows = [*ROWS[:2], Row("r2", "job", 120.0, outcomes=("CANCELLED",), skips=2)]
    assert judge(rows=rows, calls=CALLS[:2]).word == "valid"
    assert judge(rows=changed(rows, 2, skips=1), calls=CALLS[:2]).kinds == {"missed"}


def test_the_time_of_a_fault_does_not_count():
    late = changed(CALLS, 1, began=100, ended=101)
    assert judge(calls=late).kinds == {"late"}
    assert judge(calls=late, faults=[Fault("cut", 55, 95)]).word == "valid"
    assert stretched(60, 10, [Fault("cut", 65, 75), Fault("cut", 78, 80)]) == 82


def test_a_verdict_says_why():
    assert str(judge(rows=ROWS[:3], calls=CALLS[:3])) == "invalid\nmissed: job at 180.0"


def test_the_oracle_reckons_intervals_and_fires_a_fixed_time_once_in_a_fold():
    assert intervals(100, 7, 121) == (107, 114, 121)
    night = [datetime(2026, 10, 25, hour, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() for hour in (0, 6)]
    ticks = crons("30 2 * * ?", "Europe/Berlin", *night)
    assert [tick - night[0] for tick in ticks] == [2.5 * 3600]
