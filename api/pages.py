"""Lists a page at a time, by the keyset paging of the product's own lists."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from django.http import HttpRequest, QueryDict
from ninja import Query, Schema

from api.problems import Invalid
from dashboard.paging import Page

Shown = TypeVar("Shown")
MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
After = Annotated[str, Query(max_length=1000, description="What `next` of the page before holds.")]


class Listed(Schema, Generic[Shown]):
    """A page of a list. `next` is the address of the page after it; none on the last one."""

    items: list[Shown]
    next: str | None = None
    note: str = ""


def listed(request: HttpRequest, page: Page[Any], show: Callable[[Any], Any], note: str = "") -> Any:
    asked = request.GET.copy()
    asked["after"] = page.after or ""
    following = f"{request.path}?{asked.urlencode()}" if page.after else None
    return {"items": [show(row) for row in page.rows], "next": following, "note": note}


def asked(request: HttpRequest) -> QueryDict:
    """The query without what a page of the product may go back by."""
    query = request.GET.copy()
    query.pop("before", None)
    return query


def refuse_unknown(ignored: tuple[str, ...]) -> None:
    """Whoever asks by a program is told what their conditions are not. Raises Invalid."""
    if ignored:
        raise Invalid([("query", f"This means nothing here: {', '.join(ignored)}.")])
