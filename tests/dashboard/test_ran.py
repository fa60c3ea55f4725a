"""What ran: a row a job, a bar a run, nothing of others."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.ran import Chart, Window
from tests.factories import NOON, alice, charlie, job, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def chart(user, start=NOON, at=NOON + 3 * HOUR):
    return Chart.read(user, Window(start, "hour", at))


@everywhere
def test_a_run_is_a_bar_from_its_start_to_its_end(owner, probe):
    run(probe, "FAILURE", at=NOON + 15 * MINUTE, took=900)
    (line,) = chart(owner).lines
    (bar,) = line.bars
    assert (bar.x, bar.width, bar.style, line.broken) == (250.0, 250.0, "f-bad", 1)


def test_what_went_well_stands_on_the_line_and_what_broke_hangs_below_it(owner, probe):
    for n, outcome in enumerate(("SUCCESS", "CANCELLED", "FAILURE", "TIMEOUT")):
        run(probe, outcome, at=NOON + n * 10 * MINUTE)
    above = [bar.y + bar.height <= 12 for bar in chart(owner).lines[0].bars]
    assert above == [True, True, False, False]


def test_a_run_in_progress_reaches_to_now(owner, probe):
    run(probe, "RUNNING", at=NOON)
    (bar,) = chart(owner, at=NOON + 30 * MINUTE).lines[0].bars
    assert (bar.width, bar.style) == (500.0, "f-now")


def test_of_runs_at_one_place_the_failed_one_is_drawn(owner, probe):
    for second, state in enumerate(["SUCCESS", "FAILURE", "SUCCESS"]):
        run(probe, state, at=NOON + timedelta(seconds=second))
    (line,) = chart(owner).lines
    assert ([bar.style for bar in line.bars], line.runs) == (["f-bad"], 3)


def test_what_is_still_to_come_is_marked_after_now(owner, probe):
    run(probe, at=NOON)
    ahead = chart(owner, at=NOON + 2 * MINUTE).lines[0].ahead
    assert len(ahead) == 11
    assert chart(owner).lines[0].ahead == []


def test_the_job_that_kept_a_slot_for_longest_stands_first(owner, probe):
    slow = job(owner, name="slow")
    run(probe, at=NOON)
    run(slow, at=NOON, took=500)
    assert [line.name for line in chart(owner).lines] == ["slow", "smoke-probe"]


def test_what_does_not_fit_is_said(owner, probe, monkeypatch):
    monkeypatch.setattr("dashboard.ran.MOST_RUNS", 2)
    for minute in range(3):
        run(probe, at=NOON + minute * MINUTE)
    found = chart(owner)
    assert (len(found.runs), found.until) == (2, NOON + MINUTE)


def test_nobody_sees_what_others_ran(owner, probe):
    run(probe, at=NOON)
    assert chart(charlie()).lines == []


@everywhere
def test_the_page_costs_the_same_for_many_jobs(client, owner):
    client.force_login(owner)
    costs = []
    for number in (1, 6):
        for n in range(number):
            run(job(owner, name=f"{number}-{n}", at=timezone.now()), at=timezone.now())
        cache.clear()
        with CaptureQueriesContext(connection) as caught:
            assert client.get("/calendar/ran/").status_code == 200
        costs.append(len(caught))
    assert costs[0] == costs[1] <= 15


@pytest.mark.parametrize("query", ["?span=week&from=x", "?from=1969-01-01T00:00Z", "?span=day"])
def test_a_window_that_makes_no_sense_is_the_current_one(client, owner, query):
    client.force_login(owner)
    assert "Nothing that was due" in client.get(f"/calendar/ran/{query}").content.decode()
