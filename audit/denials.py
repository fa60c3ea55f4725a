"""What somebody tried and may not do, written down; and no more of it than a person would read."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

from audit.models import record_about
from chronos_site.tally import tallied

# So many entries of one kind from one person or address within so many seconds, by each process.
MOST, SECONDS = 10, 60
_NOTED = "is_denied"
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def sparing(kind: str, whose: str, most: int = MOST, seconds: int = SECONDS) -> bool:
    """Whether another entry of this kind is to be written: nobody floods the trail."""
    return tallied(f"audit:{kind}:{whose}", seconds) <= most


def denials(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Record each change that is refused to somebody who is signed in: with 403, 404 or on a form's page."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        refused = response.status_code in (403, 404) or hasattr(request, _NOTED)
        if request.method in _CHANGES and refused:
            _tell(request, response.status_code)
        return response

    return answer


def note(request: HttpRequest) -> None:
    """Let the request count as denied, though its answer is a form that says so at a field."""
    setattr(request, _NOTED, True)


def _tell(request: HttpRequest, status: int) -> None:
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not sparing("DENIED", user.email):
        return
    match = request.resolver_match
    view = match.view_name if match else ""
    kind, pk = _entity(match.kwargs, match.func) if match else ("Page", "")
    record_about(user, "DENIED", kind, pk or view, details={"page": view, "answer": status})


def _entity(found: dict[str, Any], view: Any) -> tuple[str, str]:
    """What the address is about: of `job_id` the type is Job, and Django's admin knows its model."""
    if "object_id" in found and hasattr(view, "model_admin"):
        return view.model_admin.model.__name__[:50], unquote(found["object_id"])[:255]
    for name, value in found.items():
        if name.endswith("_id"):
            kind = "".join(word.capitalize() for word in name.removesuffix("_id").split("_"))
            return kind[:50], str(value)[:255]
    return "Page", ""
