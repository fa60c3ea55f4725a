"""Saving, changing and forgetting views of the job list."""

from typing import Any

from django import forms
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from accounts.models import User
from dashboard import actions
from dashboard.filters import JobFilters
from dashboard.jobs import SORTS
from dashboard.models import SavedView

PAGE = "job_list"
_TAKEN = "You have a view of this name."


class ViewForm(forms.ModelForm):  # type: ignore[type-arg]
    """A view's name, and whether everybody is offered it."""

    class Meta:
        model = SavedView
        fields = ("name", "shared")
        labels = {"shared": "Offer it to everybody"}
        help_texts = {"shared": "Everybody sees the jobs in it that they may see."}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
def view_save(request: HttpRequest) -> HttpResponse:
    """Keep the list with its conditions under a name; `replace` takes the name from an earlier view."""
    user = person(request)
    query = _query(request, user)
    view = SavedView(owner=user, page=PAGE, query=query)
    if "replace" in request.POST:
        view = SavedView.objects.filter(owner=user, page=PAGE, name=request.POST.get("name")).first() or view
        view.query = query
    form = ViewForm(request.POST if request.method == "POST" else None, instance=view, by=user)
    return _kept(form, user) or _page(request, form, user)


@require_http_methods(["GET", "HEAD", "POST"])
def view_change(request: HttpRequest, view_id: int) -> HttpResponse:
    """Another name for a view, or another audience."""
    user = person(request)
    view = get_object_or_404(SavedView.objects.changeable_by(user).select_related("owner"), pk=view_id)
    form = ViewForm(request.POST if request.method == "POST" else None, instance=view, by=user)
    return _kept(form, user) or _page(request, form, user)


@require_POST
def view_delete(request: HttpRequest, view_id: int) -> HttpResponse:
    user = person(request)
    view = get_object_or_404(SavedView.objects.changeable_by(user), pk=view_id)
    address = f"{reverse(PAGE)}?{view.query}"
    actions.delete_view(view, by=user)
    return redirect(address)


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
    return redirect(f"{reverse(PAGE)}?{view.query}")


def _query(request: HttpRequest, user: User) -> str:
    """The conditions that the page came with, as the list itself would write them."""
    asked = QueryDict((request.POST.get("query") or request.GET.get("query", ""))[:4000])
    return JobFilters.read(asked, user, tuple(SORTS)).address().removeprefix("?")


def _page(request: HttpRequest, form: ViewForm, user: User) -> HttpResponse:
    view = form.instance
    filters = JobFilters.read(QueryDict(view.query), user, tuple(SORTS))
    context = {
        "form": form,
        "view": view,
        "filters": filters,
        "conditions": [filters.chip(condition) for condition in filters.conditions],
        "order": SORTS[filters.sort or "name"].words,
        "address": f"{reverse(PAGE)}?{view.query}",
    }
    return render(request, "dashboard/views/view.html", context, status=400 if form.errors else 200)
