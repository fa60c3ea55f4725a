"""Contact points: where messages go. Their secrets go in and never come out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.access import person
from accounts.models import User
from api.given import Given, checked
from api.keys import Bearer
from api.models import Scope
from api.once import refuse_key
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS
from chronos_site.clock import database_now
from chronos_site.locks import alone_with
from dashboard import paging
from jobs import masking
from notifications import actions, trying
from notifications.contacts import Contact
from notifications.forms import ContactForm

router = Router(tags=["notifications"])
READ, WRITE = Bearer(Scope.READ), Bearer(Scope.WRITE)

_MASKED = ("address", "body")


class ContactGiven(Given):
    name: str = ""
    channel: str = Field(default="", description="EMAIL, WEBHOOK, SLACK and so on, as the page offers them.")
    address: str = ""
    shared: bool = Field(default=False, description="Rules of all operators may tell it; for operators.")
    enabled: bool = True
    shape: str = Field(default="JSON", description="What a webhook expects.")
    body: str = Field(default="", description="The JSON to send, where the shape is GENERIC.")
    secret: str = Field(default="", description="Shown to nobody. Left out, the one that is there stays.")


class ContactShown(Schema):
    id: str
    owner: str
    name: str
    channel: str
    address: str
    shared: bool
    enabled: bool
    shape: str
    body: str
    has_secret: bool
    last_ok_at: datetime | None
    last_error_at: datetime | None
    last_error: str


class TestShown(Schema):
    """Whether the peer took the test, and what it said."""

    taken: bool
    said: str


CONTACT: dict[Any, Any] = {200: ContactShown, **ANSWERS}


@router.get("", response={200: Listed[ContactShown], **ANSWERS}, auth=READ, operation_id="list_contacts")
def list_contacts(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    """Contact points without their secrets; what looks like one in an address is masked."""
    contacts = _contacts(person(request))
    return listed(request, paging.page(contacts, paging.NEWEST, asked(request), limit), _shown)


@router.post("", response={201: ContactShown, **ANSWERS}, auth=WRITE, operation_id="create_contact")
def create_contact(request: HttpRequest, response: HttpResponse, given: ContactGiven) -> Any:
    """Another place for messages; it is yours."""
    user = person(request)
    made = _saved(Contact(owner=user), given, {}, by=user)
    response["Location"] = reverse("api:get_contact", args=[made.pk])
    return Status(201, _shown(_of(request, made.pk)))


@router.get(
    "/{ulid:contact_id}", response=CONTACT, auth=READ, operation_id="get_contact", url_name="get_contact"
)
def get_contact(request: HttpRequest, contact_id: str) -> Any:
    return _shown(_of(request, contact_id))


@router.patch("/{ulid:contact_id}", response=CONTACT, auth=WRITE, operation_id="change_contact")
def change_contact(request: HttpRequest, contact_id: str, given: ContactGiven) -> Any:
    """Change what is named; what is not stays as it is, and so does a secret."""
    with alone_with(Contact.objects.all(), contact_id):
        contact = _of(request, contact_id)
        before = _before(contact)
        # What comes back as it was shown, with its secrets masked, is no change.
        same = {name: before[name] for name in _MASKED if getattr(given, name) == masking.text(before[name])}
        _saved(contact, given.model_copy(update=same), before, by=person(request))
    return _shown(_of(request, contact_id))


@router.delete(
    "/{ulid:contact_id}", response={204: None, **ANSWERS}, auth=WRITE, operation_id="delete_contact"
)
def delete_contact(request: HttpRequest, contact_id: str) -> Any:
    """Send nothing there any more; rules that told nobody else tell nobody then."""
    actions.delete_contact(_of(request, contact_id), by=person(request))
    return Status(204, None)


@router.post(
    "/{ulid:contact_id}:test",
    response={200: TestShown, **ANSWERS},
    auth=WRITE,
    operation_id="test_contact",
)
def test_contact(request: HttpRequest, contact_id: str) -> Any:
    """Send a test there now, and wait for what the peer says; a few a minute are allowed."""
    contact = _of(request, contact_id)
    # What is kept by a key is one transaction, and the peer may take as long as it likes.
    refuse_key(request, "A test is sent each time.")
    verdict = trying.send_test(contact, person(request), at=database_now())
    return {"taken": verdict.taken, "said": masking.text(verdict.said)}


def _contacts(user: User) -> Any:
    return Contact.objects.visible_to(user).select_related("owner").defer("owner__password")


def _of(request: HttpRequest, contact_id: str) -> Contact:
    contact: Contact = get_object_or_404(_contacts(person(request)), pk=contact_id)
    return contact


def _saved(contact: Contact, given: ContactGiven, before: Mapping[str, Any], *, by: User) -> Contact:
    form = checked(lambda data: ContactForm(data, instance=contact, by=by), given, before)
    return actions.save_contact(form.save(commit=False), secret=form.new_secret, by=by)


def _before(contact: Contact) -> dict[str, Any]:
    kept = {name: getattr(contact, name) for name in ("name", "channel", "address", "shared", "enabled")}
    return {**kept, "shape": contact.settings.get("shape", "JSON"), "body": contact.settings.get("body", "")}


def _shown(contact: Contact) -> dict[str, Any]:
    before = _before(contact)
    return {
        **before,
        **{name: masking.text(before[name]) for name in _MASKED},
        "id": contact.pk,
        "owner": contact.owner.email,
        "has_secret": bool(contact.token),
        "last_ok_at": contact.last_ok_at,
        "last_error_at": contact.last_error_at,
        "last_error": masking.text(contact.last_error),
    }
