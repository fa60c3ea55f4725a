"""Message jobs against a real RabbitMQ, Redis and Kafka cluster."""

import time
from itertools import count
from urllib.parse import urlsplit

import amqp
import pytest
from redis import Redis

from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.message_queue import execute
from tests.factories import NOON

NAMES = (f"queue-{number}" for number in count())


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def queue():
    return next(NAMES)


@pytest.fixture
def rabbitmq(rabbitmq_url, settings):
    """The RabbitMQ of the settings, with a connection to it."""
    settings.BROKERS = {"rabbit": rabbitmq_url}
    with amqp.Connection(f"127.0.0.1:{urlsplit(rabbitmq_url).port}") as connection:
        yield connection.channel()


@pytest.fixture
def redis(redis_url, settings):
    settings.BROKERS = {"redis": redis_url}
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def kafka(kafka_servers, settings):
    settings.BROKERS = {"kafka": f"kafka://{kafka_servers}"}


@pytest.fixture(params=["rabbitmq", "redis", "kafka"])
def broker(request):
    """Each of them in turn; `declare` is what makes a queue there."""
    request.getfixturevalue(request.param)
    return {"declare": True} if request.param == "rabbitmq" else {}


def context(seconds=40.0):
    return Context(
        "run-1", "job-1", "Orders", NOON, 1, time.monotonic() + seconds, log=lambda *_, **__: None
    )  # fmt: skip


def run(operation, queue, config=None, *, within=None, **columns):
    names = ("message_body", "message_group_id", "batch_size")
    options = {name: columns.pop(name) for name in list(columns) if name not in names}
    payload = {"operation_type": operation, "queue_name": queue, "queue_config": config, "metadata": options}
    return execute(Payload({**payload, **columns}), within or context())


def produce(queue, body="Hello", config=None, **columns):
    return run("PRODUCE", queue, config, message_body=body, **columns)


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        run(*args, **kwargs)
    return caught.value


def bodies(result):
    return [each["body"] for each in result.data["messages"]]


def test_what_is_produced_is_consumed_once(broker, queue):
    for body in ("one", "zwei ü"):
        produce(queue, body, broker)
    first = run("CONSUME", queue, broker)
    assert sorted(bodies(first)) == ["one", "zwei ü"]
    assert first.summary == f"2 messages taken from {queue}"
    assert run("CONSUME", queue, broker).data["count"] == 0


def test_a_message_goes_to_each_queue_of_a_list(broker, queue):
    other = next(NAMES)
    produce(f"{queue}, {other}", "both", broker)
    assert bodies(run("CONSUME", queue, broker)) == bodies(run("CONSUME", other, broker)) == ["both"]


def test_no_more_than_a_batch_is_taken(broker, queue):
    for number in range(5):
        produce(queue, str(number), broker)
    assert run("CONSUME", queue, broker, batch_size=3).data["count"] == 3
    assert run("CONSUME", queue, broker).data["count"] == 2


def test_dead_letters_are_moved_and_counted(broker, queue):
    target = next(NAMES)
    produce(target, "first", broker)
    for number in range(3):
        produce(queue, str(number), broker)
    moved = run("MOVE_DLQ", queue, {**broker, "targetQueue": target})
    assert moved.data == {"moved": 3, "target": target}
    assert sorted(bodies(run("CONSUME", target, broker))) == ["0", "1", "2", "first"]
    assert run("CONSUME", queue, broker).data["count"] == 0


@pytest.mark.parametrize("broker", ["rabbitmq", "redis"], indirect=True)
def test_a_queue_is_purged_and_counted(broker, queue):
    for number in range(3):
        produce(queue, str(number), broker)
    assert run("PURGE", queue, broker).data == {"purged": {queue: 3}}
    assert run("CONSUME", queue, broker).data["count"] == 0
