"""What people do with one dead letter from a page: each view translates one POST into one action."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.access import person
from accounts.models import User
from chronos_site.clock import database_now
from jobs.models import Job
from jobs.schedules import LATEST
from runs import acknowledgements, triage
from runs.acknowledgements import Acknowledgement
from runs.forms import InstantField
from runs.models import DeadLetter, DeadLetterQuerySet
from runs.triage import NotWaiting
from runs.views import LONGEST_NOTE, LONGEST_NOTES, told_when_refused, typed, way_back

# For how long a person may take note, in words and hours.
SNOOZES = {"1h": ("1 hour", 1), "4h": ("4 hours", 4), "24h": ("1 day", 24), "168h": ("1 week", 168)}


@require_POST
@told_when_refused
def letter_replay(request: HttpRequest, letter_id: str) -> HttpResponse:
    """Run the occurrence of a dead letter once more."""
    one = letter_of(request, letter_id)
    note, force = typed(request, "notes", LONGEST_NOTES), request.POST.get("force") == "1"
    if not triage.replay(one, by=person(request), at=database_now(), note=note, force=force):
        raise NotWaiting(_as_it_is(one))
    messages.success(request, _("Its replay is on its way: if it succeeds, the dead letter is resolved."))
    return _back(request, letter_id)


@require_POST
@told_when_refused
def letter_resolve(request: HttpRequest, letter_id: str) -> HttpResponse:
    """Close a dead letter as mended."""
    return _close(request, letter_id, triage.resolve, gettext("The dead letter is resolved."))


@require_POST
@told_when_refused
def letter_ignore(request: HttpRequest, letter_id: str) -> HttpResponse:
    """Close a dead letter as of no matter."""
    return _close(request, letter_id, triage.ignore, gettext("The dead letter is ignored."))


def _close(request: HttpRequest, letter_id: str, act: Callable[..., int], told: str) -> HttpResponse:
    one = letter_of(request, letter_id)
    notes = typed(request, "notes", LONGEST_NOTES)
    if not act(one, by=person(request), at=database_now(), notes=notes):
        raise NotWaiting(_as_it_is(one))
    messages.success(request, told)
    return _back(request, letter_id)


@require_POST
@told_when_refused
def letter_assign(request: HttpRequest, letter_id: str) -> HttpResponse:
    """Give a dead letter to somebody, to oneself, or with an empty address to nobody."""
    one, by = letter_of(request, letter_id), person(request)
    address = by.email if request.POST.get("me") == "1" else typed(request, "assignee", LONGEST_NOTE)
    triage.refuse_others(address, by=by)
    to = _somebody(address) if address else None
    if address and to is None:
        messages.error(
            request,
            _("Nobody signs in as %(address)s: the dead letter stays as it was.") % {"address": address},
        )
        return _back(request, letter_id)
    if not triage.assign(one, to=to, by=by, at=database_now()):
        raise NotWaiting(_as_it_is(one))
    messages.success(
        request, _("%(to)s looks after it.") % {"to": to} if to else _("Nobody looks after it any more.")
    )
    return _back(request, letter_id)


def _somebody(address: str) -> User | None:
    return User.objects.filter(email__iexact=address, is_active=True).first()


class AcknowledgeForm(forms.Form):
    """For how long, and why."""

    span = forms.ChoiceField(
        label=_("Until"),
        choices=[
            ("", _("it recovers")),
            *((code, f"{words} from now") for code, (words, _) in SNOOZES.items()),
            ("until", _("a time")),
        ],
        required=False,
    )
    until = InstantField(label=_("Time"), required=False, help_text=_("In your time zone."))
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        help_text=_("Whoever looks at it next reads it."),
    )

    def ends(self, at: datetime) -> datetime | None:
        """The instant until which it is acknowledged; None for until it recovers."""
        span: str = self.cleaned_data["span"]
        if span in SNOOZES:
            return at + timedelta(hours=SNOOZES[span][1])
        until: datetime | None = self.cleaned_data["until"]
        return min(until, LATEST) if until else None


@require_POST
@told_when_refused
def job_acknowledge(request: HttpRequest, job_id: str) -> HttpResponse:
    """Take note of a job's failures."""
    job = get_object_or_404(Job.objects.visible_to(person(request)), pk=job_id)
    if form := _acknowledging(request):
        at = database_now()
        told = {"note": form.cleaned_data["note"], "until": form.ends(at)}
        acknowledgements.acknowledge_job(job, by=person(request), at=at, **told)
        messages.success(request, _("You have acknowledged the failures of %(name)s.") % {"name": job.name})
    return redirect(way_back(request) or reverse("job_detail", args=[job.pk]))


@require_POST
@told_when_refused
def signature_acknowledge(request: HttpRequest, signature: str) -> HttpResponse:
    """Take note of all failures alike, whosever jobs they are: for operators."""
    by = person(request)
    if not DeadLetter.objects.filter(signature=signature).exists():
        raise Http404
    if form := _acknowledging(request):
        at = database_now()
        told = {"note": form.cleaned_data["note"], "until": form.ends(at)}
        acknowledgements.acknowledge_signature(signature, by=by, at=at, **told)
        messages.success(request, _("You have acknowledged all failures alike."))
    return redirect(way_back(request) or "dead_letter_list")


def _acknowledging(request: HttpRequest) -> AcknowledgeForm | None:
    """What was said; a person is told what makes no sense, and nothing is acknowledged then."""
    form = AcknowledgeForm(request.POST)
    wrong = next(iter(form.errors.values()), [""])[0] if not form.is_valid() else ""
    if form.is_valid():
        at = database_now()
        until = form.ends(at)
        missing = until is None and form.cleaned_data["span"] == "until"
        if missing or (until and until <= at):
            wrong = gettext("Give a time that is still to come.")
    if wrong:
        messages.error(request, _("Nothing is acknowledged. %(wrong)s") % {"wrong": wrong})
        return None
    return form


@require_POST
@told_when_refused
def acknowledgement_take_back(request: HttpRequest, acknowledgement_id: str) -> HttpResponse:
    """Let failures be told again."""
    user = person(request)
    found = get_object_or_404(Acknowledgement.objects.select_related("job"), pk=acknowledgement_id)
    if not user.is_operator and (found.job is None or found.job.owner_id != user.pk):
        raise Http404
    acknowledgements.take_back(found, by=user, at=database_now())
    messages.success(request, _("It is no longer acknowledged."))
    return redirect(way_back(request) or "dead_letter_list")


def letter_of(request: HttpRequest, letter_id: str) -> DeadLetterQuerySet:
    """The one event, as the actions want it: a queryset of what the person may see."""
    one = DeadLetter.objects.visible_to(person(request)).filter(pk=letter_id)
    if not one.exists():
        raise Http404
    return one


def _as_it_is(one: DeadLetterQuerySet) -> DeadLetter:
    return one.select_related("closed_by").get()


def _back(request: HttpRequest, letter_id: str) -> HttpResponse:
    return redirect(way_back(request) or reverse("dead_letter_detail", args=[letter_id]))
