"""What holds of messages and alerts at any moment, as the doctor looks for it."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from notifications.alerts import Alert
from notifications.contacts import Contact
from notifications.models import Delivery, Notification
from runs.invariants import INVARIANTS, Ids, Invariant, Moment

# What is due for longer was overlooked, unless nothing reaches its contact point.
OVERDUE = timedelta(hours=1)


def due_messages_are_sent(moment: Moment) -> Ids:
    """With a worker alive, no message is due for more than an hour, but to a contact point that fails."""
    if not moment.workers:
        return _ids(Notification.objects.none())
    failing = Contact.objects.filter(pk=OuterRef("contact"), failures_in_a_row__gt=0)
    due = Notification.objects.pending().filter(next_attempt_at__lt=moment.now - OVERDUE)
    return _ids(due.filter(~Exists(failing)))


def messages_fit_their_state(moment: Moment) -> Ids:
    """What was sent says when, what waits says when it is next tried, and only that may be joined."""
    wrong = (
        Q(status=Delivery.SENT, sent_at=None)
        | Q(status=Delivery.PENDING, next_attempt_at=None)
        | (~Q(status=Delivery.PENDING) & Q(open_key__isnull=False))
        | (~Q(claim_token="") & Q(open_key__isnull=False))
        | Q(count=0)
    )
    return _ids(Notification.objects.filter(wrong))


def alerts_are_open_or_closed(moment: Moment) -> Ids:
    """What is wrong has a key while it is open and none afterwards, and was not told before it began."""
    wrong = (
        Q(closed_at=None, open_key=None)
        | Q(closed_at__isnull=False, open_key__isnull=False)
        | Q(told_at__lt=F("opened_at"))
    )
    return _ids(Alert.objects.filter(wrong))


def _ids(rows: "QuerySet[Any]") -> Ids:
    return rows.values_list("pk", flat=True)


def know() -> None:
    """Have the doctor look for them."""
    for broken in (due_messages_are_sent, messages_fit_their_state, alerts_are_open_or_closed):
        INVARIANTS.append(Invariant(broken.__name__.replace("_", "-"), str(broken.__doc__), broken))
