"""Messages: what is sent, was sent, or could not be."""

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
from api.shown import MessageShown
from dashboard import outbox, paging
from notifications.models import Notification

router = Router(tags=["notifications"])
READ = Bearer(Scope.READ)


@router.get("", response={200: Listed[MessageShown], **ANSWERS}, auth=READ, operation_id="list_notifications")
def list_notifications(request: HttpRequest, limit: Limit = 50, after: After = "", status: str = "") -> Any:
    """The messages that you may see, newest first, by the conditions of the product's own list."""
    filters = outbox.Filters.read(asked(request))
    rows = filters.apply(Notification.objects.visible_to(person(request)), timezone.now())
    rows = rows.select_related("user").defer("payload", "user__password")
    return listed(request, paging.page(rows, outbox.NEWEST_FIRST, asked(request), limit), shown.message)
