"""From a list to a bulk operation, whatever the list shows: what it would do, and then the deed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chronos_site.clock import database_now
from dashboard.bulk_preview import Preview, Selection, preview
from runs import bulk
from runs.bulk import MOST, BulkOperation, NotAsPreviewed
from runs.bulk_actions.base import BulkAction
from runs.bulk_views import carried_out


@dataclass
class Asked:
    """What a person wants done to the things of a list, as far as they have said it."""

    action: BulkAction[Any]
    user: User
    selection: Selection
    form: forms.Form

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

    @cached_property
    def fingerprint(self) -> str:
        """Of the targets, where conditions find them: by the time of the deed they may find others."""
        if not self.selection.everything or self.preview.too_many:
            return ""
        return bulk.fingerprint(self.targets.order_by().values_list("pk", flat=True))

    def start(self, expected: int, seen: str) -> BulkOperation:
        """Raises NotAsPreviewed and TooManyTargets."""
        return bulk.start(
            self.action,
            self.targets,
            by=self.user,
            parameters=self.parameters,
            conditions=self.selection.conditions(self.user),
            expected=expected,
            at=database_now(),
            seen=seen,
        )


def shown_or_done(request: HttpRequest, asked: Asked, *, page: str, back: str, name: str) -> HttpResponse:
    """The page that shows what would become of the targets; with `confirmed`, the deed, if they are the same.

    `name` is what the person calls the list.
    """
    if asked.selection.everything and asked.selection.filters(asked.user).ignored:
        # Left out, a condition would let more match than the person meant.
        messages.error(
            request, _("The %(name)s does not know all of these conditions: choose again.") % {"name": name}
        )
        return redirect(back)
    notice = ""
    if "confirmed" in request.POST and asked.form.is_valid():
        try:
            expected = _number(request.POST.get("confirmed", ""))
            operation = asked.start(expected, request.POST.get("fingerprint", ""))
            return carried_out(request, operation, back)
        except NotAsPreviewed as changed:
            notice = str(changed)
    if not asked.preview.total:
        messages.warning(
            request, _("No %(noun)s is selected, or those that were are gone.") % {"noun": asked.action.noun}
        )
        return redirect(back)
    context = {"asked": asked, "preview": asked.preview, "notice": notice, "back": back, "most": MOST}
    return render(request, page, context)


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else 0
