"""Bells over a real store."""

import socket
import time

import django_rq
import pytest
from rq import Queue
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


def test_a_forged_webhook_is_never_called(queues):
    forged = Bell.create(DRAIN, connection=queues[1].connection, serializer=JSONSerializer)
    forged.save()
    queues[1].connection.hset(forged.key, "webhooks", '[{"url": "http://x/", "job_status": "failed"}]')
    assert Bell.fetch(forged.id, connection=queues[1].connection, serializer=JSONSerializer).webhooks == []


def test_a_forged_bell_neither_comes_again_nor_breaks_off_what_runs(queues):
    forged = Bell.create(DRAIN, connection=queues[1].connection, serializer=JSONSerializer, timeout=1)
    forged.retries_left = forged.repeats_left = 1_000_000
    forged.save()
    read = Bell.fetch(forged.id, connection=queues[1].connection, serializer=JSONSerializer)
    assert (read.timeout, read.retries_left, read.repeats_left) == (-1, None, None)


def test_garbage_is_passed_over(queues):
    store = queues[1].connection
    store.hset("rq:job:garbage", mapping={"data": b"\xff", "status": "bogus", "created_at": "yesterday"})
    store.rpush(queues[1].key, "garbage")
    ring([2])
    found = Queue.dequeue_any(
        [queues[1], queues[2]], 1, connection=store, job_class=Bell, serializer=JSONSerializer
    )
    assert found[0].func_name == DRAIN


def test_a_store_that_is_away_is_no_error(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    ring([1, 2, 3])
    assert "could not ring" in caplog.text


def test_a_store_that_hangs_does_not_hold_up_who_rings(settings, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        ring([1, 2, 3])
    assert time.monotonic() - began < 10
    assert "could not ring" in caplog.text


def test_what_is_no_queue_is_cleared_away_and_silences_no_other(valkey):
    valkey.set("rq:queue:high", "x")
    valkey.set("rq:queues", "x")
    for _ in range(2):
        ring(QUEUES)
    assert [valkey.llen(f"rq:queue:{name}") for name in QUEUES.values()] == [1, 1, 1]
