"""Kafka: messages are sent to topics, and taken from them behind the place that a group has come to."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from jobs.executors.base import Context, ExecutionError
from jobs.executors.brokers import Message, is_room, kafka
from jobs.executors.brokers.places import CONNECT_SECONDS

RETRIES = 3
# How long a partition may give nothing before it counts as read to its end.
WAIT_SECONDS = 10.0
# A call that nobody can interrupt.
CALL_SECONDS = 4.0
_OF_PRODUCERS = {
    "acks": "acks",
    "lingerMs": "linger.ms",
    "batchSize": "batch.size",
    "compressionType": "compression.type",
    "maxInFlightRequestsPerConnection": "max.in.flight.requests.per.connection",
}
_OF_SIGN_IN = {
    "securityProtocol": "security.protocol",
    "saslMechanism": "sasl.mechanism",
    "username": "sasl.username",
    "password": "sasl.password",
}


@contextmanager
def opened(url: str, config: Mapping[str, Any], context: Context) -> Iterator["KafkaTopics"]:
    """Clients of the cluster, which the end of the run closes."""
    servers = config.get("bootstrapServers") or config.get("brokers") or ""
    where = kafka.trusted(url) if url else kafka.cluster(servers)
    if not url:
        where = replace(where, options={**where.options, **_signed_in(config)})
    with ExitStack() as stack:
        try:
            yield KafkaTopics(where, config, context, stack)
        except KafkaException as error:
            context.check()
            raise ExecutionError("KAFKA_ERROR", f"Kafka: {kafka.sentence(error.args[0])}.") from error


def _chosen(config: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {option: config[name] for name, option in names.items() if name in config}


def _signed_in(config: Mapping[str, Any]) -> dict[str, Any]:
    said = _chosen(config, _OF_SIGN_IN)
    usual = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"} if "username" in config else {}
    return {**usual, **said}


class KafkaTopics:
    """One open cluster."""

    def __init__(
        self, where: kafka.Cluster, config: Mapping[str, Any], context: Context, stack: ExitStack
    ) -> None:
        self._where = where
        self._config = config
        self._context = context
        self._stack = stack
        self._senders: dict[str, kafka.Acknowledged] = {}
        self._readers: dict[str, _Reader] = {}

    def send(self, queues: Sequence[str], message: Message) -> None:
        headers = message.kept if message.kept is not None else _headers(message)
        for queue in queues:
            sender = self._sender(queue)
            sender.send(0, queue, message.key, message.body, headers)
            if lost := sender.failed():
                raise ExecutionError("KAFKA_ERROR", f"{queue} takes no message: {lost[0]}.")

    def _sender(self, topic: str) -> kafka.Acknowledged:
        if topic not in self._senders:
            options = _chosen(self._config, _OF_PRODUCERS)
            if {"acks", "maxInFlightRequestsPerConnection"} & set(options):
                options["enable.idempotence"] = False
            opening = kafka.producing(
                replace(self._where, options={**self._where.options, **options}),
                [topic],
                self._context,
                retries=self._config.get("retries", RETRIES),
                connect_seconds=CONNECT_SECONDS,
            )
            self._senders[topic] = self._stack.enter_context(opening)
        return self._senders[topic]

    def count(self, queue: str) -> int:
        reader = self._reader(queue)
        return sum(high - low for low, high in reader.reach().values())

    def take(self, queue: str, most: int) -> list[Message]:
        return self._reader(queue).take(most)

    def _reader(self, topic: str) -> "_Reader":
        if topic not in self._readers:
            self._readers[topic] = _Reader(self._where, topic, self._config, self._context)
            self._stack.callback(self._readers[topic].close)
        return self._readers[topic]

    def done(self, messages: Sequence[Message]) -> None:
        for topic, reader in self._readers.items():
            reader.commit([each.place for each in messages if each.place.topic == topic])

    def purge(self, queue: str) -> int:
        reach = self._reader(queue).reach()
        ends = [TopicPartition(queue, number, high) for number, (_, high) in reach.items()]
        admin = kafka.client(AdminClient, self._where, {}, kafka.Troubles(), self._context)
        for each in admin.delete_records(ends, request_timeout=CALL_SECONDS).values():
            each.result(CALL_SECONDS * 2)
        return sum(high - low for low, high in reach.values())


class _Reader:
    """Reads all partitions of one topic for a group.

    It does not join the group: that takes seconds, and a run is over sooner. Brokers refuse what it has
    come to while members of the group are there.
    """

    def __init__(self, where: kafka.Cluster, topic: str, config: Mapping[str, Any], context: Context) -> None:
        self._topic = topic
        self._context = context
        self._at_end: set[int | None] = set()
        self._started = False
        self._latest = config.get("autoOffsetReset") == "latest"
        troubles = kafka.Troubles()
        options = {
            "group.id": config.get("groupId") or f"chronos-{context.job_id}",
            "auto.offset.reset": "latest" if self._latest else "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
        self._consumer = kafka.client(Consumer, where, options, troubles, context)
        try:
            found = kafka.meet(self._consumer, where, topic, context, CONNECT_SECONDS, troubles)
            self._partitions = self._of(found)
        except BaseException:
            self._consumer.close()
            raise

    def _of(self, found: Any) -> list[int]:
        if found.error is not None:
            missing = found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            raise ExecutionError(
                "QUEUE_MISSING" if missing else "KAFKA_ERROR",
                f"The topic {self._topic}: {kafka.sentence(found.error)}.",
            )
        return list(found.partitions)

    def reach(self) -> dict[int, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last."""
        return {number: self._reach_of(number) for number in self._partitions}

    def _reach_of(self, number: int) -> tuple[int, int]:
        self._context.check()
        partition = TopicPartition(self._topic, number)
        found = self._consumer.get_watermark_offsets(partition, timeout=CALL_SECONDS)
        if found is None:
            raise ExecutionError("CONNECTION_ERROR", f"Kafka does not say how long {self._topic} is.")
        return found

    def take(self, most: int) -> list[Message]:
        """The next messages, until all partitions are read to their ends."""
        if not self._started:
            self._start()
        found: list[Message] = []
        give_up_at = time.monotonic() + WAIT_SECONDS
        while is_room(found, most) and not self._is_at_end() and time.monotonic() < give_up_at:
            self._context.check()
            taken = self._consumer.poll(kafka.STEP_SECONDS)
            if taken is None:
                continue
            error = taken.error()
            if error is None:
                found.append(_message(taken))
                self._at_end.discard(taken.partition())
            elif error.code() == KafkaError._PARTITION_EOF:
                self._at_end.add(taken.partition())
            else:
                raise KafkaException(error)
        return found

    def _start(self) -> None:
        asked = [TopicPartition(self._topic, number) for number in self._partitions]
        places = self._consumer.committed(asked, timeout=CALL_SECONDS)
        unread = [each for each in places if each.offset < 0]
        for each in unread:
            each.offset = self._reach_of(each.partition)[1] if self._latest else OFFSET_BEGINNING
        if self._latest and unread:
            # Or the next run would begin at the end again, and miss what came in between.
            self._consumer.commit(offsets=unread, asynchronous=False)
        self._consumer.assign(places)
        self._started = True

    def _is_at_end(self) -> bool:
        return self._at_end.issuperset(self._partitions)

    def commit(self, places: Sequence[TopicPartition]) -> None:
        ends = {place.partition: place for place in sorted(places, key=lambda each: each.offset)}
        if ends:
            offsets = [TopicPartition(self._topic, number, end.offset + 1) for number, end in ends.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()


def _headers(message: Message) -> list[tuple[str, Any]]:
    said = {**message.headers, **({"message-id": message.id} if message.id else {})}
    return [(name, str(value)) for name, value in said.items()]


def _message(taken: Any) -> Message:
    kept = taken.headers() or []
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in kept}
    place = TopicPartition(taken.topic(), taken.partition(), taken.offset())
    return Message(taken.value() or b"", taken.key(), headers=headers, place=place, kept=kept)
