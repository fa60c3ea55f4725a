"""What goes wrong, as application/problem+json (RFC 9457): a title, a sentence, and the fields concerned."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from api.models import Scope
from chronos_site.sealing import NoKey
from jobs.actions import NothingToRestore, Stale, TypeIsFixed
from jobs.moves import IllegalMove
from jobs.transfer.limits import Unreadable
from jobs.transfer.part import Problem as RequestProblem
from notifications.trying import TooSoon
from runs.actions import BackfillInProgress, NoBackfill, NothingToSkip, RunHasEnded
from runs.triage import CannotSee, NotesMissing, NotWaiting, ReasonMissing, TooManyLetters

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class FieldError(Schema):
    """One field that needs a change: its dotted name in the body or the query, and why."""

    field: str
    message: str


class Problem(Schema):
    """Why a request was not carried out."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []


# What every operation may answer besides its own.
ANSWERS: dict[Any, Any] = {
    frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429, 500}): Problem,
}


class Invalid(Exception):
    """What was sent makes no sense; `errors` says which fields, by pairs of name and sentence."""

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{name}: {why}" for name, why in self.errors))

    @classmethod
    def by_form(cls, form: forms.BaseForm, keys: Mapping[str, str] | None = None) -> "Invalid":
        """What the form finds; `keys` are the body's own names for fields."""
        named = {"__all__": "", **(keys or {})}
        found = form.errors.items()
        return cls((named.get(name, name), str(why)) for name, all_ in found for why in all_)

    @classmethod
    def by_request(cls, problems: Iterable[RequestProblem]) -> "Invalid":
        return cls((problem.field, problem.reason) for problem in problems)


class NotInScope(Exception):
    """The token does not reach so far."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"This token may not: it needs the scope {scope.value}.")


class TooMany(Exception):
    """Too many requests; `seconds` until there may be another."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"Too many requests. Wait up to {seconds} seconds.")


class KeyReused(Exception):
    """The Idempotency-Key stands for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


CONFLICTS = (
    IllegalMove,
    Stale,
    TypeIsFixed,
    NothingToRestore,
    RunHasEnded,
    BackfillInProgress,
    NoBackfill,
    NothingToSkip,
    NotWaiting,
    TooManyLetters,
)
MISTAKES = (NotesMissing, ReasonMissing, CannotSee, KeyReused, NoKey)


# Which status an error is answered with, and the sentence where its own is not for people.
STATUSES: tuple[tuple[tuple[type[Exception], ...], int, str], ...] = (
    ((AuthenticationError,), 401, "Send a token that is in force: Authorization: Bearer chr_…"),
    ((TooMany, TooSoon), 429, ""),
    ((NotInScope, PermissionDenied), 403, ""),
    ((Http404, ObjectDoesNotExist), 404, "There is no such thing, or it is not yours to see."),
    ((Unreadable,), 400, ""),
    (CONFLICTS, 409, ""),
    (MISTAKES, 422, ""),
)


def problem(status: int, detail: str = "", errors: Iterable[tuple[str, str]] = ()) -> HttpResponse:
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"field": name, "message": message} for name, message in errors],
    }
    return JsonResponse(told, status=status, content_type=MEDIA_TYPE)


def answer(error: Exception) -> HttpResponse:
    """The problem that an error is for whoever asked; one that nobody foresaw is ours, and says nothing."""
    match error:
        case Invalid():
            return problem(422, "Some fields need a change.", error.errors)
        case ValidationError():
            return problem(422, "Some fields need a change.", _fields(error))
    found = next(((status, told) for kinds, status, told in STATUSES if isinstance(error, kinds)), None)
    if found is None and isinstance(error, HttpError):
        return problem(error.status_code, str(error))
    if found is None:
        logger.error("A request to the API broke", exc_info=error)
        return problem(500, "Something broke here. The log of the web process says what.")
    status, told = found
    response = problem(status, told or str(error) or "Your role does not allow this.")
    if isinstance(error, AuthenticationError):
        response["WWW-Authenticate"] = 'Bearer realm="Chronos"'
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.seconds)
    return response


def _fields(error: ValidationError) -> Iterable[tuple[str, str]]:
    for each in error.errors:
        # The place begins with what was read: body, its argument's name, then the field.
        where = [str(part) for part in each["loc"][1:]]
        yield ".".join(where[1:] if each["loc"][0] == "body" and len(where) > 1 else where), each["msg"]


def answer_by(api: NinjaAPI) -> None:
    """Let the API answer every error by this module."""

    def answered(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(error)

    for kind in (Exception, ValidationError, AuthenticationError, HttpError, Http404):
        api.add_exception_handler(kind, answered)
