"""The web process's entry point."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from chronos_site.checks import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chronos_site.settings")

refuse_unsafe()
_django = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Django, for requests in UTF-8: browsers send no others.

    Those it would read with any codec that Python has: some fail before Django can answer, some make halves
    of characters that nothing can write.
    """
    if _is_utf_8(environ.get("CONTENT_TYPE", "")):
        return _django(environ, start_response)
    start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
    return [b"The request is not in UTF-8.\n"]


def _is_utf_8(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
    except (LookupError, ValueError):
        return False
    return parameters.get("charset", "utf-8").lower() == "utf-8"
