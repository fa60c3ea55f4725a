"""That no address is without a rule and no rule without an address; that settings name what there is."""

from collections.abc import Iterator
from typing import Any

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
