"""Plans: what may be saved, and when they fire."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.schedules import (
    CRON,
    INTERVAL,
    ONCE,
    BadSchedule,
    Plan,
    available_at,
    check,
    clock_changes,
    describe,
    fires,
    next_fire,
)

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hourly(**more):
    return Plan(INTERVAL, interval_seconds=3600, **more)


def daily(**more):
    return Plan(CRON, **{"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"} | more)


@pytest.mark.parametrize(
    ("plan", "field", "words"),
    [
        (Plan("WEEKLY"), "kind", "Choose a kind"),
        (Plan(ONCE), "run_at", "Give the date and time"),
        (Plan(ONCE, run_at=NOON.replace(tzinfo=None)), "run_at", "with its time zone"),
        (Plan(ONCE, run_at=datetime.min.replace(tzinfo=UTC)), "run_at", "from the year 1970"),
        (Plan(ONCE, run_at=datetime.max.replace(tzinfo=UTC)), "run_at", "to the year 9999"),
        (Plan(ONCE, run_at=NOON, starts_at=NOON + HOUR), "run_at", "before the start"),
        (Plan(ONCE, run_at=NOON, ends_at=NOON - HOUR), "run_at", "after the end"),
        (Plan(INTERVAL), "interval_seconds", "Give the number of seconds"),
        (Plan(INTERVAL, interval_seconds=0), "interval_seconds", "from 1 second to 3,650 days"),
        (Plan(INTERVAL, interval_seconds=-5), "interval_seconds", "from 1 second"),
        (Plan(INTERVAL, interval_seconds=10**30), "interval_seconds", "3,650 days"),
        (Plan(INTERVAL, interval_seconds=1.5), "interval_seconds", "whole number"),
        (Plan(INTERVAL, interval_seconds=True), "interval_seconds", "whole number"),
        (Plan(CRON), "cron_expression", "Give a cron expression"),
        (Plan(CRON, cron_expression=["*"]), "cron_expression", "Give a cron expression"),
        (daily(cron_expression="0 25 * * *"), "cron_expression", "Hour: 25 is not between 0 and 23."),
        (daily(cron_expression="0 0 31 2,4 *"), "cron_expression", "never fires"),
        (daily(cron_expression="0 0 0 30 2 ?"), "cron_expression", "never fires"),
        (daily(cron_expression="0 0 0 29 2 ? 2027"), "cron_expression", "never fires"),
        (daily(cron_expression="*" * 10_000_000), "cron_expression", "at most 255 characters"),
        (daily(timezone=""), "timezone", "Give a time zone"),
        (daily(timezone=None), "timezone", "Give a time zone"),
        (daily(timezone="europe/berlin"), "timezone", "Did you mean Europe/Berlin?"),
        (daily(timezone="../../etc/passwd"), "timezone", "is not a time zone"),
        (daily(timezone="Europe/Berlin\0"), "timezone", "is not a time zone"),
        (daily(timezone="posix/Europe/Berlin"), "timezone", "is not a time zone"),
        (daily(timezone="localtime"), "timezone", "is not a time zone"),
        (daily(timezone="Europe"), "timezone", "is not a time zone"),
        (daily(timezone="E" * 10_000_000), "timezone", "at most 50 characters"),
        (daily(starts_at=NOON, ends_at=NOON - HOUR), "ends_at", "before the start"),
        (daily(starts_at=NOON, ends_at=NOON + HOUR), "ends_at", "before it fires for the first time"),
        (hourly(starts_at="now"), "starts_at", "with its time zone"),
        (hourly(jitter_seconds=-1), "jitter_seconds", "from 0 to 86,400"),
        (hourly(jitter_seconds=3600), "jitter_seconds", "shorter than the interval"),
        (daily(jitter_seconds=86401), "jitter_seconds", "from 0 to 86,400"),
        (daily(jitter_seconds=None), "jitter_seconds", "from 0 to 86,400"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_plan_is_refused_at_its_field(plan, field, words):
    with pytest.raises(BadSchedule) as refused:
        check(plan)
    assert refused.value.field == field
    assert words in refused.value.message


@pytest.mark.parametrize(
    "plan",
    [
        Plan(ONCE, run_at=NOON),
        Plan(ONCE, run_at=NOON, starts_at=NOON, ends_at=NOON),
        hourly(),
        hourly(starts_at=NOON, ends_at=NOON, jitter_seconds=3599),
        daily(jitter_seconds=86400),
        daily(cron_expression="0 0 0 29 2 ? 2028", timezone="Etc/GMT+12"),
    ],
)
def test_a_good_plan_passes(plan):
    check(plan)


def test_once_fires_once():
    plan = Plan(ONCE, run_at=NOON)
    assert fires(plan, NOON - HOUR, 3) == [NOON]
    assert next_fire(plan, NOON) is None


def test_an_interval_is_anchored_whatever_the_runs_take():
    plan = hourly(anchor_at=NOON)
    late = NOON + timedelta(minutes=61, seconds=7)
    assert fires(plan, NOON - 5 * HOUR, 2) == [NOON + HOUR, NOON + 2 * HOUR]
    assert next_fire(plan, late) == NOON + 2 * HOUR
    assert next_fire(plan, NOON + HOUR) == NOON + 2 * HOUR


def test_an_interval_with_a_start_fires_at_its_start():
    for anchor in (NOON, None):
        assert fires(hourly(anchor_at=anchor, starts_at=NOON), NOON - 9 * HOUR, 2) == [NOON, NOON + HOUR]
    restarted = hourly(anchor_at=NOON + HOUR / 2, starts_at=NOON)
    assert next_fire(restarted, NOON - HOUR) == NOON + HOUR * 1.5


def test_an_interval_that_is_not_armed_yet_is_previewed_from_now():
    assert fires(hourly(), NOON, 2) == [NOON + HOUR, NOON + 2 * HOUR]


def test_the_window_includes_both_its_ends():
    first, last = datetime(2026, 6, 1, 0, 30, tzinfo=UTC), datetime(2026, 6, 3, 0, 30, tzinfo=UTC)
    plan = daily(starts_at=first, ends_at=last)
    assert fires(plan, NOON, 9) == [first, first + 24 * HOUR, last]
    assert fires(replace(plan, starts_at=first + timedelta.resolution), NOON, 1) == [first + 24 * HOUR]
    assert next_fire(replace(plan, ends_at=last - timedelta.resolution), first + 24 * HOUR) is None


def test_the_calendar_ends_without_an_error():
    end = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert next_fire(daily(cron_expression="* * * * *"), end) is None
    assert next_fire(daily(timezone="Etc/GMT-14"), end) is None
    assert next_fire(hourly(anchor_at=NOON), end) is None


def test_nothing_fires_before_the_epoch():
    assert next_fire(daily(timezone="UTC"), datetime.min.replace(tzinfo=UTC)) == datetime(
        1970, 1, 1, 2, 30, tzinfo=UTC
    )


def test_an_instant_without_a_zone_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="time zone"):
        next_fire(daily(), datetime(2026, 1, 1))


@settings(deadline=None)
@given(st.integers(1, 10**8), st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.floats(-1e9, 1e9))
def test_interval_ticks_lie_on_the_grid_strictly_after(seconds, anchor, offset):
    anchor = anchor.replace(tzinfo=UTC)
    after = anchor + timedelta(seconds=offset)
    ticks = fires(Plan(INTERVAL, interval_seconds=seconds, anchor_at=anchor), after, 5)
    step = timedelta(seconds=seconds)
    assert ticks[0] > max(after, anchor)
    assert ticks[0] - step <= max(after, anchor)
    assert all(later - tick == step and not (tick - anchor) % step for tick, later in pairwise(ticks))


def test_jitter_delays_the_run_and_never_changes():
    plan = daily(jitter_seconds=60, jitter_key="01KBF2P8E02VY0DXZHA2ZM4FQ2")
    ticks = fires(plan, NOON, 200)
    delays = [available_at(plan, tick) - tick for tick in ticks]
    assert delays == [available_at(replace(plan), tick) - tick for tick in ticks]
    assert timedelta(0) <= min(delays) < timedelta(seconds=6)
    assert timedelta(seconds=54) < max(delays) <= timedelta(seconds=60)
    assert delays != [available_at(replace(plan, jitter_key="another"), tick) - tick for tick in ticks]


def test_without_jitter_a_run_is_available_at_its_tick():
    assert available_at(daily(), NOON) == NOON


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (daily(), "At 02:30 every day, Berlin"),
        (daily(timezone="UTC"), "At 02:30 every day, UTC"),
        (daily(timezone="Etc/UTC"), "At 02:30 every day, UTC"),
        (daily(timezone="America/Argentina/Buenos_Aires"), "At 02:30 every day, Buenos Aires"),
        (daily(timezone="Etc/GMT+5"), "At 02:30 every day, Etc/GMT+5"),
        (daily(cron_expression="5 * * * *"), "Hourly at :05"),
        (daily(cron_expression="5 * * * *", timezone="Asia/Kolkata"), "Hourly at :05, Kolkata"),
        (daily(ends_at=NOON), "At 02:30 every day, Berlin, until 28 Mar 2026 13:00 Berlin"),
        (daily(jitter_seconds=90), "At 02:30 every day, Berlin, up to 1 min 30 s later"),
        (hourly(), "Every 1 h"),
        (Plan(INTERVAL, interval_seconds=300, starts_at=NOON), "Every 5 min, from 28 Mar 2026 12:00 UTC"),
        (Plan(ONCE, run_at=NOON, timezone="Europe/Berlin"), "Once, 28 Mar 2026 13:00, Berlin"),
    ],
)
def test_a_plan_is_described_in_plain_words(plan, words):
    assert describe(plan) == words


def test_only_cron_plans_know_clock_changes():
    assert clock_changes(hourly(), NOON, NOON + 24 * HOUR) == []
    assert len(clock_changes(daily(), NOON, NOON + 24 * HOUR)) == 1
