"""When messages go out: quiet hours, digests, tries, circuits."""

from datetime import UTC, datetime, time, timedelta

import pytest

from notifications import hours
from notifications.rules import Rule

NIGHT = {"quiet_from": time(22), "quiet_until": time(7), "zone": "Europe/Berlin"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "now", "until"),
    [
        ({}, "2026-03-02 03:00", None),
        (NIGHT, "2026-03-02 03:00", "2026-03-02 06:00"),
        (NIGHT, "2026-03-02 20:59", None),
        (NIGHT, "2026-03-02 21:00", "2026-03-03 06:00"),
        (NIGHT, "2026-03-02 06:00", None),
        # The clock goes forward in this night, and the morning comes an hour sooner.
        (NIGHT, "2026-03-28 22:00", "2026-03-29 05:00"),
        # It goes back in this one, and shows the end of the quiet hours twice.
        ({**NIGHT, "quiet_until": time(2, 30)}, "2026-10-25 00:10", "2026-10-25 00:30"),
        ({**NIGHT, "quiet_until": time(2, 30)}, "2026-10-25 01:10", "2026-10-25 01:30"),
        (
            {"digest": "DAILY", "digest_at": time(2, 30), "zone": "Europe/Berlin"},
            "2026-10-25 01:10",
            "2026-10-26 01:30",
        ),
        ({"quiet_from": time(12), "quiet_until": time(13)}, "2026-03-02 12:30", "2026-03-02 13:00"),
        ({"quiet_from": time(12), "quiet_until": time(12)}, "2026-03-02 12:00", None),
        ({"digest": "HOURLY"}, "2026-03-02 12:00", "2026-03-02 13:00"),
        ({"digest": "HOURLY"}, "2026-03-02 12:59", "2026-03-02 13:00"),
        ({"digest": "DAILY", "digest_at": time(9), "zone": "UTC"}, "2026-03-02 08:59", "2026-03-02 09:00"),
        ({"digest": "DAILY", "digest_at": time(9), "zone": "UTC"}, "2026-03-02 09:00", "2026-03-03 09:00"),
        ({**NIGHT, "digest": "HOURLY"}, "2026-03-02 21:30", "2026-03-03 06:00"),
        ({**NIGHT, "digest": "HOURLY"}, "2026-03-02 20:30", "2026-03-03 06:00"),
    ],
)
def test_a_rule_holds_messages_back(rule, now, until):
    held = hours.held_until(Rule(**{"zone": "UTC", **rule}), at(now), urgent=False)
    assert held == (at(until) if until else None)


@pytest.mark.parametrize(("breaks_through", "held"), [(True, False), (False, True)])
def test_what_is_urgent_breaks_through_where_the_rule_says_so(breaks_through, held):
    rule = Rule(**NIGHT, urgent_breaks_through=breaks_through)
    assert (hours.held_until(rule, at("2026-03-02 03:00"), urgent=True) is not None) == held


def test_eight_tries_are_spread_over_about_a_day():
    pauses = [hours.pause(tries, jitter=0) for tries in range(1, 8)]
    assert pauses == sorted(pauses)
    assert timedelta(hours=18) < sum(pauses, timedelta()) < timedelta(hours=26)
    assert hours.pause(8, jitter=0) is None


@pytest.mark.parametrize(("asked", "seconds"), [(None, 36), (10.0, 36), (300.0, 300), (1e9, 3600)])
def test_jitter_spreads_tries_and_a_peer_may_ask_for_up_to_an_hour(asked, seconds):
    assert hours.pause(1, jitter=1, retry_after=asked) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("failures", "minutes"), [(4, None), (5, 1), (6, 5), (8, 60), (80, 60)])
def test_failures_in_a_row_cut_a_contact_point_off_for_longer_and_longer(failures, minutes):
    assert hours.cut_off_for(failures) == (timedelta(minutes=minutes) if minutes else None)
