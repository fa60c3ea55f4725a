"""What people do with bulk operations: carry out, cancel, undo."""

import time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from chronos_site.clock import database_now
from runs import bulk
from runs.bulk import BulkOperation
from runs.carry_out import carry_out
from runs.views import told_when_refused

# Of a request; what is left then is the workers'.
PATIENCE_SECONDS = 2.0


def carried_out(request: HttpRequest, operation: BulkOperation, back: str) -> HttpResponse:
    """Carry out a small operation at once, and go back when all went well; else to its page."""
    if operation.claim_token:
        until = time.monotonic() + PATIENCE_SECONDS
        carry_out(operation, go_on=lambda: time.monotonic() < until)
        operation.refresh_from_db()
    if operation.state != BulkOperation.State.DONE or operation.refused:
        return redirect("bulk_detail", operation.pk)
    messages.success(request, _told(request, operation))
    return redirect(back)


def _told(request: HttpRequest, operation: BulkOperation) -> str:
    if operation.why_not_undone():
        return format_html('{} <a href="{}">Details</a>', operation.summary, _page(operation))
    undo = format_html(
        '<button class="btn btn-outline-secondary btn-sm" form="undo" data-key="u" formaction="{}">'
        "Undo</button>",
        reverse("bulk_undo", args=[operation.pk]),
    )
    return format_html('{} <a href="{}">Details</a> {}', operation.summary, _page(operation), undo)


def _page(operation: BulkOperation) -> str:
    return reverse("bulk_detail", args=[operation.pk])


@require_POST
@told_when_refused
def bulk_cancel(request: HttpRequest, operation_id: str) -> HttpResponse:
    """Leave the rest of an operation as it is."""
    operation = operation_of(request, operation_id)
    bulk.cancel(operation, by=person(request), at=database_now())
    messages.success(request, _("The rest stays as it is."))
    return redirect("bulk_detail", operation.pk)


@require_POST
@told_when_refused
def bulk_undo(request: HttpRequest, operation_id: str) -> HttpResponse:
    """Take an operation back, but for what was changed since."""
    undoing = bulk.undo(operation_of(request, operation_id), by=person(request), at=database_now())
    address = request.POST.get("next", "")
    return carried_out(request, undoing, address if is_ours(request, address) else _page(undoing))


def operation_of(request: HttpRequest, operation_id: str) -> BulkOperation:
    """The operation, when the person may see it."""
    operations = BulkOperation.objects.visible_to(person(request)).select_related("by", "undoes", "undone_by")
    return get_object_or_404(operations, pk=operation_id)
