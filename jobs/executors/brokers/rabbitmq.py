"""RabbitMQ: a message is sent once the broker has confirmed it and a queue has it."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import amqp
from amqp.exceptions import AMQPError, MessageNacked, NotFound
from amqp.transport import SSLTransport, TCPTransport

from jobs.executors import guard
from jobs.executors.base import Context, ExecutionError
from jobs.executors.brokers import Message, is_room
from jobs.executors.brokers.failures import told
from jobs.executors.brokers.places import CONNECT_SECONDS, Place

NOT_PERSISTENT, PERSISTENT = 1, 2


@contextmanager
def opened(place: Place, config: Mapping[str, Any], context: Context) -> Iterator["RabbitMq"]:
    """A connection to the broker, which the end of the run closes.

    Messages that were taken and not done are back in their queue when it is closed.
    """
    sockets = guard.Sockets()
    connection = _Connection(place, context, sockets)
    with context.closing(sockets.shut_down), told(place, context):
        try:
            connection.connect()
            yield RabbitMq(connection, config)
            # Its answer tells that the broker has read all before.
            connection.close()
        finally:
            with suppress(OSError, AMQPError):
                connection.collect()
            sockets.close()


class _Connection(amqp.Connection):  # type: ignore[misc]
    """Connects by sockets that are checked, and that another thread can end."""

    def __init__(self, place: Place, context: Context, sockets: guard.Sockets) -> None:
        self._place = place
        self._sockets = sockets
        super().__init__(
            f"{place.host}:{place.port}",
            userid=place.username or "guest",
            password=place.password or "guest",
            virtual_host=place.path or "/",
            connect_timeout=max(0.01, min(CONNECT_SECONDS, context.remaining)),
            confirm_publish=True,
            client_properties={"connection_name": f"chronos {context.job_name}"[:100]},
        )

    def Transport(self, host: str, connect_timeout: float, *args: Any, **kwargs: Any) -> Any:
        transport = _OverTls if self._place.tls else _Plain
        return transport(self._place, self._sockets, connect_timeout)


class _Checked:
    """Connects where it may, over the socket that is checked."""

    sock: Any

    def __init__(self, place: Place, sockets: guard.Sockets, seconds: float, **kwargs: Any) -> None:
        super().__init__(place.host, seconds, **kwargs)  # type: ignore[call-arg]
        self._place = place
        self._sockets = sockets
        self._seconds = seconds

    def _connect(self, host: str, port: int, timeout: float) -> None:
        self.sock = self._place.connect(timeout, self._sockets)


class _Plain(_Checked, TCPTransport):  # type: ignore[misc]
    """Speaks openly."""


class _OverTls(_Checked, SSLTransport):  # type: ignore[misc]
    """Speaks over TLS, with a server that shows a certificate of its name."""

    def _wrap_socket(self, sock: Any, **kwargs: Any) -> Any:
        sock.settimeout(self._seconds)
        wrapped = ssl.create_default_context().wrap_socket(sock, server_hostname=self._place.host)
        wrapped.settimeout(None)
        return wrapped


class RabbitMq:
    """One open connection."""

    def __init__(self, connection: _Connection, config: Mapping[str, Any]) -> None:
        self._connection = connection
        self._config = config
        self._channel = connection.channel()
        # Or texts in an encoding that is told would come as other bytes.
        self._channel.auto_decode = False
        self._returned: list[str] = []
        self._channel.events["basic_return"].add(self._take_back)

    def _take_back(self, error: Exception, *others: Any) -> None:
        self._returned.append(str(error))

    def send(self, queues: Sequence[str], message: Message) -> None:
        if message.exchange:
            self._send_by_exchange(queues, message)
            return
        for queue in queues:
            self._find(queue)
            self._publish("", queue, message)
            self._check_returned(f"The broker has no queue {queue} for it.")

    def _send_by_exchange(self, queues: Sequence[str], message: Message) -> None:
        """Send it once; where no queue gets it, those that the job names are bound to the exchange."""
        exchange, routing_key = message.exchange, message.routing_key
        self._find_exchange(exchange)
        self._publish(exchange, routing_key, message)
        if self._returned and self._config.get("declare", True) and routing_key:
            self._returned.clear()
            for queue in queues:
                self._channel.queue_declare(queue, **_KEPT)
                self._channel.queue_bind(queue, exchange, routing_key)
            self._publish(exchange, routing_key, message)
        self._check_returned(f"No queue is bound to {exchange} for the routing key {routing_key!r}.")

    def _publish(self, exchange: str, routing_key: str, message: Message) -> None:
        properties = message.kept if message.kept is not None else _properties(message)
        made = amqp.Message(message.body, application_headers=dict(message.headers), **properties)
        try:
            self._channel.basic_publish(made, exchange, routing_key, mandatory=True)
        except MessageNacked as error:
            raise ExecutionError(
                "BROKER_ERROR", "RabbitMQ refused the message; its queue may be full."
            ) from error

    def _check_returned(self, sentence: str) -> None:
        if self._returned:
            raise ExecutionError("UNROUTABLE", sentence)

    def _find(self, queue: str) -> int:
        """How many messages the queue holds, which must be there, or is made if the job says so."""
        # A refusal closes its channel.
        with self._connection.channel() as probe:
            try:
                return int(probe.queue_declare(queue, passive=True).message_count)
            except NotFound as error:
                if not self._config.get("declare"):
                    raise ExecutionError(
                        "QUEUE_MISSING", f'There is no queue {queue}; "declare": true has it made.'
                    ) from error
        self._channel.queue_declare(queue, **_KEPT)
        return 0

    def _find_exchange(self, exchange: str) -> None:
        with self._connection.channel() as probe:
            try:
                probe.exchange_declare(exchange, "", passive=True)
            except NotFound as error:
                if not self._config.get("declare", True):
                    raise ExecutionError("QUEUE_MISSING", f"There is no exchange {exchange}.") from error
            else:
                return
        kind = self._config.get("exchangeType") or "topic"
        self._channel.exchange_declare(exchange, kind, **_KEPT)

    def count(self, queue: str) -> int:
        return self._find(queue)

    def take(self, queue: str, most: int) -> list[Message]:
        self._find(queue)
        found: list[Message] = []
        while is_room(found, most):
            taken = self._channel.basic_get(queue, no_ack=self._takes_for_good)
            if taken is None:
                break
            found.append(_message(taken))
        return found

    @property
    def _takes_for_good(self) -> bool:
        return bool(self._config.get("autoAck"))

    def done(self, messages: Sequence[Message]) -> None:
        if messages and not self._takes_for_good:
            self._channel.basic_ack(messages[-1].place, multiple=True)

    def purge(self, queue: str) -> int:
        self._find(queue)
        return int(self._channel.queue_purge(queue))


_KEPT = {"durable": True, "auto_delete": False}
# Not user_id: the broker takes it from its owner alone.
_PROPERTIES = (
    "content_type",
    "content_encoding",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "app_id",
)


def _properties(message: Message) -> dict[str, Any]:
    found = {
        "delivery_mode": PERSISTENT if message.persistent else NOT_PERSISTENT,
        "message_id": message.id or None,
        "priority": message.priority,
        "expiration": str(message.ttl_seconds * 1000) if message.ttl_seconds else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _message(taken: Any) -> Message:
    body = taken.body if isinstance(taken.body, bytes) else str(taken.body).encode()
    said = taken.properties
    return Message(
        body,
        id=said.get("message_id") or "",
        headers=dict(said.get("application_headers") or {}),
        place=taken.delivery_info["delivery_tag"],
        kept={name: value for name, value in said.items() if name in _PROPERTIES},
    )
