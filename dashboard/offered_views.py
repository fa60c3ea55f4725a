"""The views that a list offers: those built in, then people's own and those that others share."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext

from accounts.models import User
from chronos_site.statements import compiled
from dashboard.models import SavedView


@dataclass(frozen=True)
class View:
    """One of the lists that people open most, and whether this page is it; `saved` is theirs to change."""

    words: str
    address: str
    chosen: bool
    saved: SavedView | None = None
    note: str = ""


@dataclass(frozen=True)
class Offered:
    """The views of one list; `page`, `save` and `change` are names of addresses.

    `unsaved` is what "Save this view" would save; nothing where it is one already.
    """

    page: str
    save: str
    change: str
    views: list[View]
    unsaved: str


def of_jobs(built_in: Iterable[tuple[str, str]], address: str, user: User) -> Offered:
    return _offered(("job_list", "view_save", "view_change"), built_in, address, user)


def of_runs(built_in: Iterable[tuple[str, str]], address: str, user: User) -> Offered:
    return _offered(("run_list", "run_view_save", "run_view_change"), built_in, address, user)


def _offered(
    names: tuple[str, str, str], built_in: Iterable[tuple[str, str]], address: str, user: User
) -> Offered:
    asked = address.removeprefix("?")
    views = [View(gettext(words), query, query.removeprefix("?") == asked) for words, query in built_in]
    views += [
        View(
            view.name,
            f"?{view.query}",
            view.query == asked,
            view if view.may_be_changed_by(user) else None,
            "" if view.owner_id == user.pk else f"Shared by {view.owner.email}",
        )
        for view in _saved(user, page=names[0])
    ]
    return Offered(*names, views, "" if any(view.chosen for view in views) else asked)


@compiled
def _saved(user: User, *, page: str) -> QuerySet[SavedView]:
    return SavedView.objects.offered_to(user, page)
