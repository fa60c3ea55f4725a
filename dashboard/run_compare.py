"""Any two runs side by side."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from dashboard import definitions, log_differences, run_differences, wording
from dashboard.run_differences import Fact
from jobs.definition import Definition
from jobs.models import JobVersion
from runs.models import Run

# What may stand for the first run, beside its id.
EARLIER: dict[str, tuple[Callable[[Run], Run | None], str]] = {
    "previous": (run_differences.previous, "No run of this job came before it."),
    "good": (run_differences.last_good, "No run of this job succeeded before it."),
}


class PairForm(forms.Form):
    """The ids of two runs that the person may see; the first may be `previous` or `good`."""

    a = forms.CharField(label=_("First run"), max_length=26)
    b = forms.CharField(label=_("Second run"), max_length=26)

    def __init__(self, data: QueryDict | None, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        self.unknown = False

    def clean_a(self) -> Run | str:
        asked: str = self.cleaned_data["a"]
        return asked if asked in EARLIER else self._run(asked)

    def clean_b(self) -> Run:
        return self._run(self.cleaned_data["b"])

    def clean(self) -> None:
        first, second = self.cleaned_data.get("a"), self.cleaned_data.get("b")
        if isinstance(first, str) and second:
            find, nothing = EARLIER[first]
            self.cleaned_data["a"] = find(second)
            if self.cleaned_data["a"] is None:
                self.add_error("a", nothing)
        elif first and first == second:
            self.add_error("b", _("This is the same run: give another one."))

    def _run(self, told: str) -> Run:
        runs = Run.objects.visible_to(self.user).select_related("job").defer("result")
        found = runs.filter(pk=told.upper()).first()
        if found is None:
            self.unknown = True
            raise forms.ValidationError(_("There is no run with this id that you may see."))
        return found

    @property
    def pair(self) -> tuple[Run, Run]:
        return self.cleaned_data["a"], self.cleaned_data["b"]


@require_safe
def run_compare(request: HttpRequest) -> HttpResponse:
    """Two runs side by side; a form that asks for them as long as there are not two."""
    ticked = sorted(set(request.GET.getlist("run")))
    if len(ticked) == 2:
        return _to(*ticked)
    form = PairForm(request.GET if "a" in request.GET or "b" in request.GET else None, user=person(request))
    context: dict[str, Any] = {"form": form, "now": timezone.now(), "ticked": len(ticked)}
    if not form.is_valid():
        status = 404 if form.unknown else 400 if form.is_bound else 200
        return render(request, "dashboard/runs/compare.html", context, status=status)
    before, after = form.pair
    if request.GET["a"] in EARLIER:
        return _to(before.pk, after.pk)
    return render(request, "dashboard/runs/compare.html", {**context, **_compared(before, after)})


def _to(before: str, after: str) -> HttpResponse:
    return redirect(f"{reverse('run_compare')}?{urlencode({'a': before, 'b': after})}")


def _compared(before: Run, after: Run) -> dict[str, Any]:
    old, new = _definitions(before, after)
    return {
        "a": before,
        "b": after,
        "swapped": urlencode({"a": after.pk, "b": before.pk}),
        "facts": [*_identity(before, after), *run_differences.facts(before, after)],
        "changes": definitions.changes(old, new),
        "known": bool(old and new),
        "diff": log_differences.diff(before, after),
        "first": log_differences.FIRST,
        "last": log_differences.LAST,
        "most": log_differences.MOST_ROWS,
    }


def _definitions(before: Run, after: Run) -> tuple[Definition, Definition]:
    wanted = Q(job=before.job_id, version=before.version) | Q(job=after.job_id, version=after.version)
    found = {
        (job, version): definition
        for job, version, definition in JobVersion.objects.filter(wanted).values_list(
            "job_id", "version", "definition"
        )
    }
    old, new = (found.get((run.job_id, run.version), {}) for run in (before, after))
    return old, new


def _identity(before: Run, after: Run) -> list[Fact]:
    sides = [
        {
            "Error": ": ".join(filter(None, (run.error_class, wording.first_line(run.error_message or "")))),
            "Exit code": "" if run.exit_code is None else str(run.exit_code),
            "Attempt": str(run.attempt),
            "Version": str(run.version),
        }
        for run in (before, after)
    ]
    told = [Fact(label, old, sides[1][label], same=old == sides[1][label]) for label, old in sides[0].items()]
    return [fact for fact in told if fact.before or fact.after]
