"""The system page: what it finds, who sees it, what it costs."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chronos_site import __version__
from chronos_site.schema import first_id
from dashboard import crew
from dashboard.lateness import Recent, Totals
from dashboard.storage import Storage
from dashboard.system import panels
from jobs.models import JobSchedule
from notifications.rules import Event
from runs import retention, stats, stops
from runs.models import Process
from runs.processes import beat
from tests import factories
from tests.factories import NOON, run
from tests.notifications.alerting import rule

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def bob():
    return factories.bob()


@pytest.fixture
def engine(valkey):
    """One scheduler and one worker, both well."""
    beat("s-1", Process.Kind.SCHEDULER)
    beat("w-1", Process.Kind.WORKER, slots=8)


def leads(bob):
    cache.clear()
    return [notice.lead for notice in panels(bob, timezone.now())["notices"]]


# Who


@pytest.mark.parametrize(
    ("who", "code"), [(factories.charlie, 403), (factories.bob, 200), (factories.ada, 200)]
)
def test_operators_and_administrators_see_it(client, engine, who, code):
    client.force_login(who())
    answer = client.get("/system/")
    assert answer.status_code == code
    assert ("The system page is for operators" in answer.content.decode()) == (code == 403)


def test_the_rail_leads_there_whoever_may_go(client, engine):
    client.force_login(factories.charlie())
    assert 'href="/system/"' not in client.get("/jobs/").content.decode()
    client.force_login(factories.bob())
    assert 'href="/system/"' in client.get("/jobs/").content.decode()


def test_a_refresh_brings_the_panels_alone(client, engine, bob):
    client.force_login(bob)
    text = client.get("/system/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert 'id="workers"' in text


# Things to know


def test_where_all_is_well_there_is_nothing_to_know(engine, bob):
    assert leads(bob) == []


def test_a_product_without_its_engine_says_so_first(bob, valkey):
    assert leads(bob)[:2] == ["The scheduler does not run.", "No worker is alive."]


def test_a_silent_worker_is_named(engine, bob):
    beat("w-2", Process.Kind.WORKER)
    Process.objects.filter(pk="w-2").update(beat_at=timezone.now() - 4 * MINUTE)
    assert leads(bob) == ["w-2 is silent"]


def test_workers_that_are_all_drained_are_told(engine, bob):
    stops.drain_worker(Process.objects.get(pk="w-1"), by=bob, at=NOON)
    assert leads(bob) == ["Every worker is drained."]


def test_a_process_of_another_version_is_told(engine, bob):
    assert set(Process.objects.values_list("version", flat=True)) == {__version__}
    Process.objects.filter(pk="w-1").update(version="0.0.9")
    assert leads(bob) == ["w-1 runs 0.0.9,"]


def test_schedules_that_cannot_fire_are_counted(engine, bob):
    factories.job()
    rule(bob, Event.FAILURE)
    JobSchedule.objects.update(problem="No such zone")
    assert leads(bob) == ["1 schedule cannot fire."]


def test_script_jobs_where_scripts_are_off_are_told(engine, bob, settings):
    factories.script(factories.ada())
    rule(bob, Event.FAILURE)
    settings.SCRIPT_ENABLED = False
    assert leads(bob) == ["Scripts are switched off,"]
    settings.SCRIPT_ENABLED = True
    assert leads(bob) == []


def test_a_redis_that_does_not_answer_is_told(engine, bob, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert leads(bob) == ["Redis does not answer."]


@pytest.mark.databases("sqlite3")
def test_many_workers_on_sqlite_are_told(engine, bob):
    for n in range(2, 6):
        beat(f"w-{n}", Process.Kind.WORKER)
    assert leads(bob) == ["5 workers share SQLite."]


def test_full_slots_are_told(engine, bob):
    Process.objects.filter(pk="w-1").update(busy=8)
    assert leads(bob) == ["8 of 8 slots are busy."]


# Queues and workers


@everywhere
def test_a_queue_tells_what_waits_since_when_and_what_comes_and_goes(engine, bob):
    now = timezone.now()
    job = factories.job(at=now)
    run(job, "PENDING", at=now - 3 * MINUTE, priority=1)
    run(job, at=now - 2 * MINUTE, priority=1)
    stops.stop_queue("low", by=bob, at=now)
    high, medium, low = panels(bob, now)["queues"]
    assert (high.waiting, high.oldest, high.per_minute_in) == (1, now - 3 * MINUTE, "0.1/min")
    assert (high.per_minute_out, medium.per_minute_out) == ("0.1/min", "0/min")
    assert (low.stop.name, high.stop) == ("low", None)


@everywhere
def test_of_many_runs_the_newest_tell_how_fast_they_come(engine, bob, monkeypatch):
    monkeypatch.setattr(crew, "MOST_FRESH", 4)
    now = timezone.now()
    job = factories.job(at=now)
    for n in range(6):
        run(job, "PENDING", at=now - n * MINUTE, priority=1, id=first_id(now - n * MINUTE))
    high, *_ = panels(bob, now)["queues"]
    assert high.per_minute_in == "1.3/min"


def test_a_worker_shows_its_longest_run_and_whether_it_drains(engine, bob):
    now = timezone.now()
    job = factories.job(at=now)
    first = run(job, "RUNNING", at=now - 2 * MINUTE, worker_id="w-1")
    run(job, "RUNNING", at=now - MINUTE, worker_id="w-1")
    (worker,) = panels(bob, now)["workers"]
    assert (worker.word, worker.busy, worker.longest.pk) == ("Busy", 2, first.pk)
    stops.drain_worker(worker.process, by=bob, at=now)
    (worker,) = panels(bob, now)["workers"]
    assert worker.word == "Draining"


def test_hostile_names_are_harmless(client, engine, bob):
    beat("<script>\u202ealert", Process.Kind.WORKER)
    client.force_login(bob)
    page = client.get("/system/").content.decode()
    assert "<script>\u202e" not in page


# Lateness


@everywhere
def test_the_last_starts_tell_median_p99_and_worst():
    job = factories.job()
    for n in range(1, 100):
        start = NOON + timedelta(seconds=n)
        run(job, at=start, scheduled_time=start, available_at=start - timedelta(milliseconds=10 * n))
    recent = Recent.read(NOON + 2 * MINUTE)
    assert [round(recent.median), round(recent.p99), round(recent.worst.waited_ms)] == [500, 990, 990]


@everywhere
def test_an_hour_shows_within_what_99_of_100_started():
    ends = [stats.End("a", "SUCCESS", NOON, waited_ms=50) for _ in range(98)]
    stats.write([*ends, *[stats.End("a", "SUCCESS", NOON, waited_ms=5000)] * 2], {"a": "HTTP"})
    totals = Totals.read(NOON + MINUTE)
    assert [each.step for each in totals.columns][-2:] == [0, 3]
    assert totals.columns[-1].title.endswith("99 of 100 started within 10 s")
    assert totals.runs_a_day == 100


def test_the_label_of_the_last_hour_ends_where_the_drawing_ends():
    totals = Totals.read(NOON + MINUTE)
    assert [each.anchor for each in totals.columns] == ["middle"] * 23 + ["end"]
    assert totals.columns[-1].label_x == 620


# Storage


@everywhere
def test_storage_is_told_by_the_databases_own_statistics():
    run(factories.job())
    storage = Storage.read(100.0, retention.rules())
    kept = {table.name: table.kept for table in storage.tables}
    assert kept["Runs"] == "90 d succeeded, 180 d failed"
    assert (kept["Audit"], len(kept)) == ("for ever", 7)
    assert storage.size > 0


# What it costs


def test_the_page_costs_fifteen_queries_whatever_there_is(client, engine, bob):
    client.force_login(bob)
    costs = []
    for n in (0, 1, 12):
        cache.clear()
        now = timezone.now()
        for _ in range(n):
            job = factories.job(bob, at=now)
            run(job, "RUNNING", at=now - MINUTE)
            run(job, "PENDING", at=now - 2 * MINUTE)
            run(job, at=now - 3 * MINUTE)
            beat(f"w-{job.pk}", Process.Kind.WORKER)
        with CaptureQueriesContext(connection) as queries:
            client.get("/system/")
        costs.append(len(queries))
    assert max(costs) <= 15
    assert costs[1] == costs[2]
