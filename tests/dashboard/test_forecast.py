"""The forecast: every fire is in it once, at a cost that knows bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Q

from dashboard.forecast import STEPS, STEPS_AN_HOUR, forecast, usual_seconds
from jobs import actions, schedules
from jobs.models import JobSchedule
from runs.days import JobDay
from tests.factories import NOON, alice, bob, charlie, job

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# The clock in Berlin is put forward within this week.
SPRING = datetime(2026, 3, 28, 10, tzinfo=UTC)


@pytest.fixture
def owner():
    return alice()


def plan(**fields):
    return {"schedule": {"timezone": "UTC", **fields}}


def cron(expression, zone="UTC"):
    return plan(schedule_type="CRON", cron_expression=expression, timezone=zone)


def fires_by_hour(user, at=NOON, begin=None):
    found = forecast(user, at, begin).fires
    return [round(sum(found[n : n + STEPS_AN_HOUR]), 6) for n in range(0, STEPS, STEPS_AN_HOUR)]


PLANS = pytest.mark.parametrize(
    "over",
    [
        cron("30 2 * * *", "Europe/Berlin"),
        cron("*/5 * * * *", "Europe/Berlin"),
        cron("17 */3 * * 1-5", "America/New_York"),
        plan(schedule_type="INTERVAL", interval_seconds=5400),
        plan(schedule_type="INTERVAL", interval_seconds=600, ends_at=SPRING + 30 * HOUR),
        plan(schedule_type="ONCE", run_at=SPRING + 7 * HOUR),
        plan(schedule_type="INTERVAL", interval_seconds=600, starts_at=SPRING + 60 * HOUR),
    ],
)


@everywhere
@PLANS
def test_each_hour_has_the_fires_that_its_plan_has(owner, over):
    made = job(owner, at=SPRING, **over)
    whole = made.schedule.plan
    just_before = SPRING - timedelta(microseconds=1)
    told = [schedules.count(whole, just_before + HOUR * n, just_before + HOUR * (n + 1)) for n in range(192)]
    assert fires_by_hour(owner, SPRING) == pytest.approx(told, abs=1)
    assert sum(fires_by_hour(owner, SPRING)) == pytest.approx(sum(told), abs=1)


@PLANS
@pytest.mark.parametrize("before", [DAY, 14 * DAY, 55 * DAY])
def test_days_that_come_later_have_the_fires_that_the_plan_has_then(owner, over, before):
    made = job(owner, at=SPRING - before, **over)
    whole = made.schedule.plan
    just_before = SPRING - timedelta(microseconds=1)
    told = [schedules.count(whole, just_before + HOUR * n, just_before + HOUR * (n + 1)) for n in range(192)]
    assert fires_by_hour(owner, SPRING - before, SPRING) == pytest.approx(told, abs=1)
    assert sum(fires_by_hour(owner, SPRING - before, SPRING)) == pytest.approx(sum(told), abs=1)


@pytest.mark.parametrize(
    "over",
    [
        plan(schedule_type="ONCE", run_at=NOON + DAY),
        plan(schedule_type="INTERVAL", interval_seconds=300, ends_at=NOON + DAY),
        plan(schedule_type="INTERVAL", interval_seconds=7200, ends_at=NOON + DAY),
        cron("0 * 2,3 3 *"),
    ],
)
def test_what_ends_before_the_later_days_is_not_in_them(owner, over):
    job(owner, **over)
    assert sum(fires_by_hour(owner)) > 0
    assert sum(fires_by_hour(owner, begin=NOON + 7 * DAY)) == 0


def test_an_interval_keeps_to_its_grid_in_later_days(owner):
    made = job(owner, **plan(schedule_type="INTERVAL", interval_seconds=5 * 3600))
    begin = NOON + 21 * DAY
    found = forecast(owner, NOON, begin)
    first = schedules.next_fire(made.schedule.plan, begin - timedelta(microseconds=1))
    assert next(step for step, fires in enumerate(found.fires) if fires) == found.step(first)


def test_later_days_have_a_forecast_of_their_own(owner, monkeypatch):
    monkeypatch.setattr("dashboard.forecast.KEPT_TIMES", 1_000_000)
    now, later = forecast(owner, NOON), forecast(owner, NOON, NOON + 7 * DAY)
    assert (now.begin, later.begin) == (NOON, NOON + 7 * DAY)
    assert (forecast(owner, NOON), forecast(owner, NOON, NOON + 7 * DAY)) == (now, later)


def test_runs_of_later_days_take_as_long_as_those_of_the_last_week(owner):
    nightly = job(owner, **cron("0 13 * * *"))
    JobDay.objects.create(job=nightly, day=(NOON - DAY).date(), succeeded=1, took_ms=600_000)
    assert max(forecast(owner, NOON, NOON + 21 * DAY).busy) == 1.0


def test_what_fires_often_is_spread_evenly_over_every_hour(owner):
    job(owner, **plan(schedule_type="INTERVAL", interval_seconds=300))
    assert set(fires_by_hour(owner)) == {12}


def test_a_run_keeps_a_slot_busy_for_as_long_as_it_usually_takes(owner):
    nightly = job(owner, **cron("0 13 * * *"))
    JobDay.objects.create(
        job=nightly, day=(NOON - timedelta(days=1)).date(), succeeded=2, took_ms=2 * 450_000
    )
    busy = forecast(owner, NOON).busy
    assert busy[STEPS_AN_HOUR : STEPS_AN_HOUR + 3] == [1.0, 0.5, 0.0]


@everywhere
def test_what_is_usual_is_the_average_of_a_weeks_successes(owner):
    made = job(owner)
    for back in (1, 2, 30):
        day = (NOON - timedelta(days=back)).date()
        JobDay.objects.create(job=made, day=day, succeeded=1, took_ms=back * 1000)
    assert usual_seconds(Q(job=made), owner, NOON) == {made.pk: 1.5}


def test_paused_jobs_are_not_in_it(owner):
    actions.pause(job(owner, **cron("0 * * * *")), by=owner, at=NOON)
    assert sum(fires_by_hour(owner)) == 0


def test_nobody_sees_the_fires_of_others(owner):
    job(owner, **cron("0 * * * *"))
    assert sum(fires_by_hour(charlie())) == 0
    assert sum(fires_by_hour(bob())) > 0


@everywhere
def test_a_forecast_that_is_cut_short_goes_on_where_it_stopped(owner):
    for _ in range(7):
        job(owner, **cron("0 * * * *"))
    told = []
    for _ in range(3):
        found = forecast(owner, NOON, seconds=0, chunk=3)
        told.append((found.covered, found.complete, found.total))
    assert told == [(3, False, "7"), (6, False, "7"), (7, True, "7")]
    assert found.fires[STEPS_AN_HOUR] == 7


def test_beyond_the_first_few_no_schedule_is_counted_in_once_the_time_is_over(owner, monkeypatch):
    monkeypatch.setattr("dashboard.forecast.AT_LEAST", 2)
    for _ in range(5):
        job(owner, **cron("0 * * * *"))
    assert [forecast(owner, NOON, seconds=0).covered for _ in range(3)] == [2, 3, 4]


def test_while_a_new_forecast_grows_the_one_before_serves(owner, monkeypatch):
    monkeypatch.setattr("dashboard.forecast.KEPT_TIMES", 0)
    job(owner, **cron("0 * * * *"))
    before = forecast(owner, NOON)
    job(owner, **cron("0 * * * *"))
    again = forecast(owner, NOON, seconds=0, chunk=1)
    assert (before.covered, again.covered, again.complete) == (1, 1, True)


def test_a_plan_that_cannot_be_kept_spoils_no_other(owner):
    job(owner, **cron("0 * * * *"))
    broken = job(owner, **cron("0 * * * *"))
    JobSchedule.objects.filter(job=broken).update(cron_expression="61 * * * *")
    assert set(fires_by_hour(owner)) == {1}
