"""From the job list to a bulk operation: what it would do, and then the deed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from accounts.models import User
from chronos_site.clock import database_now
from dashboard.bulk_preview import Preview, Selection, preview
from runs import bulk
from runs.bulk import MOST, BulkOperation, NotAsPreviewed
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.steering import OfJobs
from runs.bulk_views import carried_out
from runs.views import told_when_refused


@dataclass
class Asked:
    """What a person wants done to jobs, as far as they have said it."""

    action: OfJobs
    user: User
    selection: Selection
    form: forms.Form

    @classmethod
    def read(cls, request: HttpRequest) -> "Asked":
        """Raises Http404 for an action that there is not, PermissionDenied for one that is not theirs."""
        user = person(request)
        action = ACTIONS.get(request.POST.get("do", ""))
        if not isinstance(action, OfJobs):
            raise Http404
        if not action.offered_to(user):
            raise PermissionDenied
        said = "given" in request.POST or not action.asks
        return cls(action, user, Selection.read(request.POST), action.form(request.POST if said else None))

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """With what; nothing while that is not said."""
        return self.action.parameters(self.form.cleaned_data) if self.form.is_valid() else {}

    @cached_property
    def targets(self) -> Any:
        return self.selection.of(self.action.targets(self.user), self.user)

    @cached_property
    def preview(self) -> Preview:
        return preview(self.action, self.targets, self.parameters, self.user)

    def start(self, expected: int) -> BulkOperation:
        """Raises NotAsPreviewed and TooManyTargets."""
        return bulk.start(
            self.action,
            self.targets,
            by=self.user,
            parameters=self.parameters,
            conditions=self.selection.conditions(self.user),
            expected=expected,
            at=database_now(),
        )


@require_POST
@told_when_refused
def job_bulk(request: HttpRequest) -> HttpResponse:
    """Show what would become of the jobs; with `confirmed`, do it, if they are as many as were shown."""
    asked = Asked.read(request)
    back = back_to_list(request)
    if asked.selection.everything and asked.selection.filters(asked.user).ignored:
        # Left out, a condition would let more jobs match than the person meant.
        messages.error(request, "The list does not know all of these conditions: choose again.")
        return redirect(back)
    notice = ""
    if "confirmed" in request.POST and asked.form.is_valid():
        try:
            operation = asked.start(_number(request.POST.get("confirmed", "")))
            return carried_out(request, operation, back)
        except NotAsPreviewed as changed:
            notice = str(changed)
    if not asked.preview.total:
        messages.warning(request, "No job is selected, or those that were are gone.")
        return redirect(back)
    context = {"asked": asked, "preview": asked.preview, "notice": notice, "back": back, "most": MOST}
    return render(request, "dashboard/bulk/preview.html", context)


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else 0


def back_to_list(request: HttpRequest) -> str:
    """The list as it was when the jobs were selected."""
    address = request.POST.get("next", "")
    return address if is_ours(request, address) else reverse("job_list")
