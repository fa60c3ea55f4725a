"""How each kind of measurement goes, the same for every peer."""

import os
import subprocess
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from time import monotonic, sleep, time
from typing import Any

from bench import machine, slow_server
from bench.peers import ground

CALLS = 500
SCHEDULES = 10_000
LEAD_SECONDS = 12
EVERY_MINUTE = "* * * * *"


@dataclass(frozen=True)
class Throughput:
    """Jobs that are queued before the workers start, and the number of those whose outcome stands in SQL."""

    fill: Callable[[int], None]
    workers: list[list[Any]]
    count: Callable[[], Callable[[], int]] = ground.runs_done
    size: int = 2000
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scheduling:
    """Schedules that are all due at one minute, and how many of them have been handed on."""

    fill: Callable[[int, str, float], None]
    scheduler: list[Any]
    count: Callable[[], Callable[[], int]]


@dataclass(frozen=True)
class SlowCalls:
    """GETs of a second each, sent by workers that are up already."""

    fill: Callable[[int], None]
    workers: list[list[Any]]
    warm_seconds: float
    environment: dict[str, str] = field(default_factory=dict)


def throughput(peer: Throughput, size: int | None) -> dict[str, Any]:
    total = size or peer.size
    peer.fill(total)
    count = peer.count()
    with ground.processes(peer.workers, **peer.environment) as workers:
        found = ground.rate(count, total)
        return {
            **found,
            "memory_mb": round(sum(machine.memory_mb(worker.pid) for worker in workers)),
            "load_average": machine.load_average(),
        }


def slow_calls(peer: SlowCalls, size: int | None) -> dict[str, Any]:
    """Seconds from the first job queued to the last answer sent."""
    total = size or CALLS
    with (
        slow_server.running() as address,
        ground.processes(peer.workers, PEERS_HTTP=address, **peer.environment) as workers,
    ):
        sleep(peer.warm_seconds)
        began = time()
        peer.fill(total)
        give_up_at = monotonic() + ground.LIMIT_SECONDS
        while slow_server.answered(address) < total:
            if monotonic() > give_up_at:
                raise SystemExit(f"Only {slow_server.answered(address)} of {total} calls.")
            sleep(0.1)
        return {
            "seconds": round(slow_server.last_answer(address) - began, 2),
            "calls": total,
            "memory_mb": round(sum(machine.memory_mb(worker.pid) for worker in workers)),
            "load_average": machine.load_average(),
        }


def schedules(peer: Scheduling, size: int | None) -> dict[str, Any]:
    """Seconds from the minute at which all are due to the last one handed on."""
    total = size or SCHEDULES
    # A minute far enough ahead for any filling; the peer's clock is made to show it when the time has come.
    shown = (int(time()) // 60 + 5) * 60
    peer.fill(total, EVERY_MINUTE, shown)
    count = peer.count()
    with _clock(shown) as (due, environment), ground.processes([peer.scheduler], **environment) as (process,):
        while time() < due - 0.2:
            sleep(0.02)
        before = count()
        used = ground.cpu_seconds([process])
        done, half = 0, 0.0
        while done < total:
            done = count() - before
            half = half or (time() - due if done * 2 >= total else 0.0)
            if process.poll() is not None or time() > due + ground.LIMIT_SECONDS:
                raise SystemExit(f"Only {done} of {total} schedules.")
            sleep(0.005)
        return {
            "seconds_to_last": round(time() - due, 2),
            "seconds_to_half": round(half, 2),
            "schedules": total,
            "cpu_seconds": round(ground.cpu_seconds([process]) - used, 1),
            "memory_mb": round(machine.memory_mb(process.pid)),
            "load_average": machine.load_average(),
        }


@contextmanager
def _clock(shown: float) -> Any:
    """When the peer's clock will show that minute, and the environment that makes it so.

    With a C compiler the peer's clock runs ahead; without one the minute itself is waited for.
    """
    compiler = which("cc") or which("gcc")
    if compiler is None or "PEERS_REAL_CLOCK" in os.environ:
        yield shown, {}
        return
    library = ground.DATA / "clockshift.so"
    source = ground.ROOT / "bench" / "peers" / "clockshift.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    due = time() + LEAD_SECONDS
    yield due, {"LD_PRELOAD": str(library), "CLOCKSHIFT": f"{shown - due:.3f}"}
