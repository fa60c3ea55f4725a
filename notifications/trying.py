"""Send a test to a contact point at once, past the outbox, and tell what the peer said."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from audit.models import AuditEvent, record
from chronos_site.schema import new_ulid
from notifications import wording
from notifications.channels import CHANNELS
from notifications.channels.base import Refused, Unreachable
from notifications.contacts import Contact

# Each goes to somebody's telephone or chat, who may not have asked for it.
MOST_A_MINUTE = 3
MOST_AN_HOUR = 20
LONGEST_ERROR = 1000
_ACTION = "CONTACT_TESTED"


class TooSoon(Exception):
    """The person has sent many tests just now; `str()` is the sentence for them."""


@dataclass(frozen=True)
class Verdict:
    """Whether the peer took the test, and what it said, safe to show."""

    taken: bool
    said: str


def send_test(contact: Contact, by: User, *, at: datetime) -> Verdict:
    """Send the template TEST now and wait for what the peer says. Raises TooSoon.

    Call it outside of a transaction: the peer may take as long as its channel allows.
    """
    _bound(by, at)
    record(by, _ACTION, contact, details={"channel": contact.channel, "address": contact.address})
    facts = {"at": at.isoformat(), "count": 1}
    message = wording.render("TEST", contact.channel, facts, id=f"chronos-test-{new_ulid()}")
    try:
        answer = CHANNELS[contact.channel].send(message, contact)
    except (Refused, Unreachable) as error:
        _note(contact, last_error_at=at, last_error=str(error)[:LONGEST_ERROR])
        return Verdict(False, str(error))
    _note(contact, verified_at=at, last_ok_at=at, failures_in_a_row=0, open_until=None)
    return Verdict(True, f"{answer.status} {answer.detail}".strip())


def _bound(by: User, at: datetime) -> None:
    sent = AuditEvent.objects.filter(user_email=by.email, action=_ACTION)
    for span, most in ((timedelta(minutes=1), MOST_A_MINUTE), (timedelta(hours=1), MOST_AN_HOUR)):
        if sent.filter(timestamp__gt=at - span).order_by()[:most].count() >= most:
            words = "a minute" if span < timedelta(hours=1) else "an hour"
            raise TooSoon(f"You have sent {most} tests within {words}. Try again after a while.")


def _note(contact: Contact, **fields: object) -> None:
    """Keep how it went; a contact point that is only being written has no row yet."""
    Contact.objects.filter(pk=contact.pk).update(**fields)
