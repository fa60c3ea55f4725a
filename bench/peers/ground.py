"""The ground that all peers stand on: two servers, two tables, processes of their own.

PEERS_DATABASE is the URL of a PostgreSQL database, PEERS_REDIS that of a Redis whose databases are flushed.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from tempfile import gettempdir
from time import monotonic, sleep
from typing import Any

import psycopg
import redis

from bench import machine

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = Path(sys.executable).parent
DATABASE = os.environ["PEERS_DATABASE"]
REDIS = os.environ["PEERS_REDIS"]
DATA = Path(os.environ.get("PEERS_DATA", gettempdir()))
# What a run's worker may need to start and to end.
LIMIT_SECONDS = 180
STOP_SECONDS = 4

# A database each, so that one peer's keys can be flushed without touching another's.
_NUMBERS = {"rq": 0, "celery": 1, "djangoq": 2, "huey": 3, "dramatiq": 4, "rqcron": 5}


def redis_url(peer: str) -> str:
    return f"{REDIS}/{_NUMBERS[peer]}"


def store(peer: str) -> redis.Redis:
    return redis.Redis.from_url(redis_url(peer))


def connect() -> psycopg.Connection:
    return psycopg.connect(DATABASE, autocommit=True)


def set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.peersite.settings")
    import django

    django.setup()


def make_tables() -> None:
    set_up_django()
    from django.core.management import call_command
    from procrastinate import App, SyncPsycopgConnector

    call_command("migrate", verbosity=0, run_syncdb=True)
    with connect() as connection:
        there = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()[0]
    if not there:
        with App(connector=SyncPsycopgConnector(conninfo=DATABASE)).open() as app:
            app.schema_manager.apply_schema()


def empty_tables(*others: str) -> None:
    with connect() as connection:
        connection.execute(
            f"TRUNCATE {', '.join(('peersite_run', 'peersite_log', *others))} RESTART IDENTITY CASCADE"
        )


def new_runs(count: int) -> list[int]:
    """Runs that wait; gives their ids."""
    with connect() as connection:
        connection.execute(
            "INSERT INTO peersite_run (state, job, queued_at) "
            "SELECT 'queued', 'noop', clock_timestamp() FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in connection.execute("SELECT id FROM peersite_run ORDER BY id")]


def counter(statement: str) -> Callable[[], int]:
    """Asks for one number, each time on the same connection."""
    connection = connect()
    return lambda: connection.execute(statement).fetchone()[0]


def queued(peer: str, key: str) -> Callable[[], int]:
    """Asks for the length of a list in Redis."""
    connection = store(peer)
    return lambda: connection.llen(key)


def runs_done() -> Callable[[], int]:
    return counter("SELECT count(*) FROM peersite_run WHERE state = 'ok'")


@contextmanager
def processes(commands: Sequence[Sequence[Any]], **environment: str) -> Iterator[list[subprocess.Popen]]:
    """Processes in sessions of their own, ended with all that they started."""
    own = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bench.peers.peersite.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        **environment,
    }
    with (DATA / "peer.log").open("wb") as log:
        started = [
            subprocess.Popen(
                list(map(str, words)),
                cwd=ROOT,
                env=own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            for words in commands
        ]
        try:
            yield started
        finally:
            for process in started:
                _end(process)


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    # The group has our child's id as its own: nobody else's processes are in it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, SIGKILL)
    process.wait()


def rate(count: Callable[[], int], total: int) -> dict[str, Any]:
    """Jobs a second between the first 5 % done and all done, which leaves out the workers' start."""
    give_up_at = monotonic() + LIMIT_SECONDS
    first: tuple[int, float] | None = None
    done = 0
    while done < total and monotonic() < give_up_at:
        done, now = count(), monotonic()
        if first is None and done >= max(1, total * 0.05):
            first = (done, now)
        sleep(0.05)
    if first is None or done < total:
        raise SystemExit(f"Only {done} of {total} in {LIMIT_SECONDS} s.")
    return {"per_second": round((done - first[0]) / max(now - first[1], 1e-9), 1), "jobs": total}


def cpu_seconds(started: Sequence[subprocess.Popen]) -> float:
    return sum(machine.cpu_seconds(pid) for process in started for pid in machine.tree(process.pid))
