"""Cron across clock changes, by examples and against cronsim."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.schedules import CRON, Plan, clock_changes, fires

NAMED = [
    "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Santiago",
    "Africa/Casablanca", "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Auckland",
    "Asia/Beirut", "Antarctica/Troll",
]  # fmt: skip


def plan(expression, zone="Europe/Berlin", **more):
    return Plan(CRON, cron_expression=expression, timezone=zone, **more)


def shown(expression, zone, after, count):
    """The fires on the zone's own clock, as people there would tell them."""
    ticks = fires(plan(expression, zone), datetime.fromisoformat(after), count)
    return [f"{tick.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for tick in ticks]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 03:00+0200", "30 02:30+0200"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["25 02:30+0200", "26 02:30+0100"]),
        ("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 03:00+0200", "30 02:15+0200"]),
        ("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 03:00+0200", "29 03:30+0200"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 03:00+0200", "30 02:00+0200"]),
        ("30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["29 01:30+0100", "29 03:30+0200"]),
        ("30 * * * *", "Europe/Berlin", "2026-10-25T00:00Z", ["25 02:30+0200", "25 02:30+0100"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:29Z", ["25 02:30+0200", "25 02:00+0100"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["30 02:00+0200", "30 02:30+0200"]),
        ("0 30 2 * * ?", "Europe/Berlin", "2026-03-28T12:00Z", ["29 03:00+0200", "30 02:30+0200"]),
        ("0 0/30 2 * * ?", "Europe/Berlin", "2026-10-25T00:29Z", ["25 02:30+0200", "25 02:00+0100"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["04 02:30+1100", "05 02:15+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", ["05 01:45+1100", "06 01:45+1030"]),
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T00:00Z", ["31 00:00+1400", "31 12:00+1400"]),
        ("0 0 * * *", "Pacific/Apia", "2011-12-30T00:00Z", ["31 00:00+1400", "01 00:00+1400"]),
        ("0 * * * *", "Pacific/Apia", "2011-12-30T08:30Z", ["29 23:00-1000", "31 00:00+1400"]),
    ],
)  # fmt: skip
def test_a_clock_change_neither_loses_nor_doubles_a_fire(expression, zone, after, expected):
    assert shown(expression, zone, after, len(expected)) == expected


def test_within_the_second_pass_a_fixed_time_has_already_fired():
    assert shown("45 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", 1) == ["26 02:45+0100"]


plain = st.one_of(
    st.just("*"),
    st.integers(2, 9).map(lambda step: f"*/{step}"),
    st.tuples(st.integers(1, 4), st.integers(5, 6)).map(lambda ends: f"{ends[0]}-{ends[1]}"),
    st.sets(st.integers(1, 6), min_size=1).map(lambda some: ",".join(map(str, some))),
)


@settings(deadline=None)
@given(plain, plain, plain, plain, plain, st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))
def test_outside_clock_changes_cronsim_agrees(minute, hour, day, month, weekday, at):
    expression = f"{minute} {hour} {day} {month} {weekday}"
    at = at.replace(tzinfo=UTC)
    expected = CronSim(expression, at)
    assert fires(plan(expression, "UTC"), at, 5) == [next(expected) for _ in range(5)]


@settings(deadline=None)
@given(plain, plain, plain, st.sampled_from(NAMED), st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))
def test_fires_come_strictly_one_after_the_other(minute, hour, weekday, zone, at):
    at = at.replace(tzinfo=UTC)
    ticks = [at, *fires(plan(f"{minute} {hour} * * {weekday}", zone), at, 30)]
    assert len(ticks) == 31
    assert all(before < after for before, after in pairwise(ticks))


@pytest.mark.parametrize(
    ("expression", "zone", "told"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            [
                "On Sun 29 Mar 2026, 02:30 does not exist: fires once at 03:00 CEST (01:00 UTC).",
                "On Sun 25 Oct 2026, 02:30 comes twice: fires the first time only.",
            ],
        ),
        (
            "0 2,3 * * *",
            "Europe/Berlin",
            [
                "On Sun 29 Mar 2026, 02:00 does not exist: fires once at 03:00 CEST (01:00 UTC), "
                "together with the fire planned for that time.",
                "On Sun 25 Oct 2026, 02:00 comes twice: fires the first time only.",
            ],
        ),
        (
            "0 */2 * * *",
            "Europe/Berlin",
            [
                "On Sun 29 Mar 2026, 02:00 does not exist: does not fire then, "
                "next at 04:00 CEST (02:00 UTC).",
                "On Sun 25 Oct 2026, 02:00 comes twice: fires both times.",
            ],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            ["On Sun 4 Oct 2026, 02:15 does not exist: fires once at 02:30 UTC+11 (15:30 UTC on Sat 3 Oct)."],
        ),
        (
            "0-59 2 * 3 *",
            "America/New_York",
            [
                "On Sun 8 Mar 2026, the times from 02:00 up to 03:00 do not exist: "
                "fires once at 03:00 EDT (07:00 UTC)."
            ],
        ),
        ("0 5 * * *", "Europe/Berlin", []),
        ("*/5 * * * *", "Europe/Berlin", []),
        ("30 2 * * 1", "Europe/Berlin", []),
        ("30 2 * * *", "UTC", []),
    ],
)
def test_a_year_of_clock_changes_is_told_in_sentences(expression, zone, told):
    changes = clock_changes(
        plan(expression, zone), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert [change.sentence for change in changes] == told


def test_the_fires_to_mark_are_fires():
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    for expression in ("30 2 * * *", "15,45 2 * * *", "*/20 2 * * *"):
        ticks = set(fires(plan(expression), year[0], 1200))
        for change in clock_changes(plan(expression), *year):
            assert ticks.issuperset(change.ticks)
            assert bool(change.ticks) is (change.effect != "SKIPPED")


def test_changes_outside_the_window_are_not_told():
    summer = plan(
        "30 2 * * *",
        starts_at=datetime(2026, 4, 1, tzinfo=UTC),
        ends_at=datetime(2026, 10, 1, tzinfo=UTC),
    )
    assert clock_changes(summer, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)) == []
