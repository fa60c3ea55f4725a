import os
import subprocess
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from jobs import actions
from jobs.executors import TYPES
from jobs.executors.base import Context, ExecutionError, Result
from jobs.executors.scripts import process_tree
from jobs.models import Status
from runs import drain as drains
from runs.drain import Drainer
from runs.models import DeadLetter, Process, Run, RunLog
from runs.processes import beat
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def due(job=None, **fields):
    job = job or factories.job(**fields)
    now = database_now() - timedelta(seconds=1)
    return Run.objects.create(job=job, scheduled_time=now, available_at=now)


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch):
    """Nobody rings here: a second without work would only be waited for."""
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.2)


@pytest.fixture
def doing(monkeypatch):
    """Let DUMMY jobs do what the test says."""

    def use(execute):
        monkeypatch.setitem(TYPES, "DUMMY", replace(TYPES["DUMMY"], execute=execute))

    return use


def drained(run, **options):
    Drainer("w-1", slots=4, **options).run()
    run.refresh_from_db()
    return run


def lines(run):
    return list(RunLog.objects.filter(run=run).order_by("id").values_list("level", "message"))


def test_a_due_run_ends_with_its_outcome_and_its_log(doing):
    doing(lambda payload, context: context.log("DEBUG", "half way") or Result("All 3 done", {"n": 3}))
    run = drained(due())
    assert (run.outcome, run.result) == ("SUCCESS", {"summary": "All 3 done", "data": {"n": 3}})
    assert lines(run) == [
        ("INFO", "Attempt 1 on w-1, version 1"),
        ("DEBUG", "half way"),
        ("INFO", "All 3 done"),
    ]


def test_a_failure_keeps_its_class_message_and_exit_code(doing):
    def fail(payload, context):
        raise ExecutionError("SCRIPT_ERROR", "Exit code 3", exit_code=3)

    doing(fail)
    run = drained(due())
    assert (run.outcome, run.error_class, run.error_message) == ("FAILURE", "SCRIPT_ERROR", "Exit code 3")
    assert run.exit_code == 3


def test_an_exit_code_that_no_column_holds_does_not_cost_the_outcome(doing):
    doing(lambda payload, context: Result("Done", exit_code=2**40))
    run = drained(due())
    assert (run.outcome, run.exit_code) == ("SUCCESS", None)


def test_what_escapes_an_executor_is_a_failure_with_its_traceback_in_the_log(doing):
    doing(lambda payload, context: 1 / 0)
    run = drained(due())
    assert (run.outcome, run.error_class) == ("FAILURE", "INTERNAL_ERROR")
    assert any("ZeroDivisionError" in message for _, message in lines(run))


def test_a_run_that_waits_past_its_deadline_times_out(doing):
    doing(lambda payload, context: context.wait(60))
    run = drained(due(payload={"timeout_seconds": 1}))
    assert (run.outcome, run.error_class) == ("TIMEOUT", "TIMEOUT")


def test_a_thread_that_ignores_its_deadline_is_left_behind(doing):
    release = threading.Event()
    doing(lambda payload, context: release.wait(60) or Result("too late"))
    run = drained(due(payload={"timeout_seconds": 1}))
    release.set()
    assert run.outcome == "TIMEOUT"
    assert run.duration_ms < 4000


def test_what_a_run_has_started_goes_when_its_time_is_up(doing):
    pids = []

    def script(payload, context):
        command = ["/bin/sh", "-c", "setsid sleep 60 & echo $!; sleep 60"]
        options = {"env": {"PATH": os.defpath}, "stdout": subprocess.PIPE}
        with process_tree.started(context, command, **options) as process:
            pids.extend([process.pid, int(process.stdout.readline())])
            process.wait()
            context.check()

    doing(script)
    run = drained(due(payload={"timeout_seconds": 1}))
    assert (run.outcome, len(pids)) == ("TIMEOUT", 2)
    assert run.duration_ms < 3_000
    assert not set(pids) & dict(process_tree._parents()).keys()


def test_a_cancel_request_reaches_a_running_run(doing):
    started = threading.Event()

    def hold(payload, context):
        started.set()
        context.wait(60)

    doing(hold)
    run = due()
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    assert started.wait(5)
    Run.objects.update(cancel_requested_at=database_now())
    drainer._beat_at = 0
    drainer.run()
    run.refresh_from_db()
    assert run.outcome == "CANCELLED"


def test_a_stop_ends_what_runs_as_lost_to_it_after_the_grace(doing, settings):
    settings.STOP_GRACE_SECONDS = 0
    doing(lambda payload, context: context.cancelled.wait(60) and threading.Event().wait(2))
    run = due()
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    drainer.stop()
    drainer.run()
    run.refresh_from_db()
    assert (run.outcome, run.error_class) == ("FAILURE", "WORKER_LOST")


def test_a_stopped_worker_claims_no_more():
    run = due()
    drainer = Drainer("w-1", slots=1)
    drainer.stop()
    drainer.run()
    run.refresh_from_db()
    assert run.state == "PENDING"


def test_many_due_runs_of_one_job_leave_it_scheduled():
    job = factories.job()
    now = database_now() - timedelta(minutes=1)
    for second in range(20):
        Run.objects.create(job=job, scheduled_time=now + timedelta(seconds=second), available_at=now)
    Drainer("w-1", slots=4).run()
    job.refresh_from_db()
    assert set(Run.objects.values_list("outcome", flat=True)) == {"SUCCESS"}
    assert job.status == Status.SCHEDULED


def test_waking_the_work_closes_what_it_blocks_in():
    closed = []
    context = Context("r", "j", "job", database_now(), 1, float("inf"), log=print)
    with context.closing(lambda: closed.append("socket")):
        context.cancel()
    context.interrupt()
    assert closed == ["socket"]


@pytest.mark.django_db(transaction=True)
def test_a_job_deleted_under_its_run_takes_no_other_run_along(doing):
    alice = factories.alice()
    gone, kept = due(factories.job(alice)), due(factories.job(alice))
    started = threading.Barrier(3)

    def meet(payload, context):
        started.wait(5)
        context.log("INFO", "on its way")
        return Result("Done")

    doing(meet)
    drainer = Drainer("w-1", slots=4)
    drainer._take()
    actions.delete(gone.job, by=None)
    started.wait(5)
    drainer.run()
    kept.refresh_from_db()
    assert kept.outcome == "SUCCESS"
    assert ("INFO", "on its way") in lines(kept)


@pytest.mark.django_db(transaction=True)
def test_a_run_stopped_for_want_of_the_database_is_lost_not_cancelled(doing):
    started = threading.Event()
    doing(lambda payload, context: started.set() or context.wait(60))
    run = due(safe_to_repeat=False)
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    assert started.wait(5)
    drainer._trusted_until = 0.0
    drainer.run()
    run.refresh_from_db()
    assert (run.outcome, run.error_class) == ("FAILURE", "WORKER_LOST")
    assert DeadLetter.objects.get().run == run


def test_work_stops_in_time_while_the_database_keeps_us_waiting(doing, settings):
    settings.LEASE_SECONDS = 1
    stopped = threading.Event()

    def hold(payload, context):
        try:
            context.wait(60)
        finally:
            stopped.set()

    doing(hold)
    due()
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    thread = threading.Thread(target=drainer._watch_leases, daemon=True)
    thread.start()
    assert stopped.wait(2)
    drainer._done.set()
    thread.join()


def test_a_worker_past_its_lifetime_does_not_starve_behind_one_long_run(doing, monkeypatch):
    monkeypatch.setattr(drains, "PATIENCE_SECONDS", 0.1)
    release = threading.Event()
    alice = factories.alice()
    long, short = factories.job(alice, name="long"), factories.job(alice, name="short")
    doing(lambda payload, context: release.wait(20) if context.job_name == "long" else release.set())
    drainer = Drainer("w-1", slots=2)
    due(long)
    drainer._take()
    due(short)
    drainer._ends_at = time.monotonic()
    drainer.run()
    assert not Run.objects.active().exists()


def test_a_thread_left_behind_keeps_its_slot_until_it_comes_back(doing):
    release = threading.Event()
    doing(lambda payload, context: release.wait(60))
    job = factories.job()
    due(job)
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    (work,) = drainer._work.values()
    work.execution.context = replace(work.context, deadline=time.monotonic() - 60)
    drainer._end(drainer._overdue())
    due(job)
    drainer._ends_at += 60
    assert not drainer._take()
    release.set()
    drainer._end([drainer._finished.get(timeout=5)])
    assert drainer._take()


def test_a_worker_looks_for_more_after_what_has_just_ended(doing, monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.1)
    doing(lambda payload, context: context.wait(0.15))
    job = factories.job()
    for _ in range(2):
        due(job)
    drainer = Drainer("w-1", slots=1)
    drainer._take()
    drainer.run()
    assert not Run.objects.active().exists()


def test_an_orphan_claims_no_more():
    run = due()
    drainer = Drainer("w-1", slots=1)
    drainer._parent = -1
    drainer.run()
    run.refresh_from_db()
    assert run.state == "PENDING"


def test_a_worker_says_how_many_runs_it_works_on(doing):
    doing(lambda payload, context: context.cancelled.wait(5))
    beat("w-1", Process.Kind.WORKER, slots=4)
    due()
    drainer = Drainer("w-1", slots=4)
    drainer._take()
    drainer._beat_at = 0
    drainer._beat()
    assert Process.objects.get().busy == 1
    drainer.stop()
    Run.objects.update(cancel_requested_at=database_now())
    drainer._beat_at = 0
    drainer.run()
    beat("w-1", Process.Kind.WORKER, idle=True)
    assert Process.objects.get().busy == 0


def test_what_repeats_another_run_works_for_the_tick_of_that_one(doing):
    ticks = {}
    doing(lambda payload, context: ticks.update({context.run_id: context.scheduled_time}))
    job = factories.job()
    first = factories.run(job, "FAILURE")
    again = factories.run(job, "FAILURE", at=first.scheduled_time + timedelta(hours=1), replay_of=first)
    due_now = database_now() - timedelta(seconds=1)
    once_more = factories.run(job, "PENDING", at=due_now, replay_of=again)
    plain = due(job)
    Drainer("w-1", slots=4).run()
    assert ticks == {once_more.pk: first.scheduled_time, plain.pk: plain.scheduled_time}
