"""Kafka: which brokers, whether they may be reached, and messages that they acknowledge."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from confluent_kafka import KafkaError, KafkaException, Producer
from django.conf import settings

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError

PORT = 9092
# How long it waits without a look whether the run should stop.
STEP_SECONDS = 0.2
# Brokers that refuse are given this long to come back.
REFUSED_SECONDS = 2.0
LOOK_UP_SECONDS = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is. One that a job names is checked; the administrator's is trusted."""

    servers: str
    checked: bool
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def cluster(named: str = "") -> Cluster:
    """The cluster at `host:port,...`; without it the broker of the settings called kafka, or the only one.

    Raises ExecutionError with KAFKA_ERROR where there is none.
    """
    if named:
        return Cluster(named, checked=True)
    known = {name: url for name, url in settings.BROKERS.items() if url.startswith("kafka://")}
    url = known.get("kafka") or (next(iter(known.values())) if len(known) == 1 else "")
    if not url:
        raise ExecutionError(
            "KAFKA_ERROR",
            "The job names no Kafka servers, and CHRONOS_BROKERS has no broker called kafka.",
        )
    return trusted(url)


def trusted(url: str) -> Cluster:
    """The cluster at a URL of the settings."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.username:
        options.setdefault("security.protocol", "SASL_PLAINTEXT")
        options.setdefault("sasl.mechanism", "PLAIN")
        options |= {"sasl.username": unquote(parts.username), "sasl.password": unquote(parts.password or "")}
    return Cluster(parts.netloc.rpartition("@")[2], checked=False, options=options)


@dataclass
class Troubles:
    """What a client says of its connections, from a thread of its own."""

    last: str = "they do not answer"
    # When no broker was left to try, by `time.monotonic()`.
    all_down: float | None = None

    def tell(self, error: KafkaError) -> None:
        self.last = sentence(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.all_down = self.all_down or time.monotonic()


class Acknowledged:
    """A producer whose messages count once the brokers have acknowledged them."""

    def __init__(self, producer: Producer, context: Context) -> None:
        self._producer = producer
        self._context = context
        self._failed: dict[int, str] = {}

    def send(
        self, number: int, topic: str, key: bytes | None, value: bytes, headers: list[tuple[str, Any]]
    ) -> None:
        """Hand one message over; `number` is how `failed` calls it."""
        refused = _Refusal(self, number)
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=refused, headers=headers)
            except BufferError:
                self._context.check()
                self._producer.poll(STEP_SECONDS)
            except KafkaException as error:
                self._failed[number] = sentence(error.args[0])
                return
            else:
                return

    def refused(self, number: int, error: KafkaError) -> None:
        self._failed[number] = sentence(error)

    def failed(self) -> dict[int, str]:
        """Wait until every message is acknowledged or refused; gives the refused ones with their sentences.

        Raises Cancelled or DeadlineExceeded.
        """
        while self._producer.flush(min(STEP_SECONDS, max(0.01, self._context.remaining))):
            self._context.check()
        failed, self._failed = self._failed, {}
        return failed


class _Refusal:
    """What the producer calls when a message has failed."""

    __slots__ = ("_number", "_sender")

    def __init__(self, sender: Acknowledged, number: int) -> None:
        self._sender = sender
        self._number = number

    def __call__(self, error: KafkaError | None, message: object) -> None:
        if error is not None:
            self._sender.refused(self._number, error)


@contextmanager
def producing(
    where: Cluster, topics: list[str], context: Context, *, retries: int, connect_seconds: float
) -> Iterator[Acknowledged]:
    """A producer for the topics, connected.

    What is under way when the block is left early is dropped: it may or may not have arrived. Raises
    ExecutionError with FORBIDDEN_ADDRESS, CONNECTION_ERROR, DNS_ERROR or KAFKA_ERROR.
    """
    options = {
        "acks": "all",
        "enable.idempotence": retries > 0,
        "retries": retries,
        "linger.ms": 20,
        # Those that have arrived are no longer waited for: that tells it.
        "delivery.report.only.error": True,
        "message.timeout.ms": round(max(connect_seconds, 10) * 1000),
    }
    troubles = Troubles()
    producer = client(Producer, where, options, troubles, context)
    try:
        for topic in topics:
            meet(producer, where, topic, context, connect_seconds, troubles)
        yield Acknowledged(producer, context)
    finally:
        # Or it would wait for brokers that may be gone.
        producer.purge()
        producer.poll(0)


def client(
    kind: Callable[[dict[str, Any]], T],
    where: Cluster,
    options: Mapping[str, Any],
    troubles: Troubles,
    context: Context,
) -> T:
    """A client of the cluster, which tells its troubles.

    Raises ExecutionError with FORBIDDEN_ADDRESS, DNS_ERROR or KAFKA_ERROR.
    """
    if where.checked:
        _check_servers(where.servers, context)
    try:
        return kind(
            {
                "client.id": "chronos",
                "log_level": 0,
                "error_cb": troubles.tell,
                **options,
                **where.options,
                "bootstrap.servers": where.servers,
            }
        )
    except KafkaException as error:
        raise ExecutionError("KAFKA_ERROR", sentence(error.args[0])) from error


def _check_servers(servers: str, context: Context) -> None:
    for each in servers.split(","):
        host, _, port = each.strip().rpartition(":") if ":" in each else (each.strip(), "", str(PORT))
        _check(host, port, context)


def _check(host: str, port: str | int, context: Context) -> None:
    sockets, patience = guard.Sockets(), min(LOOK_UP_SECONDS, max(0.01, context.remaining))
    try:
        with context.closing(sockets.shut_down):
            guard.addresses(host.strip("[]"), int(port), timeout=patience, sockets=sockets)
    except (OSError, UnicodeError) as error:
        # A look-up that was ended is the deadline or a cancellation, not the name server.
        context.check()
        raise ExecutionError("DNS_ERROR", f"The host {host} is not known.") from error
    except (ValueError, OverflowError) as error:
        raise ExecutionError("KAFKA_ERROR", f"{host}:{port} is no address of a server.") from error


def meet(
    client: Any, where: Cluster, topic: str, context: Context, seconds: float, troubles: Troubles
) -> Any:
    """What the cluster says about the topic; where its brokers are is checked before anything else is said.

    Raises ExecutionError with CONNECTION_ERROR or FORBIDDEN_ADDRESS.
    """
    give_up_at = time.monotonic() + seconds
    while True:
        if troubles.all_down:
            give_up_at = min(give_up_at, troubles.all_down + REFUSED_SECONDS)
        context.check()
        with suppress(KafkaException):
            found = client.list_topics(topic, timeout=min(1.0, max(0.1, context.remaining)))
            break
        client.poll(0)
        if time.monotonic() > give_up_at:
            raise ExecutionError("CONNECTION_ERROR", f"No broker at {where.servers}: {troubles.last}.")
    if where.checked:
        for broker in found.brokers.values():
            _check(broker.host, broker.port, context)
    return found.topics[topic]


def sentence(error: Any) -> str:
    text = error.str() if isinstance(error, KafkaError) else str(error)
    return masking.text(text).rstrip(".")[:500]
