"""Who a request with a bearer token comes from."""

from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from accounts.access import address
from api.actions import digest
from api.models import ApiToken, Scope
from api.problems import NotInScope, TooMany

# A token is marked as used this often, and no oftener: reading is not to write each time.
MARKED = timedelta(minutes=1)
# Requests of one token within a minute, and wrong tokens from one address, in each web process.
MOST_REQUESTS, MOST_WRONG, SECONDS = 600, 30, 60


class Bearer(HttpBearer):
    """The token of the Authorization header, if it reaches as far as the operation asks."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Any:
        token = token_of(request)
        if token is None:
            raise AuthenticationError
        if not token.may(self.scope):
            raise NotInScope(self.scope)
        return token

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        raise NotImplementedError


def token_of(request: HttpRequest) -> ApiToken | None:
    """The usable token that the request shows; asked for once a request. Raises TooMany."""
    if not hasattr(request, "api_token"):
        request.api_token = _found(request)  # type: ignore[attr-defined]
    return request.api_token  # type: ignore[attr-defined,no-any-return]


def _found(request: HttpRequest) -> ApiToken | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    wrong = f"api:wrong:{address(request)}"
    if cache.get(wrong, 0) >= MOST_WRONG:
        raise TooMany(SECONDS)
    at = timezone.now()
    known = ApiToken.objects.usable(at).select_related("owner").filter(digest=digest(text.strip()))
    token = known.first() if scheme.lower() == "bearer" and text.strip() else None
    if token is None:
        _count(wrong)
        return None
    if _count(f"api:token:{token.pk}") > MOST_REQUESTS:
        raise TooMany(SECONDS)
    if token.last_used_at is None or token.last_used_at < at - MARKED:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)
    return token


def _count(key: str) -> int:
    cache.add(key, 0, SECONDS)
    try:
        return cache.incr(key)
    except ValueError:
        # It ended between the two.
        return 1
