"""What a new installation tells, so that no failure goes unseen before somebody has made a rule."""

from django.conf import settings
from django.db import transaction

from accounts.models import User
from notifications import actions
from notifications.channel_names import Channel
from notifications.contacts import Contact
from notifications.rules import Event, Rule

EVENTS = (Event.FAILURE, Event.RECOVERY, Event.LATE, Event.STUCK, Event.SCHEDULER)


@transaction.atomic
def make_first_rule(admin: User) -> Rule | None:
    """Tell the first administrator by mail of what goes wrong, where Chronos can send mail; else nobody."""
    if not settings.EMAIL_HOST:
        return None
    contact = Contact(owner=admin, name="My e-mail", channel=Channel.EMAIL, address=admin.email)
    actions.save_contact(contact, secret=None, by=admin)
    rule = Rule(owner=admin, name="What goes wrong", events=[event.value for event in EVENTS])
    return actions.save_rule(rule, contacts=[contact], by=admin)
