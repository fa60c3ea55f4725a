"""What a new installation tells, so that no failure goes unseen before somebody has made a rule."""

from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.models import AuditEvent
from notifications import actions
from notifications.channel_names import Channel
from notifications.contacts import Contact
from notifications.rules import Event, Rule

EVENTS = (Event.FAILURE, Event.RECOVERY, Event.LATE, Event.STUCK, Event.SCHEDULER)


@transaction.atomic
def make_first_rule() -> Rule | None:
    """Tell the first administrator by mail of what goes wrong, once Chronos can send mail.

    Nobody is told where there has ever been a rule, or is a contact point: somebody decides then.
    """
    admin = User.objects.administrators().order_by("created_at", "pk").first()
    if not settings.EMAIL_HOST or admin is None or _was_decided():
        return None
    contact = Contact(owner=admin, name="My e-mail", channel=Channel.EMAIL, address=admin.email)
    actions.save_contact(contact, secret=None, by=admin)
    rule = Rule(owner=admin, name="What goes wrong", events=[event.value for event in EVENTS])
    return actions.save_rule(rule, contacts=[contact], by=admin)


def _was_decided() -> bool:
    begun = Rule.objects.exists() or Contact.objects.exists()
    return begun or AuditEvent.objects.filter(action="RULE_CREATED").exists()
