"""A stream to Kafka whose worker dies between any two steps: the next run passes over no row."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from chronos_site.clock import database_now
from jobs import memories
from jobs.executors.base import Context
from jobs.executors.brokers.kafka import Acknowledged
from runs import drain
from runs.actions import run_now
from runs.drain import Drainer
from runs.models import Run
from runs.rescue import rescue
from tests import factories
from tests.faults.dying import dies

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

ROWS = 4
# Before a row is sent, before a batch's acknowledgement is waited for, and once that is there.
CALLS = [(Acknowledged, "send"), (Acknowledged, "failed"), (Context, "remember")]


@pytest.fixture
def stream(tmp_path, settings, kafka_servers):
    """A function that makes a job which sends all rows to the topic, two at a time."""
    settings.FILE_ROOTS, settings.ALLOWED_NETWORKS = [tmp_path], ["127.0.0.0/8"]
    with closing(sqlite3.connect(tmp_path / "orders.db")) as orders, orders:
        orders.execute("CREATE TABLE orders (id int)")
        orders.executemany("INSERT INTO orders VALUES (?)", [(number,) for number in range(1, ROWS + 1)])
    owner = factories.alice()

    def make(topic):
        payload = {
            "database_url": f"sqlite:///{tmp_path}/orders.db",
            "query": "SELECT id FROM orders",
            "kafka_topic": topic,
            "batch_size": 2,
            "include_metadata": True,
            "metadata": {"bootstrap_servers": kafka_servers, "offset_field": "id"},
        }
        return factories.job(owner, name=topic, type="DB_TO_KAFKA", payload=payload, arm=False)

    return make


def work():
    Drainer("dying", slots=4).run()


def run(job, step, **kwargs):
    """Run the job in a process that dies at this step; gives the run's id, and whether it died."""
    started = run_now(job, by=None, at=database_now())
    died = dies(work, step, **kwargs)
    Run.objects.running().update(lease_expires_at=database_now() - timedelta(seconds=1))
    rescue()
    return started.pk, died


def sent(servers, topics):
    """The rows in each topic, by the run that sent them."""
    found = {topic: {} for topic in topics}
    options = {"bootstrap.servers": servers, "group.id": "tests", "enable.partition.eof": True}
    with closing(Consumer(options)) as reader:
        known = reader.list_topics(timeout=10).topics
        parts = ((topic, each) for topic in topics for each in known[topic].partitions)
        places = [TopicPartition(*part, OFFSET_BEGINNING) for part in parts]
        reader.assign(places)
        at_end = set()
        while len(at_end) < len(places):
            message = reader.poll(10)
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF
                at_end.add((message.topic(), message.partition()))
            else:
                row = json.loads(message.value())
                found[message.topic()].setdefault(row["_metadata"]["run_id"], []).append(row["id"])
    return found


def test_a_stream_that_is_killed_anywhere_goes_on_where_all_before_was_acknowledged(
    stream, kafka_servers, monkeypatch
):
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.02)
    told = {}
    for step in count(1):
        job = stream(f"orders-{step}")
        first, died = run(job, step, calls=CALLS)
        offset = memories.recall([job.pk]).get(job.pk, {}).get("offset", 0)
        second, _ = run(job, step=0)
        told[job.name] = (first, second, offset)
        if not died:
            break
    for topic, runs in sent(kafka_servers, told).items():
        first, second, offset = told[topic]
        assert set(runs.get(first, [])) >= set(range(1, offset + 1)), topic
        assert sorted(runs.get(second, [])) == [*range(offset + 1, ROWS + 1)], topic
    assert step > 10
