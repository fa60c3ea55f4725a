"""From the click on Run now, through the web process, to the outcome of a DUMMY job."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from statistics import median
from time import monotonic, sleep
from typing import Any

import requests

from bench import machine, product, rows, servers
from bench.percentiles import percentile

CLICKS = 30
WORKERS = 2
# Longer than a worker waits for more work: each click finds the workers asleep.
PAUSE_SECONDS = 1.5


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--clicks", type=int, default=CLICKS, help="runs by hand (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds from the POST to the outcome, workers asleep; the floor is a GET without any rows."""
    with servers.database(options.database) as url:
        product.set_up(url, pages=True)
        from django.db import connection

        (job_id,) = rows.jobs(1)
        with (
            product.store(),
            product.engine("scheduler", *["worker"] * WORKERS) as engine,
            product.web() as (_, address),
        ):
            person = product.signed_in(rows.OWNER)
            floor = sorted(_timed(lambda: person.get(f"{address}healthz")) for _ in range(options.clicks))
            times = []
            for _ in range(options.clicks):
                sleep(PAUSE_SECONDS)
                times.append(_timed(lambda: _click(person, address, job_id, engine)))
        say(f"median {median(times):.0f} ms")
        return {
            "median_ms": round(median(times)),
            "p95_ms": round(percentile(times, 95)),
            "max_ms": round(max(times)),
            "raw_limit_ms": round(median(floor), 1),
            "database": connection.vendor,
            "workers": WORKERS,
            "clicks": options.clicks,
            "load_average": machine.load_average(),
        }


def _click(person: requests.Session, address: str, job_id: str, engine: Any) -> None:
    from runs.models import Run

    before = Run.objects.ended().count()
    answer = person.post(f"{address}jobs/{job_id}/run-now/", allow_redirects=False, timeout=30)
    if answer.status_code != 302:
        raise SystemExit(f"Run now answered {answer.status_code}.")
    product.wait_for("the outcome", lambda: bool(Run.objects.ended().count() > before), engine, pause=0.002)


def _timed(work: Callable[[], object]) -> float:
    began = monotonic()
    work()
    return (monotonic() - began) * 1000
