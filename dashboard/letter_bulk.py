"""From the inbox to a decision about many dead letters: what it would do, and then the deed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from accounts.models import User
from dashboard.bulk_asking import Asked, shown_or_done
from dashboard.bulk_preview import Selection
from dashboard.filters import Chip
from dashboard.letter_filters import LetterFilters
from runs import letter_views, triage
from runs.bulk import BulkOperation
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.triaging import OfLetters
from runs.models import DeadLetter
from runs.views import told_when_refused

_ALONE = {
    "RESOLVE": letter_views.letter_resolve,
    "IGNORE": letter_views.letter_ignore,
    "REPLAY": letter_views.letter_replay,
}


class LetterSelection(Selection):
    """Dead letters of the inbox."""

    def filters(self, user: User) -> LetterFilters:
        return LetterFilters.read(QueryDict(self.query), user, timezone.now())

    def told(self, user: User) -> tuple[tuple[str, str], ...]:
        filters = self.filters(user)
        opened = (("signature", filters.signature),) if filters.signature else ()
        return (*filters.conditions, *opened)

    def matching(self, targets: Any, user: User) -> Any:
        # By their keys: what joins other tables cannot be locked or written down.
        return targets.filter(pk__in=self.filters(user).meant.values("pk"))


@dataclass
class AskedOfLetters(Asked):
    """What a person wants done to dead letters, as far as they have said it."""

    action: OfLetters

    @classmethod
    def read(cls, request: HttpRequest) -> "AskedOfLetters":
        """Raises Http404 for an action that there is not, PermissionDenied for what is not theirs to give."""
        triage.refuse_others(request.POST.get("assignee", "").strip(), by=person(request))
        action = ACTIONS.get(request.POST.get("do", ""))
        if not isinstance(action, OfLetters):
            raise Http404
        said = "given" in request.POST or not action.form.base_fields
        form = action.form(request.POST) if said else action.form(initial=_said_before(request))
        return cls(action, person(request), LetterSelection.read(request.POST), form)

    @cached_property
    def jobs(self) -> int:
        """Of how many jobs they are."""
        return int(self.targets.order_by().values("job").distinct().count())

    @cached_property
    def warnings(self) -> list[str]:
        return self.action.warnings(self.targets)

    def start(self, expected: int, seen: str) -> BulkOperation:
        """Raises NotAsPreviewed, TooManyTargets and PermissionDenied."""
        if self.parameters.get("force") and not self.user.is_operator:
            raise PermissionDenied
        return super().start(expected, seen)


def _said_before(request: HttpRequest) -> dict[str, Any]:
    """What the page before has said already: nothing typed is lost."""
    note = request.POST.get("notes", "").replace("\0", "").strip()
    return {"note": note} if note else {}


@require_POST
@told_when_refused
def letter_bulk(request: HttpRequest) -> HttpResponse:
    """Show what would become of the events; with `confirmed`, do it, if they are those that were shown."""
    asked, page = AskedOfLetters.read(request), "dashboard/dead_letters/preview.html"
    return shown_or_done(request, asked, page=page, back=_back(request), name="inbox")


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
