"""What web, scheduler and workers occupy at a hundred thousand jobs, while and after they work."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import machine, product, rows, servers

JOBS = 100_000
RUNS = 20_000
WORKERS = 2
PAGES = ("", "jobs/", "runs/", "jobs/?page=2", "admin/runs/run/")
VISITS = 10


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=JOBS, help="jobs (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs executed (default: %(default)s)")


def measure(options: Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """The most that each process and what it forked occupied (PSS, MB), while it worked and afterwards."""
    with servers.database(options.database) as url:
        product.set_up(url, pages=True)
        from django.db import connection

        job_ids = rows.jobs(options.jobs, next_fire_at=datetime.now(UTC) + timedelta(days=300))
        rows.due_runs(options.runs, job_ids, datetime.now(UTC) - timedelta(seconds=1))
        say(f"{options.jobs} jobs and {options.runs} runs are there.")
        with (
            product.store(),
            product.engine("scheduler", *["worker"] * WORKERS) as (scheduler, *workers),
            product.web() as (web, address),
            product.nothing() as nothing,
        ):
            most = _most(
                {
                    "scheduler": scheduler.pid,
                    "web": web.pid,
                    **{f"worker {n}": w.pid for n, w in enumerate(workers, 1)},
                },
                options.runs,
                address,
            )
            floor = machine.memory_mb(nothing.pid)
        say(", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in most.items()))
        return {
            **{f"{name.replace(' ', '_')}_mb": round(megabytes, 1) for name, megabytes in most.items()},
            "raw_limit_mb": round(floor, 1),
            "database": connection.vendor,
            "jobs": options.jobs,
            "runs": options.runs,
            "web_processes": int(os.environ.get("CHRONOS_WEB_PROCESSES", 2)),
            "load_average": machine.load_average(),
        }


def _most(pids: dict[str, int], runs: int, address: str) -> dict[str, float]:
    from runs.models import Run

    most = dict.fromkeys(pids, 0.0)

    def look() -> None:
        for name, pid in pids.items():
            most[name] = max(most[name], machine.memory_mb(pid))

    def done() -> bool:
        look()
        return bool(Run.objects.ended().count() >= runs)

    product.wait_for("the last outcome", done, seconds=600, pause=0.2)
    person = product.signed_in(rows.OWNER)
    for path in PAGES * VISITS:
        answer = person.get(address + path, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"/{path} answered {answer.status_code}.")
    look()
    return most
