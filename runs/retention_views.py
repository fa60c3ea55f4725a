"""How long what ran is kept: everybody who operates may look, administrators change it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import person
from chronos_site.untouched import untouched
from runs import purge, retention
from runs.retention import LONGEST_DAYS, SUBJECTS

SAVE = "save"


class RulesForm(forms.Form):
    """For how many days each subject is kept; empty for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for subject in SUBJECTS.values():
            self.fields[subject.code] = forms.IntegerField(
                label=subject.label,
                required=False,
                show_hidden_initial=True,
                min_value=subject.least,
                max_value=LONGEST_DAYS,
                widget=forms.NumberInput(attrs={"placeholder": "for ever"}),
            )

    note = forms.CharField(
        label=_("Note"), required=False, max_length=255, help_text=_("Why; the audit trail keeps it.")
    )

    def typed(self) -> dict[str, int | None]:
        """What was typed, by subject, without what was left alone: somebody else may be changing that."""
        return {code: self.cleaned_data[code] for code in SUBJECTS if not untouched(self[code])}


class Row(NamedTuple):
    """One subject on the page: its field, what it is by default, and how many rows would go now."""

    field: BoundField
    default: int
    kept: int | None
    going: str


@require_http_methods(["GET", "HEAD", "POST"])
def retention_rules(request: HttpRequest) -> HttpResponse:
    """The rules and what would go by them now; a POST shows that for other rules, or makes them hold."""
    user = person(request)
    kept = retention.rules()
    if request.method != "POST":
        return _page(request, RulesForm(initial=kept), kept, kept)
    form = RulesForm(request.POST)
    if not form.is_valid():
        return _page(request, form, kept, {})
    if request.POST.get("do") != SAVE:
        return _page(request, form, kept, {**kept, **form.typed()})
    if retention.change(form.typed(), by=user, note=form.cleaned_data["note"]):
        messages.success(request, _("Saved. What is too old now goes within hours, in small steps."))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("retention")


def _page(
    request: HttpRequest, form: RulesForm, kept: dict[str, int | None], wanted: dict[str, int | None]
) -> HttpResponse:
    going = purge.counted(retention.cutoffs(wanted, timezone.now()))
    changed = [code for code, days in wanted.items() if kept[code] != days]
    context = {"form": form, "rows": list(_rows(form, kept, going)), "changed": changed}
    return render(request, "runs/retention.html", context)


def _rows(form: RulesForm, kept: dict[str, int | None], going: dict[str, str]) -> Iterator[Row]:
    for code, subject in SUBJECTS.items():
        yield Row(form[code], subject.days, kept[code], going.get(code, ""))
