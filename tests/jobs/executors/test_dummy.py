"""DUMMY jobs do what their options say."""

import threading
import time

import pytest

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload, chain
from jobs.executors.dummy import TYPE, execute
from tests.factories import NOON


def context(seconds=10, logged=None):
    def log(level, message, **fields):
        if logged is not None:
            logged.append(message)

    return Context("r", "j", "job", NOON, 1, time.monotonic() + seconds, log=log)


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


@pytest.mark.parametrize("options", [{}, {"timeoutAfterSeconds": 0.1}])
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
