"""Zones and the moments when their clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.zones import Shift, label, names, shift_at, shifts, whole_hours, zone

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = Shift(datetime(2026, 3, 29, 1, tzinfo=UTC), timedelta(hours=1), timedelta(hours=2))
AUTUMN = Shift(datetime(2026, 10, 25, 1, tzinfo=UTC), timedelta(hours=2), timedelta(hours=1))


def test_every_name_that_may_be_chosen_is_a_zone_and_fits_its_column():
    assert {"UTC", "Europe/Berlin", "Australia/Lord_Howe"} <= names()
    for name in names():
        assert zone(name).key == name


def test_the_changes_of_a_year_are_found_to_the_second():
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert list(shifts(BERLIN, *year)) == [SPRING, AUTUMN]
    assert list(shifts(BERLIN, SPRING.at, AUTUMN.at)) == [AUTUMN]
    assert list(shifts(ZoneInfo("UTC"), *year)) == []


@pytest.mark.parametrize(
    ("wall", "shift"),
    [
        (datetime(2026, 3, 29, 1, 59, 59), None),
        (datetime(2026, 3, 29, 2), SPRING),
        (datetime(2026, 3, 29, 2, 59, 59, 999999), SPRING),
        (datetime(2026, 3, 29, 3), None),
        (datetime(2026, 10, 25, 1, 59, 59), None),
        (datetime(2026, 10, 25, 2), AUTUMN),
        (datetime(2026, 10, 25, 2, 59, 59, 999999), AUTUMN),
        (datetime(2026, 10, 25, 3), None),
    ],
)
def test_a_time_that_is_missing_or_comes_twice_knows_its_change(wall, shift):
    assert shift_at(wall, BERLIN) == shift


def test_a_missing_day_is_one_change():
    shift = shift_at(datetime(2011, 12, 30, 12), ZoneInfo("Pacific/Apia"))
    assert shift.forward
    assert (shift.first_wall, shift.end_wall) == (datetime(2011, 12, 30), datetime(2011, 12, 31))


def test_a_zone_is_called_by_its_city():
    assert [label(name) for name in ("Europe/Berlin", "America/New_York", "Zulu", "Etc/GMT-3")] == [
        "Berlin", "New York", "UTC", "Etc/GMT-3",
    ]  # fmt: skip


def test_some_clocks_are_not_whole_hours_off():
    assert whole_hours(BERLIN)
    assert not whole_hours(ZoneInfo("Asia/Kathmandu"))
    assert not whole_hours(ZoneInfo("Australia/Lord_Howe"))
