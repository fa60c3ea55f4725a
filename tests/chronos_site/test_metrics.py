"""What Prometheus reads: the engine's figures, in its own format, at a constant price."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chronos_site import metrics
from chronos_site.clock import database_now
from jobs.models import Job, JobSchedule, Priority
from runs import stats, stops
from runs.models import Process, Run, RunStats
from runs.processes import beat, tell_busy
from runs.stats import End
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TOKEN = "a token that nobody guesses"


@pytest.fixture(autouse=True)
def _history(monkeypatch):
    """What an earlier test added up is no longer there."""
    monkeypatch.setattr(metrics, "HISTORY", metrics.History())


@pytest.fixture
def read(client, valkey):
    """The samples of one scrape, by name and labels."""

    def scrape():
        answer = client.get("/metrics", headers={"host": "localhost"})
        assert (answer.status_code, answer["Content-Type"][:25]) == (200, "text/plain; version=0.0.4")
        families = text_string_to_metric_families(answer.content.decode())
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }

    return scrape


def test_runs_are_counted_by_type_and_outcome(read):
    ends = [
        End("a", "SUCCESS", NOON),
        End("a", "SUCCESS", database_now()),
        End("a", "SKIPPED", NOON, times=7),
    ]
    stats.write(ends, {"a": "HTTP"})
    told = read()
    assert told["chronos_runs_total", "HTTP", "SUCCESS"] == 2
    assert told["chronos_runs_total", "HTTP", "SKIPPED"] == 7


def test_times_are_histograms_of_what_was_done(read):
    ends = [End("a", "SUCCESS", NOON, 500, 50), End("a", "FAILURE", NOON, 5_000_000, 0)]
    stats.write([*ends, End("a", "CANCELLED", NOON, 60_000, 9)], {"a": "HTTP"})
    told, name = read(), "chronos_run_duration_seconds"
    buckets = [told[f"{name}_bucket", *sorted(("HTTP", bound))] for bound in ("0.1", "1.0", "3600.0", "+Inf")]
    assert buckets == [0, 1, 1, 2]
    assert (told[f"{name}_count", "HTTP"], told[f"{name}_sum", "HTTP"]) == (2, 5000.5)
    assert told["chronos_run_wait_seconds_bucket", "0.1", "HTTP"] == 2


def test_an_hour_that_is_over_is_read_once_and_never_lost(read):
    stats.write([End("a", "SUCCESS", NOON)], {"a": "HTTP"})
    read()
    RunStats.objects.update(count=100)
    stats.write([End("a", "SUCCESS", database_now())], {"a": "HTTP"})
    assert read()["chronos_runs_total", "HTTP", "SUCCESS"] == 2


def test_hours_that_have_passed_since_are_added_to_those_kept():
    history = metrics.History()
    for hours in range(8):
        at = NOON + timedelta(hours=hours)
        stats.write([End("a", "SUCCESS", at)], {"a": "HTTP"})
        assert history.sums(at)["HTTP", "SUCCESS"]["count"] == hours + 1


def test_the_queue_is_told_by_priority(read):
    now = database_now()
    job, ahead = factories.job(), now + timedelta(hours=1)
    factories.run(job, "PENDING", at=now - timedelta(seconds=90), priority=Priority.HIGH.rank)
    factories.run(job, "PENDING", at=ahead, priority=Priority.HIGH.rank)
    factories.run(job, "RUNNING", at=now)
    told = read()
    assert (told["chronos_pending_runs", "HIGH"], told["chronos_due_runs", "HIGH"]) == (2, 1)
    assert told["chronos_due_runs", "LOW"] == 0
    assert 90 <= told["chronos_oldest_due_run_age_seconds",] < 120
    assert told["chronos_running_runs",] == 1


def test_schedules_tell_how_late_and_how_wrong_they_are(read):
    late, bad = factories.job(alice := factories.alice()), factories.job(alice)
    JobSchedule.objects.filter(job=late).update(next_fire_at=database_now() - timedelta(seconds=90))
    JobSchedule.objects.filter(job=bad).update(next_fire_at=None, problem="no such zone")
    told = read()
    assert told["chronos_overdue_schedules",] == told["chronos_schedules_with_problem",] == 1
    assert 90 <= told["chronos_oldest_overdue_schedule_age_seconds",] < 120
    assert (told["chronos_jobs", "SCHEDULED"], told["chronos_jobs", "PAUSED"]) == (2, 0)


def test_the_engine_tells_who_is_alive_and_how_busy(read):
    beat("s-1", Process.Kind.SCHEDULER)
    beat("w-1", Process.Kind.WORKER, slots=128)
    beat("w-2", Process.Kind.WORKER, slots=128)
    tell_busy("w-1", 5)
    Process.objects.filter(pk="w-2").update(beat_at=NOON)
    told = read()
    assert (told["chronos_schedulers_alive",], told["chronos_workers_alive",]) == (1, 1)
    assert (told["chronos_worker_slots",], told["chronos_worker_slots_busy",]) == (128, 5)
    assert told["chronos_scheduler_beat_age_seconds",] < 30
    assert told["chronos_redis_up",] == 1


def test_what_waits_for_a_person_is_counted(read):
    run = factories.run(factories.job(), "FAILURE")
    run.dead_letters.create(job=run.job, failure_reason="no")
    assert read()["chronos_dead_letters_pending",] == 1


def test_a_scrape_costs_the_same_whatever_there_is(read, django_assert_max_num_queries):
    alice = factories.alice()
    for number in range(5):
        at = NOON + timedelta(minutes=number)
        factories.run(factories.job(alice), "PENDING", at=at)
        stats.write([End("a", f"{number}", at)], {"a": "HTTP"})
    read()
    with django_assert_max_num_queries(12):
        read()


def test_an_empty_product_has_figures(read):
    assert not Run.objects.exists()
    assert not Job.objects.exists()
    assert read()["chronos_oldest_due_run_age_seconds",] == 0


@pytest.mark.parametrize(
    "request_of",
    [
        {"REMOTE_ADDR": "10.0.0.7"},
        {"headers": {"host": "chronos.example.com"}},
        {"headers": {"X-Forwarded-For": "10.0.0.7"}},
        {"headers": {"Forwarded": "for=10.0.0.7"}},
        {"headers": {"Via": "1.1 proxy"}},
        {"headers": {"X-Real-IP": "10.0.0.7"}},
        {"headers": {"X-Forwarded-Host": "chronos.example.com"}},
    ],
)
def test_other_machines_are_refused(client, settings, request_of):
    settings.ALLOWED_HOSTS = ["localhost", "chronos.example.com"]
    headers = {"host": "localhost", **request_of.pop("headers", {})}
    assert client.get("/metrics", headers=headers, **request_of).status_code == 403


@pytest.mark.parametrize(("word", "status"), [(f"Bearer {TOKEN}", 200), ("Bearer wrong", 403), ("", 403)])
def test_with_a_token_the_token_alone_counts(client, valkey, settings, word, status):
    settings.METRICS_TOKEN = TOKEN
    for origin in ("127.0.0.1", "10.0.0.7"):
        answer = client.get(
            "/metrics", headers={"host": "localhost", "Authorization": word}, REMOTE_ADDR=origin
        )
        assert answer.status_code == status


def test_what_people_have_stopped_is_told(read):
    told = read()
    assert (told[("chronos_firing_paused",)], told["chronos_queue_paused", "HIGH"]) == (0, 0)
    beat("w-1", Process.Kind.WORKER)
    stops.stop_firing(by=None, at=NOON)
    stops.stop_queue("high", by=None, at=NOON)
    stops.drain_worker(Process.objects.get(), by=None, at=NOON)
    told = read()
    assert (told[("chronos_firing_paused",)], told[("chronos_workers_drained",)]) == (1, 1)
    assert (told["chronos_queue_paused", "HIGH"], told["chronos_queue_paused", "LOW"]) == (1, 0)
