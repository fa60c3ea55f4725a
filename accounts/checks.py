"""That no address is without a rule and no rule without an address; that settings name what there is."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import permissions
from accounts.models import Role


def addresses(resolver: URLResolver | None = None, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address there is, with its name as `resolver_match.view_name` gives it."""
    for each in (resolver or get_resolver()).url_patterns:
        if isinstance(each, URLResolver):
            inside = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from addresses(each, inside)
        else:
            yield f"{namespace}{each.name or ''}", each


@checks.register(checks.Tags.urls)
def addresses_have_rules(**kwargs: Any) -> list[checks.CheckMessage]:
    named = {name for name, _ in addresses()}
    bare = [name for name in sorted(named) if permissions.rule(name) is None]
    idle = sorted(set(permissions.RULES) - named)
    return [
        *(checks.Error(f"The address {name!r} has no rule.", id="chronos.E010") for name in bare),
        *(checks.Error(f"The rule {name!r} is for no address.", id="chronos.E011") for name in idle),
    ]


@checks.register(checks.Tags.security)
def demanded_roles_exist(**kwargs: Any) -> list[checks.CheckMessage]:
    """A name that is no role would demand two-factor of nobody, silently."""
    unknown = sorted(set(settings.REQUIRE_SECOND_FACTOR) - set(Role.values))
    said = f"use {', '.join(Role.values)}, separated by commas."
    return [
        checks.Error(
            f"CHRONOS_REQUIRE_SECOND_FACTOR names {name!r}, which is no role; {said}", id="chronos.E012"
        )
        for name in unknown
    ]


@checks.register(checks.Tags.security)
def provider_is_whole(**kwargs: Any) -> list[checks.CheckMessage]:
    """A provider that is half set, reached in the clear, or makes accounts for anybody lets in strangers."""
    return [checks.Error(sentence, id="chronos.E013") for sentence in _amiss()]


def _amiss() -> Iterator[str]:
    given = (settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
    if not any(given):
        return
    if not all(given):
        yield "CHRONOS_OIDC_ISSUER, CHRONOS_OIDC_CLIENT_ID and CHRONOS_OIDC_CLIENT_SECRET go together."
    address = urlsplit(settings.OIDC_ISSUER)
    is_here = address.scheme == "http" and address.hostname in ("localhost", "127.0.0.1", "::1")
    if settings.OIDC_ISSUER and address.scheme != "https" and not is_here:
        yield "CHRONOS_OIDC_ISSUER has to begin with https://."
    if settings.OIDC_CREATE and not settings.OIDC_DOMAINS:
        yield "CHRONOS_OIDC_CREATE needs CHRONOS_OIDC_DOMAINS: or anybody there gets an account here."
    if bool(settings.OIDC_ROLE_CLAIM) != bool(settings.OIDC_ROLES):
        yield "CHRONOS_OIDC_ROLE_CLAIM and CHRONOS_OIDC_ROLES go together."
    for role in sorted(set(settings.OIDC_ROLES.values()) - set(Role.values)):
        yield f"CHRONOS_OIDC_ROLES names {role!r}, which is no role; use {', '.join(Role.values)}."
