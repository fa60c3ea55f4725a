"""Who may use a view. Everyone must be signed in, unless the view says otherwise (`login_not_required`)."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts.models import User

View = Callable[..., HttpResponseBase]


def person(request: HttpRequest) -> User:
    """Who is signed in, for views that nobody else reaches."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class SignInFirst(LoginRequiredMiddleware):
    """Send people who are not signed in to the sign-in page, and from there back to the page they were on."""

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: View
    ) -> HttpResponse:
        if request.headers.get("HX-Request"):
            # To leave the page would lose what is typed into it; js/ui.js tells the person instead.
            return HttpResponse(status=401)
        return redirect(f"{reverse('sign_in')}?{urlencode({'next': page_of(request)})}")


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


def address(request: HttpRequest) -> str:
    """Where the connection comes from; headers that anyone can send count for nothing."""
    told: str = request.META.get("REMOTE_ADDR", "")
    return told
