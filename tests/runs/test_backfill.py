"""Running past ticks: which ones, and in what order beside the ticks that come."""

import itertools
from datetime import timedelta
from functools import partial

import pytest

from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs import actions as job_actions
from jobs.models import Job, JobSchedule, Overlap, Status
from jobs.schedules import Plan
from runs import backfill, drain, retention
from runs.actions import BackfillInProgress, NoBackfill, cancel_backfill, cancel_job
from runs.actions import backfill as start
from runs.backfill import BadRange, Row, propose, sort, walk
from runs.days import JobDay
from runs.drain import Drainer
from runs.fire import fire
from runs.models import DeadLetter, Outcome, Run, Skip, Trigger
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

everywhere = [pytest.mark.django_db, pytest.mark.databases]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURLY = {"schedule_type": "CRON", "cron_expression": "0 * * * *"}
MORNING = NOON - 6 * HOUR
TICKS = [MORNING + n * HOUR for n in range(4)]


# which ticks


def test_both_ends_of_the_range_belong_to_it():
    plan = Plan("CRON", cron_expression="0 * * * *")
    assert walk(plan, MORNING, TICKS[-1]) == TICKS


def test_a_single_time_is_the_only_tick():
    plan = Plan("ONCE", run_at=MORNING)
    assert walk(plan, MORNING - DAY, NOON) == [MORNING]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan("CRON", cron_expression="0 0 1 1 *"), "No tick"),
        (Plan("CRON", cron_expression="* * * * * ?"), "More than 5,000 ticks"),
        (Plan("CRON", cron_expression="nonsense"), "cannot be read"),
    ],
)
def test_a_range_that_makes_no_sense_is_told(plan, told):
    with pytest.raises(BadRange, match=told):
        walk(plan, MORNING, NOON)


def test_what_ran_is_left_out_and_what_was_skipped_is_not():
    rows = {TICKS[0]: Row("A", ran=True), TICKS[1]: Row("B", ran=False, reaches=TICKS[2] + MINUTE)}
    found = sort(TICKS, rows)
    assert found.ticks == [(TICKS[1], "B"), (TICKS[2], None), (TICKS[3], None)]
    assert (found.skipped, found.ran) == (2, 1)


def test_what_ran_is_run_again_when_asked_for():
    found = sort(TICKS, {TICKS[0]: Row("A", ran=True)}, include_ran=True)
    assert (found.ticks[0], len(found.ticks), found.ran) == ((TICKS[0], "A"), 4, 1)


def test_a_skipped_stretch_may_begin_before_the_range():
    assert sort(TICKS, {}, skipped_until=TICKS[1] + MINUTE).skipped == 2


def test_a_range_where_all_ran_has_nothing_to_run():
    with pytest.raises(BadRange, match="All 4 ticks"):
        sort(TICKS, {tick: Row("A", ran=True) for tick in TICKS})


def test_only_so_many_runs_are_made_at_once(monkeypatch):
    monkeypatch.setattr(backfill, "MOST_RUNS", 3)
    with pytest.raises(BadRange, match="would be 4 runs"):
        sort(TICKS, {})
    assert len(sort(TICKS, {TICKS[0]: Row("A", ran=True)}).ticks) == 3


# the rows


@pytest.fixture
def job(db):
    return factories.job(at=NOON, schedule=HOURLY)


def proposed(job, since=MORNING, until=TICKS[-1], at=NOON, **options):
    return propose(JobSchedule.objects.get(job=job), since, until, at=at, **options)


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [(NOON, MORNING, "before the start"), (MORNING, NOON + HOUR, "still to come")],
)
@pytest.mark.django_db
def test_a_range_lies_in_the_past_and_has_a_length(job, since, until, told):
    with pytest.raises(BadRange, match=told):
        proposed(job, since, until)


@pytest.mark.django_db
def test_the_rows_tell_what_ran(job):
    factories.run(job, at=TICKS[0])
    stretch = {"outcome": "CANCELLED", "skip_reason": Skip.MISFIRE, "end_time": TICKS[2] + MINUTE}
    skipped = factories.run(job, "PENDING", at=TICKS[1], skipped_count=2, **stretch)
    found = proposed(job)
    assert found.ticks == [(TICKS[1], skipped.pk), (TICKS[2], None), (TICKS[3], None)]
    assert (found.skipped, found.ran) == (2, 1)
    assert proposed(job, since=TICKS[2]).skipped == 1


@pytest.mark.django_db
def test_a_skipped_tick_that_was_backfilled_has_run(job):
    skipped = factories.run(job, "PENDING", at=TICKS[0], outcome="CANCELLED", skip_reason=Skip.OVERLAP)
    stopped = factories.run(job, "PENDING", at=NOON, outcome="CANCELLED", replay_of=skipped)
    assert proposed(job).ran == 0
    Run.objects.filter(pk=stopped.pk).update(outcome=None)
    assert proposed(job).ran == 1


@pytest.mark.django_db
def test_it_tells_of_runs_that_may_have_been_deleted(job):
    later = NOON + timedelta(days=100)
    assert proposed(job, at=later).forgotten_until is None
    JobDay.objects.create(job=job, day=MORNING.date(), succeeded=3)
    assert proposed(job, at=later).forgotten_until == NOON + timedelta(days=10)
    assert proposed(job, at=NOON + timedelta(days=80)).forgotten_until is None
    retention.change({"RUNS_SUCCESS": None, "RUNS_FAILED": None}, by=None)
    assert proposed(job, at=later).forgotten_until is None


@pytest.mark.django_db
def test_ticks_that_the_schedule_has_yet_to_fire_are_its_own(job):
    JobSchedule.objects.update(next_fire_at=TICKS[2])
    found = proposed(job)
    assert (found.last, found.left_from) == (TICKS[1], TICKS[2])


# the runs


begin = partial(start, since=MORNING, until=TICKS[-1], by=None, at=NOON)


def line(job):
    """The backfill's open runs and whether they may start, in their order."""
    rows = Run.objects.active().filter(job=job, trigger=Trigger.BACKFILL).order_by("scheduled_time")
    return [(run.scheduled_time, run.available_at is not None) for run in rows]


def end_next(job, outcome=Outcome.SUCCESS, at=NOON):
    run = Run.objects.active().filter(job=job, available_at__isnull=False).order_by("scheduled_time").first()
    settle([Ended(run, outcome, at, error_class="" if outcome == Outcome.SUCCESS else "TIMEOUT")])
    return run


@pytest.mark.django_db
@pytest.mark.databases
def test_ticks_run_one_after_the_other(job):
    assert begin(job) == 4
    assert line(job) == [(TICKS[0], True), (TICKS[1], False), (TICKS[2], False), (TICKS[3], False)]
    end_next(job)
    assert line(job) == [(TICKS[1], True), (TICKS[2], False), (TICKS[3], False)]


@pytest.mark.django_db
@pytest.mark.databases
def test_all_run_at_once_where_overlap_is_allowed():
    job = factories.job(schedule={**HOURLY, "overlap_policy": Overlap.ALLOW})
    begin(job)
    assert [free for _, free in line(job)] == [True] * 4


@pytest.mark.django_db
@pytest.mark.databases
def test_the_line_stands_behind_what_runs_already(job):
    running = factories.run(job, "RUNNING", at=NOON - HOUR)
    begin(job)
    assert not any(free for _, free in line(job))
    settle([Ended(running, Outcome.SUCCESS, NOON)])
    assert [free for _, free in line(job)] == [True, False, False, False]


@pytest.mark.django_db
@pytest.mark.databases
@pytest.mark.parametrize(
    "ahead",
    [
        {"available_at": NOON + MINUTE},
        {"available_at": NOON, "attempt": 2, "trigger": Trigger.RETRY},
    ],
    ids=["a tick with jitter", "a retry that is due"],
)
def test_the_line_stands_behind_what_is_about_to_run(job, ahead):
    factories.run(job, "PENDING", at=NOON - HOUR, **ahead)
    begin(job)
    assert not any(free for _, free in line(job))


@pytest.mark.django_db
@pytest.mark.databases
def test_a_failure_takes_its_way_and_the_line_goes_on(job):
    retrying = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 600}
    again = factories.job(job.owner, schedule=HOURLY, retry=retrying)
    begin(again)
    end_next(again, Outcome.FAILURE)
    retry = Run.objects.get(job=again, attempt=2)
    assert (retry.trigger, retry.scheduled_time, retry.available_at) == (
        "BACKFILL",
        TICKS[0],
        NOON + 10 * MINUTE,
    )
    assert (TICKS[1], True) in line(again)
    begin(job)
    end_next(job, Outcome.FAILURE)
    assert DeadLetter.objects.get().run.scheduled_time == TICKS[0]
    assert (TICKS[1], True) in line(job)


@pytest.mark.django_db
@pytest.mark.databases
def test_what_stands_at_a_tick_is_repeated_beside_it(job):
    ran = factories.run(job, at=TICKS[0])
    begin(job, include_ran=True)
    repeat = Run.objects.get(replay_of=ran)
    assert repeat.scheduled_time > NOON
    assert Run.objects.filter(job=job, scheduled_time__in=TICKS[1:], replay_of=None).count() == 3


@pytest.mark.django_db
@pytest.mark.databases
@pytest.mark.parametrize("policy", [Overlap.SKIP, Overlap.QUEUE, Overlap.CANCEL_RUNNING])
def test_a_tick_that_comes_meanwhile_waits_for_one_run_and_goes_first(policy):
    job = factories.job(at=NOON, schedule={**HOURLY, "overlap_policy": policy})
    begin(job)
    Run.objects.filter(scheduled_time=TICKS[0]).update(start_time=NOON)
    fire(NOON + HOUR)
    live = Run.objects.get(trigger=Trigger.SCHEDULE)
    assert (live.outcome, live.available_at) == (None, None)
    assert not Run.objects.exclude(cancel_requested_at=None).exists()
    assert len(line(job)) == 4
    end_next(job, at=NOON + HOUR)
    live.refresh_from_db()
    assert live.available_at == NOON + HOUR
    assert not any(free for _, free in line(job))


@pytest.mark.django_db
@pytest.mark.databases
def test_ticks_do_not_pile_up_behind_a_backfill(job):
    begin(job)
    fire(NOON + HOUR)
    fire(NOON + 2 * HOUR)
    told = Run.objects.filter(trigger=Trigger.SCHEDULE).order_by("scheduled_time")
    assert [run.skip_reason for run in told] == [None, Skip.OVERLAP]


@pytest.mark.django_db
@pytest.mark.databases
def test_a_tick_does_not_wait_for_the_retry_of_a_backfill(job):
    factories.run(job, "PENDING", trigger=Trigger.BACKFILL, attempt=2, available_at=NOON + DAY)
    fire(NOON + HOUR)
    assert Run.objects.get(trigger=Trigger.SCHEDULE).available_at is not None


@pytest.mark.django_db
def test_a_job_is_backfilled_once_at_a_time(job):
    begin(job)
    with pytest.raises(BackfillInProgress):
        begin(job)
    assert Run.objects.count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.PENDING, Status.CANCELLED, Status.FAILED])
def test_a_job_that_has_ended_is_scheduled_again(job, status):
    Job.objects.update(status=status)
    begin(job)
    assert Job.objects.get().status == Status.SCHEDULED


@pytest.mark.django_db
def test_a_paused_job_is_backfilled_and_stays_paused(job):
    job_actions.pause(job, by=None, at=NOON)
    begin(job)
    end_next(job)
    assert Job.objects.get().status == Status.PAUSED
    assert line(job)[0] == (TICKS[1], True)


@pytest.mark.django_db
def test_the_audit_trail_tells_of_a_backfill(job):
    begin(job)
    told = AuditEvent.objects.get(action="JOB_BACKFILLED").details
    assert told == {"from": TICKS[0].isoformat(), "to": TICKS[-1].isoformat(), "runs": 4}


# its end


@pytest.mark.django_db
@pytest.mark.databases
def test_cancelling_a_backfill_leaves_everything_else(job):
    begin(job)
    Run.objects.filter(scheduled_time=TICKS[0]).update(start_time=NOON)
    fire(NOON + HOUR)
    cancel_backfill(job, by=None, at=NOON + HOUR)
    assert Run.objects.filter(outcome="CANCELLED", trigger=Trigger.BACKFILL).count() == 3
    assert Run.objects.get(scheduled_time=TICKS[0]).cancel_requested_at is not None
    assert Run.objects.get(trigger=Trigger.SCHEDULE).outcome is None
    assert AuditEvent.objects.get(action="JOB_BACKFILL_CANCELLED").details == {"waiting": 3, "running": 1}


@pytest.mark.django_db
def test_a_tick_that_waited_goes_when_the_backfill_is_cancelled(job):
    begin(job)
    fire(NOON + HOUR)
    cancel_backfill(job, by=None, at=NOON + HOUR)
    assert Run.objects.active().get().available_at == NOON + HOUR


@pytest.mark.django_db
def test_without_a_backfill_there_is_nothing_to_cancel(job):
    with pytest.raises(NoBackfill):
        cancel_backfill(job, by=None, at=NOON)


@pytest.mark.django_db
def test_cancelling_the_job_ends_its_backfill(job):
    begin(job)
    cancel_job(job, by=None, at=NOON)
    assert not Run.objects.active().exists()


@pytest.mark.django_db
@pytest.mark.databases
def test_a_worker_runs_the_line_in_its_order_for_the_ticks_that_were_asked_for(job, monkeypatch):
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.2)
    at = database_now()
    until = at.replace(minute=0, second=0, microsecond=0)
    skipped = factories.run(job, "PENDING", at=until - HOUR, outcome="CANCELLED", skip_reason=Skip.MISFIRE)
    JobSchedule.objects.update(next_fire_at=until + HOUR)
    assert start(job, since=until - 3 * HOUR, until=until, by=None, at=at) == 4
    Drainer("w-1", slots=4).run()
    runs = list(Run.objects.filter(trigger=Trigger.BACKFILL).order_by("start_time"))
    assert [run.outcome for run in runs] == ["SUCCESS"] * 4
    assert [run.scheduled_time for run in runs[:3]] == [until - 3 * HOUR, until - 2 * HOUR, until]
    assert runs[3].replay_of_id == skipped.pk
    assert all(first.end_time <= second.start_time for first, second in itertools.pairwise(runs))
