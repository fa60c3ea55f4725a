"""People, for administrators; and who the token stands for."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from accounts.access import person
from accounts.models import User
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS
from dashboard import paging
from dashboard.paging import Key, Order

router = Router(tags=["people"])

IN_ORDER = Order((Key("pk", paging.whole),))


class PersonShown(Schema):
    id: int
    email: str
    role: str
    is_active: bool
    created_at: datetime
    last_login: datetime | None


@router.get("/me", response={200: PersonShown, **ANSWERS}, auth=Bearer(Scope.READ), operation_id="get_me")
def get_me(request: HttpRequest) -> Any:
    """Who the token stands for."""
    return _shown(person(request))


@router.get(
    "", response={200: Listed[PersonShown], **ANSWERS}, auth=Bearer(Scope.ADMIN), operation_id="list_people"
)
def list_people(request: HttpRequest, limit: Limit = 50, after: After = "") -> Any:
    """Everybody who has an account; for administrators."""
    people = User.objects.defer("password")
    return listed(request, paging.page(people, IN_ORDER, asked(request), limit), _shown)


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": user.created_at,
        "last_login": user.last_login,
    }
