"""Windows without firing: pauses that end, schedules that begin or end, and what people have stopped."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from dashboard import quiet
from dashboard.forecast import forecast
from dashboard.quiet import Quiet
from jobs import actions
from runs import stops
from tests.factories import NOON, alice, bob, charlie, job

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

DAY = timedelta(days=1)


@pytest.fixture
def owner():
    return alice()


def read(user):
    cache.clear()
    return Quiet.read(user, forecast(user, NOON), NOON)


def within(**window):
    interval = {"schedule_type": "INTERVAL", "interval_seconds": 300}
    return {"schedule": {**interval, **{name: instant.isoformat() for name, instant in window.items()}}}


def test_pauses_that_end_within_the_week_are_told_soonest_first_and_those_alike_together(owner):
    one, *two = (job(owner, name=f"job-{n}") for n in range(3))
    endless, later = job(owner), job(owner)
    actions.pause_all([each.pk for each in two], by=owner, at=NOON, until=NOON + 2 * DAY)
    actions.pause(one, by=owner, at=NOON, until=NOON + DAY)
    actions.pause(endless, by=owner, at=NOON)
    actions.pause(later, by=owner, at=NOON, until=NOON + 8 * DAY)
    assert [(turn.jobs, turn.words) for turn in read(owner).turns] == [
        (1, "is paused until"),
        (2, "are paused until"),
    ]


def test_schedules_that_begin_or_end_within_the_week_are_told(owner):
    job(owner, name="first", **within(starts_at=NOON + DAY))
    job(owner, name="last", **within(ends_at=NOON + 2 * DAY))
    job(owner, name="far", **within(ends_at=NOON + 20 * DAY))
    told = [(turn.name, turn.words, turn.at) for turn in read(owner).turns]
    assert told == [
        ("first", "does not fire before", NOON + DAY),
        ("last", "fires no more after", NOON + 2 * DAY),
    ]


def test_nobody_learns_of_what_others_own(owner):
    other = charlie()
    for each in (owner, other):
        actions.pause(job(each), by=each, at=NOON, until=NOON + DAY)
    job(owner, **within(starts_at=NOON + DAY))
    assert [(turn.kind, turn.jobs) for turn in read(other).turns] == [("paused", 1)]
    assert [(turn.kind, turn.jobs) for turn in read(bob()).turns] == [("begin", 1), ("paused", 2)]


def test_the_first_are_shown_and_the_others_counted(owner, monkeypatch):
    monkeypatch.setattr(quiet, "SHOWN", 2)
    for n in range(1, 4):
        actions.pause(job(owner), by=owner, at=NOON, until=NOON + n * DAY)
    found = read(owner)
    assert (len(found.turns), found.more) == (2, 1)


def test_the_calendar_says_so_in_three_queries(client, owner, django_assert_num_queries):
    actions.pause(job(owner, name="<b>x"), by=owner, at=NOON, until=NOON + DAY)
    found = forecast(owner, NOON)
    with django_assert_num_queries(3):
        Quiet.read(owner, found, NOON)


def test_what_people_have_stopped_stands_there_too(client, owner):
    stops.stop_firing(by=bob(), at=NOON, note="Moving house")
    client.force_login(owner)
    page = client.get("/calendar/").content.decode()
    assert "Windows without firing" in page
    assert "Moving house" in page
