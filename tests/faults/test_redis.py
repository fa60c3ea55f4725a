"""Redis is emptied, killed, away or full of garbage: it only ever delays."""

import os
import shutil
import signal
import time
from contextlib import closing

import pytest
from redis.exceptions import ResponseError
from rq.job import Job
from rq.serializers import JSONSerializer

from runs.models import Process
from runs.ring import QUEUES
from tests import factories
from tests.faults import books, load
from tests.faults.installation import GRACE_SECONDS, Installation, until

OUTAGE_SECONDS = 30
REFUSAL_SECONDS = 8
NOWHERE = ("127.0.0.1", "1")


@pytest.fixture
def chronos(transactional_db, store, tmp_path):
    """A scheduler and two workers that use the store."""
    with closing(Installation(tmp_path, store.url)) as running:
        for start in (running.scheduler, running.worker, running.worker):
            start()
        until(lambda: Process.objects.count() == 3, "all up")
        yield running


def test_a_worker_that_is_started_before_the_store_waits_for_it(transactional_db, effects, store, tmp_path):
    store.stop()
    with closing(Installation(tmp_path, store.url)) as chronos:
        worker = chronos.worker()
        until(lambda: "waiting for Redis" in worker.output.read_text(), "asked")
        store.start()
        chronos.scheduler()
        load.call(factories.alice(), "get", effects.url("get"))
        finish(chronos, effects)


def finish(chronos, effects):
    books.close(chronos, effects)
    assert all(part.alive for part in chronos.parts)


def test_a_store_that_is_emptied_and_killed_under_load(store, chronos, effects):
    load.load(factories.alice(), effects, seconds=7)
    for calls, fault in ((10, store.lose_all), (20, store.lose_all), (30, store.die), (50, store.lose_all)):
        until(lambda calls=calls: len(effects.seen) > calls, "under load")
        fault()
    finish(chronos, effects)


@pytest.mark.faults
def test_a_store_that_is_away_for_half_a_minute_and_comes_back_empty(store, chronos, effects):
    load.load(factories.alice(), effects, seconds=6)
    until(lambda: len(effects.seen) > 20, "under load")
    store.stop()
    time.sleep(OUTAGE_SECONDS)
    shutil.rmtree(store.folder / "appendonlydir")
    store.start()
    finish(chronos, effects)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        pytest.param(("REPLICAOF", *NOWHERE), ("REPLICAOF", "NO", "ONE"), id="a replica"),
        pytest.param(("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), id="full"),
    ],
)
def test_a_store_that_takes_nothing_only_delays(store, chronos, effects, refuse, allow):
    load.load(factories.alice(), effects, seconds=6)
    until(lambda: len(effects.seen) > 10, "under load")
    with store.client as client:
        client.execute_command(*refuse)
        with pytest.raises(ResponseError):
            client.set("refused", 1)
        time.sleep(REFUSAL_SECONDS)
        client.execute_command(*allow)
    finish(chronos, effects)


def test_garbage_in_the_queues_is_neither_executed_nor_the_end_of_a_worker(store, chronos, effects, tmp_path):
    forged = tmp_path / "forged"
    with store.client as client:
        job = Job.create("os.system", [f"touch {forged}"], connection=client, serializer=JSONSerializer)
        job.save()
        client.hset("rq:job:garbage", mapping={"data": b"\xff", "status": "bogus", "created_at": "never"})
        client.set("rq:job:no-hash", "x")
        for name in QUEUES.values():
            client.rpush(f"rq:queue:{name}", job.id, "unknown", "garbage", "no-hash", b"\xff\xfe", "")
        until(lambda: not any(client.llen(f"rq:queue:{name}") for name in QUEUES.values()), "read")
    load.call(factories.alice(), "get", effects.url("get"))
    finish(chronos, effects)
    assert not forged.exists()


def test_a_store_that_hangs_does_not_hold_up_a_stop(store, chronos, effects):
    load.call(factories.alice(), "get", effects.url("held/get"))
    until(lambda: effects.seen, "at work")
    pid, began = store.pid, time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        for part in chronos.parts:
            part.send(signal.SIGTERM)
        assert [part.ends() for part in chronos.parts] == [0, 0, 0]
        assert time.monotonic() - began < GRACE_SECONDS + 5
    finally:
        os.kill(pid, signal.SIGCONT)
