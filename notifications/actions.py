"""What people do with messages, rules and contact points: each in one transaction, audited."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from audit.models import record
from chronos_site.locks import hold, locked
from jobs.models import Priority
from notifications import known
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat, host_of
from notifications.models import Delivery, Notification
from notifications.rules import Rule, RuleContact
from runs.ring import ring


class NotNow(Exception):
    """It cannot be done as things are; `str()` is the sentence for the person."""


# Messages


@transaction.atomic
def resend(message: Notification, *, by: User, at: datetime) -> None:
    """Send it once more, now, whatever became of it. Raises NotNow."""
    row = _held(message)
    if row.status == Delivery.PENDING:
        raise NotNow("It is still to be sent: there is nothing to send again.")
    if row.contact_id is None:
        raise NotNow("Its contact point is gone: there is nowhere to send it.")
    Notification.objects.filter(pk=row.pk).update(
        status=Delivery.PENDING,
        attempts=0,
        resent=row.resent + 1,
        next_attempt_at=at,
        sent_at=None,
        held_until=None,
        error="",
        answer="",
    )
    record(by, "MESSAGE_RESENT", row, details={"was": row.status, "target": row.target})
    transaction.on_commit(lambda: ring([Priority.HIGH.rank]))


@transaction.atomic
def cancel(message: Notification, *, by: User, at: datetime) -> None:
    """Do not send it, or send it no more. Raises NotNow where it was sent, or is on its way."""
    row = _held(message)
    if row.status not in (Delivery.PENDING, Delivery.FAILED):
        raise NotNow(f"It is {row.get_status_display().lower()} already: nothing of it is left to cancel.")
    if row.claim_token and row.lease_expires_at and row.lease_expires_at > at:
        raise NotNow("It is being sent at this moment.")
    Notification.objects.filter(pk=row.pk).update(
        status=Delivery.CANCELLED,
        next_attempt_at=None,
        open_key=None,
        claim_token="",
        lease_expires_at=None,
    )
    record(by, "MESSAGE_CANCELLED", row, details={"was": row.status, "target": row.target})


def _held(message: Notification) -> Notification:
    row = locked(Notification.objects.filter(pk=message.pk)).first()
    if row is None:
        raise NotNow("It is gone.")
    return row


# Rules


@transaction.atomic
def save_rule(rule: Rule, *, contacts: Iterable[Contact], by: User) -> Rule:
    """Make the rule, or change it to what it says now, with these contact points."""
    new = rule._state.adding
    before = {} if new else _told(Rule.objects.get(pk=rule.pk))
    if new:
        rule.save()
    else:
        rule.updated_at = Now()
        # A mute is said elsewhere, perhaps since this rule was read.
        rule.save(update_fields=[*(name for name in _OF_RULES if name != "muted_until"), "updated_at"])
    rule.refresh_from_db()
    wanted = {contact.pk for contact in contacts}
    there = set(RuleContact.objects.filter(rule=rule).values_list("contact_id", flat=True))
    RuleContact.objects.filter(rule=rule).exclude(contact__in=wanted).delete()
    RuleContact.objects.bulk_create(RuleContact(rule=rule, contact_id=pk) for pk in sorted(wanted - there))
    after = {**_told(rule), "contacts": sorted(wanted)}
    changed = _changes({**before, "contacts": sorted(there)}, after)
    record(by, "RULE_CREATED" if new else "RULE_CHANGED", rule, details=changed)
    known.forget_after_commit()
    return rule


@transaction.atomic
def mute(rule: Rule, *, until: datetime | None, by: User) -> None:
    """Have the rule say nothing until then; None lets it speak again."""
    Rule.objects.filter(pk=rule.pk).update(muted_until=until)
    record(by, "RULE_MUTED" if until else "RULE_UNMUTED", rule, details=_plain({"until": until}))
    known.forget_after_commit()


@transaction.atomic
def delete_rule(rule: Rule, *, by: User) -> None:
    """Tell nobody by this rule any more; what waits to be sent for it is cancelled."""
    # Who posts for a rule holds it: what they have written by then is there to be cancelled.
    hold(Rule.objects.all(), rule.pk)
    record(by, "RULE_DELETED", rule, details=_told(rule))
    waiting = Notification.objects.pending().filter(rule=rule, claim_token="")
    waiting.update(status=Delivery.CANCELLED, next_attempt_at=None, open_key=None)
    rule.delete()
    known.forget_after_commit()


# Contact points


@transaction.atomic
def save_contact(contact: Contact, *, secret: str | None, by: User) -> Contact:
    """Make the contact point, or change it; `secret` None leaves its secret as it is. Raises NoKey."""
    new = contact._state.adding
    before = {} if new else _contact(Contact.objects.get(pk=contact.pk))
    if secret is not None:
        contact.hide(secret)
    # Whatever was wrong with it was wrong with the address that it had.
    contact.failures_in_a_row, contact.open_until = 0, None
    contact.updated_at = Now()
    # A secret that is left alone may have been given a new key since this contact point was read.
    said = (*_OF_CONTACTS, "settings", "failures_in_a_row", "open_until", "updated_at")
    contact.save(update_fields=None if new else [*said, *(["token"] if secret is not None else [])])
    contact.refresh_from_db()
    details = {**_changes(before, _contact(contact)), **({"secret": "changed"} if secret is not None else {})}
    record(by, "CONTACT_CREATED" if new else "CONTACT_CHANGED", contact, details=details)
    known.forget_after_commit()
    return contact


@transaction.atomic
def delete_contact(contact: Contact, *, by: User) -> None:
    """Send nothing there any more; rules that told nobody else tell nobody then."""
    record(by, "CONTACT_DELETED", contact, details=_contact(contact))
    contact.delete()
    known.forget_after_commit()


# Heartbeats


@transaction.atomic
def set_heartbeat(job: Any, url: str, *, by: User) -> None:
    """Call the URL after each success of the job; an empty one calls none. Raises sealing.NoKey."""
    if not url:
        Heartbeat.objects.filter(job=job).delete()
        record(by, "HEARTBEAT_REMOVED", job)
    else:
        heartbeat = Heartbeat(key=job.pk, job=job, host=host_of(url))
        heartbeat.hide(url)
        heartbeat.save()
        record(by, "HEARTBEAT_SET", job, details={"host": heartbeat.host})
    known.forget_after_commit()


# What the audit trail keeps

_OF_RULES = (
    "name", "scope", "job_id", "tag", "of_owner_id", "events", "after_failures", "group_seconds",
    "remind_seconds", "quiet_from", "quiet_until", "zone", "urgent_breaks_through", "digest", "digest_at",
    "enabled", "muted_until",
)  # fmt: skip
_OF_CONTACTS = ("name", "channel", "address", "shared", "enabled")


def _told(rule: Rule) -> dict[str, Any]:
    return _plain({name: getattr(rule, name) for name in _OF_RULES})


def _contact(contact: Contact) -> dict[str, Any]:
    return _plain({name: getattr(contact, name) for name in _OF_CONTACTS})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each.isoformat() if hasattr(each, "isoformat") else each for name, each in values.items()}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What is not as it was, as pairs."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    return {name: {"from": before.get(name), "to": value} for name, value in changed.items()}


def rules_of(contact: Contact) -> list[str]:
    """The names of rules that tell this contact point."""
    return list(Rule.objects.filter(Q(contacts=contact)).order_by("name").values_list("name", flat=True))
