"""Room on Python's own stack for everything that a request calls."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse

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


def room(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer each request with room on the stack."""
    return roomy(get_response)
