"""The network between the engine and what it stands on goes bad."""

import os
import signal
import time
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection

from chronos_site.valkey import socket_path
from runs.models import Process, Run
from tests import factories
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, database_url, until
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.faults, pytest.mark.databases("sqlite3", "postgresql")]
HOLE_SECONDS = 15


@pytest.fixture
def redis_line(chronos):
    """Between the engine and Redis."""
    with closing(Proxy(str(socket_path(settings.DATA_DIR)))) as proxy:
        chronos.redis_url = f"redis://127.0.0.1:{proxy.port}/0"
        yield proxy


@pytest.fixture
def database_line(chronos):
    """Between the engine and PostgreSQL."""
    told = connection.settings_dict
    with closing(Proxy((told["HOST"], int(told["PORT"])))) as proxy:
        chronos.told = {"DATABASE_URL": database_url(proxy.port)}
        yield proxy
        chronos.told = {}


def under_load(chronos, effects, seconds=6):
    for start in (chronos.scheduler, chronos.worker):
        start()
    until(lambda: Process.objects.count() == 2, "both up")
    load.load(factories.alice(), effects, seconds=seconds)
    until(lambda: len(effects.seen) > 5, "under load")


def finish(chronos, effects):
    chronos.told = {}
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


def test_a_store_behind_a_black_hole_loses_nothing_and_ends_nobody(redis_line, chronos, effects):
    under_load(chronos, effects)
    redis_line.mode = "HOLE"
    time.sleep(HOLE_SECONDS)
    redis_line.mode = "PASS"
    finish(chronos, effects)


def test_a_store_whose_connections_are_cut_again_and_again_and_drip(redis_line, chronos, effects):
    under_load(chronos, effects)
    for _ in range(10):
        redis_line.cut()
        time.sleep(0.2)
    redis_line.mode = "TRICKLE"
    time.sleep(2)
    redis_line.mode = "PASS"
    finish(chronos, effects)


@pytest.mark.databases("postgresql")
def test_work_behind_a_black_hole_is_given_up_before_others_may_take_it(database_line, chronos, effects):
    load.call(factories.alice(), "post", effects.url("held/post"), "POST")
    for start in (chronos.scheduler, chronos.worker):
        start()
    until(lambda: effects.seen, "called")
    database_line.mode = "HOLE"
    time.sleep(LEASE_SECONDS + 3)
    database_line.mode = "PASS"
    database_line.cut()
    effects.released.set()
    until(Run.objects.ended().exists, "ended")
    finish(chronos, effects)
    assert Run.objects.get().error_class == "WORKER_LOST"


@pytest.mark.databases("postgresql")
def test_a_slow_database_whose_connections_are_cut_delays_and_loses_nothing(database_line, chronos, effects):
    under_load(chronos, effects, seconds=4)
    database_line.mode, database_line.delay = "DELAY", 0.02
    for _ in range(10):
        time.sleep(0.4)
        database_line.cut()
    database_line.mode = "PASS"
    finish(chronos, effects)


@pytest.mark.databases("postgresql")
def test_commits_whose_fate_nobody_told_are_neither_lost_nor_repeated(database_line, chronos, effects):
    under_load(chronos, effects, seconds=10)
    database_line.traps += ["BEFORE", "AFTER"] * 15
    until(lambda: not database_line.traps, "all cut")
    finish(chronos, effects)


def test_a_scheduler_that_stood_still_fires_nothing_twice(chronos, effects):
    under_load(chronos, effects)
    stale = chronos.parts[0]
    os.kill(stale.pid, signal.SIGSTOP)
    chronos.scheduler()
    time.sleep(LEASE_SECONDS)
    os.kill(stale.pid, signal.SIGCONT)
    finish(chronos, effects)
