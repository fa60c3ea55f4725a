"""Who a request with a bearer token comes from."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from accounts.access import address
from api.actions import digest
from api.models import ApiToken, Scope
from api.problems import NotInScope, TooMany
from chronos_site.tally import tallied, tally

# A token is marked as used this often, and no oftener: reading is not to write each time.
MARKED = timedelta(minutes=1)
# Requests of one token within a minute, and wrong tokens from one address, in each web process.
MOST_REQUESTS, MOST_WRONG, SECONDS = 600, 30, 60


class Bearer(HttpBearer):
    """The token of the Authorization header, if it reaches as far as the operation asks."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        known = token_of(request)
        if known and known.owner.owes_second_factor:
            raise PermissionDenied(
                "The role of this token's person asks for two-factor sign-in, and theirs is not on."
            )
        if known and not known.may(self.scope):
            raise NotInScope(self.scope)
        if known and self.scope is Scope.ADMIN and not known.owner.is_administrator:
            raise PermissionDenied("Only administrators may do this.")
        return known


def token_of(request: HttpRequest) -> ApiToken | None:
    """The usable token that the request shows; asked for once a request. Raises TooMany."""
    if not hasattr(request, "api_token"):
        request.api_token = _found(request)  # type: ignore[attr-defined]
    return request.api_token  # type: ignore[attr-defined,no-any-return]


def _found(request: HttpRequest) -> ApiToken | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    wrong = f"api:wrong:{address(request)}"
    if tally(wrong) >= MOST_WRONG:
        raise TooMany(SECONDS)
    at = timezone.now()
    known = ApiToken.objects.usable(at).select_related("owner").filter(digest=digest(text.strip()))
    token = known.first() if scheme.lower() == "bearer" and text.strip() else None
    if token is None:
        tallied(wrong, SECONDS)
        return None
    if tallied(f"api:token:{token.pk}", SECONDS) > MOST_REQUESTS:
        raise TooMany(SECONDS)
    if token.last_used_at is None or token.last_used_at < at - MARKED:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)
    return token
