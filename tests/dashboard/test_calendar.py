"""The calendar: the week on the viewer's clock, an hour of it, and what spreading offers."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.busy_hour import BusyHour
from dashboard.forecast import forecast
from dashboard.week import FIRES, Week
from runs.models import Process
from runs.processes import beat
from tests.factories import NOON, alice, bob, charlie, job

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 28, 10, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 10, tzinfo=UTC)


@pytest.fixture
def owner():
    return alice()


def cron(expression, zone="UTC"):
    return {"schedule": {"schedule_type": "CRON", "cron_expression": expression, "timezone": zone}}


def week(user, at=NOON, zone=UTC, slots=0, unit=FIRES):
    return Week(forecast(user, at), ZoneInfo(str(zone)), at, slots, unit)


def hour_of(user, at, instant):
    found = week(user, at)
    return BusyHour.read(found.forecast, found.cell_at(instant), user, at)


# The week


def test_a_daily_fire_stands_in_its_hour_of_each_day_on_the_viewers_clock(owner):
    job(owner, **cron("30 13 * * *"))
    firing = [(cell.day.day, cell.hour) for cell in week(owner, zone=BERLIN).cells if cell.fires]
    assert firing == [(day, 14) for day in range(2, 9)]


def test_hours_that_are_over_are_empty_and_this_hour_is_marked(owner):
    today = week(owner).rows[0][1]
    assert [cell.start is None for cell in today] == [True] * 12 + [False] * 12
    assert [cell.hour for cell in today if cell.now] == [12]


def test_the_hour_that_the_clock_skips_is_missing(owner):
    missing = [(cell.day.day, cell.hour) for cell in week(owner, SPRING, BERLIN).cells if cell.missing]
    assert missing == [(29, 2)]


def test_the_hour_that_comes_twice_holds_both(owner):
    job(owner, at=AUTUMN, **cron("0 * * * *"))
    twice = [cell for cell in week(owner, AUTUMN, BERLIN).cells if cell.twice]
    assert [(cell.day.day, cell.hour, cell.fires) for cell in twice] == [(25, 2, 2)]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_zones_that_are_no_whole_hours_away_have_their_hours_too(owner, zone):
    job(owner, **cron("10 6 * * *", zone))
    assert {cell.hour for cell in week(owner, zone=zone).cells if cell.fires} == {6}


def test_more_than_the_slots_there_are_is_ringed(owner):
    job(owner, **cron("0 13 * * *"))
    shown = week(owner, slots=1)
    shown.forecast.busy = [busy + 1.5 for busy in shown.forecast.busy]
    assert all(cell.hot for cell in shown.cells if cell.start)


def test_hours_that_are_much_alike_look_it(owner):
    for _ in range(9):
        job(owner, **cron("0 * * * *"))
    job(owner, **cron("0 13 * * *"))
    assert {cell.level for cell in week(owner).cells if cell.start} == {1, 2}


# The hour


def test_the_hour_names_its_jobs_and_where_they_would_go(owner):
    for name in ("first", "second", "third"):
        job(owner, name=name, **cron("0 13 * * *"))
    job(owner, name="elsewhere", **cron("0 14 * * *"))
    hour = hour_of(owner, NOON, NOON + HOUR)
    assert [each.first for each in hour.firings] == [NOON + HOUR] * 3
    assert sorted(each.minutes for each in hour.firings) == [0, 15, 30]
    assert (hour.peak, hour.peak_after, hour.total) == (3, 1, 3)


def test_what_has_fired_in_this_hour_is_not_listed_any_more(owner):
    job(owner, at=NOON - MINUTE, **cron("0 12 * * *"))
    made = job(owner, **cron("5 12 * * *"))
    later = NOON + 20 * MINUTE
    type(made.schedule).objects.update(next_fire_at=NOON + 24 * HOUR)
    assert hour_of(owner, later, later).total == 0


def test_jobs_that_call_one_host_together_are_told(owner):
    for n in range(2):
        payload = {"http_url": f"https://api.example.com/{n}", "http_method": "GET"}
        job(owner, type="HTTP", payload=payload, **cron("0 13 * * *"))
    (collision,) = hour_of(owner, NOON, NOON + HOUR).collisions
    assert (collision.jobs, collision.host, collision.on_host) == (2, "api.example.com", 2)


def test_a_script_job_stays_for_those_who_may_not_change_it(owner):
    operator = bob()
    for _ in range(2):
        made = job(owner, **cron("0 13 * * *"))
        type(made).objects.filter(pk=made.pk).update(type="SCRIPT")
    hour = hour_of(operator, NOON, NOON + HOUR)
    assert {each.stays for each in hour.found} == {"Only administrators may create or change script jobs."}
    assert hour.moving == 0


# The pages


@pytest.fixture
def busy(owner):
    """Three jobs that start together within the coming day."""
    return [job(owner, at=timezone.now(), name=f"together-{n}", **cron("0 * * * *")) for n in range(3)]


def coming():
    return (timezone.now() + HOUR).replace(minute=0, second=0, microsecond=0)


def test_the_calendar_shows_the_hour_that_was_asked_for(client, owner, busy):
    client.force_login(owner)
    text = client.get("/calendar/", {"hour": coming().isoformat()}).content.decode()
    assert "together-0" in text
    assert "Spread 2 jobs" in text


def test_others_jobs_are_not_in_it(client, busy):
    client.force_login(charlie())
    text = client.get("/calendar/", {"hour": coming().isoformat()}).content.decode()
    assert "together" not in text


@pytest.mark.parametrize(
    "asked", ["x", "2026", "9999-12-31T23:59:59Z", "2026-03-02T12:00", "2026-99-99T00:00Z"]
)
def test_an_hour_that_makes_no_sense_is_no_error(client, owner, busy, asked):
    client.force_login(owner)
    assert client.get("/calendar/", {"hour": asked, "unit": asked}).status_code == 200
    assert client.get("/calendar/spread/", {"hour": asked}).status_code in (200, 302)


def test_a_forecast_that_grows_fetches_itself_until_it_is_done(client, owner, busy, monkeypatch):
    client.force_login(owner)
    monkeypatch.setattr("dashboard.forecast.CHUNKS", 0)
    text = client.get("/calendar/").content.decode()
    assert "Covers 0 of 3 schedules so far" in text
    part = client.get("/calendar/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<section class="panel" id="week"')


def test_without_any_job_the_calendar_says_so(client, owner):
    client.force_login(owner)
    assert "Nothing fires" in client.get("/calendar/").content.decode()


@everywhere
@pytest.mark.parametrize("address", ["/calendar/", "/calendar/?unit=fires&all=1", "/calendar/spread/"])
def test_the_number_of_queries_does_not_grow_with_the_jobs(client, owner, busy, address):
    client.force_login(bob())
    beat("w-1", Process.Kind.WORKER, slots=8)

    def queries():
        cache.clear()
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(address).status_code == 200
        return len(caught)

    few = queries()
    for n in range(8):
        job(owner, at=timezone.now(), name=f"more-{n}", **cron("0 * * * *"))
    assert queries() == few <= 15
