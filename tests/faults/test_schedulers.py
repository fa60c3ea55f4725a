"""Five schedulers at once."""

import os
import signal
from datetime import timedelta

import pytest
from django.db import connection

from chronos_site.clock import database_now
from runs.models import DeadLetter, Process, Run
from tests import factories
from tests.faults import books, load
from tests.faults.installation import until

pytestmark = pytest.mark.databases("sqlite3", "postgresql")

# A minute where schedulers can get in each other's way; SQLite lets in one at a time.
SECONDS = {"postgresql": 60, "sqlite": 20}
MOST_LOSSES = 3


@pytest.mark.faults
def test_five_schedulers_fire_each_tick_once_though_a_run_kills_its_workers(chronos, effects):
    alice, begin = factories.alice(), database_now().replace(microsecond=0) + timedelta(seconds=2)
    ticks = [begin + timedelta(seconds=n) for n in range(SECONDS[connection.vendor])]
    job = load.every_second(alice, ticks[0], ticks[-1])
    for _ in range(5):
        chronos.scheduler()
    worker = chronos.worker()
    effects.then["poison"] = lambda: os.kill(worker.horse, signal.SIGKILL)
    load.call(alice, "poison", effects.url("poison"), at=begin + timedelta(seconds=1))
    until(books.are_closed, "all done", seconds=120)
    books.close(chronos, effects)
    assert Process.objects.filter(kind=Process.Kind.SCHEDULER).count() == 5
    fired = Run.objects.filter(job=job, attempt=1).order_by("scheduled_time")
    assert list(fired.values_list("scheduled_time", flat=True)) == ticks
    assert effects.of("poison") == MOST_LOSSES
    assert DeadLetter.objects.get().job.name == "poison"
