"""What people stop does not happen, and what they let go on catches up."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs import actions as job_actions
from jobs.models import JobSchedule
from runs import actions, stops, trials
from runs.claim import claim
from runs.doctor import Verdict, examine, invariants
from runs.fire import fire
from runs.management.commands.scheduler import LONGEST_SLEEP, Loop
from runs.models import Process, Run, Skip
from runs.processes import beat, farewell
from runs.ring import QUEUES
from runs.stops import NotSo, Stop
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

MINUTE = timedelta(minutes=1)
EVERY_MINUTE = {"schedule_type": "INTERVAL", "interval_seconds": 60}


def waiting(job, priority=2):
    at = database_now() - timedelta(seconds=priority)
    return Run.objects.create(job=job, scheduled_time=at, available_at=at, priority=priority)


def claimed(worker="w-1", free=10, **known):
    return [each.run.priority for each in claim(worker, free, {}, **known)]


def worker(name="w-1", **fields):
    beat(name, Process.Kind.WORKER, slots=8)
    Process.objects.filter(pk=name).update(started_at=database_now() - timedelta(hours=1), **fields)
    return Process.objects.get(pk=name)


# All firing


def test_nothing_fires_while_firing_is_stopped():
    factories.job()
    stops.stop_firing(by=None, at=NOON)
    assert fire(NOON + 10 * MINUTE) == 0
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("misfire", "ran", "skipped"), [("FIRE_NOW", 1, 9), ("IGNORE", 0, 10), ("RESCHEDULE", 0, 11)]
)
def test_what_was_missed_meanwhile_follows_the_misfire_policy(misfire, ran, skipped):
    job = factories.job(schedule={**EVERY_MINUTE, "misfire_policy": misfire})
    stops.stop_firing(by=None, at=NOON)
    later = NOON + timedelta(minutes=11, seconds=30)
    stops.resume_firing(by=None, at=later)
    fire(later)
    late = job.runs.filter(skip_reason=None, scheduled_time__lt=later - MINUTE)
    told = job.runs.filter(skip_reason=Skip.PAUSED).values_list("skipped_count", flat=True)
    assert (late.count(), sum(told)) == (ran, skipped)


def test_a_run_by_hand_starts_while_firing_is_stopped():
    job = factories.job()
    stops.stop_firing(by=None, at=NOON)
    actions.run_now(job, by=None, at=database_now())
    assert claimed() == [2]


def test_ticks_before_a_plan_is_changed_are_accounted_for_though_nothing_fires():
    job = factories.job(schedule=EVERY_MINUTE)
    stops.stop_firing(by=None, at=NOON)
    changed = factories.definition(schedule={**EVERY_MINUTE, "interval_seconds": 3600})
    job_actions.edit(job, changed, by=None, at=NOON + 3 * MINUTE)
    row = job.runs.get()
    assert (row.skip_reason, row.skipped_count, row.scheduled_time) == (Skip.PAUSED, 3, NOON + MINUTE)


def test_a_job_cancelled_meanwhile_leaves_no_tick_behind():
    job = factories.job(schedule=EVERY_MINUTE)
    stops.stop_firing(by=None, at=NOON)
    actions.cancel_job(job, by=None, at=NOON + 2 * MINUTE)
    assert job.runs.get().skipped_count == 2


def test_the_scheduler_sleeps_though_ticks_are_due():
    factories.job()
    stops.stop_firing(by=None, at=NOON)
    assert Loop("s-1").round() == LONGEST_SLEEP


# A queue


@pytest.mark.parametrize(("name", "rest"), [("high", [2, 3]), ("medium", [1, 3]), ("low", [1, 2])])
def test_of_a_stopped_queue_nothing_is_claimed(name, rest):
    job = factories.job()
    for rank in QUEUES:
        waiting(job, rank)
    stops.stop_queue(name, by=None, at=NOON)
    assert claimed() == rest


def test_beside_a_stopped_queue_no_more_is_claimed_than_there_are_slots():
    job = factories.job()
    for rank in QUEUES:
        waiting(job, rank)
    stops.stop_queue("high", by=None, at=NOON)
    assert claimed(free=1) == [2]


def test_slots_kept_for_the_urgent_stay_empty_while_these_are_stopped():
    job = factories.job()
    waiting(job, 1)
    waiting(job, 2)
    stops.stop_queue("high", by=None, at=NOON)
    assert claimed(free=1, reserved=1) == []


def test_a_resumed_queue_is_claimed_again():
    waiting(factories.job())
    stops.stop_queue("medium", by=None, at=NOON)
    stops.resume_queue("medium", by=None)
    assert claimed() == [2]


def test_nobody_rings_for_a_stopped_queue(monkeypatch):
    rung = []
    monkeypatch.setattr("runs.management.commands.scheduler.ring", lambda ranks: rung.extend(ranks))
    job = factories.job()
    JobSchedule.objects.update(next_fire_at=factories.NEVER)
    waiting(job, 1)
    waiting(job, 3)
    stops.stop_queue("high", by=None, at=NOON)
    Loop("s-1").round()
    assert rung == [3]


# A worker


def test_a_drained_worker_claims_no_more_and_the_others_do():
    waiting(factories.job())
    stops.drain_worker(worker("w-1"), by=None, at=NOON)
    assert [claimed("w-1"), claimed("w-2")] == [[], [2]]


def test_a_drained_worker_takes_no_trials_either():
    alice = factories.alice()
    trials.start(factories.definition(), owner=alice, by=alice, at=database_now(), parameters={})
    stops.drain_worker(worker("w-1"), by=None, at=NOON)
    assert [len(trials.take("w-1", 5)), len(trials.take("w-2", 5))] == [0, 1]


def test_a_worker_with_a_long_name_is_told_from_its_neighbour():
    host = "a-machine-with-a-name" * 8
    stops.drain_worker(worker(f"{host}:1:ab"), by=None, at=NOON)
    waiting(factories.job())
    assert [claimed(f"{host}:1:ab"), claimed(f"{host}:2:cd")] == [[], [2]]


def test_a_worker_that_says_goodbye_is_no_longer_stopped():
    stops.drain_worker(worker("w-1"), by=None, at=NOON)
    farewell("w-1")
    assert not Stop.objects.exists()


# What is said of it


def test_each_stop_and_its_end_are_audited_with_the_note():
    bob = factories.bob()
    stops.stop_firing(by=bob, at=NOON, note="The warehouse moves")
    stops.resume_firing(by=bob, at=NOON)
    stopped, resumed = AuditEvent.objects.order_by("pk")
    assert (stopped.action, stopped.details) == ("FIRING_STOPPED", {"note": "The warehouse moves"})
    assert (resumed.action, resumed.user_email) == ("FIRING_RESUMED", bob.email)


def test_what_is_stopped_is_not_stopped_twice_and_what_runs_is_not_resumed():
    stops.stop_queue("low", by=None, at=NOON)
    with pytest.raises(NotSo, match="paused already"):
        stops.stop_queue("low", by=None, at=NOON)
    with pytest.raises(NotSo, match="not paused"):
        stops.resume_firing(by=None, at=NOON)


def test_the_shell_hears_of_firing_and_queues_but_not_of_workers():
    stops.stop_queue("low", by=factories.bob(), at=NOON, note="Slow disks")
    stops.drain_worker(worker(), by=None, at=NOON)
    assert stops.shown() == [("QUEUE", "low", NOON, "bob@example.com", "Slow disks")]


def broken():
    return {each.name for each in invariants(7, apart=0) if each.verdict == Verdict.BROKEN}


def test_what_is_stopped_on_purpose_breaks_no_invariant():
    now = database_now()
    beat("s-1", Process.Kind.SCHEDULER)
    worker()
    Process.objects.update(started_at=now - timedelta(hours=1))
    job = factories.job(at=now - timedelta(hours=1))
    Run.objects.create(job=job, scheduled_time=now - 9 * MINUTE, available_at=now - 9 * MINUTE)
    assert broken() == {"a-due-schedule-fires", "a-due-run-is-claimed"}
    stops.stop_firing(by=None, at=now)
    stops.stop_queue("medium", by=None, at=now)
    assert broken() == set()


def test_a_drained_worker_is_no_reason_to_expect_claims():
    now = database_now()
    drained = worker()
    Run.objects.create(job=factories.job(at=now), scheduled_time=NOON, available_at=now - 9 * MINUTE)
    assert broken() == {"a-due-run-is-claimed"}
    stops.drain_worker(drained, by=None, at=now)
    assert broken() == set()


def test_the_doctor_names_what_is_stopped(valkey):
    stops.stop_queue("low", by=None, at=NOON)
    (found,) = [each for each in examine(1) if each.name == "stops"]
    assert (found.verdict, found.ids) == (Verdict.WARNING, ("queue low",))
