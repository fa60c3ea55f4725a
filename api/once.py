"""Bodies are read strictly, and a request with an Idempotency-Key has one effect, however often it is sent.

The key's row, the effect and the answer are one transaction: who sends the same at the same time waits for
it, and a process that dies leaves neither.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from api.keys import token_of
from api.models import Answer, ApiToken
from api.problems import Invalid, KeyReused, answer, problem
from jobs.transfer import documents
from jobs.transfer.limits import Unreadable

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
# Who may not now may later, with another token or another role.
NOT_KEPT = {401, 403, 429}
# The one address that takes YAML too.
APPLY, YAML = "apply", ("application/yaml", "application/x-yaml", "text/yaml")

View = Callable[..., HttpResponse]


class Once:
    """Middleware, the last one: asks for the view of the API itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.resolver_match is None or request.resolver_match.namespace != "api":
            return None
        try:
            token = token_of(request)
            request.json = _body(request) if token else None  # type: ignore[attr-defined]
        except Exception as error:
            return answer(error)
        if token:
            request.user = token.owner
        key = request.headers.get(HEADER, "")
        if not key or request.method != "POST" or token is None:
            return None
        if len(key) > LONGEST_KEY or not key.isprintable():
            return problem(400, f"{HEADER}: use up to {LONGEST_KEY} printable characters.")
        return _once(request, token, key, lambda: view(request, *args, **kwargs))


def refuse_key(request: HttpRequest, why: str) -> None:
    """For what is no matter of one transaction, or must not be kept. Raises Invalid."""
    if request.headers.get(HEADER):
        raise Invalid([(HEADER, f"{why} Leave the key out.")])


def _body(request: HttpRequest) -> Any:
    """The JSON of the body; None where there is none. Raises Unreadable."""
    if request.method not in ("POST", "PUT", "PATCH") or not request.body:
        return None
    is_apply = request.resolver_match is not None and request.resolver_match.url_name == APPLY
    if is_apply and request.content_type in YAML:
        return documents.read(request.body, "yaml")
    if request.content_type not in ("application/json", "application/merge-patch+json"):
        raise Unreadable(f"Send application/json{' or application/yaml' if is_apply else ''}.")
    return documents.read(request.body, "json")


def _once(request: HttpRequest, token: ApiToken, key: str, call: Callable[[], HttpResponse]) -> HttpResponse:
    # How far the token reaches belongs to it: an answer to one that reaches further is none to this one.
    far = f"{token.scope} {token.owner.role}"
    asked = "\n".join([str(request.method), request.get_full_path(), far, ""]).encode() + request.body
    digest = hashlib.sha256(asked).hexdigest()
    with transaction.atomic():
        kept, new = Answer.objects.get_or_create(owner=token.owner, key=key, defaults={"digest": digest})
        if not new:
            return _again(kept, digest)
        response = call()
        if response.status_code >= 500:
            transaction.set_rollback(True)
            return response
        if response.status_code in NOT_KEPT:
            kept.delete()
            return response
        kept.status, kept.body = response.status_code, response.content.decode()
        kept.location = response.headers.get("Location", "")
        kept.save()
    return response


def _again(kept: Answer, digest: str) -> HttpResponse:
    if kept.digest != digest:
        return answer(KeyReused())
    media_type = "application/problem+json" if kept.status >= 400 else "application/json"
    response = HttpResponse(kept.body, status=kept.status, content_type=media_type)
    if kept.location:
        response["Location"] = kept.location
    response["Idempotent-Replayed"] = "true"
    return response
