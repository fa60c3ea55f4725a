"""Totals of days: complete, once, and only when the day is over."""

from datetime import UTC, date, datetime, timedelta

import pytest

from runs.days import JobDay, roll_up, rolled_up_to
from runs.models import Skip
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NIGHT = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def probe():
    return factories.job()


def test_a_day_is_added_up_by_job_and_outcome(probe):
    at = NIGHT - 5 * HOUR
    factories.run(probe, at=at, took=2)
    factories.run(probe, at=at + HOUR, took=5)
    factories.run(probe, "FAILURE", at=at + HOUR / 2)
    factories.run(probe, "TIMEOUT", at=at + HOUR / 3)
    factories.run(probe, "CANCELLED", at=at + HOUR / 4)
    factories.run(probe, "CANCELLED", at=at + HOUR / 5, skip_reason=Skip.MISFIRE, skipped_count=7)
    assert roll_up(NIGHT) == date(2026, 3, 2)
    day = JobDay.objects.get()
    assert (day.succeeded, day.failed, day.timed_out, day.cancelled, day.skipped) == (2, 1, 1, 1, 7)
    assert (day.job, day.took_ms, day.slowest_ms) == (probe, 7000, 5000)


def test_a_day_is_not_added_up_while_outcomes_may_still_be_written(probe):
    factories.run(probe, at=NIGHT - 3 * HOUR)
    assert roll_up(NIGHT - 2 * HOUR + HOUR / 2) is None
    assert roll_up(NIGHT - HOUR) == date(2026, 3, 2)


def test_a_run_belongs_to_the_day_on_which_it_ended(probe):
    factories.run(probe, at=NIGHT - 3 * HOUR, took=2 * 3600)
    assert roll_up(NIGHT) is None


def test_days_follow_one_another_and_none_is_added_up_twice(probe):
    for days in (5, 4, 1):
        factories.run(probe, at=NIGHT - timedelta(days=days) - 3 * HOUR)
    assert [roll_up(NIGHT) for _ in range(4)] == [
        date(2026, 2, 25),
        date(2026, 2, 26),
        date(2026, 3, 1),
        None,
    ]
    assert rolled_up_to() == date(2026, 3, 1)


def test_where_nothing_has_ended_nothing_is_added_up(probe):
    factories.run(probe, "RUNNING", at=NIGHT - timedelta(days=2))
    assert (roll_up(NIGHT), rolled_up_to()) == (None, None)
