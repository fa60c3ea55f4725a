"""Jobs out of a file by a page: what it would create and change is looked at, and then done."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.datastructures import MultiValueDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.access import person
from audit import denials
from chronos_site.clock import database_now
from jobs import definition, schedules, tags
from jobs.executors import TYPES
from jobs.executors.base import JobType
from jobs.models import JobSchedule
from jobs.transfer import documents
from jobs.transfer.applying import Apply, Deed, Plan, Step
from jobs.transfer.importing import Entry, entries_of
from jobs.transfer.limits import AT_ONCE_LIMIT, Unreadable
from jobs.transfer.lines import Lines
from jobs.views import read_or_write

LONGEST = 500_000
SHOWN = 100
APPLY = "apply"
# What needs somebody to look at it comes first.
_ORDER = (Deed.REFUSED, Deed.CHANGED, Deed.CREATED)


class _Text(forms.CharField):
    """Text of many lines: browsers send each line's end as two characters, which makes it no longer."""

    def to_python(self, value: Any) -> str:
        found: str = super().to_python(value) or ""
        return found.replace("\r\n", "\n")


class ImportForm(forms.Form):
    """A file of job requests, chosen or pasted; what was chosen stands in the text afterwards."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        help_text=format_lazy(
            _("JSON, YAML or a crontab, {size} kB and {count} jobs at most."),
            size=LONGEST // 1000,
            count=AT_ONCE_LIMIT,
        ),
        widget=forms.FileInput(attrs={"accept": ".json,.yaml,.yml,.txt,.crontab,text/plain"}),
    )
    text = _Text(
        label=_("Or its text"),
        required=False,
        strip=False,
        max_length=LONGEST,
        help_text=_("A file that you choose takes the place of what stands here."),
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false", "wrap": "off"}),
    )
    tag = forms.CharField(
        label=_("Tag for all of them"),
        required=False,
        max_length=tags.LONGEST,
        help_text=_("By which you find them together; empty adds none."),
    )

    def __init__(self, typed: QueryDict | None = None, files: MultiValueDict[str, Any] | None = None) -> None:
        super().__init__(None if typed is None else typed.copy(), files)
        self.entries: list[Entry] = []

    def clean_tag(self) -> str:
        said: str = self.cleaned_data["tag"]
        return tags.one(said) if said.strip() else ""

    def clean(self) -> None:
        file = self.cleaned_data.get("file")
        if "file" in self.errors or (not file and "text" in self.errors):
            return
        place = "file" if file else "text"
        if not file and not self.cleaned_data["text"].strip():
            self.add_error("text", _("Choose a file, or put its text here."))
            return
        try:
            content = self._of_file(file) if file else self.cleaned_data["text"]
            read = documents.read(content.encode(), documents.format_of(file.name) if file else None)
            self.entries = entries_of(read, AT_ONCE_LIMIT)
        except Unreadable as error:
            self.add_error(place, str(error))

    def _of_file(self, file: Any) -> str:
        """The file's text, which from now on is what was typed. Raises Unreadable."""
        if file.size > LONGEST:
            raise Unreadable(
                f"The file is larger than {LONGEST // 1000} kB: split it, or use manage.py apply."
            )
        text = documents.text_of(file.read())
        self.data["text"] = text  # type: ignore[index]
        return text


@dataclass(frozen=True)
class Row:
    """What becomes of one job, or why nothing does; a problem comes with its line."""

    step: Step
    problems: list[tuple[int | None, str, str]]

    @property
    def type(self) -> JobType | None:
        return TYPES.get(self.step.definition["type"]) if self.step.definition else None

    @property
    def reading(self) -> str:
        """When a new job would fire, in words."""
        if self.step.definition is None or self.step.job or self.problems:
            return ""
        return schedules.describe(JobSchedule(**definition.instants(self.step.definition["schedule"])).plan)

    @property
    def before(self) -> definition.Definition | None:
        return definition.of_loaded(self.step.job) if self.step.job else None

    @property
    def after(self) -> definition.Definition | None:
        return definition.stored(self.step.definition) if self.step.definition else None


@never_cache
@read_or_write
def job_import(request: HttpRequest) -> HttpResponse:
    """What the file would do, and with the button of that page the deed; nothing typed is lost."""
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    if not form.is_valid():
        return render(request, "jobs/import.html", {"form": form}, status=400 if form.is_bound else 200)
    user = person(request)
    is_asked = request.POST.get("do") == APPLY
    plan = Apply(
        user,
        by=user,
        at=database_now(),
        tag=form.cleaned_data["tag"],
        dry_run=not is_asked,
        seen=request.POST.get("seen", ""),
    ).carry_out(form.entries)
    if plan.is_denied:
        denials.note(request)
    if plan.is_done:
        messages.success(request, f"{_told(plan)}.")
        return redirect("job_list")
    is_other = is_asked and not plan.is_refused
    return render(
        request,
        "jobs/import.html",
        {"form": form, "is_other": is_other, **_shown(plan, form["text"].value() or "")},
        status=409 if is_other else 400 if plan.is_refused else 200,
    )


def _told(plan: Plan) -> str:
    counts = Counter(step.deed for step in plan.steps)
    return ", ".join(f"{counts[deed]:,} {deed.value}" for deed in Deed if counts[deed])


def _shown(plan: Plan, text: str) -> dict[str, Any]:
    """The plan for the template: of many steps the first, those first that want to be looked at."""
    counts = Counter(step.deed for step in plan.steps)
    rows = list(_rows(plan, Lines(text) if plan.is_refused else None))
    return {
        "plan": plan,
        "told": _told(plan),
        "counts": {deed.name.lower(): counts[deed] for deed in Deed},
        "rows": rows[:SHOWN],
        "more": max(0, len(rows) - SHOWN),
    }


def _rows(plan: Plan, lines: Lines | None) -> Iterator[Row]:
    numbered = list(enumerate(plan.steps))
    for deed in _ORDER:
        for number, step in numbered:
            if step.deed is deed:
                problems = [
                    (lines.of(number, each.field) if lines else None, each.field, each.reason)
                    for each in step.problems
                ]
                yield Row(step, problems)
