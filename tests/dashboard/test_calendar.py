"""The calendar: the week on the viewer's clock, an hour of it, and what spreading offers."""

import html
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.busy_hour import BusyHour
from dashboard.forecast import forecast
from dashboard.hours import full_hour
from dashboard.ran_hours import RanHour, RanHours
from dashboard.seven_days import SevenDays
from dashboard.viewer import COOKIE
from dashboard.week import BUSY, FIRES, Week
from runs.models import Process, RunStats
from runs.processes import beat
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 28, 10, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 10, tzinfo=UTC)


@pytest.fixture
def owner():
    return alice()


def cron(expression, zone="UTC"):
    return {"schedule": {"schedule_type": "CRON", "cron_expression": expression, "timezone": zone}}


def week(user, at=NOON, zone=UTC, slots=0, unit=FIRES):
    return Week(forecast(user, at), SevenDays.read("", at, ZoneInfo(str(zone))), at, slots, unit)


def over(user, first, zone=UTC, at=NOON, unit=FIRES):
    """A week that is over, at noon."""
    days = SevenDays.read(first, at, ZoneInfo(str(zone)))
    stretch = full_hour(days.begin), full_hour(days.end + HOUR - MINUTE)
    past = RanHours.read(user, *stretch, at)
    while not past.complete:
        past = RanHours.read(user, *stretch, at)
    return Week(None, days, at, 0, unit, past)


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


def test_the_shades_are_those_of_what_is_to_come(owner):
    job(owner, **cron("0 13-15 * * *"))
    past = RanHours({NOON - HOUR: RanHour(NOON - HOUR, NOON, runs=900)})
    days = SevenDays.read("", NOON, ZoneInfo("UTC"))
    shown = Week(forecast(owner, NOON), days, NOON, 0, FIRES, past)
    levels = {cell.hour: cell.level for cell in shown.rows[0][1] if cell.value}
    assert levels == {11: 5, 13: 1, 14: 1, 15: 1}
    assert shown.words == "1 to 1"


def test_in_a_week_that_is_over_what_ran_stands_in_its_hour_on_the_viewers_clock(owner):
    run(job(owner), "FAILURE", at=NOON - 3 * DAY, took=1800)
    (cell,) = [cell for cell in over(owner, "2026-02-23", BERLIN, unit=BUSY).cells if cell.fires]
    assert (cell.day.day, cell.hour, cell.shown, cell.style) == (27, 13, "0.5", "lv1 broke")
    assert cell.words == "Fri 27 Feb, 13:00 to 13:59: 1 run ended, 1 failed, busy for 30 min 00 s"


def test_the_hour_that_came_twice_holds_what_ran_in_both(owner):
    for n in range(2):
        run(job(owner), at=datetime(2026, 10, 25, n, 30, tzinfo=UTC))
    cells = over(owner, "2026-10-20", BERLIN, at=AUTUMN + 9 * DAY).cells
    assert [(cell.hour, cell.fires) for cell in cells if cell.twice] == [(2, 2)]


def test_each_day_that_is_over_is_added_up(owner):
    for day in (1, 1, 2):
        run(job(owner), at=NOON - day * DAY, took=60)
    told = [(day.day, ran.runs, ran.took_ms) for day, ran in over(owner, "2026-02-24").ran if ran.runs]
    assert told == [(28, 1, 60_000), (1, 2, 120_000)]


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


def today(days=0):
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def test_a_later_week_is_a_forecast_of_its_own_and_leads_back(client, owner, busy):
    client.force_login(owner)
    text = client.get("/calendar/", {"week": today(14)}).content.decode()
    assert "jobs that are paused are left out" in text
    assert "together-0" in text
    assert f'href="?week={today(7)}"' in text
    assert f'href="?week={today(21)}"' in text


def test_spreading_an_hour_of_a_later_week_leads_back_to_it(client, owner, busy):
    client.force_login(owner)
    hour = (coming() + 14 * DAY).isoformat()
    text = client.get("/calendar/spread/", {"week": today(14), "hour": hour}).content.decode()
    assert "together-0" in text
    assert f"/calendar/?week={today(14)}&amp;hour=" in text


def test_an_earlier_week_shows_what_ran_and_where_it_is_listed(client, owner):
    ran = run(job(owner, name="broke-down"), "FAILURE", at=coming() - 7 * DAY)
    RunStats.objects.create(hour=ran.scheduled_time, type="DUMMY", outcome="FAILURE", count=1, took_ms=1000)
    client.force_login(bob())
    page = client.get("/calendar/", {"week": today(-7), "hour": ran.scheduled_time.isoformat()})
    (address,) = re.findall(r'href="(/runs/\?since=[^"]*)">Its runs as a list', page.content.decode())
    assert "broke-down" in client.get(html.unescape(address)).content.decode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_every_hour_of_a_week_that_is_over_leads_to_it(client, zone):
    client.force_login(bob())
    client.cookies[COOKIE] = zone
    assert all(cell.ran for cell in client.get("/calendar/", {"week": today(-14)}).context["week"].cells)


def test_an_hour_that_is_over_is_not_spread(client, owner):
    client.force_login(owner)
    answer = client.get("/calendar/spread/", {"week": today(-7)})
    assert (answer.status_code, answer.url) == (302, f"/calendar/?week={today(-7)}")


def test_a_week_that_is_still_being_counted_fetches_itself_and_its_days(client, owner, monkeypatch):
    monkeypatch.setattr("dashboard.ran_hours.MOST_DAYS", 2)
    client.force_login(owner)
    address = f"/calendar/?week={today(-7)}"
    assert f'hx-get="{address}"' in client.get(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert 'id="ran-days" hx-swap-oob="true"' in part


def test_the_hours_of_today_that_are_over_show_operators_what_ran(client, owner):
    for user, hours in ((bob(), timezone.now().hour), (owner, 0)):
        client.force_login(user)
        over = [cell for cell in client.get("/calendar/").context["week"].cells if cell.ran]
        assert len(over) == hours


@pytest.mark.parametrize("asked", ["x", "2026-99-99", "1999-01-01", "9999-12-31", "<b>\0", "٢٠٢٦-١٢-٠٤"])
def test_a_week_that_makes_no_sense_is_told_and_is_no_error(client, owner, busy, asked):
    client.force_login(owner)
    page = client.get("/calendar/", {"week": asked})
    assert page.status_code == 200
    assert "These are the seven days from today on." in page.content.decode()
    assert "<b>" + "\0" not in page.content.decode()


def test_the_ends_of_the_calendar_have_no_way_on(client, owner):
    client.force_login(owner)
    assert 'id="earlier"' not in client.get("/calendar/", {"week": today(-84)}).content.decode()
    assert 'id="later"' not in client.get("/calendar/", {"week": today(56)}).content.decode()


@pytest.mark.browser
def test_a_full_stop_and_a_comma_lead_to_later_and_earlier_days(visit, live_server):
    page = visit("/calendar/", alice())
    for keys, address in ((".", today(7)), (".", today(14)), (",", today(7)), (",", "")):
        page.wait_for_load_state()
        page.keyboard.press(keys)
        page.wait_for_url(re.compile(rf"/calendar/\?{f'week={address}' if address else ''}$"))
    page.go_back()
    page.wait_for_url(re.compile(f"week={today(7)}$"))


def test_without_any_job_the_calendar_says_so(client, owner):
    client.force_login(owner)
    for days, words in ((0, "Nothing fires"), (14, "Nothing fires"), (-14, "Nothing ran")):
        assert words in client.get("/calendar/", {"week": today(days)}).content.decode()


@everywhere
@pytest.mark.parametrize("user", [bob, charlie])
@pytest.mark.parametrize("week", [-84, -7, -3, 0, 7, 56])
def test_no_week_takes_more_than_fifteen_queries(client, owner, busy, user, week):
    client.force_login(user())
    cache.clear()
    with CaptureQueriesContext(connection) as caught:
        assert client.get("/calendar/", {"week": today(week)}).status_code == 200
    assert len(caught) <= 15


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
