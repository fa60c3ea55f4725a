"""Deliver what is due: claim it, send it, write down what the peer said; each by a worker, beside its runs.

A message that was sent by a worker that died before it could write so is sent once more, under the same id.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from django.db import Error, transaction
from django.db.models import F, Q

from chronos_site.clock import database_now
from chronos_site.locks import locked
from chronos_site.schema import new_ulid
from notifications import heartbeats, hours
from notifications.channels import CHANNELS
from notifications.channels.base import Answer, Channel, Message, Refused, Unreachable
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat
from notifications.models import Delivery, Notification, NotificationQuerySet
from notifications.outbox import facts
from notifications.wording import render
from runs.carrying import Duty

logger = logging.getLogger(__name__)

# Longer than any channel takes for one message.
LEASE = timedelta(seconds=90)
AT_ONCE = 8
REASON_LIMIT = 1000
SUBJECT_LIMIT = 255
# A message that nobody could deliver for so long is given up, however few tries that were.
GIVEN_UP_AFTER = timedelta(days=2)


def waiting(at: datetime) -> NotificationQuerySet:
    """Messages that are due, but for those whose contact point is cut off for a while."""
    cut_off = Contact.objects.filter(open_until__gt=at).values("pk")
    return Notification.objects.due(at).exclude(contact__in=cut_off)


def waits() -> bool:
    """Whether anything is to be sent: a message, or a sign of life."""
    at = database_now()
    return waiting(at).exists() or Heartbeat.objects.due(at).exists()


def deliver(go_on: Callable[[], bool]) -> None:
    """Send what is due until nothing is, or we may not go on."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="message") as pool:
        while go_on():
            at = database_now()
            taken = claim(at)
            called = heartbeats.claim(at)
            if not taken and not called:
                return
            calls = [(each, pool.submit(heartbeats.call, each)) for each in called]
            for message, tried in [(each, pool.submit(_send, each)) for each in _written(taken)]:
                settle(message.notification, tried.result(), at=database_now())
            for heartbeat, call in calls:
                heartbeats.settle(heartbeat, call.result(), at=database_now())


DUTY = Duty("messages", waits, deliver)


@transaction.atomic
def claim(at: datetime, most: int = AT_ONCE) -> list[Notification]:
    """Take messages that are due; they are ours until their lease ends.

    Of a contact point that has failed for a while only one, to see whether it answers again.
    """
    due = waiting(at)
    if not due.exists():
        return []
    # The contact points apart: rows of a join cannot be locked everywhere.
    taken = _one_to_the_doubtful(locked(due, skip=True)[:most])
    token = new_ulid()
    Notification.objects.filter(pk__in=[message.pk for message in taken]).update(
        claim_token=token, lease_expires_at=at + LEASE, open_key=None, attempts=F("attempts") + 1
    )
    for message in taken:
        message.claim_token = token
        message.attempts += 1
    return taken


def _one_to_the_doubtful(messages: Iterable[Notification]) -> list[Notification]:
    found = list(messages)
    contacts = Contact.objects.in_bulk({each.contact_id for each in found if each.contact_id})
    seen: set[str] = set()
    taken = []
    for message in found:
        message.contact = contacts.get(str(message.contact_id))
        contact = message.contact
        if contact and contact.failures_in_a_row >= hours.CIRCUIT_AFTER and contact.pk in seen:
            continue
        if contact:
            seen.add(contact.pk)
        taken.append(message)
    return taken


@dataclass(frozen=True)
class Letter:
    """A message as it goes out; `refusal` says why it cannot."""

    notification: Notification
    channel: Channel | None = None
    contact: Contact | None = None
    message: Message | None = None
    refusal: str = ""


def _written(taken: Sequence[Notification]) -> list[Letter]:
    return [_letter(notification) for notification in taken]


def _letter(notification: Notification) -> Letter:
    contact = notification.contact
    if contact is None:
        return Letter(notification, refusal="Its contact point is gone.")
    if not contact.enabled:
        return Letter(notification, refusal="Its contact point is switched off.")
    try:
        told = render(
            notification.template_code,
            notification.channel,
            facts(notification),
            id=notification.message_id,
        )
    except Error:
        raise
    except Exception:  # whatever a text meets, the other messages are to go out
        logger.exception("message %s cannot be written", notification.pk)
        return Letter(notification, refusal="Its text could not be written; the worker's log tells why.")
    return Letter(notification, CHANNELS[notification.channel], contact, told)


@dataclass(frozen=True)
class Tried:
    """What became of one try."""

    answer: Answer | None = None
    reason: str = ""
    subject: str = ""
    for_good: bool = False
    retry_after: float | None = None


def _send(letter: Letter) -> Tried:
    """Hand one message over. In a thread of its own, which asks the database for nothing."""
    if not (letter.channel and letter.contact and letter.message):
        return Tried(reason=letter.refusal, for_good=True)
    subject = letter.message.subject[:SUBJECT_LIMIT]
    try:
        return Tried(letter.channel.send(letter.message, letter.contact), subject=subject)
    except Refused as error:
        return Tried(reason=str(error), subject=subject, for_good=True)
    except Unreachable as error:
        return Tried(reason=str(error), subject=subject, retry_after=error.retry_after)
    except Exception:  # a channel's mistake must not keep the other messages
        logger.exception("message %s: the channel failed", letter.notification.pk)
        reason = "Something went wrong here; the worker's log tells what."
        return Tried(reason=reason, subject=subject)


@transaction.atomic
def settle(message: Notification, tried: Tried, *, at: datetime) -> bool:
    """Write down what became of a message that we hold; False when it is no longer ours."""
    ours = Notification.objects.pending().filter(pk=message.pk, claim_token=message.claim_token)
    if not ours.update(**_outcome(message, tried, at)):
        return False
    if message.contact:
        _note(message.contact, tried, at)
    return True


def _outcome(message: Notification, tried: Tried, at: datetime) -> dict[str, object]:
    done = {"claim_token": "", "lease_expires_at": None, "next_attempt_at": None}
    # What it could not even be written for keeps the subject of the last try.
    subject = {"subject": tried.subject} if tried.subject else {}
    if tried.answer:
        told = f"{tried.answer.status} {tried.answer.detail}".strip()[:REASON_LIMIT]
        return {**done, **subject, "status": Delivery.SENT, "sent_at": at, "answer": told, "error": ""}
    failure = {**done, **subject, "error": tried.reason[:REASON_LIMIT]}
    wait = None
    if not tried.for_good:
        wait = hours.pause(message.attempts, jitter=random(), retry_after=tried.retry_after)  # noqa: S311 (it keeps tries apart)
    if wait is None:
        return {**failure, "status": Delivery.FAILED}
    return {**failure, "next_attempt_at": at + wait}


def _note(contact: Contact, tried: Tried, at: datetime) -> None:
    """Keep how its contact point is, and cut it off for a while after failures in a row."""
    row = Contact.objects.filter(pk=contact.pk)
    if tried.answer:
        row.update(last_ok_at=at, failures_in_a_row=0, open_until=None)
        return
    told = {"last_error_at": at, "last_error": tried.reason[:REASON_LIMIT]}
    if tried.for_good:
        row.update(**told)
        return
    row.update(**told, failures_in_a_row=F("failures_in_a_row") + 1)
    failures = row.values_list("failures_in_a_row", flat=True).first() or 0
    if wait := hours.cut_off_for(failures):
        row.update(open_until=at + wait)


def give_up(at: datetime) -> int:
    """End what could not be delivered for days, since its contact point never answered; gives the number.

    What a person sends once more may be older: it is given up when nobody has tried it for so long.
    """
    old = at - GIVEN_UP_AFTER
    once = Q(resent=0, created_at__lt=old) & ~Q(held_until__isnull=False, held_until__gte=old)
    again = Q(resent__gt=0, next_attempt_at__lt=old)
    overdue = Notification.objects.due(at).filter(once | again)
    ids = list(overdue.values_list("pk", flat=True)[:500])
    ours = Notification.objects.due(at).order_by().filter(pk__in=ids)
    return ours.update(
        status=Delivery.FAILED,
        next_attempt_at=None,
        open_key=None,
        claim_token="",
        lease_expires_at=None,
        error="Given up: its contact point has not answered for two days.",
    )
