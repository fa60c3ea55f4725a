"""Workers that die, stand still or are stopped while they work."""

import os
import signal
import time
from pathlib import Path

import pytest

from runs.models import DeadLetter, Run
from tests import factories
from tests.faults import books, load
from tests.faults.installation import GRACE_SECONDS, LEASE_SECONDS, until

pytestmark = pytest.mark.databases("sqlite3", "postgresql")


@pytest.fixture
def long_leases(chronos):
    """For whoever defines jobs meanwhile, which keeps SQLite from writing longer than leases are trusted."""
    chronos.told = {"CHRONOS_LEASE_SECONDS": "60"}


@pytest.fixture
def held(chronos, effects):
    """A worker in the middle of two calls, GET and POST, that are answered once `effects.released` is set."""
    alice = factories.alice()
    load.call(alice, "get", effects.url("held/get"))
    load.call(alice, "post", effects.url("held/post"), "POST")
    chronos.scheduler()
    worker = chronos.worker()
    until(lambda: len(effects.seen) == 2, "both calls made")
    return worker


def ended(name):
    runs = Run.objects.filter(job__name=name).exclude(outcome=None).order_by("attempt")
    return list(runs.values_list("attempt", "outcome", "error_class"))


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


def finish(chronos, effects):
    effects.released.set()
    books.close(chronos, effects)


def check_that_both_were_lost_and_one_repeated():
    assert ended("get") == [(1, "FAILURE", "WORKER_LOST"), (2, "SUCCESS", None)]
    assert ended("post") == [(1, "FAILURE", "WORKER_LOST")]
    assert DeadLetter.objects.get().job.name == "post"


def test_what_a_killed_process_worked_on_is_found_within_its_lease(chronos, effects, held):
    os.kill(held.horse, signal.SIGKILL)
    until(lambda: ended("get") and ended("post"), "rescued", LEASE_SECONDS + 10)
    finish(chronos, effects)
    check_that_both_were_lost_and_one_repeated()


def test_a_process_whose_worker_is_killed_stops_as_if_it_had_been_asked_to(chronos, effects, held):
    horse = held.horse
    held.send(signal.SIGKILL)
    until(lambda: gone(horse), "the process it forked ends", GRACE_SECONDS + 5)
    assert ended("post") == [(1, "FAILURE", "WORKER_LOST")]
    chronos.worker()
    finish(chronos, effects)
    check_that_both_were_lost_and_one_repeated()


@pytest.mark.faults
def test_a_process_that_stood_still_beyond_its_lease_writes_nothing_afterwards(chronos, effects, held):
    horse = held.horse
    os.kill(horse, signal.SIGSTOP)
    until(lambda: ended("get") and ended("post"), "rescued", LEASE_SECONDS + 10)
    chronos.worker()
    effects.released.set()
    until(lambda: len(ended("get")) == 2, "repeated")
    os.kill(horse, signal.SIGCONT)
    until(lambda: "no longer ours" in held.output.read_text(), "its outcomes are discarded")
    finish(chronos, effects)
    check_that_both_were_lost_and_one_repeated()


@pytest.mark.faults
@pytest.mark.usefixtures("long_leases")
@pytest.mark.parametrize("whole_group", [False, True], ids=["the worker", "all its processes"])
def test_a_stop_under_load_loses_nothing(chronos, effects, held, whole_group):
    load.load(factories.bob(), effects, seconds=4)
    until(lambda: effects.seen["POST", "post-9"], "under load")
    began = time.monotonic()
    for pid in [held.pid, held.horse][: 1 + whole_group]:
        os.kill(pid, signal.SIGTERM)
    assert held.ends() == 0
    assert time.monotonic() - began < GRACE_SECONDS + 5
    assert not Run.objects.running().exists()
    assert ended("post") == [(1, "FAILURE", "WORKER_LOST")]
    chronos.worker()
    finish(chronos, effects)
    check_that_both_were_lost_and_one_repeated()
