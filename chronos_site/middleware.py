"""What holds for every answer: the policy that browsers enforce, the viewer's zone, and refused moves."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from chronos_site.zones import ViewerZone
from jobs.moves import IllegalMove

Answer = Callable[[HttpRequest], HttpResponse]

# Everything comes from this origin and nothing runs that is not a file of ours.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "manifest-src 'none'",
    ]
)
# On top of what Django's SecurityMiddleware sends: referrer policy, nosniff, opener policy.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def browser_policy(get_response: Answer) -> Answer:
    """Tell browsers, on every answer, what a page of ours may do."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.setdefault(name, value)
        return response

    return answer


def viewer_zone(get_response: Answer) -> Answer:
    """Show times in the zone that the viewer chose; `request.viewer_zone` tells which."""

    def answer(request: HttpRequest) -> HttpResponse:
        request.viewer_zone = ViewerZone.read(request.COOKIES)  # type: ignore[attr-defined]
        with timezone.override(request.viewer_zone.zone):  # type: ignore[attr-defined]
            return get_response(request)

    return answer


class RefusedMoves:
    """Answer a move that the job's state does not allow with 409 and its sentence."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, IllegalMove):
            return None
        return render(request, "409.html", {"sentence": str(exception)}, status=409)
