"""The audit trail, to read."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from accounts.access import person
from api import shown
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed
from api.problems import ANSWERS
from api.shown import EventShown
from dashboard import audit_filters, paging
from dashboard.audit_filters import AuditFilters

router = Router(tags=["audit"])


@router.get(
    "",
    response={200: Listed[EventShown], **ANSWERS},
    auth=Bearer(Scope.READ),
    operation_id="list_audit_events",
)
def list_audit_events(
    request: HttpRequest,
    limit: Limit = 50,
    after: After = "",
    action: str = "",
    entity: str = "",
    id: str = "",
) -> Any:
    """Who did what, newest first: all of it for operators, else what you did and what befell your jobs."""
    found = audit_filters.found(AuditFilters.read(asked(request), timezone.now()), person(request))
    return listed(
        request, paging.page(found.rows, paging.NEWEST, asked(request), limit), shown.event, found.limit
    )
