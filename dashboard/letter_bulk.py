"""From the inbox to a decision about many dead letters: what it would do, and then the deed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from accounts.models import User
from chronos_site.clock import database_now
from dashboard.bulk_preview import Preview, preview, typed_ids
from dashboard.filters import Chip
from dashboard.letter_filters import LetterFilters
from runs import bulk, letter_views
from runs.bulk import MOST, BulkOperation, NotAsPreviewed
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.triaging import OfLetters
from runs.bulk_views import carried_out
from runs.models import DeadLetter
from runs.views import told_when_refused

LONGEST_QUERY = 4000
_ALONE = {
    "RESOLVE": letter_views.letter_resolve,
    "IGNORE": letter_views.letter_ignore,
    "REPLAY": letter_views.letter_replay,
}


@dataclass(frozen=True)
class Selection:
    """The events that a person picked by their ids, or all that match the inbox's conditions."""

    ids: tuple[str, ...] = ()
    query: str = ""
    everything: bool = False

    @classmethod
    def read(cls, data: QueryDict) -> "Selection":
        """What the inbox's form sent; ids that are none are left out."""
        query = data.get("matching", "").removeprefix("?")[:LONGEST_QUERY]
        return cls(typed_ids(data), query, data.get("all") == "1")

    def filters(self, user: User) -> LetterFilters:
        return LetterFilters.read(QueryDict(self.query), user, timezone.now())

    def conditions(self, user: User) -> tuple[tuple[str, str], ...]:
        """What was asked for; nothing when the events were picked."""
        filters = self.filters(user)
        opened = (("signature", filters.signature),) if filters.signature else ()
        return (*filters.conditions, *opened) if self.everything else ()

    def of(self, letters: Any, user: User) -> Any:
        """Those of the events that are meant."""
        if not self.everything:
            return letters.filter(pk__in=self.ids)
        # By their keys: what joins other tables cannot be locked or written down.
        return letters.filter(pk__in=self.filters(user).meant.values("pk"))


@dataclass
class Asked:
    """What a person wants done to dead letters, as far as they have said it."""

    action: OfLetters
    user: User
    selection: Selection
    form: forms.Form

    @classmethod
    def read(cls, request: HttpRequest) -> "Asked":
        """Raises Http404 for an action that there is not."""
        action = ACTIONS.get(request.POST.get("do", ""))
        if not isinstance(action, OfLetters):
            raise Http404
        said = "given" in request.POST or not action.form.base_fields
        form = action.form(request.POST) if said else action.form(initial=_said_before(request))
        return cls(action, person(request), Selection.read(request.POST), form)

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
    def jobs(self) -> int:
        """Of how many jobs they are."""
        return int(self.targets.order_by().values("job").distinct().count())

    @cached_property
    def warnings(self) -> list[str]:
        return self.action.warnings(self.targets)

    def start(self, expected: int) -> BulkOperation:
        """Raises NotAsPreviewed, TooManyTargets and PermissionDenied."""
        if self.parameters.get("force") and not self.user.is_operator:
            raise PermissionDenied
        return bulk.start(
            self.action,
            self.targets,
            by=self.user,
            parameters=self.parameters,
            conditions=self.selection.conditions(self.user),
            expected=expected,
            at=database_now(),
        )


def _said_before(request: HttpRequest) -> dict[str, Any]:
    """What the page before has said already: nothing typed is lost."""
    note = request.POST.get("notes", "").replace("\0", "").strip()
    return {"note": note} if note else {}


@require_POST
@told_when_refused
def letter_bulk(request: HttpRequest) -> HttpResponse:
    """Show what would become of the events; with `confirmed`, do it, if they are as many as were shown."""
    asked = Asked.read(request)
    back = _back(request)
    if asked.selection.everything and asked.selection.filters(asked.user).ignored:
        # Left out, a condition would let more events match than the person meant.
        messages.error(request, "The inbox does not know all of these conditions: choose again.")
        return redirect(back)
    notice = ""
    if "confirmed" in request.POST and asked.form.is_valid():
        try:
            operation = asked.start(_number(request.POST.get("confirmed", "")))
            return carried_out(request, operation, back)
        except NotAsPreviewed as changed:
            notice = str(changed)
    if not asked.preview.total:
        messages.warning(request, "No dead letter is selected, or those that were are gone.")
        return redirect(back)
    context = {"asked": asked, "preview": asked.preview, "notice": notice, "back": back, "most": MOST}
    return render(request, "dashboard/dead_letters/preview.html", context)


@require_POST
@told_when_refused
def letter_decide(request: HttpRequest, letter_id: str) -> HttpResponse:
    """Decide about one event at once, or go to the preview for all of its group."""
    if request.POST.get("scope") == "group":
        get_object_or_404(DeadLetter.objects.visible_to(person(request)), pk=letter_id)
        return letter_bulk(request)
    alone = _ALONE.get(request.POST.get("do", ""))
    if alone is None:
        raise Http404
    return alone(request, letter_id)


def _number(typed: str) -> int:
    return int(typed) if typed.isdecimal() and len(typed) < 10 else 0


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    return address if is_ours(request, address) else reverse("dead_letter_list")


def chips(operation: BulkOperation) -> list[Chip]:
    """How the events of an operation were found, in words."""
    if operation.by is None:
        return []
    query = QueryDict(mutable=True)
    query.update(dict(operation.conditions))
    filters = LetterFilters.read(query, operation.by, operation.created_at)
    alike = [Chip("signature", filters.signature[:12], "")] if filters.signature else []
    return [*filters.chips(), *alike]
