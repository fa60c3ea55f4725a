"""What holds for every request and answer: what is read at all, and the policy that browsers enforce."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

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
    # Kept for the Back button, so that what was typed is still there, but for nobody else.
    "Cache-Control": "private, no-cache",
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


def bounded_requests(get_response: Answer) -> Answer:
    """Refuse what is larger than any form, before Django writes files of any size to disk for nobody.

    Nothing has a NUL in its address, and PostgreSQL does not even look for one.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        if _size(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            return render(request, "413.html", status=413)
        if "\0" in request.path_info:
            return render(request, "404.html", status=404)
        return get_response(request)

    return answer


def _size(request: HttpRequest) -> int:
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isdecimal() else 0
