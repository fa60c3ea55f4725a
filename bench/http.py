"""HTTP jobs whose server takes a second each, all due at once: when the last outcome stands in the table."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from bench import machine, product, rows, servers, slow_server

JOBS = 500
WORKERS = 2
LEAD_SECONDS = 5


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=JOBS, help="HTTP jobs (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=WORKERS, help="processes (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds from the instant they are due, by scheduler, bell and workers, to the last outcome."""
    with servers.database(options.database) as url, slow_server.running() as address:
        product.set_up(url)
        from django.conf import settings
        from django.db import connection

        from jobs.models import JobSchedule
        from runs.models import Outcome, Run

        limit = slow_server.seconds_of_many(address, options.jobs)
        say(f"bare sockets: {limit:.2f} s")
        call = {"http_url": address, "http_method": "GET"}
        with product.store(), product.engine("scheduler", *["worker"] * options.workers) as engine:
            rows.jobs(options.jobs, type="HTTP", payload=call, next_fire_at=None)
            rows.settle_down()
            due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LEAD_SECONDS)
            JobSchedule.objects.update(next_fire_at=due)
            began = product.monotonic_at(due)
            ended = Run.objects.ended()
            product.wait_for("the last outcome", lambda: ended.count() >= options.jobs, engine, pause=0.02)
            seconds = monotonic() - began
        if Run.objects.filter(outcome=Outcome.SUCCESS).count() != options.jobs:
            raise SystemExit("Not every HTTP job succeeded.")
        say(f"{options.workers} workers: {seconds:.2f} s")
        return {
            "seconds_to_last_outcome": round(seconds, 2),
            "raw_limit_seconds": round(limit, 2),
            "ratio_to_raw_limit": round(limit / seconds, 3),
            "database": connection.vendor,
            "workers": options.workers,
            "slots": settings.SLOTS,
            "jobs": options.jobs,
            "load_average": machine.load_average(),
        }
