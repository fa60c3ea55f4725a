"""Stretches of time that lists are asked for."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from dashboard import windows

EVENING = datetime(2026, 3, 27, 20, 30, tzinfo=UTC)


def told(value, at=EVENING):
    return [f"{end.astimezone(UTC):%d %H:%M}" for end in windows.window(value, at)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("6h", ["27 20:30", "28 02:30"]),
        ("22:00-06:00", ["27 22:00", "28 06:00"]),
        ("20:00-06:00", ["27 20:00", "28 06:00"]),
        ("08:00-09:00", ["28 08:00", "28 09:00"]),
        ("08:00-08:00", ["27 08:00", "28 08:00"]),
        ("2026-03-28T01:00Z/2026-03-28T03:00+01:00", ["28 01:00", "28 02:00"]),
    ],
)
def test_a_stretch_is_the_one_under_way_or_the_next(value, expected):
    assert told(value) == expected


def test_times_of_day_are_the_viewers():
    with timezone.override("Europe/Berlin"):
        assert told("22:00-06:00") == ["27 21:00", "28 05:00"]


@pytest.mark.parametrize(
    "value",
    ["", "5h", "22:00", "25:00-06:00", "22:00-", "-", "/", "2026-03-28T01:00/2026-03-28T02:00",
     "2026-03-28T02:00Z/2026-03-28T01:00Z", "9999-12-31T23:59Z/9999-12-31T23:59Z", "2026-99-99T01:00Z/x"],
)  # fmt: skip
def test_what_is_no_stretch_makes_no_sense(value):
    assert not windows.makes_sense(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1h", "within 1 hour"),
        ("22:00-06:00", "between 22:00 and 06:00"),
        ("2026-03-28T01:00Z/2026-03-28T03:00Z", "28 Mar 01:00 to 28 Mar 03:00"),
    ],
)
def test_a_stretch_reads_as_people_say_it(value, said):
    assert windows.words(value) == said
