"""What fires next, here and in other calendars."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import upcoming
from dashboard.upcoming import Conditions
from tests.factories import NOON, alice, bob, charlie, job

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


def every(seconds):
    return {"schedule": {"schedule_type": "INTERVAL", "interval_seconds": seconds}}


def fires(user, query="", at=NOON):
    return upcoming.fires(Conditions.read(QueryDict(query)).schedules(user), at)


@everywhere
def test_the_fires_of_several_jobs_stand_in_one_order(owner):
    job(owner, name="often", **every(120))
    job(owner, name="seldom", **every(300))
    first = [(fire.job.job_name, (fire.at - NOON) // MINUTE) for fire in fires(owner)[:4]]
    assert first == [("often", 2), ("often", 4), ("seldom", 5), ("often", 6)]


def test_nothing_is_told_beyond_the_last_schedule_that_was_read(owner, monkeypatch):
    monkeypatch.setattr(upcoming, "MOST", 2)
    for minutes in (1, 10, 30):
        job(owner, **every(60 * minutes))
    assert len(fires(owner)) == 2


@everywhere
@pytest.mark.parametrize(
    ("query", "names"),
    [("type=DUMMY&tag=night", {"tagged"}), ("type=HTTP", set()), ("tag=x%00", set())],
)
def test_type_and_tag_choose_the_jobs(owner, query, names):
    job(owner, name="tagged", tags=["night"])
    job(owner, name="plain")
    assert {fire.job.job_name for fire in fires(owner, query)} == names


def test_the_fires_of_one_job_can_be_asked_for(owner):
    job(owner, name="other")
    made = job(owner, name="mine")
    assert {fire.job.job_name for fire in fires(owner, f"job={made.pk}")} == {"mine"}


def test_nobody_sees_what_fires_for_others(owner):
    job(owner)
    assert fires(charlie()) == []
    assert len(fires(bob())) == upcoming.MOST


def test_a_calendar_file_holds_each_fire_as_an_event(client, owner):
    made = job(owner, at=timezone.now(), name="close; the, books", **every(86400))
    client.force_login(owner)
    answer = client.get(f"/calendar/upcoming.ics?job={made.pk}")
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/calendar")
    assert text.count("BEGIN:VEVENT") == upcoming.MOST
    assert "SUMMARY:close\\; the\\, books\r\n" in text


def test_no_name_can_smuggle_a_line_into_the_file(owner):
    job(owner, name="a\r\nEND:VCALENDAR\u2028" + "ü" * 60)
    lines = upcoming.icalendar(fires(owner)[:1], NOON, "http://chronos.example").split("\r\n")
    assert lines.count("END:VCALENDAR") == 1
    assert all(len(line.encode()) <= 75 for line in lines)


@everywhere
def test_the_page_costs_the_same_for_many_jobs(client, owner):
    client.force_login(owner)
    costs = []
    for number in (1, 6):
        for _ in range(number):
            job(owner, at=timezone.now())
        cache.clear()
        with CaptureQueriesContext(connection) as caught:
            assert client.get("/calendar/upcoming/?type=DUMMY").status_code == 200
        costs.append(len(caught))
    assert costs[0] == costs[1] <= 15
