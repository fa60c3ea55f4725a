"""What belongs to no app: the viewer's time zone and the scheduler's pulse."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe
from django.views.defaults import page_not_found

from accounts.access import is_ours
from accounts.actions import choose_time_zone
from accounts.models import User
from api.problems import answer
from dashboard import viewer
from jobs.zones import names


class ZoneForm(forms.Form):
    zone = forms.ChoiceField(
        label=_("Show times in"),
        error_messages={"invalid_choice": _("This is not a time zone we know.")},
        help_text=_("What a job does stays in the job's own zone."),
    )

    def __init__(self, mine: viewer.ViewerZone, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["zone"] = mine.choice
        short = [(choice.value, choice.label) for choice in mine.choices]
        self.fields["zone"].choices = [  # type: ignore[attr-defined]
            ("Usual", short),
            ("All zones", [(name, name) for name in sorted(names())]),
        ]


@require_http_methods(["GET", "HEAD", "POST"])
def time_zone(request: HttpRequest) -> HttpResponse:
    """Choose the zone in which times are shown: kept with who is signed in, and by the browser until then."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    back = asked if is_ours(request, asked) else "/"
    form = ZoneForm(request.viewer_zone, request.POST or None)  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        if isinstance(request.user, User):
            choose_time_zone(request.user, form.cleaned_data["zone"])
        response = redirect(back)
        response.set_cookie(
            viewer.COOKIE,
            form.cleaned_data["zone"],
            max_age=viewer.YEAR,
            samesite="Lax",
            secure=request.is_secure(),
            httponly=True,
        )
        return response
    return render(request, "time_zone.html", {"form": form, "next": back}, status=400 if form.errors else 200)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for people, and a problem for programs."""
    if request.path.startswith("/api/"):
        return answer(Http404())
    return page_not_found(request, exception)


@require_safe
def pulse(request: HttpRequest) -> HttpResponse:
    """The top bar's word on the scheduler, and what people have stopped, for pages that stay open."""
    return render(request, "_pulse_and_stops.html")
