"""What brokers' refusals are called."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from amqp import exceptions as amqp

from jobs import masking
from jobs.executors.base import Context, ExecutionError
from jobs.executors.brokers.places import Place

_REFUSED = (
    amqp.AccessRefused,
    amqp.NotAllowed,
    redis.AuthenticationError,
    redis.exceptions.NoPermissionError,
)


@contextmanager
def told(place: Place, context: Context) -> Iterator[None]:
    """Tell what goes wrong with a broker in the words of a run.

    Raises ExecutionError; and Cancelled or DeadlineExceeded where that is why the connection ended.
    """
    try:
        yield
    except (OSError, amqp.AMQPError, redis.RedisError) as error:
        context.check()
        raise ExecutionError(_class_of(error), f"{place}: {sentence(error)}.") from error


def _class_of(error: Exception) -> str:
    if isinstance(error, _REFUSED) or "NOAUTH" in str(error):
        return "BROKER_REFUSED"
    # The client of Redis tells of it in an error of its own.
    reasons = (error, error.__cause__, error.__context__)
    if any(isinstance(each, socket.gaierror) for each in reasons):
        return "DNS_ERROR"
    if any(isinstance(each, ssl.SSLError) for each in reasons):
        return "TLS_ERROR"
    lost = (OSError, amqp.ConnectionForced, redis.ConnectionError, redis.TimeoutError)
    return "CONNECTION_ERROR" if isinstance(error, lost) else "BROKER_ERROR"


def sentence(error: Exception) -> str:
    text = str(getattr(error, "reply_text", None) or error) or type(error).__name__
    return masking.text(text).rstrip(".")[:500]
