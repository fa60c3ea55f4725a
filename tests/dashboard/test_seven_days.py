"""Which days the calendar shows: from today on, earlier or later ones, and none out of reach."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.seven_days import SevenDays
from tests.factories import NOON

HOUR = timedelta(hours=1)
BERLIN, KIRITIMATI = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Kiritimati")


def read(asked="", at=NOON, zone=BERLIN):
    return SevenDays.read(asked, at, zone)


def test_without_a_word_they_begin_today_on_the_viewers_clock():
    assert read().first == date(2026, 3, 2)
    assert read(zone=KIRITIMATI).first == date(2026, 3, 3)
    assert read().asked == ""


def test_earlier_and_later_lead_to_days_that_lead_back():
    later = read(read().later)
    assert (later.first, later.earlier, later.ahead) == (date(2026, 3, 9), "", True)
    earlier = read(read().earlier)
    assert (earlier.first, earlier.later, earlier.over) == (date(2026, 2, 23), "", True)


def test_an_address_that_was_kept_shows_days_that_are_partly_over():
    days = read("2026-02-27")
    assert (days.over, days.ahead, days.last) == (False, False, date(2026, 3, 5))
    assert (days.earlier, days.later) == ("2026-02-20", "2026-03-06")


def test_they_go_from_midnight_to_midnight_though_the_clock_is_put_forward():
    days = read("2026-03-25")
    assert days.begin == datetime(2026, 3, 24, 23, tzinfo=UTC)
    assert days.end - days.begin == 7 * 24 * HOUR - HOUR


def test_the_calendar_ends_twelve_weeks_back_and_eight_ahead():
    first, last = read("2025-12-08"), read("2026-04-27")
    assert (first.earlier, first.later) == (None, "2025-12-15")
    assert (last.earlier, last.later) == ("2026-04-20", None)
    assert read("2025-12-10").earlier == "2025-12-08"


@pytest.mark.parametrize("asked", ["2025-12-07", "2026-04-28", "0001-01-01", "9999-12-31"])
def test_days_out_of_reach_are_told_and_today_is_shown(asked):
    days = read(asked)
    assert days.wrong == (
        f"{asked} is out of reach: the calendar shows the days from 8 Dec 2025 to 3 May 2026."
    )
    assert days.from_today


@pytest.mark.parametrize(
    "asked", ["x", "2026", "2026-13-01", "2026-02-30", "2026-W49", "-", "2026-03-02T00:00"]
)
def test_what_is_no_day_is_told_and_today_is_shown(asked):
    days = read(asked)
    assert days.wrong == f"“{asked}” is no day. Write the first day to show like 2026-03-02."
    assert days.from_today
