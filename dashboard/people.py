"""The people of the installation, for administrators: who signs in, as what, and whose jobs become whose."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, links
from accounts.access import person
from accounts.forms import InviteForm
from accounts.models import Role, User
from chronos_site.clock import database_now
from chronos_site.untouched import untouched
from dashboard import paging
from dashboard.paging import Key, Order
from jobs import actions as job_actions
from jobs.models import Job

BY_EMAIL = Order((Key("email"), Key("pk", paging.whole)))
SIZE = 50
LEAVE, PAUSE, HAND_OVER = "leave", "pause", "hand-over"
CHOICES = [
    (LEAVE, "Leave them as they are: they go on firing"),
    (PAUSE, "Pause them"),
    (HAND_OVER, "Hand them over to"),
]


class PersonForm(forms.Form):
    """Role, whether they may sign in, and what becomes of their jobs when they may no longer."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, show_hidden_initial=True)
    is_active = forms.BooleanField(label=_("May sign in"), required=False, show_hidden_initial=True)
    jobs = forms.ChoiceField(
        label=_("Their jobs from then on"), choices=CHOICES, initial=PAUSE, required=False
    )
    to = forms.EmailField(label=_("New owner"), required=False, max_length=255, help_text=_("E-mail."))
    note = forms.CharField(
        label=_("Note"), required=False, max_length=255, help_text=_("Why; for the audit trail.")
    )

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner

    def clean(self) -> None:
        cleaned = self.cleaned_data
        if cleaned.get("is_active") or cleaned.get("jobs") != HAND_OVER or "to" in self.errors:
            return
        found = User.objects.filter(email__iexact=cleaned.get("to", ""), is_active=True).first()
        if found is None or found == self.owner:
            self.add_error("to", _("Give the e-mail of somebody else who may sign in."))
        cleaned["heir"] = found


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """A page of the people, by their e-mail."""
    page = paging.page(User.objects.defer("password"), BY_EMAIL, request.GET, SIZE)
    return render(request, "dashboard/people/list.html", {"page": page, "now": timezone.now()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person_invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        invited = actions.invite(form.cleaned_data["email"], role, by=person(request))
        return _linked(request, invited, invited_now=True)
    return render(request, "dashboard/people/invite.html", {"form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person_change(request: HttpRequest, person_id: int) -> HttpResponse:
    owner = get_object_or_404(User, pk=person_id)
    initial = {"role": owner.role, "is_active": owner.is_active, "jobs": from_then_on(owner)}
    form = PersonForm(owner, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _changed(request, owner, form):
        return redirect("people")
    jobs = Job.objects.filter(owner=owner)
    shown = {"form": form, "owner": owner, "jobs": jobs.count(), "can_mail": bool(settings.EMAIL_HOST)}
    return render(request, "dashboard/people/change.html", shown, status=400 if form.errors else 200)


def from_then_on(owner: User) -> str:
    """What becomes of their jobs unless somebody says so: of who has left already, nothing more."""
    return PAUSE if owner.is_active else LEAVE


def _changed(request: HttpRequest, owner: User, form: PersonForm) -> bool:
    told = carried_out(owner, form, by=person(request))
    if told:
        messages.success(request, told)
    return bool(told)


def carried_out(owner: User, form: PersonForm, *, by: User) -> str:
    """Change the person as the form says, and tell what was done; empty where the form says why not."""
    cleaned = form.cleaned_data
    # Another administrator may have changed the rest while the page was open.
    if untouched(form["role"]):
        cleaned["role"] = owner.role
    if untouched(form["is_active"]) and cleaned["is_active"] != owner.is_active:
        # What the page said of their jobs was meant for somebody who signs in.
        cleaned["is_active"], cleaned["jobs"] = owner.is_active, LEAVE
    # Of who has left already too: what was begun then may have come to nothing.
    stops = not cleaned["is_active"] and (owner.is_active or cleaned["jobs"] not in ("", LEAVE))
    try:
        actions.change_person(
            owner,
            role=Role(cleaned["role"]),
            is_active=cleaned["is_active"],
            by=by,
            note=cleaned["note"],
        )
    except actions.LastAdministrator as refused:
        form.add_error("role" if cleaned["is_active"] else "is_active", str(refused))
        return ""
    if stops:
        told = gettext("%(owner)s may no longer sign in.") % {"owner": owner}
        return f"{told} {_seen_to(owner, cleaned, by)}"
    return gettext("%(owner)s is saved.") % {"owner": owner}


def _seen_to(owner: User, cleaned: dict[str, Any], by: User) -> str:
    """What became of the jobs of who left, done and in words."""
    if cleaned["jobs"] == PAUSE:
        paused = job_actions.pause_of(owner, by=by, at=database_now(), note=cleaned["note"])
        told = ngettext("%(count)s of their jobs is paused.", "%(count)s of their jobs are paused.", paused)
        return told % {"count": f"{paused:,}"}
    if cleaned["jobs"] == HAND_OVER:
        heir = cleaned["heir"]
        given = job_actions.hand_over_of(owner, heir, by=by)
        told = ngettext("%(count)s job is %(heir)s's now.", "%(count)s jobs are %(heir)s's now.", given)
        return told % {"count": f"{given:,}", "heir": heir}
    return gettext("Their jobs go on.")


@never_cache
@require_POST
def person_link(request: HttpRequest, person_id: int) -> HttpResponse:
    """A link by which somebody chooses a password: mailed, and shown to the administrator."""
    owner = get_object_or_404(User.objects.filter(is_active=True), pk=person_id)
    actions.tell_of_link(owner, by=person(request))
    return _linked(request, owner, invited_now=not owner.has_usable_password())


@require_POST
def person_without_code(request: HttpRequest, person_id: int) -> HttpResponse:
    """Let somebody who lost their device sign in by the password alone."""
    owner = get_object_or_404(User, pk=person_id)
    actions.switch_off_second_factor(owner, by=person(request))
    messages.success(
        request,
        _("%(owner)s signs in by the password alone, until they switch it on again.") % {"owner": owner},
    )
    return redirect("person_change", owner.pk)


@require_POST
def person_without_provider(request: HttpRequest, person_id: int) -> HttpResponse:
    """Let somebody whose account at the provider is a new one come in by it."""
    owner = get_object_or_404(User, pk=person_id)
    actions.forget_provider(owner, by=person(request))
    messages.success(
        request,
        _("The next who comes from the provider with the e-mail %(owner)s is %(owner)s.") % {"owner": owner},
    )
    return redirect("person_change", owner.pk)


def _linked(request: HttpRequest, owner: User, *, invited_now: bool) -> HttpResponse:
    sent = links.send(owner, invited=invited_now)
    shown = links.link(owner, by=person(request))
    return render(request, "dashboard/people/link.html", {"owner": owner, "link": shown, "sent": sent})
