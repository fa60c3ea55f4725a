"""The pages that look at bulk operations: what was asked for, how far it is, what became of each target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from dashboard import letter_bulk, paging
from dashboard.filters import Chip, JobFilters
from dashboard.paging import Key, Order
from runs.bulk import BulkItem, BulkOperation
from runs.bulk_actions.triaging import OfLetters
from runs.bulk_views import operation_of

LIVE_SECONDS = 1
MOST_REASONS = 10

IN_ORDER = Order((Key("pk", paging.whole),))


@dataclass(frozen=True)
class Item:
    """What became of one target, and the target itself where the person may see it."""

    item: BulkItem
    target: Any


@require_safe
def bulk_list(request: HttpRequest) -> HttpResponse:
    """The person's own operations, or with `?by=everyone` all that they may see, newest first."""
    user = person(request)
    everyones = user.is_operator and request.GET.get("by") == "everyone"
    operations = BulkOperation.objects.visible_to(user)
    shown = operations if everyones else operations.filter(by=user)
    page = paging.page(shown.select_related("by", "undone_by"), paging.NEWEST, request.GET)
    return render(
        request, "dashboard/bulk/list.html", {"page": page, "everyones": everyones, "now": timezone.now()}
    )


@require_safe
def bulk_detail(request: HttpRequest, operation_id: str) -> HttpResponse:
    """One operation; asked by htmx, the part that changes while it is carried out."""
    user = person(request)
    operation = operation_of(request, operation_id)
    state = _state(operation, request.GET.get("show", ""))
    page = paging.page(operation.items.filter(state=state), IN_ORDER, request.GET)
    context = {
        "now": timezone.now(),
        "operation": operation,
        "live_seconds": None if operation.ended_at else LIVE_SECONDS,
        "reasons": _reasons(operation),
        "chips": _chips(operation),
        "page": page,
        "show": state,
        "items": _items(operation, page.rows, operation.deed.targets(user)),
        "why_not": operation.why_not_undone(),
    }
    inside = request.headers.get("HX-Request")
    return render(
        request, "dashboard/bulk/_operation.html" if inside else "dashboard/bulk/operation.html", context
    )


def _state(operation: BulkOperation, asked: str) -> str:
    """Which items to show: those asked for, else those refused, which need a person, if there are any."""
    if asked in BulkItem.State.values:
        return asked
    return BulkItem.State.REFUSED if operation.refused else BulkItem.State.DONE


def _chips(operation: BulkOperation) -> list[Chip]:
    """How the targets were found, in words."""
    if isinstance(operation.deed, OfLetters):
        return letter_bulk.chips(operation)
    query = QueryDict(urlencode([(name, value) for name, value in operation.conditions]))
    filters = JobFilters.read(query, ())
    return [filters.chip(condition) for condition in filters.conditions]


def _reasons(operation: BulkOperation) -> list[tuple[str, int]]:
    refused = operation.items.filter(state=BulkItem.State.REFUSED).order_by()
    if not operation.refused:
        return []
    counted = refused.values_list("message").annotate(count=Count("pk")).order_by("-count")
    return list(counted[:MOST_REASONS])


def _items(operation: BulkOperation, rows: Sequence[BulkItem], targets: Any) -> list[Item]:
    found = targets.in_bulk([row.target_id for row in rows])
    return [Item(row, found.get(row.target_id)) for row in rows]
