"""One scheduler with many schedules, none of them due: its share of a core and its memory."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from bench import machine, product, rows, servers

SIZE = 100_000
SECONDS = 60
SETTLE_SECONDS = 3


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=SIZE, help="schedules (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="watched (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Processor time and PSS; beside them what a process of the same settings needs that does nothing."""
    with servers.database(options.database) as url:
        product.set_up(url)
        from django.db import connection

        rows.jobs(options.size, next_fire_at=datetime.now(UTC) + timedelta(days=300))
        rows.settle_down()
        say(f"{options.size} schedules are there; watching for {options.seconds} s.")
        with product.store(), product.engine("scheduler") as (scheduler,), product.nothing() as nothing:
            sleep(SETTLE_SECONDS)
            began, used = monotonic(), machine.cpu_seconds(scheduler.pid)
            sleep(options.seconds)
            share = (machine.cpu_seconds(scheduler.pid) - used) / (monotonic() - began)
            return {
                "cpu_percent": round(share * 100, 2),
                "memory_mb": round(machine.memory_mb(scheduler.pid), 1),
                "raw_limit_memory_mb": round(machine.memory_mb(nothing.pid), 1),
                "database": connection.vendor,
                "schedules": options.size,
                "seconds": options.seconds,
                "load_average": machine.load_average(),
            }
