"""Periods by the calendar of a zone."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from jobs.executors.reports import periods

BERLIN, CAIRO, KIRITIMATI = (
    ZoneInfo(name) for name in ("Europe/Berlin", "Africa/Cairo", "Pacific/Kiritimati")
)


def at(text):
    return datetime.fromisoformat(text)


def test_days_begin_at_the_first_instant_where_midnight_does_not_exist():
    # Clocks in Cairo go from 00:00 to 01:00 on the 24th of April 2026.
    day, since, until = next(periods.between(date(2026, 4, 24), date(2026, 4, 24), CAIRO).windows())
    assert (day, since, until - since) == (
        date(2026, 4, 24),
        at("2026-04-23T22:00+00:00"),
        timedelta(hours=23),
    )


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)])
def test_days_have_the_hours_that_their_clocks_gave_them(day, hours):
    period = periods.between(date(*day), date(*day), BERLIN)
    assert period.until - period.since == timedelta(hours=hours)


def test_windows_follow_each_other_without_gap():
    period = periods.back(400, at("2026-11-01T12:34:56+00:00"), BERLIN)
    windows = list(period.windows())
    assert (windows[0][1], windows[-1][2]) == (period.since, period.until)
    assert all(one[2] == two[1] for one, two in pairwise(windows))
    assert [window[0] for window in windows] == period.days
    assert len(windows) == period.length == 401


def test_at_midnight_the_day_so_far_is_none():
    midnight = at("2026-03-02T23:00+00:00")
    assert periods.back(1, midnight, BERLIN).days == [date(2026, 3, 2)]
    today = periods.named("TODAY", midnight, BERLIN)
    assert (today.days, today.since == today.until, str(today)) == ([date(2026, 3, 3)], True, "2026-03-03")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("TODAY", "2026-03-02", "2026-03-02"),
        ("YESTERDAY", "2026-03-01", "2026-03-01"),
        ("THIS_WEEK", "2026-03-02", "2026-03-02"),
        ("LAST_WEEK", "2026-02-23", "2026-03-01"),
        ("THIS_MONTH", "2026-03-01", "2026-03-02"),
        ("LAST_MONTH", "2026-02-01", "2026-02-28"),
    ],
)
def test_named_periods_are_those_of_the_zone(name, first, last):
    # In Kiritimati it is Monday already.
    period = periods.named(name, datetime(2026, 3, 1, 12, tzinfo=UTC), KIRITIMATI)
    assert (period.days[0].isoformat(), period.days[-1].isoformat()) == (first, last)


def test_a_first_day_that_is_still_to_come_makes_an_empty_period():
    period = periods.since(date(2026, 5, 1), at("2026-03-02T12:00+00:00"), BERLIN)
    assert period.since == period.until
