"""The contract between the outbox and a channel: what goes out, to whom, and what the peer says."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from chronos_site import hostile
from jobs import masking
from jobs.executors.base import Cancelled, Context, DeadlineExceeded

Errors = dict[str, list[str]]
LONGEST_ANSWER = 200
# What may pass by itself, though the peer calls it our mistake: timeout, too early, too many.
FOR_NOW = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Message:
    """One message, written for one channel.

    `id` stays the same over retries and over a second delivery, so that a peer can tell that it knows the
    message. `facts` is what it tells, as `notifications.wording` documents it, masked and made visible.
    """

    id: str
    subject: str
    text: str
    html: str = ""
    sms: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Contact(Protocol):
    """Whom to reach: `address` is what people may see; `secret` is in the clear, None if its key is gone."""

    @property
    def address(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def secret(self) -> str | None: ...


@dataclass(frozen=True)
class Answer:
    """What the peer said when it took the message: short, one line each, safe to show."""

    status: str
    detail: str = ""


class Refused(Exception):
    """The peer will never take this message; `str()` is the sentence for the person."""


class Unreachable(Exception):
    """Trying again later makes sense, after `retry_after` seconds where the peer said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Channel(Protocol):
    """One way to reach people. `seconds` is the longest that one delivery takes."""

    @property
    def code(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    def check(self, address: str, settings: Mapping[str, Any], secret: str) -> Errors:
        """What is wrong with a contact, as sentences by `address`, `secret` or a name of its settings."""
        ...

    def send(self, message: Message, contact: Contact) -> Answer:
        """Deliver once. Raises Refused or Unreachable."""
        ...


@contextmanager
def within(seconds: float, message_id: str) -> Iterator[Context]:
    """So much time for all of the block, whatever the peer does with it.

    Raises Unreachable when it is over.
    """
    context = Context(
        run_id=message_id,
        job_id="",
        job_name="",
        scheduled_time=datetime.now(UTC),
        attempt=1,
        deadline=time.monotonic() + seconds,
        log=lambda *_, **__: None,
    )
    # A peer that sends a byte now and then never lets a socket's own timeout come.
    alarm = threading.Timer(seconds, context.interrupt)
    alarm.daemon = True
    alarm.start()
    try:
        yield context
    except (Cancelled, DeadlineExceeded) as error:
        raise Unreachable(f"No answer within {seconds:g} seconds.") from error
    finally:
        alarm.cancel()


def secret_of(contact: Contact) -> str:
    """Its secret. Raises Refused where nobody can read it any more."""
    if contact.secret is None:
        raise Refused("The key that its secret was encrypted with is gone: enter the secret again.")
    return contact.secret


def short(text: str) -> str:
    """What a peer said as one line that is safe to show."""
    line = " ".join(text.replace("\x00", " ").split())
    return hostile.visible(masking.text(line))[:LONGEST_ANSWER]
