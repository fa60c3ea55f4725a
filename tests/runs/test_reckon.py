"""What is owed of ticks that were missed, against a walk over all of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.schedules import BadSchedule, Plan, next_fire
from runs.models import Skip
from runs.reckon import Stretch, reckon
from tests.computing import at_most
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
THRESHOLD = timedelta(seconds=60)
YEAR = timedelta(days=365)
POLICIES = ("FIRE_NOW", "IGNORE", "RESCHEDULE")
EVERY_MINUTE = Plan("INTERVAL", interval_seconds=60, anchor_at=NOON)
AT_EACH_MINUTE = Plan("CRON", cron_expression="* * * * *")
ONCE = Plan("ONCE", run_at=NOON + MINUTE)
LATER = NOON + 10 * MINUTE + timedelta(seconds=7)


def reckoned(plan, at=LATER, misfire="FIRE_NOW", **more):
    return reckon(plan, NOON + MINUTE, at, **{"misfire": misfire, "threshold": THRESHOLD, "cap": 100} | more)


def minute(number):
    return NOON + number * MINUTE


@pytest.mark.parametrize("plan", [EVERY_MINUTE, AT_EACH_MINUTE, ONCE])
@pytest.mark.parametrize("misfire", POLICIES)
def test_a_tick_on_time_runs_whatever_the_policy(plan, misfire):
    found = reckoned(plan, minute(1), misfire)
    ahead = None if plan is ONCE else minute(2)
    assert (found.skipped, found.late_run, found.due, found.next_fire_at) == ([], None, [minute(1)], ahead)


@pytest.mark.parametrize(
    ("plan", "misfire", "missed", "late", "due", "ahead"),
    [
        (EVERY_MINUTE, "FIRE_NOW", 8, minute(9), [minute(10)], minute(11)),
        (EVERY_MINUTE, "IGNORE", 9, None, [minute(10)], minute(11)),
        (EVERY_MINUTE, "RESCHEDULE", 10, None, [], LATER + MINUTE),
        (AT_EACH_MINUTE, "FIRE_NOW", 8, minute(9), [minute(10)], minute(11)),
        (AT_EACH_MINUTE, "IGNORE", 9, None, [minute(10)], minute(11)),
        (AT_EACH_MINUTE, "RESCHEDULE", 10, None, [], minute(11)),
        (ONCE, "FIRE_NOW", 0, minute(1), [], None),
        (ONCE, "IGNORE", 1, None, [], None),
        (ONCE, "RESCHEDULE", 1, None, [], None),
    ],
)
def test_what_was_missed_goes_by_the_policy(plan, misfire, missed, late, due, ahead):
    found = reckoned(plan, misfire=misfire)
    assert found.skipped == ([Stretch(minute(1), missed, Skip.MISFIRE)] if missed else [])
    assert (found.late_run, found.due, found.next_fire_at) == (late, due, ahead)


def test_reschedule_begins_the_grid_of_an_interval_anew():
    assert reckoned(EVERY_MINUTE, misfire="RESCHEDULE").anchor_at == LATER


def test_a_schedule_that_has_ended_starts_no_late_run():
    found = reckoned(Plan("CRON", cron_expression="* * * * *", ends_at=minute(10)))
    assert found.skipped == [Stretch(minute(1), 9, Skip.WINDOW)]
    assert (found.late_run, found.due, found.next_fire_at) == (None, [minute(10)], None)


def test_what_was_missed_before_a_resumption_was_paused():
    found = reckoned(EVERY_MINUTE, resumed_at=minute(4))
    assert found.skipped == [Stretch(minute(1), 3, Skip.PAUSED), Stretch(minute(4), 5, Skip.MISFIRE)]


def test_no_more_than_the_cap_run_and_the_newest_do():
    every_second = Plan("INTERVAL", interval_seconds=1, anchor_at=NOON)
    found = reckoned(every_second, minute(2), cap=10)
    assert found.skipped == [Stretch(minute(1), 51, Skip.CATCH_UP_CAP)]
    assert found.due == [minute(2) - timedelta(seconds=n) for n in reversed(range(10))]


def test_a_late_run_that_the_cap_leaves_no_room_is_counted_with_the_rest():
    found = reckoned(EVERY_MINUTE, threshold=3 * MINUTE, cap=3)
    assert found.skipped == [Stretch(minute(1), 6, Skip.MISFIRE), Stretch(minute(7), 1, Skip.CATCH_UP_CAP)]
    assert (found.late_run, found.due) == (None, [minute(8), minute(9), minute(10)])


def test_a_tick_before_all_calendars_is_refused():
    with pytest.raises(BadSchedule):
        reckon(
            EVERY_MINUTE, datetime(1, 1, 1, tzinfo=UTC), NOON, misfire="IGNORE", threshold=THRESHOLD, cap=9
        )


@pytest.mark.parametrize(
    "plan",
    [
        Plan("INTERVAL", interval_seconds=1, anchor_at=NOON),
        Plan("CRON", cron_expression="* * * * * ?", timezone="Europe/Berlin"),
    ],
)
def test_a_year_of_seconds_is_counted_in_no_time(plan):
    with at_most(1):
        found = reckoned(plan, NOON + MINUTE + YEAR, resumed_at=NOON + MINUTE + YEAR / 2)
    assert sum(each.count for each in found.skipped) + len(found.due) + 1 == YEAR / timedelta(seconds=1) + 1


plans = st.one_of(
    st.integers(1, 900).map(lambda seconds: Plan("INTERVAL", interval_seconds=seconds, anchor_at=NOON)),
    st.sampled_from(["*/7 * * * *", "3,40 */2 * * *", "0/20 * * * * ?", "30 2 * * *"]).map(
        lambda expression: Plan("CRON", cron_expression=expression, timezone="Europe/Berlin")
    ),
)
seconds = st.integers(0, 7200).map(lambda number: timedelta(seconds=number))


@settings(deadline=None)
@given(plans, seconds, seconds, st.sampled_from(POLICIES), st.integers(1, 30), seconds)
def test_every_tick_is_accounted_for_in_order(plan, outage, threshold, misfire, cap, resumed):
    begin = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    tick = next_fire(plan, begin)
    at, resumed_at = tick + outage, begin + resumed
    ticks = walked(plan, tick, at)
    found = reckon(plan, tick, at, misfire=misfire, threshold=threshold, cap=cap, resumed_at=resumed_at)
    runs = ([found.late_run] if found.late_run else []) + found.due
    left = ticks
    for stretch in found.skipped:
        assert stretch.first == left[0]
        left = left[stretch.count :]
    assert left == runs
    assert len(runs) <= cap
    assert found.next_fire_at > at


def walked(plan, tick, at):
    ticks = []
    while tick <= at:
        ticks.append(tick)
        tick = next_fire(plan, tick)
    return ticks
