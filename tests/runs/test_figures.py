"""Figures for reports, against the rows themselves, as their owner may see them."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from jobs.executors.base import ExecutionError
from runs import figures
from runs.models import DeadLetter, Outcome, Run, Skip
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

WINDOW = {"since": NOON, "until": NOON + timedelta(days=1)}


@pytest.fixture
def probe():
    return factories.job()


def ask(job, name, **asked):
    return figures.reader(job.pk)(name, **asked)


def made(job, *runs, **fields):
    """A run a minute from noon on, of these states and durations in seconds."""
    for minute, (state, took) in enumerate(runs):
        factories.run(job, state, at=NOON + timedelta(minutes=minute), took=took, **fields)


def skipped(job, count, at=NOON + timedelta(hours=1)):
    return factories.run(job, "CANCELLED", at=at, skip_reason=Skip.MISFIRE, skipped_count=count)


def letter(job, at=NOON, status="PENDING", **fields):
    event = DeadLetter.objects.create(job=job, failure_reason="refused", status=status, **fields)
    DeadLetter.objects.filter(pk=event.pk).update(created_at=at)
    return event


def test_the_ended_runs_of_a_window_are_counted_by_type_and_outcome(probe):
    made(probe, ("SUCCESS", 1), ("SUCCESS", 3), ("TIMEOUT", 9), ("RUNNING", 0))
    rows = ask(probe, "ended", **WINDOW)
    assert [(row["type"], row["ended"], row["runs"]) for row in rows] == [
        ("DUMMY", "SUCCESS", 2),
        ("DUMMY", "TIMEOUT", 1),
    ]
    assert float(rows[0]["average_ms"]) == 2000
    assert (rows[0]["shortest_ms"], rows[0]["longest_ms"]) == (1000, 3000)


def test_a_window_holds_its_first_instant_and_not_its_last(probe):
    factories.run(probe, at=NOON)
    factories.run(probe, at=NOON + timedelta(days=1))
    assert [row["runs"] for row in ask(probe, "ended", **WINDOW)] == [1]


def test_skipped_ticks_are_counted_apart_each_of_them(probe):
    made(probe, ("CANCELLED", 1))
    skipped(probe, 40)
    skipped(probe, None, NOON + timedelta(hours=2))
    assert {row["ended"]: row["runs"] for row in ask(probe, "ended", **WINDOW)} == {
        "CANCELLED": 1,
        "SKIPPED": 41,
    }


def test_jobs_come_with_their_runs_of_the_window_and_their_last_end(probe):
    made(probe, ("SUCCESS", 1), ("FAILURE", 3), ("CANCELLED", 1), ("PENDING", 0))
    skipped(probe, 5)
    factories.run(probe, "TIMEOUT", at=NOON + timedelta(days=3))
    (row,) = ask(probe, "jobs", **WINDOW)
    counted = [row[name] for name in ("runs", "succeeded", "failed", "timed_out", "cancelled", "skipped")]
    assert counted == [4, 1, 1, 0, 1, 5]
    assert (row["last_outcome"], row["last_run"]) == ("TIMEOUT", NOON + timedelta(days=3, seconds=1))
    assert (row["name"], row["owner_email"], row["interval_seconds"]) == (
        "smoke-probe",
        "alice@example.com",
        300,
    )


def test_a_job_without_runs_counts_none(probe):
    (row,) = ask(probe, "jobs", **WINDOW)
    assert (row["runs"], row["skipped"], row["average_ms"], row["last_run"]) == (0, 0, None, None)


def test_pages_of_jobs_go_on_after_the_last_row_also_among_equal_names(probe):
    for name in ("alpha", "alpha", "beta"):
        factories.job(probe.owner, name=name)
    seen, after = [], None
    while page := ask(probe, "jobs", **WINDOW, after=after, most=2):
        seen += [row["name"] for row in page]
        after = page[-1]["name"], page[-1]["id"]
    assert seen == ["alpha", "alpha", "beta", "smoke-probe"]


def test_late_and_failed_runs_are_found_and_nothing_else(probe):
    factories.run(probe, "SUCCESS", at=NOON)
    late = factories.run(probe, "SUCCESS", at=NOON + timedelta(minutes=1))
    Run.objects.filter(pk=late.pk).update(start_time=late.available_at + timedelta(seconds=90))
    failed = factories.run(probe, "FAILURE", at=NOON + timedelta(minutes=2), error_message="x" * 5000)
    waiting = factories.run(probe, "PENDING", at=NOON + timedelta(minutes=3))
    skipped(probe, 3)
    rows = ask(probe, "late_and_failed", **WINDOW)
    assert [row["id"] for row in rows] == [waiting.pk, failed.pk, late.pk]
    assert [row["outcome"] for row in rows] == [None, Outcome.FAILURE, Outcome.SUCCESS]
    assert rows[2]["late_ms"] == 90_000
    assert rows[1]["late_ms"] is None
    assert len(rows[1]["error"]) == figures.TEXT_START


def test_dead_letters_come_newest_first_in_pages(probe):
    events = [letter(probe, NOON + timedelta(minutes=minute // 2)) for minute in range(5)]
    letter(probe, NOON - timedelta(days=1))
    seen, after = [], None
    while page := ask(probe, "dead_letters", **WINDOW, after=after, most=2):
        seen += [row["id"] for row in page]
        after = page[-1]["created_at"], page[-1]["id"]
    assert sorted(seen) == sorted(event.pk for event in events)
    assert len(seen) == len(events)


def test_dead_letters_of_a_window_are_counted_by_status(probe):
    for status in ("PENDING", "PENDING", "RESOLVED"):
        letter(probe, status=status)
    assert {row["status"]: row["events"] for row in ask(probe, "letters", **WINDOW)} == {
        "PENDING": 2,
        "RESOLVED": 1,
    }


@pytest.mark.parametrize("name", ["ended", "jobs", "late_and_failed", "dead_letters", "letters"])
def test_people_see_their_own_figures_and_operators_everyones(probe, name):
    failed = factories.run(probe, "FAILURE")
    letter(probe, run=failed)
    mine = factories.job(factories.charlie())
    everyones = factories.job(factories.bob())
    assert probe.pk not in [row["id"] for row in ask(mine, "jobs", **WINDOW)]
    assert len(ask(mine, name, **WINDOW)) == (1 if name == "jobs" else 0)
    assert len(ask(everyones, name, **WINDOW)) == (3 if name == "jobs" else 1)


def test_an_operator_who_was_shut_out_sees_no_more_than_their_own(probe):
    operated = factories.job(factories.person("eve", Role.OPERATOR, is_active=False))
    made(probe, ("SUCCESS", 1))
    assert ask(operated, "ended", **WINDOW) == []


def test_the_zone_is_that_of_the_jobs_schedule(probe):
    schedule = {"schedule_type": "CRON", "cron_expression": "0 6 * * *", "timezone": "Europe/Berlin"}
    here = factories.job(probe.owner, name="here", schedule=schedule)
    assert [row["timezone"] for each in (probe, here) for row in ask(each, "zone")] == [
        "UTC",
        "Europe/Berlin",
    ]


def test_a_trial_sees_what_its_owner_may_see(probe):
    ask = figures.trial_reader(probe.owner_id, "Europe/Berlin")
    assert ask("zone") == [{"timezone": "Europe/Berlin"}]
    assert [row["id"] for row in ask("jobs", **WINDOW)] == [probe.pk]
    assert figures.trial_reader(factories.charlie().pk, "UTC")("jobs", **WINDOW) == []


def test_what_nobody_knows_is_refused(probe):
    with pytest.raises(ExecutionError, match="no figures about weather"):
        ask(probe, "weather")
    with pytest.raises(ExecutionError, match="gone"):
        figures.reader("01K00000000000000000000000")("zone")


def test_one_answer_is_bounded_whatever_was_asked(probe, monkeypatch):
    monkeypatch.setattr(figures, "MOST_ROWS", 2)
    for minute in range(3):
        letter(probe, NOON + timedelta(minutes=minute))
    assert len(ask(probe, "dead_letters", **WINDOW, most=1000)) == 2


def test_a_page_of_jobs_costs_as_many_queries_as_one_job(probe):
    for number in range(20):
        made(factories.job(probe.owner, name=f"job-{number}"), ("SUCCESS", 1))
    with CaptureQueriesContext(connection) as queries:
        assert len(ask(probe, "jobs", **WINDOW)) == 21
    assert len(queries) == 3


@pytest.mark.parametrize("name", ["ended", "late_and_failed"])
@pytest.mark.databases("sqlite3")
def test_a_window_is_found_by_an_index(probe, name):
    with CaptureQueriesContext(connection) as queries:
        ask(factories.job(factories.bob()), name, **WINDOW)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]['sql']}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "SEARCH job_runs USING INDEX idx_job_runs_scheduled_time" in plan


@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.django_db(transaction=True)
def test_an_answer_that_takes_too_long_is_cut_short_from_another_thread(probe):
    other = connection.copy()
    lock = "LOCK TABLES job_runs WRITE" if connection.vendor == "mysql" else "LOCK TABLE job_runs"
    wakers = []

    @contextmanager
    def closing(wake):
        wakers.append(threading.Timer(0.5, wake))
        wakers[0].start()
        yield

    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute(lock)
    began = time.monotonic()
    with pytest.raises(ExecutionError, match="gave no figures"):
        ask(probe, "ended", **WINDOW, closing=closing)
    assert time.monotonic() - began < 5
    wakers[0].join()
    other.close()


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_asks_leaves_no_connection_behind(probe):
    made(probe, ("SUCCESS", 1))
    seen = {}

    def work():
        seen["rows"] = ask(probe, "ended", **WINDOW)
        seen["open"] = connection.connection is not None

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (seen["rows"][0]["runs"], seen["open"]) == (1, False)
