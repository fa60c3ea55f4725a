"""All that can be broken at once, at random."""

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from chronos_site.clock import database_now
from jobs.models import Job
from runs.models import Run
from tests import factories
from tests.faults import books, load
from tests.faults.installation import Installation, database_url, until
from tests.faults.postgres import AS_AFTER_A_CRASH
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.faults, pytest.mark.databases("sqlite3", "postgresql")]

SEED = int(os.environ.get("SOAK_SEED", "1"))
SECONDS = float(os.environ.get("SOAK_MINUTES", "0.75")) * 60
# A stretch of faults and a quiet one, each: of a run as long as Jepsen's it is 200 s.
STRETCH_SHARE = 0.2
WORKERS = 2
EACH_SECOND = 2
# How long a fault lasts; the last one is longer than a lease.
OUTAGES = (0.5, 1, 2, 7)


class Chaos:
    """An installation, and the ways to break it; what it broke is counted."""

    def __init__(self, chronos, store, line, postgres, random):
        self.chronos, self.store, self.random = chronos, store, random
        self.line, self.postgres = line, postgres
        self.done = Counter()
        # How many faults came while something was being worked on.
        self.met_work = 0
        self.asleep = []

    def strike(self):
        """Break one thing."""
        self.met_work += Run.objects.running().exists()
        faults = [
            self.kill,
            self.kill_a_process,
            self.stop,
            self.stand_still,
            self.empty_redis,
            self.kill_redis,
        ]
        if self.postgres:
            faults += [self.cut, self.silence, self.slow_down, self.stop_postgres, self.crash_postgres]
        fault = self.random.choice(faults)
        fault()
        self.done[fault.__name__] += 1

    def heal(self):
        """Let all go on, and start again what is gone."""
        self.wake()
        if self.postgres:
            self.line.mode = "PASS"
            if not self.postgres.runs:
                self.postgres.start()
        kinds = Counter(part.output.name.partition("-")[0] for part in self.chronos.parts if part.alive)
        for start, count in ((self.chronos.scheduler, 2), (self.chronos.worker, WORKERS)):
            for _ in range(count - kinds[start.__name__]):
                start()

    def wake(self):
        while self.asleep:
            with_pid(self.asleep.pop(), signal.SIGCONT)

    def part(self):
        return self.random.choice([part for part in self.chronos.parts if part.alive])

    def kill(self):
        self.part().send(signal.SIGKILL)

    def kill_a_process(self):
        horses = [part.horse for part in self.chronos.parts if part.alive and part.horse]
        with_pid(self.random.choice(horses or [self.part().pid]), signal.SIGKILL)

    def stop(self):
        self.part().send(signal.SIGTERM)

    def stand_still(self):
        part = self.part()
        self.asleep += [pid for pid in (part.pid, part.horse) if pid]
        for pid in self.asleep:
            with_pid(pid, signal.SIGSTOP)

    def empty_redis(self):
        self.store.lose_all()

    def kill_redis(self):
        self.store.die()

    def cut(self):
        self.line.cut()

    def silence(self):
        self.line.mode = "HOLE"

    def slow_down(self):
        self.line.mode, self.line.delay = "DELAY", 0.02

    def stop_postgres(self):
        self.postgres.stop()

    def crash_postgres(self):
        self.postgres.stop(AS_AFTER_A_CRASH)


def with_pid(pid, number):
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, number)


@pytest.fixture
def server(request):
    """PostgreSQL of the test's own, where it is tested."""
    return request.getfixturevalue("postgres") if connection.vendor == "postgresql" else None


@pytest.fixture
def chaos(transactional_db, server, store, tmp_path):
    with ExitStack() as open_until_the_end:
        chronos = open_until_the_end.enter_context(closing(Installation(tmp_path, store.url)))
        line = server and open_until_the_end.enter_context(closing(Proxy(server.address)))
        if line:
            chronos.told = {"DATABASE_URL": database_url(line.port)}
        chaos = Chaos(chronos, store, line, server, Random(SEED))
        yield chaos
        chaos.wake()
        chronos.told = {}


def test_a_minute_of_random_faults_leaves_nothing_unaccounted_for(chaos, effects, capsys):
    begin = load.load(factories.alice(), effects, seconds=int(SECONDS), each=EACH_SECOND, under="slow/")
    chaos.heal()
    until(lambda: database_now() >= begin, "the first is due", seconds=SECONDS)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SECONDS:
        if passed // (SECONDS * STRETCH_SHARE) % 2 == 0:
            chaos.strike()
        time.sleep(chaos.random.choice(OUTAGES))
        chaos.heal()
    with capsys.disabled():
        told = f"seed {SEED}: {chaos.done.total()} faults in {SECONDS:.0f} s, {dict(chaos.done)}"
        print(f"\n{told}, {chaos.met_work} of them while runs were at work")
    until(books.are_closed, "all done", seconds=120)
    chaos.chronos.told = {}
    books.close(chaos.chronos, effects)
    assert Job.objects.filter(created_at__lte=database_now()).count() == int(SECONDS) * EACH_SECOND + 1
