"""By when an occurrence starts and has ended, also when clocks change."""

from datetime import UTC, datetime, time

import pytest

from jobs.promises import Promise


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SIX = Promise(60, time(6), "Europe/Berlin")


@pytest.mark.parametrize(
    ("end_by", "zone", "tick", "deadline"),
    [
        (time(6), "Europe/Berlin", "2026-03-02T01:30", "2026-03-02T05:00"),
        (time(6), "Europe/Berlin", "2026-03-02T05:00", "2026-03-03T05:00"),
        (time(6), "Europe/Berlin", "2026-03-28T23:30", "2026-03-29T04:00"),
        # The clock goes from 02:00 to 03:00 at 01:00 UTC: 02:30 is missing.
        (time(2, 30), "Europe/Berlin", "2026-03-28T23:30", "2026-03-29T01:00"),
        # It goes from 03:00 back to 02:00 at 01:00 UTC: 02:30 comes at 00:30 and at 01:30.
        (time(2, 30), "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T00:30"),
        (time(2, 30), "Europe/Berlin", "2026-10-25T00:40", "2026-10-25T01:30"),
        (time(2, 30), "Europe/Berlin", "2026-10-25T01:30", "2026-10-26T01:30"),
        (time(1), "America/New_York", "2026-03-03T02:00", "2026-03-03T06:00"),
        # 30 December 2011 did not exist there, from 10:00 UTC on.
        (time(12), "Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00"),
    ],
)
def test_the_end_is_the_first_such_time_after_the_tick(end_by, zone, tick, deadline):
    assert Promise(None, end_by, zone).end_deadline(utc(tick)) == utc(deadline)


def test_a_start_is_promised_in_seconds_from_the_tick():
    assert SIX.start_deadline(utc("2026-03-02T01:30")) == utc("2026-03-02T01:31")
    assert Promise().start_deadline(utc("2026-03-02T01:30")) is None


@pytest.mark.parametrize(
    ("started", "ended", "at", "words"),
    [
        (None, None, "2026-03-02T01:31", ""),
        (None, None, "2026-03-02T01:31:01", "should have started by 02:31 CET"),
        ("2026-03-02T01:30:30", None, "2026-03-02T05:00", ""),
        ("2026-03-02T01:30:30", None, "2026-03-02T05:01", "should have ended by 06:00 CET"),
        ("2026-03-02T01:30:30", "2026-03-02T04:59", "2026-03-03T05:01", ""),
        ("2026-03-02T01:32", "2026-03-02T04:59", "2026-03-03T05:01", "should have started by 02:31 CET"),
    ],
)
def test_a_missed_promise_says_what_should_have_happened(started, ended, at, words):
    happened = [utc(each) if each else None for each in (started, ended)]
    assert SIX.missed(utc("2026-03-02T01:30"), *happened, utc(at)) == words


def test_a_promise_reads_back_from_a_definition_old_or_new():
    assert Promise.of({"start_within_seconds": 60, "end_by": "06:00", "timezone": "Europe/Berlin"}) == SIX
    assert not Promise.of({"schedule_type": "CRON", "timezone": "Gone/Away"})


def test_a_promise_in_words():
    assert [str(SIX), str(Promise())] == ["Starts within 1 min, ends by 06:00", ""]
