"""Who is there, and whether the address they came to is open to them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts import permissions, sessions
from accounts.models import User

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """Who is signed in, for views that nobody else reaches."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class Permissions(LoginRequiredMiddleware):
    """Let people in by the rules of `accounts.permissions`, before any view is asked.

    Who is not signed in is sent to the sign-in page, and from there back to the page they were on. A role
    that may not gets 403 with the rule's sentence. An address without a rule is a mistake of ours, and shut.
    """

    def process_view(
        self, request: HttpRequest, view_func: View, view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        rule = permissions.rule(name)
        if rule is None:
            raise ImproperlyConfigured(f"The address {name!r} has no rule in accounts.permissions.")
        if rule.who(str(request.method)) is permissions.Who.ANYBODY:
            return None
        if not isinstance(request.user, User):
            return self.handle_no_permission(request, view_func)
        sessions.seen(request)
        if request.user.owes_second_factor and name not in permissions.WITHOUT_SECOND_FACTOR:
            return to_second_factor(request)
        if sentence := rule.refusal(request.user, str(request.method)):
            raise PermissionDenied(sentence)
        return None

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: View
    ) -> HttpResponse:
        if request.headers.get("HX-Request"):
            # To leave the page would lose what is typed into it; js/ui.js tells the person instead.
            return HttpResponse(status=401)
        return redirect(f"{reverse('sign_in')}?{urlencode({'next': page_of(request)})}")


def to_second_factor(request: HttpRequest) -> HttpResponse:
    """Lead the person to where two-factor is switched on; what a page asks for by itself is only refused."""
    inside = request.headers.get("HX-Request")
    return HttpResponse(status=403) if inside else redirect("two_factor")


def page_of(request: HttpRequest) -> str:
    """The page a person is looking at: for a form, the one it stands on."""
    if request.method == "GET":
        return request.get_full_path()
    page = urlsplit(request.headers.get("Referer") or "/")
    address = page._replace(scheme="", netloc="").geturl()
    return address if page.netloc in ("", request.get_host()) and is_ours(request, address) else "/"


def is_ours(request: HttpRequest, address: str) -> bool:
    """Whether the address leads to this site, and so may be followed after sign-in."""
    # Without a slash in front it could be the name of a view, which `redirect` would look up.
    return address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def next_page(request: HttpRequest) -> str:
    """Where to go after signing in: the page asked for, if it is one of ours."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    return asked if is_ours(request, asked) else resolve_url(settings.LOGIN_REDIRECT_URL)


def go_on(request: HttpRequest, to: str) -> HttpResponse:
    """Lead on who has just shown who they are: by the second step, where they owe it still."""
    if request.user.is_authenticated:
        return redirect(to)
    return redirect(f"{reverse('sign_in_code')}?{urlencode({'next': to})}")


def address(request: HttpRequest) -> str:
    """Where the request comes from; headers that anyone can send count for nothing."""
    told: str = request.META.get("REMOTE_ADDR", "")
    return told
