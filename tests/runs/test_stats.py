"""The totals agree with what ended, whoever ended it, and cost the same for one run as for many."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from jobs.models import Overlap
from runs import stats
from runs.actions import cancel_job
from runs.fire import fire
from runs.models import Outcome, Run, RunStats
from runs.settle import Ended, settle
from runs.stats import End
from tests import factories
from tests.factories import NOON
from tests.together import meeting

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TICK = NOON + timedelta(minutes=5)


def started(job, tick=TICK, waited=0.0):
    begun = {"start_time": tick + timedelta(seconds=waited), "claim_token": "01K0000000000000000000TOKE"}
    return factories.run(job, "PENDING", at=tick, **begun)


def ended(run, took=1.0, outcome=Outcome.SUCCESS, **fields):
    return Ended(run, outcome, run.start_time + timedelta(seconds=took), **fields)


def counts():
    return {(row.type, row.outcome): row.count for row in RunStats.objects.all()}


def test_an_end_is_counted_in_every_bucket_that_it_fits():
    settle([ended(started(factories.job(), waited=0.2), took=12)])
    row = RunStats.objects.get()
    assert (row.hour, row.type, row.outcome, row.count) == (NOON, "DUMMY", "SUCCESS", 1)
    assert (row.took_ms, row.waited_ms) == (12_000, 200)
    assert [row.took_100ms, row.took_1s, row.took_10s, row.took_1m, row.took_10m, row.took_1h] == [
        0, 0, 0, 1, 1, 1,
    ]  # fmt: skip
    assert [row.waited_100ms, row.waited_1s, row.waited_10s, row.waited_1m, row.waited_10m] == [0, 1, 1, 1, 1]


def test_later_ends_of_the_hour_are_added():
    job = factories.job()
    for minute in range(3):
        settle([ended(started(job, NOON + timedelta(minutes=minute)), took=0.1)])
    row = RunStats.objects.get()
    assert (row.count, row.took_ms, row.took_100ms) == (3, 300, 3)


def test_hours_types_and_outcomes_are_counted_apart():
    job = factories.job()
    later = started(job, TICK + timedelta(hours=1))
    settle([ended(started(job)), ended(later, outcome=Outcome.TIMEOUT, error_class="TIMEOUT")])
    found = RunStats.objects.order_by("hour").values_list("hour", "outcome", "count")
    assert list(found) == [(NOON, "SUCCESS", 1), (NOON + timedelta(hours=1), "TIMEOUT", 1)]


def test_an_outcome_that_is_discarded_is_not_counted():
    run = started(factories.job())
    settle([ended(run)])
    settle([ended(run, outcome=Outcome.FAILURE)])
    assert counts() == {("DUMMY", "SUCCESS"): 1}


def test_every_tick_of_a_skipped_stretch_is_counted():
    interval = {"schedule_type": "INTERVAL", "interval_seconds": 300, "misfire_policy": "IGNORE"}
    job = factories.job(schedule=interval)
    fire(NOON + timedelta(minutes=52))
    assert job.runs.get(skip_reason="MISFIRE").skipped_count == 10
    assert counts() == {("DUMMY", "SKIPPED"): 10}


def test_a_run_that_makes_way_for_the_next_one_is_counted_as_skipped():
    interval = {"schedule_type": "INTERVAL", "interval_seconds": 300}
    factories.job(schedule={**interval, "overlap_policy": Overlap.CANCEL_RUNNING})
    fire(TICK)
    fire(TICK + timedelta(minutes=5))
    assert Run.objects.get(scheduled_time=TICK).skipped_count == 1
    assert counts() == {("DUMMY", "SKIPPED"): 1}


def test_what_a_cancelled_job_had_waiting_is_counted():
    job = factories.job()
    fire(TICK)
    cancel_job(job, by=None, at=TICK)
    assert counts() == {("DUMMY", "CANCELLED"): 1}


def test_a_group_costs_as_many_statements_as_one_run():
    job = factories.job()

    def statements(runs):
        with CaptureQueriesContext(connection) as captured:
            stats.write([ended(run).counted for run in runs], {job.pk: job.type})
        return len(captured)

    runs = [started(job, TICK + timedelta(seconds=number)) for number in range(20)]
    assert statements(runs) == 2
    assert statements(runs) == statements(runs[:1]) == 1


def test_rows_are_locked_in_one_order_whatever_the_order_of_the_ends():
    types = {"a": "SCRIPT", "b": "HTTP"}
    ends = [End("a", "SUCCESS", TICK), End("b", "TIMEOUT", TICK), End("b", "FAILURE", TICK)]
    written = []
    for order in (ends, ends[::-1]):
        with CaptureQueriesContext(connection) as captured:
            stats.write(order, types)
        written.append([query["sql"] for query in captured if query["sql"].startswith("UPDATE")])
    assert len(written[0]) == 3
    assert written[0] == written[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_two_workers_that_end_the_first_runs_of_an_hour_are_both_counted():
    def end():
        with transaction.atomic():
            stats.write([End("a", "SUCCESS", TICK, 50)], {"a": "DUMMY"})

    meeting(end, end)
    row = RunStats.objects.get()
    assert (row.count, row.took_ms) == (2, 100)
