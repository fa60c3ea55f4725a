"""Dead letters: what gave up, and what people decide."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.access import person
from api import shown
from api.given import Text
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed, refuse_unknown
from api.problems import ANSWERS
from api.shown import LetterShown
from chronos_site.clock import database_now
from dashboard import paging
from dashboard.letter_filters import LetterFilters
from runs import triage
from runs.models import DeadLetter, DeadLetterQuerySet

router = Router(tags=["dead letters"])
READ, OPERATE = Bearer(Scope.READ), Bearer(Scope.OPERATE)


class Replay(Schema):
    note: Text = Field(default="", max_length=255)
    force: bool = Field(
        default=False, description="Also when it was replayed too often; for operators, with a note."
    )


class Decision(Schema):
    notes: Text = Field(max_length=1000, description="What was found or done.")


def one(request: HttpRequest, letter_id: str) -> DeadLetterQuerySet:
    """The one event, as the actions want it. Raises Http404 where the person may not see it."""
    found = DeadLetter.objects.visible_to(person(request)).filter(pk=letter_id)
    if not found.exists():
        raise Http404
    return found


def _shown(letters: DeadLetterQuerySet) -> dict[str, Any]:
    return shown.letter(letters.select_related("job", "assignee").get())


@router.get("", response={200: Listed[LetterShown], **ANSWERS}, auth=READ, operation_id="list_dead_letters")
def list_dead_letters(
    request: HttpRequest, limit: Limit = 50, after: After = "", show: str = "", job: str = "", q: str = ""
) -> Any:
    """The dead letters that you may see, newest first: those that wait; `show` RESOLVED, IGNORED or MINE."""
    filters = LetterFilters.read(asked(request), person(request), timezone.now())
    refuse_unknown(filters.ignored)
    letters = filters.matching.select_related("job", "assignee").defer("assignee__password")
    return listed(request, paging.page(letters, paging.NEWEST, asked(request), limit), shown.letter)


@router.get(
    "/{ulid:letter_id}", response={200: LetterShown, **ANSWERS}, auth=READ, operation_id="get_dead_letter"
)
def get_dead_letter(request: HttpRequest, letter_id: str) -> Any:
    return _shown(one(request, letter_id))


@router.post(
    "/{ulid:letter_id}:replay",
    response={202: LetterShown, **ANSWERS},
    auth=OPERATE,
    operation_id="replay_dead_letter",
)
def replay_dead_letter(request: HttpRequest, letter_id: str, said: Replay | None = None) -> Any:
    """Run the occurrence once more, as a new one; the event is resolved when that succeeds."""
    told, letters = said or Replay(), one(request, letter_id)
    by, at = person(request), database_now()
    if not triage.replay(letters, by=by, at=at, note=told.note, force=told.force):
        raise triage.NotWaiting(letters.select_related("closed_by").get())
    return Status(202, _shown(letters))


@router.post(
    "/{ulid:letter_id}:resolve",
    response={200: LetterShown, **ANSWERS},
    auth=OPERATE,
    operation_id="resolve_dead_letter",
)
def resolve_dead_letter(request: HttpRequest, letter_id: str, said: Decision) -> Any:
    return _closed(request, letter_id, triage.resolve, said.notes)


@router.post(
    "/{ulid:letter_id}:ignore",
    response={200: LetterShown, **ANSWERS},
    auth=OPERATE,
    operation_id="ignore_dead_letter",
)
def ignore_dead_letter(request: HttpRequest, letter_id: str, said: Decision) -> Any:
    return _closed(request, letter_id, triage.ignore, said.notes)


def _closed(request: HttpRequest, letter_id: str, close: Callable[..., int], notes: str) -> Any:
    letters = one(request, letter_id)
    if not close(letters, by=person(request), at=database_now(), notes=notes):
        raise triage.NotWaiting(letters.select_related("closed_by").get())
    return _shown(letters)
