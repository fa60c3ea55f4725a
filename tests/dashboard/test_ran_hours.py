"""What ran in each hour: everyone's by totals that outlive the runs, one's own by the runs."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from dashboard import ran_hours
from dashboard.ran_hours import RanHours, together
from runs.models import Run, RunStats
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOON + 30 * DAY


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    monkeypatch.setattr(ran_hours, "BUDGET_SECONDS", 60)


@pytest.fixture
def owner():
    return alice()


def read(user, since=NOON, until=NOON + 3 * HOUR, at=LATER):
    return RanHours.read(user, since, until, at)


def total(at, outcome, count=1, took_ms=1000, kind="DUMMY"):
    return RunStats.objects.create(hour=at, type=kind, outcome=outcome, count=count, took_ms=took_ms)


def test_the_totals_of_an_hour_are_added_up_over_types_and_outcomes():
    total(NOON, "SUCCESS", 5)
    total(NOON, "SUCCESS", 2, kind="HTTP")
    total(NOON, "FAILURE", 3)
    total(NOON, "TIMEOUT", 1)
    total(NOON, "CANCELLED", 4)
    hour = read(bob()).hours[NOON]
    assert (hour.runs, hour.succeeded, hour.broken, hour.cancelled, hour.took_ms) == (15, 7, 4, 4, 5000)


def test_skipped_ticks_are_no_runs():
    total(NOON, "SKIPPED", 9)
    assert read(bob()).hours[NOON].runs == 0


def test_hours_without_runs_are_there_and_others_are_not():
    total(NOON - HOUR, "SUCCESS")
    total(NOON + 3 * HOUR, "SUCCESS")
    hours = read(bob()).hours
    assert list(hours) == [NOON, NOON + HOUR, NOON + 2 * HOUR]
    assert {hour.runs for hour in hours.values()} == {0}


def test_a_person_sees_what_ran_of_their_own(owner):
    run(job(owner), "FAILURE", at=NOON + HOUR, took=90)
    run(job(charlie()), at=NOON)
    run(job(owner), "CANCELLED", at=NOON, skip_reason="OVERLAP")
    hours = read(owner).hours
    assert [hour.runs for hour in hours.values()] == [0, 1, 0]
    assert (hours[NOON + HOUR].broken, hours[NOON + HOUR].took_ms) == (1, 90_000)


def test_slots_are_busy_on_average_over_the_hour(owner):
    run(job(owner), at=NOON, took=1800)
    hours = read(owner).hours
    assert hours[NOON].busy == 0.5
    assert together([hours[NOON], hours[NOON + HOUR]]).busy == 0.25


def test_a_few_days_are_counted_at_a_time_and_remembered(owner, django_assert_num_queries):
    mine = job(owner)
    for n in range(8):
        run(mine, at=NOON + DAY * n)
    told = []
    for _ in range(3):
        with django_assert_num_queries(min(3, 8 - len(told) * 3)):
            found = read(owner, until=NOON + 7 * DAY)
        told.append((sum(hour.runs for hour in found.hours.values()), found.complete))
    assert told == [(3, False), (6, False), (7, True)]


def test_a_page_does_not_count_on_once_it_took_too_long(owner, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(ran_hours, "BUDGET_SECONDS", 0)
    with django_assert_num_queries(1):
        assert not read(owner, until=NOON + 7 * DAY).complete


def test_a_day_that_goes_on_is_soon_counted_again(owner, monkeypatch):
    kept = {}
    monkeypatch.setattr(cache, "set", lambda name, rows, seconds: kept.update({name: seconds}))
    read(owner, until=NOON + DAY, at=NOON + DAY)
    assert list(kept.values()) == [ran_hours.REMEMBERED_SECONDS, ran_hours.FRESH_SECONDS]


def test_the_totals_outlive_the_runs(owner):
    total(NOON, "SUCCESS")
    assert not Run.objects.exists()
    assert read(bob()).hours[NOON].runs == 1
