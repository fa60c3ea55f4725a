"""Work of each type that takes long, on real peers, and what can be seen of it from outside."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from confluent_kafka import Consumer, TopicPartition
from redis import Redis

from jobs.executors.scripts import process_tree
from runs.models import Run, RunLog
from tests.faults.effects import Effects
from tests.jobs.executors import payloads

# Counts without an end. Of its rows some alone are taken, so that it is the database that works.
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
# Counts as far as the table `limits` says.
LIMITED = f"{ENDLESS[:-1]} LIMIT (SELECT most FROM limits)) SELECT COUNT(*) FROM n"
FEW = f"{ENDLESS} SELECT x FROM n WHERE x % 20000 = 0"
SCRIPT = "#!/bin/bash\ntrap '' TERM\nsleep 300 &\n(setsid sleep 300 &)\nsleep 300\n"
FAR = 10**12
MESSAGES = 300_000
# What MOVE_DLQ takes at a time.
PORTION = 100
GIGABYTES = 16


@dataclass
class SlowMailServer:
    """Takes messages in full, and says what becomes of them once it is released."""

    begun: list = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server, session, envelope):
        self.begun.append(envelope)
        while not self.released.is_set():
            await asyncio.sleep(0.02)
        return "250 OK"


@dataclass
class LongWork:
    """The peers: an HTTP and a mail server that keep callers waiting, files, a Redis, a Kafka cluster."""

    effects: Effects
    files: Path
    redis: Redis
    redis_url: str
    kafka: str
    topic: str
    mail: Controller
    deaf: socket.socket

    @property
    def silent(self):
        """Where somebody takes connections and says nothing."""
        return f"127.0.0.1:{self.deaf.getsockname()[1]}"

    @property
    def told(self):
        """What workers must be told to reach them."""
        return {
            "CHRONOS_SCRIPT_ENABLED": "1",
            "CHRONOS_FILE_ROOTS": str(self.files),
            "CHRONOS_BROKERS": json.dumps(
                {
                    "queues": f"{self.redis_url}/0",
                    "silent": f"sqs://key:secret@{self.silent}/?region=eu-west-1&tls=false",
                }
            ),
            "CHRONOS_CACHE_REGIONS": json.dumps(
                {
                    "warm": f"{self.redis_url}/1",
                    "silent-redis": f"redis://{self.silent}/0",
                    "silent-memcached": f"memcached://{self.silent}",
                }
            ),
            "CHRONOS_EMAIL_HOST": self.mail.hostname,
            "CHRONOS_EMAIL_PORT": str(self.mail.port),
        }

    def prepare(self):
        with closing(sqlite3.connect(self.files / "numbers.db")) as numbers, numbers:
            numbers.execute("CREATE TABLE limits (most int)")
            numbers.execute("INSERT INTO limits VALUES (?)", [FAR])
        with closing(sqlite3.connect(self.files / "copies.db")) as copies, copies:
            copies.execute("CREATE TABLE copies (x int)")
        with (self.files / "zeros").open("wb") as zeros:
            zeros.truncate(GIGABYTES * 1024**3)
        self.redis.rpush("dead", *range(MESSAGES))

    def requests(self):
        """A request of each type, by type."""
        numbers = f"sqlite:///{self.files}/numbers.db"
        return {
            "HTTP": {"httpUrl": self.effects.url("held/HTTP"), "httpMethod": "GET"},
            "DATABASE": {
                "databaseUrl": f"sqlite:///{self.files}/copies.db",
                "query": f"INSERT INTO copies {FEW}",
                "readOnly": False,
                "queryTimeoutSeconds": 300,
            },
            "FILE_SYSTEM": {
                "operation": "COMPRESS",
                "path": f"{self.files}/zeros",
                "targetPath": f"{self.files}/zeros.gz",
            },
            "MESSAGE_QUEUE": {
                "operationType": "MOVE_DLQ",
                "queueName": "dead",
                "queueConfig": {"type": "REDIS", "targetQueue": "alive"},
            },
            "CACHE": {
                "operation": "WARM",
                "region": "warm",
                "cacheConfig": {"dataSource": numbers, "query": FEW, "key": "n:{x}", "batchSize": 10},
            },
            "EMAIL": {"to": ["ops@example.com"], "subject": "Slow", "text": "Slow"},
            "REPORT": {
                "reportType": "QUERY",
                "format": "CSV",
                "databaseUrl": numbers,
                "query": LIMITED,
                "outputPath": f"{self.files}/report.csv",
            },
            "SCRIPT": {"script": SCRIPT},
            "DUMMY": {"metadata": {"simulatedDelaySeconds": 300}},
            "DB_TO_KAFKA": {
                "databaseUrl": numbers,
                "query": FEW,
                "bootstrapServers": self.kafka,
                "kafkaTopic": self.topic,
                "batchSize": 10,
            },
        }

    def unanswered(self):
        """Requests that lead to who says nothing, by what they take it for."""
        host, _, port = self.silent.partition(":")
        place = {"host": host, "port": int(port)}
        stream = {**self.requests()["DB_TO_KAFKA"], "bootstrapServers": self.silent}
        return {
            "RabbitMQ": consume({"type": "RABBITMQ", **place}),
            "Redis": consume({"type": "REDIS", **place}),
            "Kafka": consume({"type": "KAFKA", "bootstrapServers": self.silent}),
            "SQS": consume({"type": "SQS", "broker": "silent"}),
            "PostgreSQL": select(f"postgresql://user:password@{self.silent}/shop"),
            "MariaDB": select(f"mysql://user:password@{self.silent}/shop"),
            "Redis as a cache": {"type": "CACHE", "operation": "STATS", "region": "silent-redis"},
            "memcached": {"type": "CACHE", "operation": "STATS", "region": "silent-memcached"},
            "Kafka for a stream": {"type": "DB_TO_KAFKA", **stream},
        }

    def at_work(self):
        """The types whose work can be seen to be under way."""
        seen = {
            "HTTP": self.effects.of("HTTP") > 0,
            "DATABASE": (self.files / "copies.db-journal").exists(),
            "FILE_SYSTEM": self.nameless() > 0,
            "MESSAGE_QUEUE": self.redis.llen("alive") > 0,
            "CACHE": bool(self.warmed()),
            "EMAIL": bool(self.mail.handler.begun),
            "REPORT": has_logged("REPORT", "Opening"),
            "SCRIPT": len(self.script_processes()) >= 3,
            "DUMMY": Run.objects.running().filter(job__name="DUMMY").exists(),
            "DB_TO_KAFKA": has_logged("DB_TO_KAFKA", "Opening") and self.sent() > 0,
        }
        return {code for code, is_seen in seen.items() if is_seen}

    def release(self):
        """From now on, what is repeated ends at once, but for DUMMY."""
        self.effects.released.set()
        self.mail.handler.released.set()
        with closing(sqlite3.connect(self.files / "numbers.db")) as numbers, numbers:
            numbers.execute("UPDATE limits SET most = 10")

    def nameless(self):
        """How many files in the folder are being written and have no name yet."""
        return sum(link.startswith(f"{self.files}/#") for link in _opened())

    def warmed(self):
        """How many keys the cache region holds, and how many of them expire."""
        return self.redis.info("keyspace").get("db1", {})

    def moved(self):
        """The messages of the queue, of the one they go to, and those in between."""
        lists = ("dead", "alive", *self.redis.keys("dead:taken:*"))
        found = [self.redis.lrange(key, 0, -1) for key in lists]
        return [int(each) for some in found for each in some]

    def script_processes(self):
        """What still runs of what the script has started."""
        runs = Run.objects.filter(job__name="SCRIPT").values_list("pk", flat=True)
        marks = {f"{process_tree.MARK}={run}".encode() for run in runs}
        return [pid for pid, environment in _environments() if marks & set(environment.split(b"\0"))]

    def script_folders(self):
        lines = RunLog.objects.filter(run__job__name="SCRIPT", message__startswith="Running ")
        return [Path(re.search(r"/\S+/home", line.message)[0]).parent for line in lines]

    def sent(self):
        """How many messages the topic has."""
        return topic_length(self.kafka, self.topic)


def consume(config):
    return {
        "type": "MESSAGE_QUEUE",
        "operationType": "CONSUME",
        "queueName": "orders",
        "queueConfig": config,
    }


def select(url):
    return {"type": "DATABASE", "databaseUrl": url, "query": "SELECT 1"}


def topic_length(servers, topic):
    reader = Consumer({"bootstrap.servers": servers, "group.id": "tests"})
    with closing(reader):
        partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
        return sum(reader.get_watermark_offsets(TopicPartition(topic, each))[1] for each in partitions)


def has_logged(name, beginning):
    return RunLog.objects.filter(run__job__name=name, message__startswith=beginning).exists()


def _opened():
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            yield os.readlink(link)


def _environments():
    for each in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            yield int(each.parent.name), each.read_bytes()


def payload(code, request):
    """What is stored for a request."""
    checked = payloads.form(code, request)
    assert checked.is_valid(), checked.errors
    return checked.columns()
