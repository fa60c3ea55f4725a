"""DUMMY: do what the simulation options say, to try schedules, retries and alerts on their own."""

import math
import random
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from jobs.executors.base import (
    Context,
    DeadlineExceeded,
    ExecutionError,
    JobType,
    Payload,
    PayloadForm,
    Result,
)
from jobs.executors.fields import DecimalField, FlagField, JsonField, NumberField, TextField

CHUNK_MB = 8


def _seconds(label: str, text: str = "", most: int = 86_400) -> DecimalField:
    return DecimalField(label=label, required=False, least=0, most=most, help_text=text)


def _number(label: str, text: str = "", most: int = 1_000_000) -> NumberField:
    return NumberField(label=label, required=False, least=0, most=most, help_text=text)


def _choice(label: str, text: str = "") -> FlagField:
    return FlagField(label=label, help_text=text)


class DummyForm(PayloadForm):
    """The options keep the names that import requests give them."""

    options: ClassVar[tuple[str, ...]] = (
        "simulatedDelaySeconds",
        "simulatedLatencyMs",
        "simulatedQueryTimeMs",
        "simulatedCpuWorkSeconds",
        "simulatedMemoryUsageMB",
        "holdMemorySeconds",
        "totalRecords",
        "batchSize",
        "processingTimePerBatchMs",
        "successProbability",
        "failureMessage",
        "simulateFailure",
        "simulateNetworkFailure",
        "simulateDbFailure",
        "simulateTimeout",
        "timeoutAfterSeconds",
    )

    simulatedDelaySeconds = _seconds("Wait", "Seconds, for example 5.")
    simulatedLatencyMs = _number("Network latency", "Milliseconds.")
    simulatedQueryTimeMs = _number("Query time", "Milliseconds.")
    simulatedCpuWorkSeconds = _seconds("Compute", "Seconds of real computing.", 600)
    simulatedMemoryUsageMB = _number("Hold memory", "Megabytes.", 512)
    holdMemorySeconds = _seconds("Hold it for", "Seconds.", 600)
    totalRecords = _number("Records", "Worked on in batches.", 10_000_000)
    batchSize = _number("Records a batch", "For example 500.")
    processingTimePerBatchMs = _number("Time a batch", "Milliseconds.")
    successProbability = DecimalField(
        label="Chance of success",
        required=False,
        least=0,
        most=1,
        help_text="0.7 fails 3 runs of 10.",
    )
    failureMessage = TextField(
        label="Failure message", required=False, max_length=500, help_text="What a failure says."
    )
    timeout_seconds = NumberField(
        label="Timeout",
        required=False,
        least=1,
        most=86_400,
        help_text="Seconds for the whole run; 300 if empty.",
    )
    simulateFailure = _choice("Fail", "With DUMMY_ERROR.")
    simulateNetworkFailure = _choice("Fail at the network", "With CONNECTION_ERROR.")
    simulateDbFailure = _choice("Fail at the database", "With DATABASE_ERROR.")
    simulateTimeout = _choice("Run out of time", "The run waits until its time is up.")
    timeoutAfterSeconds = _seconds("Out of time after", "Seconds; the timeout above if empty.")
    metadata = JsonField(label="Other options", required=False, shape=dict)


def execute(payload: Payload, context: Context) -> Result:
    """Compute, hold memory, wait, work through batches, and then end as the options say.

    Raises ExecutionError with DUMMY_ERROR, RANDOM_ERROR, CONNECTION_ERROR or DATABASE_ERROR, and
    DeadlineExceeded, as simulated.
    """
    options = payload.options
    _compute(options.get("simulatedCpuWorkSeconds") or 0, context)
    _hold(options.get("simulatedMemoryUsageMB") or 0, options.get("holdMemorySeconds") or 0, context)
    if options.get("simulateTimeout"):
        context.wait(options.get("timeoutAfterSeconds") or math.inf)
        raise DeadlineExceeded
    for what, seconds in _waits(options):
        context.log("INFO", f"{what}: {seconds:g} s")
        context.wait(seconds)
    batches = _batches(options, context)
    _fail(options)
    return Result(_summary(batches), {"batches": batches} if batches else {})


def _compute(seconds: float, context: Context) -> None:
    ends_at = time.monotonic() + seconds
    if seconds:
        context.log("INFO", f"Computing for {seconds:g} s")
    while time.monotonic() < ends_at:
        context.check()
        sum(math.sqrt(number) for number in range(10_000))


def _hold(megabytes: int, seconds: float, context: Context) -> None:
    if not megabytes:
        return
    context.log("INFO", f"Holding {megabytes} MB for {seconds:g} s")
    held = []
    for done in range(0, megabytes, CHUNK_MB):
        context.check()
        held.append(bytearray(min(CHUNK_MB, megabytes - done) * 1024 * 1024))
    context.wait(seconds)


def _waits(options: Any) -> Iterator[tuple[str, float]]:
    named = (
        ("Waiting", "simulatedDelaySeconds", 1),
        ("Network latency", "simulatedLatencyMs", 1000),
        ("Query", "simulatedQueryTimeMs", 1000),
    )
    for what, name, unit in named:
        if options.get(name):
            yield what, options[name] / unit


def _batches(options: Any, context: Context) -> int:
    total, size = options.get("totalRecords") or 0, options.get("batchSize") or 0
    count = math.ceil(total / size) if size else 0
    for number in range(1, count + 1):
        context.wait((options.get("processingTimePerBatchMs") or 0) / 1000)
        context.log("INFO", f"Batch {number} of {count}")
    return count


def _fail(options: Any) -> None:
    message = options.get("failureMessage")
    for name, error_class, default in (
        ("simulateNetworkFailure", "CONNECTION_ERROR", "The network failed, as simulated."),
        ("simulateDbFailure", "DATABASE_ERROR", "The database failed, as simulated."),
        ("simulateFailure", "DUMMY_ERROR", "Failed, as simulated."),
    ):
        if options.get(name):
            raise ExecutionError(error_class, message or default)
    chance = options.get("successProbability")
    if chance is not None and random.random() >= chance:  # noqa: S311 (a coin, not a key)
        raise ExecutionError("RANDOM_ERROR", message or f"Failed by chance: {chance:.0%} of runs succeed.")


def _summary(batches: int) -> str:
    return f"Done, {batches} batches" if batches else "Done"


TYPE = JobType(
    code="DUMMY",
    label="Dummy",
    hint="Do nothing, on time",
    icon="ty-dummy",
    form=DummyForm,
    aliases={
        **{name: name for name in DummyForm.options},
        "timeoutSeconds": "timeout_seconds",
        "metadata": "metadata",
    },
    execute=execute,
    repeatable=lambda payload: True,
    error_classes=(
        "DUMMY_ERROR",
        "RANDOM_ERROR",
        "EXECUTION_ERROR",
        "CONNECTION_ERROR",
        "NETWORK_ERROR",
        "DATABASE_ERROR",
        "TIMEOUT",
    ),
)
