"""Which columns of the job list a person wants to see; their browser remembers it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from dashboard.viewer import YEAR

COOKIE = "chronos_job_columns"
NONE = "none"
# What may be left out: name, status, schedule and next fire are the list.
COLUMNS = {
    "tags": _("Tags"),
    "type": _("Type"),
    "priority": _("Priority"),
    "runs": _("Last 20 runs"),
    "last": _("Last run"),
    "took": "p50, p95",
    "owner": _("Owner"),
    "updated": _("Last activity"),
}
USUAL = frozenset({"tags", "runs", "took", "owner"})


def chosen(cookies: Mapping[str, str]) -> frozenset[str]:
    """The columns that the cookie tells; the usual ones without one."""
    told = cookies.get(COOKIE)
    return frozenset(told.split(".")) & COLUMNS.keys() if told else USUAL


def context(request: HttpRequest) -> dict[str, Any]:
    """The columns to show, and what the person may choose from."""
    offered = COLUMNS.keys() if person(request).is_operator else COLUMNS.keys() - {"owner"}
    shown = chosen(request.COOKIES) & offered
    told = [(name, gettext(words), name in shown) for name, words in COLUMNS.items() if name in offered]
    return {"columns": shown, "column_choices": told}


@require_POST
def job_columns(request: HttpRequest) -> HttpResponse:
    """Remember the columns that were ticked, or none: then the usual ones are shown again."""
    asked = request.POST.get("next", "")
    response = redirect(asked if is_ours(request, asked) else reverse("job_list"))
    if "usual" in request.POST:
        response.delete_cookie(COOKIE, samesite="Lax")
        return response
    ticked = [name for name in COLUMNS if name in request.POST.getlist("column")]
    response.set_cookie(
        COOKIE,
        ".".join(ticked) or NONE,
        max_age=YEAR,
        samesite="Lax",
        secure=request.is_secure(),
        httponly=True,
    )
    return response
