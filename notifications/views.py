"""What people do with messages, rules and contact points: each view translates a request."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from accounts.models import User
from chronos_site import sealing
from chronos_site.clock import database_now
from chronos_site.locks import alone_with
from jobs.models import Job
from notifications import actions
from notifications.actions import NotNow
from notifications.contacts import Contact
from notifications.forms import ContactForm, RuleForm
from notifications.heartbeats import Heartbeat
from notifications.models import Notification
from notifications.rules import Event, Rule
from runs.views import told_when

read_or_write = require_http_methods(["GET", "HEAD", "POST"])
SAVED_SINCE = _(
    "Somebody else has saved it since you opened this page: "
    "save once more to put yours over theirs, or reload to see theirs."
)
MUTES = {"1": timedelta(hours=1), "8": timedelta(hours=8), "24": timedelta(days=1), "168": timedelta(days=7)}
told_when_refused = told_when(NotNow)


# Messages


@require_POST
@told_when_refused
def notification_resend(request: HttpRequest, notification_id: int) -> HttpResponse:
    user = person(request)
    message = get_object_or_404(Notification.objects.visible_to(user), pk=notification_id)
    actions.resend(message, by=user, at=database_now())
    messages.success(request, _("It is sent once more."))
    return redirect("notification_detail", message.pk)


@require_POST
@told_when_refused
def notification_cancel(request: HttpRequest, notification_id: int) -> HttpResponse:
    user = person(request)
    message = get_object_or_404(Notification.objects.visible_to(user), pk=notification_id)
    actions.cancel(message, by=user, at=database_now())
    messages.success(request, _("It is cancelled: nothing of it is sent any more."))
    return redirect("notification_detail", message.pk)


# Rules


@read_or_write
def rule_create(request: HttpRequest) -> HttpResponse:
    user = person(request)
    rule = Rule(owner=user, zone=timezone.get_current_timezone_name())
    initial: dict[str, Any] = {"events": [Event.FAILURE.value, Event.RECOVERY.value]}
    if job := _asked_for(request, user):
        initial |= {"scope": Rule.Scope.JOB, "job_name": job.pk, "name": f"Failures of {job.name}"[:100]}
    return _rule(request, rule, user, initial)


def _asked_for(request: HttpRequest, user: User) -> Job | None:
    return Job.objects.visible_to(user).filter(pk=request.GET.get("job", "").replace("\0", "")[:26]).first()


@read_or_write
def rule_edit(request: HttpRequest, rule_id: str) -> HttpResponse:
    user = person(request)
    rules = Rule.objects.visible_to(user).select_related("owner", "of_owner")
    with _alone(request, Rule, rule_id):
        rule = get_object_or_404(rules, pk=rule_id)
        initial = {"events": rule.events, "remind_seconds": rule.remind_seconds or ""}
        return _rule(request, rule, user, initial)


def _rule(request: HttpRequest, rule: Rule, user: User, initial: dict[str, Any]) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = RuleForm(data, instance=rule, initial=initial, by=user)
    if data is not None and form.is_valid() and _is_as_read(request, rule, form):
        saved = actions.save_rule(form.save(commit=False), contacts=form.cleaned_data["contacts"], by=user)
        messages.success(request, _("Saved: “%(name)s” speaks from now on.") % {"name": saved.name})
        return redirect("rule_list")
    old = None if rule._state.adding else rule
    context = {"form": form, "rule": old, "read": _read(rule), "now": timezone.now()}
    return render(request, "notifications/rule.html", context)


def _alone(request: HttpRequest, model: type[Rule] | type[Contact], key: str) -> AbstractContextManager[None]:
    """While somebody saves it others wait, so that it is as it was read until it is changed."""
    return alone_with(model._default_manager.all(), key) if request.method == "POST" else nullcontext()


def _read(row: Rule | Contact) -> str:
    """What changes whenever somebody saves it; empty for a new one."""
    return "" if row._state.adding else row.updated_at.isoformat()


def _is_as_read(request: HttpRequest, row: Rule | Contact, form: forms.BaseForm) -> bool:
    """Whether it is as it was when the page was opened; the form says so where it is not."""
    if request.POST.get("read", "") in ("", _read(row)):
        return True
    form.add_error(None, SAVED_SINCE)
    return False


@require_POST
def rule_mute(request: HttpRequest, rule_id: str) -> HttpResponse:
    """Have it say nothing for `hours`; without them let it speak again."""
    user = person(request)
    rule = get_object_or_404(Rule.objects.visible_to(user), pk=rule_id)
    span = MUTES.get(request.POST.get("hours", ""))
    until: datetime | None = database_now() + span if span else None
    actions.mute(rule, until=until, by=user)
    told = _("“%(name)s” is muted.") if until else _("“%(name)s” speaks again.")
    messages.success(request, told % {"name": rule.name})
    return redirect("rule_list")


@read_or_write
def rule_delete(request: HttpRequest, rule_id: str) -> HttpResponse:
    """What it would mean, and then the deed."""
    user = person(request)
    rule = get_object_or_404(Rule.objects.visible_to(user), pk=rule_id)
    if request.method == "POST":
        actions.delete_rule(rule, by=user)
        messages.success(request, _("“%(name)s” is deleted.") % {"name": rule.name})
        return redirect("rule_list")
    return render(request, "notifications/rule_delete.html", {"rule": rule})


# Contact points


@read_or_write
def contact_create(request: HttpRequest) -> HttpResponse:
    user = person(request)
    initial = {"name": "My e-mail", "address": user.email}
    return _contact(request, Contact(owner=user), user, initial)


@read_or_write
def contact_edit(request: HttpRequest, contact_id: str) -> HttpResponse:
    user = person(request)
    with _alone(request, Contact, contact_id):
        contact = get_object_or_404(Contact.objects.visible_to(user).select_related("owner"), pk=contact_id)
        return _contact(request, contact, user, {})


def _contact(request: HttpRequest, contact: Contact, user: User, initial: dict[str, Any]) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=contact, initial=initial, by=user)
    if data is not None and form.is_valid() and _is_as_read(request, contact, form):
        saved = actions.save_contact(form.save(commit=False), secret=form.new_secret, by=user)
        messages.success(
            request, _("Saved: %(name)s. Send a test to see whether it arrives.") % {"name": saved.name}
        )
        return redirect("contact_edit", saved.pk)
    old = None if contact._state.adding else contact
    context = {"form": form, "contact": old, "read": _read(contact), "now": timezone.now()}
    return render(request, "notifications/contact.html", context)


@read_or_write
def contact_delete(request: HttpRequest, contact_id: str) -> HttpResponse:
    """What it would mean, and then the deed."""
    user = person(request)
    contact = get_object_or_404(Contact.objects.visible_to(user), pk=contact_id)
    if request.method == "POST":
        actions.delete_contact(contact, by=user)
        messages.success(request, _("%(name)s is deleted.") % {"name": contact.name})
        return redirect("contact_list")
    context = {"contact": contact, "rules": actions.rules_of(contact)}
    return render(request, "notifications/contact_delete.html", context)


# Heartbeats


class HeartbeatForm(forms.Form):
    """Where a monitor waits for a sign of life."""

    url = forms.URLField(
        label=_("Address to call after each success"),
        required=False,
        max_length=2000,
        assume_scheme="https",
        help_text=_("Of a monitor such as Healthchecks. It is stored encrypted. Empty calls nobody."),
    )


@read_or_write
def job_heartbeat(request: HttpRequest, job_id: str) -> HttpResponse:
    """Where to call after each success of the job."""
    user = person(request)
    job = get_object_or_404(Job.objects.visible_to(user), pk=job_id)
    form = HeartbeatForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.set_heartbeat(job, form.cleaned_data["url"], by=user)
        except sealing.NoKey as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("job_detail", job.pk)
    heartbeat = Heartbeat.objects.filter(job=job).first()
    context = {"job": job, "form": form, "heartbeat": heartbeat, "now": timezone.now()}
    return render(request, "notifications/heartbeat.html", context)
