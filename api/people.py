"""People, for administrators; and who the token stands for."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router, Schema, Status
from pydantic import Field

from accounts import actions, links
from accounts.access import person
from accounts.forms import InviteForm
from accounts.models import Role, User
from api.given import Given, checked
from api.keys import Bearer
from api.models import Scope
from api.once import refuse_key
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS, Invalid
from dashboard import paging
from dashboard import people as pages
from dashboard.paging import Key, Order

router = Router(tags=["people"])
ADMIN = Bearer(Scope.ADMIN)

IN_ORDER = Order((Key("pk", paging.whole),))


class PersonShown(Schema):
    id: int
    email: str
    role: str
    is_active: bool
    created_at: datetime
    last_login: datetime | None


class PersonInvited(PersonShown):
    link: str = Field(description="By which they choose a password while you administer; told here alone.")
    mailed: bool = Field(description="Whether the link went out to them by e-mail.")


class PersonChanged(PersonShown):
    told: str = Field(description="What was done, as a sentence; of their jobs too.")


class Invitation(Given):
    email: str = ""
    role: str = Field(default=Role.USER.value, description="USER, OPERATOR or ADMIN.")


class PersonGiven(Given):
    role: str = Field(default=Role.USER.value, description="USER, OPERATOR or ADMIN.")
    is_active: bool = Field(default=True, description="Whether they may sign in.")
    jobs: str = Field(
        default=pages.PAUSE,
        description="What becomes of their jobs when they may no longer: leave, pause or hand-over.",
    )
    to: str = Field(default="", description="Whose the jobs become, by e-mail, where they are handed over.")
    note: str = ""


@router.get("/me", response={200: PersonShown, **ANSWERS}, auth=Bearer(Scope.READ), operation_id="get_me")
def get_me(request: HttpRequest) -> Any:
    """Who the token stands for."""
    return _shown(person(request))


@router.get("", response={200: Listed[PersonShown], **ANSWERS}, auth=ADMIN, operation_id="list_people")
def list_people(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    """Everybody who has an account; for administrators."""
    people = User.objects.defer("password")
    return listed(request, paging.page(people, IN_ORDER, asked(request), limit), _shown)


@router.post("", response={201: PersonInvited, **ANSWERS}, auth=ADMIN, operation_id="invite_person")
def invite_person(request: HttpRequest, response: HttpResponse, given: Invitation) -> Any:
    """An account for somebody who chooses the password by the link."""
    refuse_key(request, "Links for passwords are kept nowhere.")
    said = checked(InviteForm, given, {}).cleaned_data
    by = person(request)
    invited = actions.invite(said["email"], Role(said["role"]), by=by)
    response["Location"] = reverse("api:get_person", args=[invited.pk])
    mailed = links.send(invited, invited=True)
    return Status(201, {**_shown(_of(invited.pk)), "link": links.link(invited, by=by), "mailed": mailed})


@router.get(
    "/{int:person_id}",
    response={200: PersonShown, **ANSWERS},
    auth=ADMIN,
    operation_id="get_person",
    url_name="get_person",
)
def get_person(request: HttpRequest, person_id: int) -> Any:
    return _shown(_of(person_id))


@router.patch(
    "/{int:person_id}", response={200: PersonChanged, **ANSWERS}, auth=ADMIN, operation_id="change_person"
)
def change_person(request: HttpRequest, person_id: int, given: PersonGiven) -> Any:
    """Another role; or let somebody in no more, or again. Who may not is signed out everywhere."""
    user = _of(person_id)
    before = {"role": user.role.value, "is_active": user.is_active, "jobs": pages.from_then_on(user)}
    form = checked(lambda data: pages.PersonForm(user, data), given, before)
    told = pages.carried_out(user, form, by=person(request))
    if not told:
        raise Invalid.by_form(form)
    return {**_shown(_of(person_id)), "told": told}


def _of(person_id: int) -> User:
    return get_object_or_404(User, pk=person_id)


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": user.created_at,
        "last_login": user.last_login,
    }
