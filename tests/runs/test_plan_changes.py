"""Ticks that are due when their plan changes or ends are still accounted for."""

from datetime import timedelta

import pytest

from jobs import actions
from jobs.models import Job, JobSchedule
from runs.actions import cancel_job, run_now
from runs.fire import fire
from runs.models import Run, Skip
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TICK = NOON + timedelta(minutes=5)
SOON = TICK + timedelta(seconds=2)
HOURLY = {"schedule_type": "INTERVAL", "interval_seconds": 3600}


def ticks(job):
    """What became of the job's ticks: the tick, why it was skipped, and how many with it."""
    return list(job.runs.order_by("pk").values_list("scheduled_time", "skip_reason", "skipped_count"))


def replan(job, at):
    return actions.edit(job, factories.definition(schedule=HOURLY), by=job.owner, at=at)


def test_a_tick_due_when_its_schedule_is_edited_runs_the_version_it_was_due_under():
    job = factories.job()
    replan(job, SOON)
    assert (Run.objects.get().scheduled_time, Run.objects.get().version) == (TICK, 1)
    assert JobSchedule.objects.get(job=job).next_fire_at == SOON + timedelta(hours=1)


def test_an_edit_before_the_tick_is_due_takes_it_away():
    job = factories.job()
    replan(job, TICK - timedelta(seconds=1))
    assert ticks(job) == []


def test_ticks_of_a_pause_are_accounted_for_when_the_plan_changes_meanwhile():
    job = factories.job()
    actions.pause(job, by=job.owner, at=NOON)
    edited = replan(job, NOON + timedelta(minutes=17))
    actions.resume(edited, by=job.owner, at=NOON + timedelta(minutes=20))
    fire(NOON + timedelta(minutes=20))
    assert ticks(job) == [(TICK, Skip.PAUSED, 3)]


def test_a_paused_job_that_is_renamed_keeps_its_ticks_for_the_resumption():
    job = factories.job()
    actions.pause(job, by=job.owner, at=NOON)
    actions.edit(job, factories.definition(name="renamed"), by=job.owner, at=SOON)
    assert ticks(job) == []
    assert JobSchedule.objects.get(job=job).held_fire_at == TICK


def test_a_schedule_that_is_given_in_other_words_is_the_same():
    start = (NOON + timedelta(days=1)).astimezone(tz=None)
    job = factories.job(schedule={**HOURLY, "starts_at": start})
    edited = actions.edit(
        job, factories.definition(schedule={**HOURLY, "starts_at": start}), by=None, at=SOON
    )
    assert edited.version == 1


def test_a_tick_due_when_its_job_is_paused_waits_for_the_resumption():
    job = factories.job()
    actions.pause(job, by=job.owner, at=SOON)
    actions.resume(job, by=job.owner, at=SOON)
    fire(SOON)
    assert ticks(job) == [(TICK, None, None)]


def test_a_tick_due_when_its_job_is_cancelled_ends_cancelled():
    job = factories.job()
    cancel_job(job, by=job.owner, at=SOON)
    assert ticks(job) == [(TICK, None, None)]
    assert Run.objects.get().outcome == "CANCELLED"


def test_ticks_of_a_pause_are_accounted_for_when_the_job_is_cancelled():
    job = factories.job()
    actions.pause(job, by=job.owner, at=NOON)
    cancel_job(job, by=job.owner, at=NOON + timedelta(minutes=17))
    assert ticks(job) == [(TICK, Skip.PAUSED, 3)]


def test_a_paused_job_that_is_left_without_a_tick_and_never_ran_goes_back_to_pending():
    job = factories.job()
    actions.pause(job, by=job.owner, at=NOON)
    over = {**HOURLY, "starts_at": NOON - timedelta(days=2), "ends_at": NOON - timedelta(days=1)}
    edited = actions.edit(job, factories.definition(schedule=over), by=job.owner, at=NOON)
    actions.resume(edited, by=job.owner, at=NOON)
    job.refresh_from_db()
    assert job.status == "PENDING"


def disarmed_while_it_runs():
    job = factories.job()
    factories.run(job, "RUNNING")
    JobSchedule.objects.filter(job=job).update(next_fire_at=None)
    Job.objects.filter(pk=job.pk).update(status="PENDING")
    return job


def by_hand(job):
    run_now(job, by=job.owner, at=SOON)


@pytest.mark.parametrize("schedule_anew", [lambda job: replan(job, SOON), by_hand])
def test_a_job_that_is_scheduled_anew_while_a_run_goes_on_is_running(schedule_anew):
    job = disarmed_while_it_runs()
    schedule_anew(job)
    job.refresh_from_db()
    assert job.status == "RUNNING"


def test_a_schedule_that_cannot_be_read_can_be_edited_and_cancelled():
    alice = factories.alice()
    edited, cancelled = factories.job(alice), factories.job(alice)
    JobSchedule.objects.update(interval_seconds=0)
    replan(edited, SOON)
    cancel_job(cancelled, by=alice, at=SOON)
    edited.refresh_from_db()
    cancelled.refresh_from_db()
    assert (edited.status, cancelled.status) == ("SCHEDULED", "CANCELLED")
