"""The provider that people may sign in by: OpenID Connect 1.0, a code with PKCE (RFC 7636), state and nonce.

Its tokens count only when they are signed by one of its keys, even though they come from itself over TLS.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from joserfc.errors import JoseError

from accounts.models import Role
from chronos_site import own_address

WELL_KNOWN = "/.well-known/openid-configuration"
# What the provider may take to answer, how long what it says of itself is kept, how far its clock may be off.
TIMEOUT_SECONDS, KEPT_SECONDS, LEEWAY_SECONDS = 10, 600, 60
# Signatures that only the provider can make: none at all, and those by a shared secret, are not among them.
SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
# What a provider brings about that keeps to no standard: no JSON, another shape, keys of another kind.
_ANSWERS = (
    requests.RequestException,
    AuthlibBaseError,
    JoseError,
    AttributeError,
    KeyError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Refused(Exception):
    """Nobody is let in; `str()` is the sentence for the person, `why` the word for the audit trail."""

    def __init__(self, why: str, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


@dataclass(frozen=True)
class Identity:
    """Whom the provider says it is: `subject` is theirs for ever, the e-mail is verified."""

    issuer: str
    subject: str
    email: str
    # None where the provider has no say about roles.
    role: Role | None


def name() -> str:
    """What people call the provider; empty without one."""
    return settings.OIDC_NAME if settings.OIDC_ISSUER else ""


def start(request: HttpRequest) -> HttpResponse:
    """Lead the browser to the provider; who is signed in shows there that it is they. Raises Refused."""
    again = {"prompt": "login"} if request.user.is_authenticated else {}
    try:
        to: HttpResponse = _client().authorize_redirect(
            request, own_address.whole(reverse("provider_callback")), **again
        )
    except _ANSWERS as error:
        raise _unreadable(error) from error
    return to


def identity(request: HttpRequest) -> Identity:
    """Who came back from the provider, in the session that it was asked from, once. Raises Refused."""
    try:
        claims = _claims(request)
        return _identity(claims)
    except _ANSWERS as error:
        raise _unreadable(error) from error


def _claims(request: HttpRequest) -> dict[str, Any]:
    client = _client()
    ours = {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
    }
    token = client.authorize_access_token(request, claims_options=ours, leeway=LEEWAY_SECONDS)
    claims = dict(token["userinfo"])
    if "email" not in claims and "userinfo_endpoint" in client.server_metadata:
        more = client.userinfo(token=token)
        if more["sub"] == claims["sub"]:
            claims = {**more, **claims}
    return claims


def _identity(claims: dict[str, Any]) -> Identity:
    email = str(claims.get("email", "")).lower()
    if claims.get("email_verified") is not True or not _is_email(email):
        raise Refused("UNVERIFIED", f"{name()} does not vouch for your e-mail address.")
    if settings.OIDC_DOMAINS and email.rpartition("@")[2] not in settings.OIDC_DOMAINS:
        raise Refused("DOMAIN", "Nobody with an e-mail address of this domain may sign in here.")
    whole = f"{settings.OIDC_ISSUER}\n{claims['sub']}"
    subject = hashlib.sha256(whole.encode()).hexdigest()
    return Identity(settings.OIDC_ISSUER, subject, email, _role(claims))


def _is_email(typed: str) -> bool:
    try:
        validate_email(typed)
    except ValidationError:
        return False
    return len(typed) <= 255


def _role(claims: dict[str, Any]) -> Role | None:
    """The highest role that the settings give for what the claim holds; none of them is a USER."""
    if not settings.OIDC_ROLE_CLAIM:
        return None
    told = claims.get(settings.OIDC_ROLE_CLAIM, [])
    held = {settings.OIDC_ROLES.get(str(each)) for each in (told if isinstance(told, list) else [told])}
    return next((role for role in reversed(Role) if role.value in held), Role.USER)


def _client() -> Any:
    # A hundred and fifty modules that only those with a provider need.
    from authlib.integrations.django_client import OAuth

    told = _metadata()
    methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    basic = "client_secret_basic" in methods
    return OAuth().register(
        "provider",
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        client_kwargs={
            "scope": "openid email profile",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if basic else "client_secret_post",
            "default_timeout": TIMEOUT_SECONDS,
        },
        issuer=settings.OIDC_ISSUER,
        id_token_signing_alg_values_supported=SIGNATURES,
        **{name: told[name] for name in _NEEDED if name in told},
    )


def _metadata() -> dict[str, Any]:
    """What the provider says of itself; its keys are asked for anew each time."""
    key = f"provider:{settings.OIDC_ISSUER}"
    told: dict[str, Any] | None = cache.get(key)
    if told is None:
        address = settings.OIDC_ISSUER.rstrip("/") + WELL_KNOWN
        answer = requests.get(address, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        told = answer.json()
        if told["issuer"] != settings.OIDC_ISSUER:  # OpenID Connect Discovery 1.0, 4.3
            raise ValueError(f"The provider calls itself {told['issuer']}, not {settings.OIDC_ISSUER}.")
        cache.set(key, told, KEPT_SECONDS)
    return told


def _unreadable(error: Exception) -> Refused:
    why = getattr(error, "error", "") or type(error).__name__
    return Refused(str(why)[:50], f"Signing in by {name()} did not work. Try it again.")
