"""Room on Python's own stack for everything that a request calls."""

from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# Words of eight bytes: CPython makes a piece of a megabyte of it, and nearly half of that is left for calls.
_WORDS = 70_000


def roomy(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The function, called so that the frames of all that it calls find room in one piece of memory.

    CPython keeps frames in pieces of 16 kB: a call that finds no room in the last one maps another, and its
    return unmaps that. A loop that happens to call over such an edge does so at each turn, which was up to
    half of what a page took, or nothing, by how many frames were below it.
    """

    def call(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        return function(*args, **kwargs)

    # A frame that needs more than a piece is given a larger one.
    call.__code__ = call.__code__.replace(co_stacksize=_WORDS)
    return call


def room(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer each request with room on the stack, and make each piece of what is streamed with it."""
    get = roomy(get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get(request)
        # A file is none: the server may send it without asking us for its pieces.
        if type(response) is StreamingHttpResponse:
            response.streaming_content = _pieces(iter(response))
        return response

    return answer


def _pieces(made: Iterator[bytes]) -> Iterator[bytes]:
    make = roomy(next)
    while (piece := make(made, None)) is not None:
        yield piece
