"""Where what is done comes from: known while a request is answered, empty in processes of our own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

SESSION, API = "SESSION", "API"

Answer = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True)
class Origin:
    """The address of the connection, and how the person was known."""

    address: str = ""
    via: str = ""


NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def origin() -> Origin:
    """Where the current request comes from."""
    return _origin.get()


@contextmanager
def coming_from(address: str, via: str) -> Iterator[None]:
    """What is recorded inside came from there."""
    token = _origin.set(Origin(address, via))
    try:
        yield
    finally:
        _origin.reset(token)


def known_origin(get_response: Answer) -> Answer:
    """Let the audit trail know where each request comes from.

    That is the connection's own address, or what a proxy of ours says: what others claim can be forged.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        via = API if request.path.startswith("/api/") else SESSION
        with coming_from(request.META.get("REMOTE_ADDR", ""), via):
            return get_response(request)

    return answer
