from datetime import timedelta

import pytest

from jobs.models import Status
from runs.fire import fire
from runs.models import DeadLetter, Outcome, Run, Trigger
from runs.settle import Ended, settle, settle_apart
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

TICK = NOON + timedelta(minutes=5)
END = TICK + timedelta(seconds=3)
ONCE = {"schedule_type": "ONCE", "run_at": TICK}


def running(job, token="01K0000000000000000000TOKE", **fields):
    fire(TICK)
    run = job.runs.get(scheduled_time=TICK, attempt=1)
    Run.objects.filter(pk=run.pk).update(start_time=TICK, claim_token=token, **fields)
    type(job).objects.filter(pk=job.pk).update(status=Status.RUNNING)
    run.refresh_from_db()
    return run


def failed(run, error_class="HTTP_503", **fields):
    return Ended(
        run, Outcome.FAILURE, END, error_class=error_class, error_message="Service unavailable", **fields
    )


def test_an_outcome_is_written_with_its_duration_and_result():
    run = running(factories.job())
    assert settle([Ended(run, Outcome.SUCCESS, END, exit_code=0, result={"summary": "ok"})]) == {run.pk}
    run.refresh_from_db()
    assert (run.outcome, run.duration_ms, run.exit_code, run.result) == (
        "SUCCESS",
        3000,
        0,
        {"summary": "ok"},
    )


def test_a_worker_we_gave_up_on_cannot_settle_the_run():
    run = running(factories.job())
    Run.objects.update(claim_token="01K0000000000000000000THEE")
    assert settle([Ended(run, Outcome.SUCCESS, END)]) == set()
    run.refresh_from_db()
    assert run.outcome is None


def test_a_run_gets_one_outcome_ever():
    run = running(factories.job())
    settle([Ended(run, Outcome.SUCCESS, END)])
    assert settle([failed(run)]) == set()
    assert Run.objects.get(pk=run.pk).outcome == "SUCCESS"
    assert not DeadLetter.objects.exists()


def test_of_a_group_only_the_runs_still_ours_are_settled():
    alice = factories.alice()
    first, second = running(factories.job(alice)), running(factories.job(alice))
    Run.objects.filter(pk=first.pk).update(outcome=Outcome.CANCELLED, end_time=TICK)
    assert settle([failed(first), failed(second)]) == {second.pk}
    assert DeadLetter.objects.get().run == second


def test_a_failure_with_attempts_left_is_tried_again_after_its_wait():
    retry = {"max_attempts": 3, "backoff_strategy": "EXPONENTIAL", "backoff_seconds": 10}
    run = running(factories.job(retry=retry))
    settle([failed(run)])
    again = Run.objects.get(attempt=2)
    assert (again.scheduled_time, again.trigger) == (TICK, Trigger.RETRY)
    assert again.available_at == END + timedelta(seconds=10)
    assert not DeadLetter.objects.exists()


def test_with_jitter_the_wait_lies_between_half_of_it_and_all_of_it():
    retry = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 1000, "jitter": True}
    alice = factories.alice()
    settle([failed(running(factories.job(alice, retry=retry))) for _ in range(3)])
    waits = [run.available_at - END for run in Run.objects.filter(attempt=2)]
    assert all(timedelta(seconds=500) <= wait <= timedelta(seconds=1000) for wait in waits)
    assert len(set(waits)) == 3


def test_a_failure_of_a_class_that_is_not_retried_becomes_a_dead_letter():
    retry = {"max_attempts": 3, "backoff_strategy": "FIXED", "backoff_seconds": 10, "retry_on": ["TIMEOUT"]}
    run = running(factories.job(retry=retry))
    settle([failed(run)])
    assert Run.objects.count() == 1
    assert DeadLetter.objects.get().failure_reason == "HTTP_503: Service unavailable"


def test_a_retry_is_wanted_by_any_class_in_the_chain():
    retry = {"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 10, "retry_on": ["5XX"]}
    run = running(factories.job(retry=retry))
    settle([failed(run)])
    assert Run.objects.filter(attempt=2).exists()


def test_the_last_attempt_leaves_exactly_one_dead_letter():
    run = running(factories.job())
    settle([failed(run)])
    letter = DeadLetter.objects.get()
    run.refresh_from_db()
    assert (letter.run, letter.status, letter.signature) == (run, "PENDING", run.signature)


def test_a_cancelled_run_is_neither_tried_again_nor_a_dead_letter():
    run = running(factories.job(retry={"max_attempts": 3, "backoff_strategy": "FIXED", "backoff_seconds": 1}))
    settle([Ended(run, Outcome.CANCELLED, END)])
    assert Run.objects.count() == 1
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize(("outcome", "status"), [("SUCCESS", "SUCCEEDED"), ("FAILURE", "FAILED")])
def test_a_job_with_nothing_ahead_takes_the_outcome_of_its_last_run(outcome, status):
    job = factories.job(schedule=ONCE)
    run = running(job)
    settle([Ended(run, Outcome(outcome), END)])
    job.refresh_from_db()
    assert job.status == status


@pytest.mark.parametrize("turned", [False, True])
def test_of_runs_that_end_in_one_moment_the_newest_tick_is_the_last(turned):
    job = factories.job(schedule=ONCE)
    newer = running(job)
    older = factories.run(job, "RUNNING", claim_token="T", scheduled_time=NOON)
    group = [failed(older), Ended(newer, Outcome.SUCCESS, END)]
    settle(group[::-1] if turned else group)
    job.refresh_from_db()
    assert job.status == "SUCCEEDED"


def test_a_failing_recurring_job_stays_scheduled():
    job = factories.job()
    settle([failed(running(job))])
    job.refresh_from_db()
    assert job.status == Status.SCHEDULED


def test_a_retry_ahead_keeps_a_single_run_job_scheduled():
    job = factories.job(
        schedule=ONCE, retry={"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 1}
    )
    settle([failed(running(job))])
    job.refresh_from_db()
    assert job.status == Status.SCHEDULED


def test_the_end_of_a_run_does_not_unpause():
    job = factories.job()
    run = running(job)
    type(job).objects.update(status=Status.PAUSED)
    settle([Ended(run, Outcome.SUCCESS, END)])
    job.refresh_from_db()
    assert job.status == Status.PAUSED


def test_a_run_that_waited_for_another_one_may_start_when_that_has_ended():
    job = factories.job()
    run = running(job)
    Run.objects.create(job=job, scheduled_time=END, available_at=None)
    settle([Ended(run, Outcome.SUCCESS, END)])
    assert Run.objects.get(scheduled_time=END).available_at == END


def test_a_run_that_was_asked_to_stop_is_not_tried_again():
    run = running(factories.job(retry={"max_attempts": 3, "backoff_strategy": "FIXED", "backoff_seconds": 1}))
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=END)
    settle([failed(run)])
    assert not Run.objects.filter(attempt=2).exists()


def test_what_the_database_cannot_store_spoils_no_outcome():
    run = running(factories.job())
    hostile = {"error_class": "X" * 200, "error_message": "NUL \0, half a pair \ud800"}
    settle([Ended(run, Outcome.FAILURE, END, result={"data": {"n": float("nan"), "b": b"\xff"}}, **hostile)])
    run.refresh_from_db()
    assert (run.outcome, run.error_message) == ("FAILURE", "NUL \ufffd, half a pair \ufffd")
    assert run.result == {"data": {"n": "nan", "b": "b'\\xff'"}}


def test_a_huge_result_leaves_its_summary():
    run = running(factories.job())
    settle([Ended(run, Outcome.SUCCESS, END, result={"summary": "Done", "data": "x" * 1_000_000})])
    run.refresh_from_db()
    assert run.result["summary"] == "Done"
    assert run.result["cut"].endswith("characters")


def test_one_run_that_cannot_be_settled_spoils_no_other():
    alice = factories.alice()
    first, second = running(factories.job(alice)), running(factories.job(alice))
    # A run has one dead letter at most.
    DeadLetter.objects.create(job=first.job, run=first, failure_reason="before")
    assert settle_apart([failed(first), failed(second)]) == {second.pk}
    assert DeadLetter.objects.filter(run=second).exists()


def told(caplog):
    return [
        (record.levelname, record.getMessage()) for record in caplog.records if record.name.startswith("runs")
    ]


def test_a_failure_is_told_in_the_log_with_what_a_collector_looks_for(
    caplog, django_capture_on_commit_callbacks
):
    run = running(factories.job(), worker_id="w-1")
    with django_capture_on_commit_callbacks(execute=True):
        settle([Ended(run, Outcome.FAILURE, END, error_class="HTTP_503", error_message="No.\nCookie: x")])
    assert told(caplog) == [("WARNING", "run ended FAILURE: HTTP_503: No.")]
    fields = vars(caplog.records[-1])
    assert (fields["run"], fields["job"], fields["attempt"]) == (run.pk, run.job_id, 1)
    assert (fields["type"], fields["worker"], fields["outcome"]) == ("DUMMY", "w-1", "FAILURE")


@pytest.mark.parametrize(("level", "lines"), [("INFO", 0), ("DEBUG", 1)])
def test_a_success_is_told_only_to_who_asks_for_it(caplog, django_capture_on_commit_callbacks, level, lines):
    caplog.set_level(level, "runs")
    run = running(factories.job())
    with django_capture_on_commit_callbacks(execute=True):
        settle([Ended(run, Outcome.SUCCESS, END)])
    assert told(caplog) == [("DEBUG", "run ended SUCCESS")] * lines
