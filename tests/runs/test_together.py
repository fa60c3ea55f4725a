"""What two processes do to one job at the same moment: each test is a race that was lost once."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chronos_site.clock import database_now
from chronos_site.locks import locked
from jobs import actions, moves
from jobs.models import Job, JobSchedule, Overlap, Status
from runs import actions as actions_on_runs
from runs import triage
from runs.actions import cancel_job
from runs.claim import claim
from runs.fire import fire
from runs.logbook import Logbook, write
from runs.models import DeadLetter, Outcome, Run, RunLog, Trigger
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


def hold_run(run):
    locked(Run.objects.filter(pk=run.pk)).get()


def test_who_ends_a_run_does_not_wait_for_the_next_one_while_holding_their_job():
    job = factories.job()
    run = claimed(job)
    waiting = Run.objects.create(job=job, scheduled_time=TICK, available_at=None)
    meeting(lambda: hold_run(waiting), lambda: settle([ended(run)]), then=lambda: list(moves.hold([job.pk])))
    waiting.refresh_from_db()
    assert waiting.available_at is not None


def test_a_tick_that_is_fired_does_not_wait_for_the_next_run_while_holding_their_job():
    job = every_five_minutes(overlap_policy=Overlap.QUEUE)
    backfilled(job)
    (head,) = Run.objects.pending().filter(available_at__isnull=False)
    Run.objects.filter(pk=head.pk).update(outcome=Outcome.CANCELLED)
    waiting = Run.objects.pending().order_by("scheduled_time").first()
    meeting(lambda: hold_run(waiting), lambda: fire(TICK), then=lambda: list(moves.hold([job.pk])))
    assert Run.objects.filter(scheduled_time=TICK).exists()


def run_by_hand(job):
    actions_on_runs.run_now(job, by=None, at=database_now())


def backfill_its_past(job):
    backfilled(job)


def fire_its_last_tick(job):
    JobSchedule.objects.filter(job=job).update(ends_at=TICK)
    fire(TICK)


@pytest.mark.parametrize("act", [run_by_hand, backfill_its_past, fire_its_last_tick])
def test_a_job_is_held_before_it_gets_a_run(act):
    job = every_five_minutes()
    with CaptureQueriesContext(connection) as told:
        act(job)
    statements = [query["sql"].replace("`", '"') for query in told]
    held = next(n for n, sql in enumerate(statements) if 'FROM "jobs"' in sql and " FOR " in sql)
    made = next(n for n, sql in enumerate(statements) if 'INTO "job_runs"' in sql or "INTO job_runs" in sql)
    assert held < made


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


def test_lines_of_jobs_that_are_deleted_meanwhile_cost_no_other_its_lines():
    alice = factories.alice()
    gone, going, staying = (claimed(factories.job(alice)) for _ in range(3))
    book = Logbook()
    for run in (gone, going, staying):
        book.add(run.pk, "INFO", "Hello")
    actions.delete(gone.job, by=None)
    meeting(lambda: actions.delete(going.job, by=None), lambda: write(book.take()))
    assert RunLog.objects.get().run_id == staying.pk


def given_up(job):
    run = claimed(job)
    settle([ended(run, Outcome.TIMEOUT)])
    return DeadLetter.objects.get(run=run)


def replay_all():
    return triage.replay(DeadLetter.objects.all(), by=None, at=database_now())


def test_a_dead_letter_that_two_people_replay_at_once_runs_once():
    given_up(factories.job())
    counts = []
    meeting(lambda: counts.append(replay_all()), lambda: counts.append(replay_all()))
    assert counts == [1, 0]
    assert Run.objects.filter(trigger=Trigger.REPLAY).count() == 1


def test_a_dead_letter_that_is_closed_while_it_is_replayed_is_not_closed_twice():
    given_up(factories.job())
    everything = DeadLetter.objects.all()
    meeting(lambda: triage.ignore(everything, by=None, at=database_now(), notes="A test"), replay_all)
    assert not Run.objects.filter(trigger=Trigger.REPLAY).exists()
    assert DeadLetter.objects.get().status == "IGNORED"


def test_a_replay_that_fails_while_its_event_is_closed_has_an_event_of_its_own():
    event = given_up(factories.job())
    replay_all()
    (found,) = claim("w-1", 1, {})
    meeting(
        lambda: triage.resolve(DeadLetter.objects.all(), by=None, at=database_now(), notes="Mended"),
        lambda: settle([ended(found.run, Outcome.TIMEOUT)]),
    )
    event.refresh_from_db()
    assert event.resolution_notes == "Mended"
    assert DeadLetter.objects.pending().get().run == found.run


def test_a_job_that_is_cancelled_while_its_dead_letter_is_replayed_has_nothing_ahead():
    job = factories.job()
    given_up(job)
    meeting(replay_all, lambda: cancel_job(job, by=None, at=database_now()))
    assert not Run.objects.active().exists()
    assert Job.objects.get(pk=job.pk).status == Status.CANCELLED


def backfilled(job):
    """A backfill of the five ticks up to noon, or the refusal."""
    try:
        return actions_on_runs.backfill(
            job, since=NOON - 4 * (TICK - NOON), until=NOON, by=None, at=database_now()
        )
    except actions_on_runs.BackfillInProgress as refusal:
        return refusal


def every_five_minutes(overlap_policy=Overlap.SKIP, **fields):
    schedule = {"schedule_type": "CRON", "cron_expression": "*/5 * * * *", "overlap_policy": overlap_policy}
    job = factories.job(schedule=schedule, **fields)
    JobSchedule.objects.filter(job=job).update(next_fire_at=TICK)
    return job


def test_of_two_backfills_at_once_one_is_refused():
    job = every_five_minutes()
    found = []
    meeting(lambda: found.append(backfilled(job)), lambda: found.append(backfilled(job)))
    assert found[0] == 5
    assert isinstance(found[1], actions_on_runs.BackfillInProgress)
    assert Run.objects.count() == 5


def test_a_tick_that_is_fired_while_a_backfill_starts_stands_behind_its_first_run():
    job = every_five_minutes()
    meeting(lambda: backfilled(job), lambda: fire(TICK))
    fire(TICK)
    assert Run.objects.active().filter(available_at__isnull=False).count() == 1


def test_a_backfill_that_starts_while_a_run_of_the_job_ends_does_not_wait_for_ever():
    job = every_five_minutes()
    run = claimed(job, TICK)
    meeting(lambda: settle([ended(run)]), lambda: backfilled(job))
    assert Run.objects.active().filter(available_at__isnull=False).count() == 1


def test_a_backfill_is_cancelled_while_its_run_ends_and_the_next_is_let_go():
    job = every_five_minutes()
    backfilled(job)
    (found,) = claim("w-1", 1, {})
    meeting(
        lambda: settle([ended(found.run)]),
        lambda: actions_on_runs.cancel_backfill(job, by=None, at=database_now()),
    )
    assert not Run.objects.active().exists()


def test_a_backfill_whose_run_fails_while_it_is_cancelled_has_no_retry_ahead():
    job = every_five_minutes(retry=AGAIN)
    backfilled(job)
    (found,) = claim("w-1", 1, {})
    meeting(
        lambda: actions_on_runs.cancel_backfill(job, by=None, at=database_now()),
        lambda: settle([ended(found.run, Outcome.TIMEOUT)]),
    )
    assert not Run.objects.active().exists()
