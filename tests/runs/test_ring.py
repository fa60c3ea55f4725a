"""Bells over a real store."""

import django_rq
import pytest
from rq.serializers import JSONSerializer

from runs.ring import DRAIN, QUEUES, Bell, Refused, ring


@pytest.fixture
def queues(valkey):
    return {rank: django_rq.get_queue(name) for rank, name in QUEUES.items()}


def test_a_bell_waits_in_the_queue_of_its_priority(queues):
    ring([1])
    assert {rank: queue.count for rank, queue in queues.items()} == {1: 1, 2: 0, 3: 0}


def test_a_queue_has_at_most_one_waiting_bell(queues):
    for _ in range(5):
        ring([2])
    assert queues[2].count == 1


def test_a_bell_carries_no_work(queues):
    ring([1])
    (bell,) = queues[1].jobs
    assert (bell.func_name, bell.args, bell.kwargs) == (DRAIN, [], {})
    assert isinstance(bell, Bell)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "runs.settle.settle", "runs.drain.Drainer"])
def test_a_forged_job_is_refused(queues, name):
    forged = Bell.create(name, args=["true"], connection=queues[1].connection, serializer=JSONSerializer)
    with pytest.raises(Refused):
        forged.perform()


def test_a_forged_callback_is_never_looked_up(queues):
    forged = Bell.create(DRAIN, connection=queues[1].connection, serializer=JSONSerializer)
    forged._failure_callback_name = "os.system"
    forged._success_callback_name = "os.system"
    assert (forged.failure_callback, forged.success_callback, forged.stopped_callback) == (None, None, None)


def test_a_store_that_is_away_is_no_error(settings):
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in QUEUES.values()}
    ring([1, 2, 3])
