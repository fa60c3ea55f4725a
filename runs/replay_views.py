"""The page where a dead letter's payload is changed before its replay."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import person
from chronos_site.clock import database_now
from jobs import definition
from jobs.actions import Stale
from jobs.draft import Draft
from jobs.rights import refusal
from runs import triage
from runs.models import DeadLetter
from runs.triage import NotWaiting
from runs.views import told_when_refused


class ReplayChangedForm(forms.Form):
    """For this once or for good, and why."""

    keep = forms.ChoiceField(
        label=_("The changed payload is for"),
        choices=[("", _("this replay only")), ("1", _("the job: it becomes its next version"))],
        required=False,
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=255,
        help_text=_("Kept with the version and in the audit trail."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@told_when_refused
def letter_replay_changed(request: HttpRequest, letter_id: str) -> HttpResponse:
    """The payload as the job has it now, to change; POST replays the event with it."""
    user = person(request)
    letters = DeadLetter.objects.visible_to(user).select_related(
        "job__schedule", "job__payload", "job__owner", "closed_by"
    )
    letter = get_object_or_404(letters, pk=letter_id)
    if sentence := refusal(user, letter.job.type):
        raise PermissionDenied(sentence)
    data = request.POST if request.method == "POST" else None
    draft = Draft.of(letter.job, data, user=user, at=timezone.now())
    form = ReplayChangedForm(data)
    changed = draft.to_try() if data is not None and form.is_valid() else None
    conflict = False
    if changed is not None:
        whole = {**definition.of(letter.job), "payload": changed["payload"]}
        try:
            return _replayed(request, letter, whole, form)
        except Stale:
            conflict = True
    context = {"letter": letter, "job": letter.job, "draft": draft, "form": form, "conflict": conflict}
    return render(request, "runs/replay_changed.html", context, status=409 if conflict else 200)


def _replayed(
    request: HttpRequest, letter: DeadLetter, whole: definition.Definition, form: ReplayChangedForm
) -> HttpResponse:
    keep = form.cleaned_data["keep"] == "1"
    seen = request.POST.get("version", "")
    done = triage.replay_changed(
        letter,
        whole,
        by=person(request),
        at=database_now(),
        keep=keep,
        note=form.cleaned_data["note"],
        version=int(seen) if seen.isdecimal() and len(seen) < 10 else 0,
    )
    if not done:
        raise NotWaiting(DeadLetter.objects.select_related("closed_by").get(pk=letter.pk))
    kept = _("It becomes the next version of the job.") if keep else _("The job stays as it is.")
    messages.success(
        request, _("Its replay with the changed payload is on its way. %(kept)s") % {"kept": kept}
    )
    return redirect("dead_letter_detail", letter.pk)
