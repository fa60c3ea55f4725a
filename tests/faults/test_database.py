"""The database goes away under load and comes back."""

import contextlib
import sqlite3
import time
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit

import pytest
from django.db import connection

from tests import factories
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, until
from tests.faults.postgres import AS_AFTER_A_CRASH

PAGE = 4096
FULL_SECONDS = 10


@contextlib.contextmanager
def full_disk(chronos):
    """No file that its processes write may grow, nor one of what they fork meanwhile."""
    allow(chronos.pids, PAGE)
    yield
    allow(chronos.pids, RLIM_INFINITY)


def allow(pids, size):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            prlimit(pid, RLIMIT_FSIZE, (size, RLIM_INFINITY))


def fill_the_log():
    """Write log lines that leave no room in their pages, and remove them; gives how large the table became.

    That is more than a segment of PostgreSQL's own log, which is to be written on.
    """
    job = factories.job(factories.bob(), name="filler")
    run = factories.run(job, "SUCCESS")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO job_run_logs (run_id, message)"
            " SELECT %s, repeat('x', 930) FROM generate_series(1, 24000)",
            [run.pk],
        )
        cursor.execute("DELETE FROM jobs WHERE id = %s", [job.pk])
        cursor.execute("SELECT pg_relation_size('job_run_logs')")
        return cursor.fetchone()[0]


def under_load(chronos, effects):
    load.load(factories.alice(), effects, seconds=8)
    for start in (chronos.scheduler, chronos.worker, chronos.worker):
        start()
    until(lambda: len(effects.seen) > 10, "under load")


def finish(chronos, effects):
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


@pytest.mark.databases("postgresql")
def test_a_postgresql_that_is_restarted_under_load_fast_and_as_after_a_crash(postgres, chronos, effects):
    under_load(chronos, effects)
    postgres.stop()
    postgres.start()
    until(lambda: len(effects.seen) > 40, "under load again")
    postgres.stop(AS_AFTER_A_CRASH)
    postgres.start()
    finish(chronos, effects)


@pytest.mark.faults
@pytest.mark.databases("sqlite3")
def test_a_sqlite_file_that_somebody_locks_for_longer_than_a_lease(chronos, effects):
    under_load(chronos, effects)
    connection.close()
    with sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None) as locker:
        locker.execute("BEGIN IMMEDIATE")
        time.sleep(LEASE_SECONDS + 2)
        locker.execute("ROLLBACK")
    locker.close()
    finish(chronos, effects)


@pytest.mark.faults
@pytest.mark.databases("sqlite3")
def test_a_disk_too_full_for_the_sqlite_file_delays_and_loses_nothing(chronos, effects):
    under_load(chronos, effects)
    with full_disk(chronos):
        time.sleep(FULL_SECONDS)
    finish(chronos, effects)


@pytest.mark.faults
@pytest.mark.databases("postgresql")
def test_a_disk_too_full_for_a_table_of_postgresql_delays_and_loses_nothing(postgres, chronos, effects):
    size = fill_the_log()
    postgres.stop()
    postgres.start(largest_file=str(size), autovacuum="off")
    under_load(chronos, effects)
    time.sleep(FULL_SECONDS)
    assert "File too large" in postgres.said
    postgres.stop()
    postgres.start()
    finish(chronos, effects)
