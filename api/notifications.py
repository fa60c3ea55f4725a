"""Messages, and who is told of what."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from accounts.access import person
from api import shown
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS
from api.shown import MessageShown
from dashboard import outbox, paging
from dashboard.paging import Key, Order
from jobs import masking
from notifications.contacts import Contact
from notifications.models import Notification
from notifications.rules import Rule

router = Router(tags=["notifications"])
READ = Bearer(Scope.READ)

NEWEST = Order((Key("pk", descending=True),))


class RuleShown(Schema):
    id: str
    name: str
    owner: str
    events: list[str]
    enabled: bool


class ContactShown(Schema):
    id: str
    name: str
    owner: str
    channel: str
    address: str
    shared: bool


@router.get("", response={200: Listed[MessageShown], **ANSWERS}, auth=READ, operation_id="list_notifications")
def list_notifications(request: HttpRequest, limit: Limit = 50, after: After = "", status: str = "") -> Any:
    """The messages that you may see, newest first, by the conditions of the product's own list."""
    filters = outbox.Filters.read(asked(request))
    rows = filters.apply(Notification.objects.visible_to(person(request)), timezone.now())
    rows = rows.select_related("user").defer("payload", "user__password")
    return listed(request, paging.page(rows, outbox.NEWEST_FIRST, asked(request), limit), shown.message)


@router.get("/rules", response={200: Listed[RuleShown], **ANSWERS}, auth=READ, operation_id="list_rules")
def list_rules(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    rules = Rule.objects.visible_to(person(request)).select_related("owner").defer("owner__password")
    return listed(request, paging.page(rules, NEWEST, asked(request), limit), _rule)


@router.get(
    "/contacts", response={200: Listed[ContactShown], **ANSWERS}, auth=READ, operation_id="list_contacts"
)
def list_contacts(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    """Contact points without their secrets; what looks like one in an address is masked."""
    contacts = Contact.objects.visible_to(person(request)).select_related("owner").defer("owner__password")
    return listed(request, paging.page(contacts, NEWEST, asked(request), limit), _contact)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "name": rule.name,
        "owner": rule.owner.email,
        "events": rule.events,
        "enabled": rule.enabled,
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.pk,
        "name": contact.name,
        "owner": contact.owner.email,
        "channel": contact.channel,
        "address": masking.text(contact.address),
        "shared": contact.shared,
    }
