"""Saving, changing and forgetting views of the lists of jobs and runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from accounts.models import User
from dashboard import actions
from dashboard.filters import Chip, JobFilters
from dashboard.jobs import SORTS
from dashboard.models import SavedView
from dashboard.run_filters import RunFilters
from dashboard.runs import job_name

_TAKEN = "You have a view of this name."


@dataclass(frozen=True)
class Asked:
    """What a query asks of its list: as the list itself would write it, and in words."""

    query: str
    chips: Sequence[Chip]
    order: str


@dataclass(frozen=True)
class Listing:
    """A list whose views are kept; `delete` is the name of an address."""

    noun: str
    delete: str
    read: Callable[[QueryDict, User], Asked]


def _of_jobs(query: QueryDict, user: User) -> Asked:
    filters = JobFilters.read(query, tuple(SORTS))
    chips = [filters.chip(condition) for condition in filters.conditions]
    return Asked(filters.address().removeprefix("?"), chips, SORTS[filters.sort or "name"].words)


def _of_runs(query: QueryDict, user: User) -> Asked:
    filters = RunFilters.read(query, timezone.now())
    return Asked(
        filters.address().removeprefix("?"), filters.chips(job_name(filters, user)), "the newest first"
    )


# By the name of the list's address, which the views are kept with.
LISTINGS = {
    "job_list": Listing("job", "view_delete", _of_jobs),
    "run_list": Listing("run", "run_view_delete", _of_runs),
}


class ViewForm(forms.ModelForm):  # type: ignore[type-arg]
    """A view's name, and whether everybody is offered it."""

    class Meta:
        model = SavedView
        fields = ("name", "shared")
        labels = {"shared": _("Offer it to everybody")}
        help_texts = {"shared": _("Everybody sees in it what they may see.")}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.fields["name"].widget.attrs["autofocus"] = True
        # Who may share no longer, or never might, does not do so by saving.
        if not by.is_operator:
            del self.fields["shared"]

    @property
    def name_is_taken(self) -> bool:
        return _TAKEN in self.errors.get("name", ())

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        same = SavedView.objects.filter(owner=self.instance.owner, page=self.instance.page, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_TAKEN)
        return name


@require_http_methods(["GET", "HEAD", "POST"])
def view_save(request: HttpRequest, page: str) -> HttpResponse:
    """Keep the list with its conditions under a name; `replace` takes the name from an earlier view."""
    user = person(request)
    typed = request.POST.get("query") or request.GET.get("query", "")
    query = LISTINGS[page].read(QueryDict(typed[:4000]), user).query
    view = SavedView(owner=user, page=page, query=query)
    if "replace" in request.POST:
        name = request.POST.get("name", "").replace("\0", "")
        view = SavedView.objects.filter(owner=user, page=page, name=name).first() or view
        view.query = query
    form = ViewForm(request.POST if request.method == "POST" else None, instance=view, by=user)
    return _kept(form, user) or _page(request, form, user)


@require_http_methods(["GET", "HEAD", "POST"])
def view_change(request: HttpRequest, view_id: int, page: str) -> HttpResponse:
    """Another name for a view, or another audience."""
    user = person(request)
    views = SavedView.objects.changeable_by(user).select_related("owner")
    view = get_object_or_404(views, pk=view_id, page=page)
    form = ViewForm(request.POST if request.method == "POST" else None, instance=view, by=user)
    return _kept(form, user) or _page(request, form, user)


@require_POST
def view_delete(request: HttpRequest, view_id: int, page: str) -> HttpResponse:
    user = person(request)
    view = get_object_or_404(SavedView.objects.changeable_by(user), pk=view_id, page=page)
    actions.delete_view(view, by=user)
    messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
    return redirect(view.address)


def _kept(form: ViewForm, user: User) -> HttpResponse | None:
    """The way to the view once it is saved; None while there is something to say."""
    if not form.is_valid():
        return None
    view: SavedView = form.save(commit=False)
    try:
        actions.keep_view(view, by=user)
    except IntegrityError:
        # Somebody with the same name was faster, in another window.
        form.add_error("name", _TAKEN)
        return None
    return redirect(view.address)


def _page(request: HttpRequest, form: ViewForm, user: User) -> HttpResponse:
    view = form.instance
    listing = LISTINGS[view.page]
    context = {
        "form": form,
        "view": view,
        "listing": listing,
        "asked": listing.read(QueryDict(view.query), user),
        "address": view.address,
    }
    return render(request, "dashboard/views/view.html", context, status=400 if form.errors else 200)
