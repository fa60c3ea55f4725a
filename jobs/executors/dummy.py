"""DUMMY: do what the simulation options say, to try schedules, retries and alerts on their own."""

import math
import random
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from jobs.executors.base import Context, DeadlineExceeded, ExecutionError, JobType, Payload, Result
from jobs.executors.dummies import shares
from jobs.executors.fields import DecimalField, FlagField, NumberField, TextField, TimeoutField, WordField
from jobs.executors.json_fields import OptionsField
from jobs.executors.payload_form import PayloadForm

LIMIT = 300
CHUNK_MB = 8
BATCH_LINES = 1_000
# What a kind of test does where its options leave it open.
TESTS: dict[str, dict[str, Any]] = {
    "success": {},
    "failure": {"simulateFailure": True},
    "random": {"successProbability": 0.5},
    "performance": {},
    "health_check": {},
    "load_test": {},
    "memory_simulation": {"simulatedMemoryUsageMB": 64},
    "cpu_intensive": {"simulatedCpuWorkSeconds": 1},
    "network_simulation": {"simulatedLatencyMs": 100},
    "database_simulation": {"simulatedQueryTimeMs": 100},
    "batch_processing": {"totalRecords": 1000, "batchSize": 100},
    "concurrency_test": {"concurrencyGroup": "default"},
    "timeout_simulation": {"simulateTimeout": True},
    "metrics_collection": {},
}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _seconds(label: str, text: str = "", most: int = 86_400) -> DecimalField:
    return DecimalField(label=label, required=False, least=0, most=most, help_text=text)


def _number(label: str, text: str = "", most: int = 1_000_000) -> NumberField:
    return NumberField(label=label, required=False, least=0, most=most, help_text=text)


def _choice(label: str, text: str = "") -> FlagField:
    return FlagField(label=label, help_text=text)


class DummyForm(PayloadForm):
    """The options keep the names that import requests give them."""

    options: ClassVar[tuple[str, ...]] = (
        "testType",
        "simulatedDelaySeconds",
        "simulatedLatencyMs",
        "simulatedQueryTimeMs",
        "simulatedCpuWorkSeconds",
        "simulatedMemoryUsageMB",
        "holdMemorySeconds",
        "totalRecords",
        "batchSize",
        "processingTimePerBatchMs",
        "concurrencyGroup",
        "successProbability",
        "seed",
        "failureMessage",
        "simulateFailure",
        "simulateNetworkFailure",
        "simulateDbFailure",
        "simulateTimeout",
        "timeoutAfterSeconds",
    )

    testType = WordField(
        label=_("Kind of test"),
        required=False,
        choices={"": "Only what stands below"}
        | {name: name.replace("_", " ").capitalize() for name in TESTS},
        help_text=_("Does the usual of its kind where the fields below are empty."),
    )
    simulatedDelaySeconds = _seconds("Wait", "Seconds, for example 5.")
    simulatedLatencyMs = _number("Network latency", "Milliseconds.")
    simulatedQueryTimeMs = _number("Query time", "Milliseconds.")
    simulatedCpuWorkSeconds = _seconds("Compute", "Seconds of real computing.", 600)
    simulatedMemoryUsageMB = _number("Hold memory", "Megabytes.", shares.MEMORY_MB)
    holdMemorySeconds = _seconds("Hold it for", "Seconds.", 600)
    totalRecords = _number("Records", "Worked on in batches.", 10_000_000)
    batchSize = _number("Records a batch", "For example 500.")
    processingTimePerBatchMs = _number("Time a batch", "Milliseconds.")
    concurrencyGroup = TextField(
        label=_("Concurrency group"),
        required=False,
        max_length=100,
        help_text=_("The log says how many runs of the group the worker's process is at."),
    )
    successProbability = DecimalField(
        label=_("Chance of success"),
        required=False,
        least=0,
        most=1,
        help_text=_("0.7 fails 3 runs of 10."),
    )
    seed = NumberField(
        label=_("Seed of chance"),
        required=False,
        least=0,
        most=2**53 - 1,
        help_text=_("With one, the same attempt at the same tick always ends the same."),
    )
    failureMessage = TextField(
        label=_("Failure message"), required=False, max_length=500, help_text=_("What a failure says.")
    )
    timeout_seconds = TimeoutField(LIMIT)
    simulateFailure = _choice("Fail", "With DUMMY_ERROR.")
    simulateNetworkFailure = _choice("Fail at the network", "With CONNECTION_ERROR.")
    simulateDbFailure = _choice("Fail at the database", "With DATABASE_ERROR.")
    simulateTimeout = _choice("Run out of time", "The run waits until its time is up.")
    timeoutAfterSeconds = _seconds("Out of time after", "Seconds; the timeout above if empty.")
    metadata = OptionsField()


def execute(payload: Payload, context: Context) -> Result:
    """Compute, hold memory, wait, work through batches, and then end as the options say.

    Raises ExecutionError with DUMMY_ERROR, RANDOM_ERROR, MEMORY_ERROR, RESOURCE_ERROR,
    CONNECTION_ERROR or DATABASE_ERROR, and DeadlineExceeded, as simulated.
    """
    options = payload.options
    if not options:
        return Result("Done")
    options = {**TESTS.get(options.get("testType", ""), {}), **options}
    with shares.of_group(options.get("concurrencyGroup"), context) as at_once:
        data = {**_work(options, context), **({"at_once": at_once} if at_once else {})}
    batches = data.get("batches")
    return Result(f"Done, {batches} batches" if batches else "Done", data)


def _work(options: Mapping[str, Any], context: Context) -> dict[str, Any]:
    began, computed = time.monotonic(), time.thread_time()
    _compute(options.get("simulatedCpuWorkSeconds") or 0, context)
    _hold(options.get("simulatedMemoryUsageMB") or 0, options.get("holdMemorySeconds") or 0, context)
    if options.get("simulateTimeout"):
        after = options.get("timeoutAfterSeconds")
        context.wait(math.inf if after is None else after)
        raise DeadlineExceeded
    for what, seconds in _waits(options):
        context.log("INFO", f"{what}: {seconds:g} s")
        context.wait(seconds)
    batches = _batches(options, context)
    _fail(options, context)
    data: dict[str, Any] = {"batches": batches} if batches else {}
    if options.get("testType") == "metrics_collection":
        data |= _metrics(time.monotonic() - began, time.thread_time() - computed)
        context.log("INFO", "Metrics", **data)
    return data


def _metrics(elapsed: float, computed: float) -> dict[str, Any]:
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return {
        "elapsed_ms": round(elapsed * 1000),
        "cpu_ms": round(computed * 1000),
        "process_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit,
    }


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
    with shares.of_memory(megabytes):
        context.log("INFO", f"Holding {megabytes} MB for {seconds:g} s")
        held = []
        try:
            for done in range(0, megabytes, CHUNK_MB):
                context.check()
                held.append(bytearray(min(CHUNK_MB, megabytes - done) * 1024 * 1024))
        except MemoryError as error:
            raise ExecutionError("MEMORY_ERROR", f"The worker has no {megabytes} MB to spare.") from error
        context.wait(seconds)


def _waits(options: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    named = (
        ("Waiting", "simulatedDelaySeconds", 1),
        ("Network latency", "simulatedLatencyMs", 1000),
        ("Query", "simulatedQueryTimeMs", 1000),
    )
    for what, name, unit in named:
        if options.get(name):
            yield what, options[name] / unit


def _batches(options: Mapping[str, Any], context: Context) -> int:
    total, size = options.get("totalRecords") or 0, options.get("batchSize") or 0
    count = math.ceil(total / size) if size else 0
    for number in range(1, count + 1):
        context.wait((options.get("processingTimePerBatchMs") or 0) / 1000)
        if number <= BATCH_LINES:
            context.log("INFO", f"Batch {number} of {count}")
    if count > BATCH_LINES:
        context.log("INFO", f"And {count - BATCH_LINES:,} batches more")
    return count


def _fail(options: Mapping[str, Any], context: Context) -> None:
    message = options.get("failureMessage")
    for name, error_class, default in (
        ("simulateNetworkFailure", "CONNECTION_ERROR", "The network failed, as simulated."),
        ("simulateDbFailure", "DATABASE_ERROR", "The database failed, as simulated."),
        ("simulateFailure", "DUMMY_ERROR", "Failed, as simulated."),
    ):
        if options.get(name):
            raise ExecutionError(error_class, message or default)
    chance = options.get("successProbability")
    if chance is not None and _luck(options.get("seed"), context) >= chance:
        raise ExecutionError("RANDOM_ERROR", message or f"Failed by chance: {chance:.0%} of runs succeed.")


def _luck(seed: int | None, context: Context) -> float:
    """From 0 to 1; with a seed the same for the same attempt at the same tick."""
    if seed is None:
        return random.random()  # noqa: S311 (a coin, not a key)
    tick = context.scheduled_time.isoformat()
    return random.Random(f"{seed} {context.attempt} {tick}").random()  # noqa: S311 (a coin, not a key)


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
    limit=LIMIT,
    repeatable=lambda payload: True,
    error_classes=(
        "DUMMY_ERROR",
        "RANDOM_ERROR",
        "SIMULATION_ERROR",
        "MEMORY_ERROR",
        "RESOURCE_ERROR",
        "EXECUTION_ERROR",
        "CONNECTION_ERROR",
        "NETWORK_ERROR",
        "DATABASE_ERROR",
        "TIMEOUT",
    ),
)
