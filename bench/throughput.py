"""Due DUMMY runs to outcome and two log lines each, by two worker processes."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

from bench import machine, product, raw, rows, servers

RUNS = 20_000
JOBS = 1_000
WORKERS = 2
# What is done while the workers start is not measured.
WARM = 0.05


def add_options(parser: ArgumentParser) -> None:
    default = int(os.environ.get("CHRONOS_BENCH_RUNS", RUNS))
    parser.add_argument("--runs", type=int, default=default, help="due runs (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=JOBS, help="jobs they belong to (default: %(default)s)")
    parser.add_argument("--rules", type=int, default=0, help="rules that tell of failures (default: none)")
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help="worker processes (default: %(default)s)"
    )


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """The rate from 5 % done to all done as the table shows it, so that no start is in it."""
    with servers.database(options.database) as url:
        product.set_up(url)
        from django.db import connection

        job_ids = rows.jobs(min(options.jobs, options.runs))
        rows.rules(options.rules)
        limits = [_raw(options.runs, job_ids, processes, say) for processes in (1, 2)]
        rate, wall = _drained(options, job_ids)
        say(f"{options.workers} workers: {rate:.0f} runs/s")
        return {
            "runs_per_second": round(rate),
            "raw_limit_per_second": round(max(limits)),
            "ratio_to_raw_limit": round(rate / max(limits), 3),
            "database": connection.vendor,
            "workers": options.workers,
            "runs": options.runs,
            "jobs": len(job_ids),
            "rules": options.rules,
            "log_lines_per_run": _lines_per_run(),
            "seconds_from_bell_to_last_outcome": round(wall, 2),
            "raw_limits": {"1 process": round(limits[0]), "2 processes": round(limits[1])},
            "load_average": machine.load_average(),
        }


def _raw(runs: int, job_ids: list[str], processes: int, say: Callable[[str], None]) -> float:
    limit = raw.runs_per_second(_due(runs, job_ids), processes)
    rows.remove_runs()
    say(f"raw SQL, {processes} processes: {limit:.0f} runs/s")
    return limit


def _due(runs: int, job_ids: list[str]) -> list[str]:
    from chronos_site.clock import database_now

    return rows.due_runs(runs, job_ids, database_now() - timedelta(seconds=1))


def _drained(options: Namespace, job_ids: list[str]) -> tuple[float, float]:
    from runs.ring import QUEUES, ring

    _due(options.runs, job_ids)
    with product.store(), product.engine(*["worker"] * options.workers) as workers:
        began = monotonic()
        ring(QUEUES)
        warm: list[tuple[int, float]] = []

        def done() -> bool:
            count, now = _ended(), monotonic()
            if not warm and count >= options.runs * WARM:
                warm.append((count, now))
            return bool(count >= options.runs)

        product.wait_for("the last outcome", done, workers, seconds=600)
        ended = monotonic()
    (count, at), *_ = warm
    return (options.runs - count) / max(ended - at, 1e-9), ended - began


def _ended() -> int:
    from runs.models import Run

    return Run.objects.ended().count()


def _lines_per_run() -> float:
    from runs.models import Run, RunLog

    return round(RunLog.objects.count() / Run.objects.count(), 2)
