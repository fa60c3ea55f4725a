"""What two processes do to one job at the same moment: each test is a race that was lost once."""

from datetime import timedelta
from functools import partial

import pytest

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Overlap, Status
from runs.actions import cancel_job
from runs.claim import claim
from runs.fire import fire
from runs.models import Outcome, Run
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON
from tests.together import meeting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases("postgresql", "mysql")]

TICK = NOON + timedelta(minutes=5)
AGAIN = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 0}


def claimed(job, tick=NOON):
    Run.objects.create(job=job, scheduled_time=tick, available_at=tick)
    (found,) = claim("w-1", 1, {})
    return found.run


def ended(run, outcome=Outcome.SUCCESS):
    return Ended(run, outcome, database_now(), error_class="" if outcome == Outcome.SUCCESS else "TIMEOUT")


def test_a_run_fired_while_its_predecessor_ends_does_not_wait_for_ever():
    job = factories.job(schedule={**factories.definition()["schedule"], "overlap_policy": Overlap.QUEUE})
    run = claimed(job)
    meeting(lambda: settle([ended(run)]), lambda: fire(TICK))
    assert Run.objects.get(scheduled_time=TICK).available_at is not None


def test_two_schedulers_that_meet_fire_each_tick_once():
    alice = factories.alice()
    for _ in range(3):
        factories.job(alice)
    taken = []
    meeting(lambda: taken.append(fire(TICK, limit=2)), lambda: taken.append(fire(TICK)))
    assert sorted(taken) == [1, 2]
    assert Run.objects.count() == 3


def test_a_tick_that_is_fired_while_its_schedule_is_edited_runs_once():
    job = factories.job()
    schedule = {"schedule_type": "INTERVAL", "interval_seconds": 3600}
    edit = partial(actions.edit, job, factories.definition(schedule=schedule), by=job.owner, at=TICK)
    meeting(lambda: fire(TICK), edit)
    assert Run.objects.get().scheduled_time == TICK
    assert JobSchedule.objects.get().next_fire_at == TICK + timedelta(hours=1)


def test_when_two_runs_end_at_once_the_one_that_waits_is_released():
    job = factories.job()
    first, second = claimed(job), claimed(job, NOON + timedelta(seconds=1))
    waiting = Run.objects.create(job=job, scheduled_time=TICK, available_at=None)
    meeting(lambda: settle([ended(first)]), lambda: settle([ended(second)]))
    waiting.refresh_from_db()
    assert waiting.available_at is not None


def test_a_plan_that_ends_while_its_last_run_ends_leaves_the_job_done():
    schedule = {"schedule_type": "INTERVAL", "interval_seconds": 300, "ends_at": TICK}
    job = factories.job(schedule=schedule)
    run = claimed(job)
    meeting(lambda: settle([ended(run)]), lambda: fire(TICK))
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED


def test_a_job_cancelled_while_its_run_fails_has_no_retry_ahead():
    job = factories.job(retry=AGAIN)
    run = claimed(job)
    meeting(
        lambda: settle([ended(run, Outcome.TIMEOUT)]), lambda: cancel_job(job, by=None, at=database_now())
    )
    assert not Run.objects.active().exists()


def test_a_job_cancelled_while_its_run_is_claimed_asks_it_to_stop():
    job = factories.job()
    run = Run.objects.create(job=job, scheduled_time=NOON, available_at=NOON)
    meeting(lambda: claim("w-1", 1, {}), lambda: cancel_job(job, by=None, at=database_now()))
    run.refresh_from_db()
    assert run.cancel_requested_at is not None


def test_a_pause_is_not_refused_since_a_run_starts_meanwhile():
    job = factories.job()
    Run.objects.create(job=job, scheduled_time=NOON, available_at=NOON)
    meeting(lambda: claim("w-1", 1, {}), lambda: actions.pause(job, by=None, at=NOON))
    assert Job.objects.get(pk=job.pk).status == Status.PAUSED


def test_a_job_whose_next_run_is_claimed_while_the_last_one_ends_is_running():
    job = factories.job()
    run = claimed(job)
    Run.objects.create(job=job, scheduled_time=TICK, available_at=TICK)
    meeting(lambda: settle([ended(run)]), lambda: claim("w-2", 1, {}))
    job.refresh_from_db()
    assert job.status == Status.RUNNING


def test_a_job_is_deleted_while_its_run_ends():
    job = factories.job(retry=AGAIN)
    run = claimed(job)
    meeting(lambda: settle([ended(run, Outcome.TIMEOUT)]), lambda: actions.delete(job, by=None))
    assert not Run.objects.exists()
    assert not JobSchedule.objects.exists()
