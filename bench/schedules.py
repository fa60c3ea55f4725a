"""Schedules that are all due in the same second, fired by one scheduler: when the last run is committed."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from bench import machine, product, raw, rows, servers

SIZE = 10_000


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=SIZE, help="schedules (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds from the due instant to the last run row committed and its bell rung; nobody drains them."""
    with servers.database(options.database) as url:
        product.set_up(url)
        from django.db import connection

        rows.jobs(options.size, schedules=_plans(datetime.now(UTC)), next_fire_at=datetime.now(UTC))
        rows.settle_down()
        say(f"{options.size} schedules are there.")
        limit = raw.seconds_to_fire(datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))
        rows.remove_runs()
        say(f"raw SQL: {limit:.2f} s")
        found = _fired(options.size, say)
        return {
            "seconds_to_last": round(found["last"], 2),
            "seconds_to_half": round(found["half"], 2),
            "raw_limit_seconds": round(limit, 2),
            "ratio_to_raw_limit": round(limit / found["last"], 3),
            "database": connection.vendor,
            "schedules": options.size,
            "scheduler_cpu_seconds": round(found["cpu"], 2),
            "scheduler_memory_mb": round(found["memory"]),
            "load_average": machine.load_average(),
        }


def _plans(now: datetime) -> list[dict[str, Any]]:
    """Sixty cron expressions, none of which fires again while we measure."""
    hour = (now.hour + 2) % 24
    return [{"schedule_type": "CRON", "cron_expression": f"{minute} {hour} * * *"} for minute in range(60)]


def _fired(total: int, say: Callable[[str], None]) -> dict[str, float]:
    """With a scheduler up, make all schedules due a while from now, and watch it fire them."""
    from jobs.models import JobSchedule
    from runs.models import Run

    with product.store(), product.engine("scheduler") as (scheduler,):
        tick = (datetime.now(UTC) + timedelta(seconds=5 + total / 3000)).replace(microsecond=0)
        JobSchedule.objects.update(next_fire_at=tick)
        rows.settle_down()
        began = product.monotonic_at(tick)
        cpu = machine.cpu_seconds(scheduler.pid)
        half: list[float] = []

        def fired() -> bool:
            left = JobSchedule.objects.filter(next_fire_at=tick).count()
            if not half and left * 2 <= total:
                half.append(monotonic() - began)
            return left == 0

        product.wait_for("the last schedule to fire", fired, [scheduler], seconds=600, pause=0.02)
        product.wait_for("the bell", _rung, [scheduler], pause=0.01)
        last = monotonic() - began
        if Run.objects.pending().count() != total:
            raise SystemExit(f"{Run.objects.count()} runs of {total} schedules.")
        say(f"one scheduler: {last:.2f} s")
        return {
            "last": last,
            "half": half[0],
            "cpu": machine.cpu_seconds(scheduler.pid) - cpu,
            "memory": machine.memory_mb(scheduler.pid),
        }


def _rung() -> bool:
    import django_rq

    return any(django_rq.get_queue(name).count for name in ("high", "medium", "low"))
