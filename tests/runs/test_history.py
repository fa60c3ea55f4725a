"""The past of jobs, as lists show it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Job
from runs import history
from runs.history import Durations
from runs.models import Outcome, Run, Skip
from tests.factories import NOON, job

pytestmark = pytest.mark.django_db


def runs(job: Job, *outcomes: Outcome | None, **fields) -> list[Run]:
    """One run a minute from noon on, with these outcomes; None is one that still waits."""
    return Run.objects.bulk_create(
        Run(
            job=job,
            scheduled_time=NOON + timedelta(minutes=minute),
            outcome=outcome,
            duration_ms=100 * (minute + 1) if outcome else None,
            **fields,
        )
        for minute, outcome in enumerate(outcomes)
    )


@pytest.fixture
def probe() -> Job:
    return job()


@pytest.mark.databases
def test_the_newest_runs_of_each_job_come_oldest_first(probe):
    other = job(probe.owner, name="other")
    made = runs(probe, *[Outcome.SUCCESS] * 5)
    runs(other, Outcome.FAILURE)
    past = history.last_runs([probe.pk, other.pk], 3)
    assert [run.pk for run in past[probe.pk]] == [run.pk for run in made[2:]]
    assert [run.outcome for run in past[other.pk]] == ["FAILURE"]


@pytest.mark.databases
def test_attempts_of_one_tick_stay_in_order(probe):
    first, second = (
        Run.objects.create(job=probe, scheduled_time=NOON, attempt=attempt, outcome="FAILURE")
        for attempt in (1, 2)
    )
    assert [run.pk for run in history.last_runs([probe.pk])[probe.pk]] == [first.pk, second.pk]


@pytest.mark.databases
def test_a_job_without_runs_has_an_empty_past(probe):
    assert history.last_runs([probe.pk]) == {probe.pk: []}
    assert history.last_runs([]) == {}


@pytest.mark.databases
def test_any_number_of_jobs_costs_one_query(probe):
    ids = [probe.pk, *(job(probe.owner, name=f"job-{n}").pk for n in range(30))]
    runs(probe, Outcome.SUCCESS)
    with CaptureQueriesContext(connection) as queries:
        past = history.last_runs(ids)
        _ = [(run.state, run.error_start, run.duration_ms) for run in past[probe.pk]]
    assert len(queries) == 1


@pytest.mark.databases("sqlite3")
def test_the_query_reads_one_end_of_an_index_and_never_whole_jobs(probe):
    ids = [probe.pk, job(probe.owner, name="other").pk]
    with CaptureQueriesContext(connection) as queries:
        history.last_runs(ids)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "USING INDEX" in plan
    assert "TEMP B-TREE" not in plan


def test_only_the_beginning_of_an_error_is_read(probe):
    runs(probe, Outcome.FAILURE, error_message="refused\n" + "x" * 5000)
    (run,) = history.last_runs([probe.pk])[probe.pk]
    assert run.error_start.startswith("refused")
    assert len(run.error_start) == 300


def test_durations_are_of_runs_that_succeeded(probe):
    past = runs(probe, *[Outcome.SUCCESS] * 20, Outcome.TIMEOUT)
    assert history.durations(past) == Durations(p50=1000, p95=1900)
    assert history.durations(past[:1]) == Durations(100, 100)
    assert history.durations(past[-1:]) is None


def test_a_skipped_tick_is_not_how_the_job_last_ended(probe):
    failed, waiting = runs(probe, Outcome.FAILURE, None)
    skipped = Run(job=probe, scheduled_time=NOON, outcome="CANCELLED", skip_reason=Skip.OVERLAP)
    assert history.last_ended([failed, skipped, waiting]) is failed
    assert history.last_ended([waiting]) is None


def test_failing_are_jobs_whose_last_run_that_ended_went_wrong(probe):
    owner = probe.owner
    recovered, timed_out, fresh = (job(owner, name=name) for name in ("recovered", "late", "fresh"))
    runs(probe, Outcome.SUCCESS, Outcome.FAILURE, None)
    runs(recovered, Outcome.FAILURE, Outcome.SUCCESS)
    runs(timed_out, Outcome.TIMEOUT)
    Run.objects.create(
        job=timed_out, scheduled_time=NOON + timedelta(hours=1), outcome="CANCELLED", skip_reason=Skip.OVERLAP
    )
    assert set(history.failing(Job.objects.all())) == {probe, timed_out}
    assert fresh not in history.failing(Job.objects.all())


def test_the_newest_failures_tell_since_when_they_are_all(probe):
    other = job(probe.owner, name="other")
    old, new = runs(probe, Outcome.FAILURE)[0], runs(other, Outcome.FAILURE)[0]
    Run.objects.filter(pk=old.pk).update(end_time=NOON)
    Run.objects.filter(pk=new.pk).update(end_time=NOON + timedelta(hours=1))
    assert history.newest_ends(history.BROKEN) == history.Ends(frozenset({probe.pk, other.pk}), None)
    assert history.newest_ends(history.BROKEN, 1) == history.Ends(
        frozenset({other.pk}), NOON + timedelta(hours=1)
    )


def test_a_job_that_ended_failed_is_a_suspect_whenever_that_was(probe):
    nobody = history.Ends(frozenset())
    assert not nobody.suspects(Job.objects.all())
    Job.objects.update(status="FAILED")
    assert list(nobody.suspects(Job.objects.all())) == [probe]
