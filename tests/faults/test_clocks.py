"""Clocks that are wrong, that leap, and a machine that sleeps.

PostgreSQL has the only clock that counts. With SQLite it is the machine's, and leaps for all at once.
"""

import os
import signal
import time

import pytest

from runs.models import Process
from tests import factories
from tests.faults import books, load
from tests.faults.installation import LEASE_SECONDS, until

pytestmark = [pytest.mark.faults, pytest.mark.databases("sqlite3", "postgresql")]

HOUR, YEARS = 3600, 10 * 365 * 86400
SECONDS = 8


def finish(chronos, effects):
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


@pytest.fixture
def clock(tmp_path):
    """The file that tells by how many seconds the clock is wrong."""
    told = tmp_path / "clock"
    told.write_text("0")
    return told


@pytest.fixture
def leaping(chronos, clock, effects):
    """An installation on one machine, under load."""
    for start in (chronos.scheduler, chronos.worker, chronos.worker):
        start(clock=clock)
    until(lambda: Process.objects.count() == 3, "all up")
    load.load(factories.alice(), effects, seconds=SECONDS)
    until(lambda: len(effects.seen) > 10, "under load")
    return chronos


@pytest.mark.databases("postgresql")
def test_machines_whose_clocks_are_wrong_fire_and_work_on_time(chronos, effects, tmp_path):
    for number, seconds in enumerate((-HOUR, YEARS, HOUR, -20, 20)):
        clock = tmp_path / f"clock-{number}"
        clock.write_text(str(seconds))
        start = chronos.scheduler if number < 2 else chronos.worker
        start(clock=clock)
    until(lambda: Process.objects.count() == 5, "all up")
    load.load(factories.alice(), effects, seconds=SECONDS)
    finish(chronos, effects)


@pytest.mark.parametrize("seconds", [-1, -HOUR])
def test_a_clock_that_is_put_back_fires_nothing_twice(leaping, clock, effects, seconds):
    clock.write_text(str(seconds))
    time.sleep(LEASE_SECONDS + 2)
    clock.write_text("0")
    finish(leaping, effects)


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("seconds", [HOUR, YEARS])
def test_a_leap_of_one_machine_ahead_fires_nothing_early(leaping, clock, effects, seconds):
    clock.write_text(str(seconds))
    finish(leaping, effects)


@pytest.mark.databases("sqlite3")
@pytest.mark.parametrize("seconds", [HOUR, YEARS])
def test_a_leap_ahead_accounts_for_each_tick_that_it_passed(leaping, clock, effects, seconds):
    clock.write_text(str(seconds))
    until(books.are_closed, "all done")
    books.check()
    books.check_effects(effects)
    assert all(part.alive for part in leaping.parts)


def test_a_machine_that_slept_wakes_up_and_accounts_for_each_tick(leaping, effects):
    pids = leaping.pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * LEASE_SECONDS)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    finish(leaping, effects)
