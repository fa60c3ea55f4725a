"""DUMMY jobs do what their options say."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jobs.executors import dummy
from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.dummies import shares
from jobs.executors.dummy import TESTS, TYPE, execute
from jobs.executors.error_classes import chain
from tests.factories import NOON


def context(seconds=10, logged=None, attempt=1, tick=NOON):
    def log(level, message, **fields):
        if logged is not None:
            logged.append(message)

    return Context("r", "j", "job", tick, attempt, time.monotonic() + seconds, log=log)


def run(within=None, **options):
    return execute(Payload({"metadata": options}), within or context())


def test_a_job_that_says_nothing_is_done_at_once():
    started = time.monotonic()
    assert run().summary == "Done"
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "options",
    [
        {"simulatedDelaySeconds": 0.2},
        {"simulatedLatencyMs": 200},
        {"simulatedQueryTimeMs": 200},
        {"simulatedCpuWorkSeconds": 0.2},
        {"simulatedMemoryUsageMB": 1, "holdMemorySeconds": 0.2},
        {"totalRecords": 4, "batchSize": 2, "processingTimePerBatchMs": 100},
    ],
)
def test_what_takes_time_takes_it(options):
    started = time.monotonic()
    run(**options)
    assert 0.2 <= time.monotonic() - started < 3


def test_batches_are_counted_and_logged():
    logged = []
    assert run(context(logged=logged), totalRecords=5, batchSize=2).data == {"batches": 3}
    assert logged == ["Batch 1 of 3", "Batch 2 of 3", "Batch 3 of 3"]


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ({"simulateFailure": True}, "EXECUTION_ERROR"),
        ({"successProbability": 0}, "EXECUTION_ERROR"),
        ({"simulateNetworkFailure": True}, "NETWORK_ERROR"),
        ({"simulateDbFailure": True}, "DATABASE_ERROR"),
    ],
)
def test_a_failure_is_of_a_class_that_retries_can_name(option, wanted):
    with pytest.raises(ExecutionError) as caught:
        run(**option, failureMessage="As asked")
    classes = chain(caught.value.error_class)
    assert classes[-1] == wanted
    assert set(classes) <= set(TYPE.error_classes)
    assert caught.value.message == "As asked"


def test_certain_success_never_fails():
    assert run(successProbability=1).summary == "Done"


@pytest.mark.parametrize("options", [{}, {"timeoutAfterSeconds": 0.1}, {"timeoutAfterSeconds": 0}])
def test_a_simulated_timeout_is_one(options):
    with pytest.raises(DeadlineExceeded):
        run(context(seconds=0.3), simulateTimeout=True, **options)


@pytest.mark.parametrize("options", [{"simulatedDelaySeconds": 60}, {"simulatedCpuWorkSeconds": 60}])
def test_a_cancellation_ends_it_soon(options):
    within = context(seconds=60)
    threading.Timer(0.1, within.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run(within, **options)
    assert time.monotonic() - started < 5


def failure(within=None, **options):
    with pytest.raises(ExecutionError) as caught:
        run(within, **options)
    return caught.value


def test_a_job_that_says_nothing_writes_no_log():
    logged = []
    execute(Payload({}), context(logged=logged))
    assert logged == []


def test_a_timeout_comes_when_it_is_asked_for_though_the_run_might_go_on():
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run(context(seconds=60), simulateTimeout=True, timeoutAfterSeconds=0.1, simulatedDelaySeconds=300)
    assert time.monotonic() - started < 5


def outcomes(seed, attempts=range(1, 41), tick=NOON):
    def ends_well(attempt):
        try:
            run(context(attempt=attempt, tick=tick), successProbability=0.5, seed=seed)
        except ExecutionError:
            return False
        return True

    return [ends_well(attempt) for attempt in attempts]


def test_with_a_seed_the_same_run_always_ends_the_same():
    assert outcomes(7) == outcomes(7)


def test_with_a_seed_each_attempt_and_each_tick_has_a_luck_of_its_own():
    assert len(set(outcomes(7))) == 2
    assert outcomes(7) != outcomes(7, tick=NOON + timedelta(days=1))
    assert outcomes(7) != outcomes(8)


def test_chance_is_as_good_as_it_says():
    wins = sum(sum(outcomes(seed)) for seed in range(50))
    assert 900 < wins < 1100


@pytest.mark.parametrize(
    "kind", ["success", "performance", "health_check", "load_test", "concurrency_test", "metrics_collection"]
)
def test_kinds_of_test_that_end_well_at_once(kind):
    assert run(testType=kind).summary == "Done"


def test_a_kind_of_test_does_the_usual_where_nothing_else_is_said():
    assert failure(testType="failure").error_class == "DUMMY_ERROR"
    assert run(testType="batch_processing").data == {"batches": 10}
    with pytest.raises(DeadlineExceeded):
        run(context(seconds=0.1), testType="timeout_simulation")


@pytest.mark.parametrize("kind", ["network_simulation", "database_simulation", "cpu_intensive"])
def test_kinds_of_test_that_take_time(kind):
    started = time.monotonic()
    run(testType=kind)
    assert time.monotonic() - started >= 0.1


def test_what_is_said_comes_before_the_usual():
    assert run(testType="random", successProbability=1).summary == "Done"
    assert run(testType="batch_processing", batchSize=500).data == {"batches": 2}
    assert run(testType="cpu_intensive", simulatedCpuWorkSeconds=0).summary == "Done"


def test_every_kind_of_test_is_one_of_the_form():
    assert set(TESTS) == set(TYPE.form.base_fields["testType"].words)


def test_metrics_are_kept_with_the_run():
    data = run(testType="metrics_collection", simulatedCpuWorkSeconds=0.1, totalRecords=4, batchSize=2).data
    assert data["batches"] == 2
    assert data["elapsed_ms"] >= 100
    assert data["process_memory_mb"] > 10


def test_runs_of_a_group_know_how_many_they_are():
    with ThreadPoolExecutor(3) as pool:
        ends = [
            pool.submit(run, concurrencyGroup="group-A", simulatedDelaySeconds=0.5),
            pool.submit(run, concurrencyGroup="group-A", simulatedDelaySeconds=0.5),
            pool.submit(run, concurrencyGroup="group-B", simulatedDelaySeconds=0.5),
        ]
    assert sorted(each.result().data["at_once"] for each in ends) == [1, 1, 2]
    assert run(concurrencyGroup="group-A").data == {"at_once": 1}


def test_memory_that_the_worker_has_not_is_a_failure_of_its_own_class(monkeypatch):
    def none_left(size):
        raise MemoryError

    monkeypatch.setattr(dummy, "bytearray", none_left, raising=False)
    failed = failure(simulatedMemoryUsageMB=64)
    assert chain(failed.error_class) == ["MEMORY_ERROR", "RESOURCE_ERROR"]
    assert failed.message == "The worker has no 64 MB to spare."


def test_a_million_batches_are_not_a_million_lines():
    logged = []
    run(context(logged=logged), totalRecords=5000, batchSize=1)
    assert len(logged) == 1001
    assert logged[-1] == "And 4,000 batches more"


def test_dummy_runs_hold_no_more_memory_together_than_one_may(monkeypatch):
    monkeypatch.setattr(shares, "MEMORY_MB", 32)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, simulatedMemoryUsageMB=24, holdMemorySeconds=1)
        while not shares._holding:
            time.sleep(0.01)
        assert failure(simulatedMemoryUsageMB=16).error_class == "RESOURCE_ERROR"
        first.result()
    run(simulatedMemoryUsageMB=32)
