"""A worker carries out what waits beside its runs, such as bulk operations."""

import threading
from dataclasses import replace
from threading import Event

import pytest
from django.db import connections

from chronos_site.clock import database_now
from jobs.executors import TYPES
from jobs.executors.base import Result
from jobs.models import Job, Status
from runs import bulk, carrying
from runs import drain as drains
from runs.bulk import BulkOperation
from runs.bulk_actions import ACTIONS
from runs.drain import Drainer
from runs.management.commands import scheduler
from runs.models import Run
from runs.ring import QUEUES
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(bulk, "AT_ONCE", 0)


@pytest.fixture
def operation():
    """A pause of three jobs that waits for a worker."""
    bob = factories.bob()
    for number in range(3):
        factories.job(bob, name=f"job-{number}")
    return bulk.start(
        ACTIONS["PAUSE"], Job.objects.all(), by=bob, parameters={}, expected=3, at=database_now()
    )


def state(operation):
    return BulkOperation.objects.values_list("state", "done").get(pk=operation.pk)


def test_a_worker_that_is_rung_for_carries_it_out(operation):
    Drainer("w-1", slots=2).run()
    assert state(operation) == ("DONE", 3)
    assert set(Job.objects.values_list("status", flat=True)) == {Status.PAUSED}


def test_a_worker_that_is_busy_carries_it_out_meanwhile(operation, monkeypatch):
    go_on, started = Event(), Event()
    busy = replace(TYPES["DUMMY"], execute=lambda *_: started.set() or (go_on.wait(30) and Result("Done")))
    monkeypatch.setitem(TYPES, "DUMMY", busy)
    now = database_now()
    Run.objects.create(job=Job.objects.first(), scheduled_time=now, available_at=now)
    drain = threading.Thread(target=_drain)
    drain.start()
    assert started.wait(30)
    until_done(operation)
    assert Run.objects.get().outcome is None
    go_on.set()
    drain.join(30)


def _drain():
    try:
        Drainer("w-1", slots=1).run()
    finally:
        connections.close_all()


def until_done(operation, seconds=30.0):
    patience = Event()
    for _ in range(int(seconds / 0.05)):
        if state(operation)[0] == "DONE":
            return
        patience.wait(0.05)
    raise AssertionError("it was not carried out")


def test_a_worker_that_stops_leaves_it_to_others(operation):
    drainer = Drainer("w-1", slots=2)
    drainer.stop()
    drainer.run()
    assert state(operation) == ("PENDING", 0)


def test_the_scheduler_rings_while_one_waits(operation, monkeypatch):
    rung = []
    monkeypatch.setattr(scheduler, "ring", lambda ranks: rung.append([QUEUES[rank] for rank in ranks]))
    scheduler._ring()
    Drainer("w-1", slots=2).run()
    scheduler._ring()
    assert rung == [["high"], []]
