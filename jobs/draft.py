"""A job's definition while somebody writes it: the forms of the page, bound together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse_lazy
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chronos_site.counting import counted
from chronos_site.sealed import Unreadable
from jobs import definition as definitions
from jobs import masking, preview, retry_timeline, vault, zones
from jobs.definition import Definition
from jobs.executors import TYPES, placeholders
from jobs.executors.base import JobType
from jobs.executors.payload_form import PayloadForm
from jobs.forms import BasicsForm, RetryForm, ScheduleForm, initial_of
from jobs.models import Job, JobSchedule, Type
from jobs.preview import Preview
from jobs.promises import Promise
from jobs.retry_timeline import Retries
from jobs.rights import refusal

FIRST_TYPE = Type.HTTP.value
SAVE, SAVE_AND_RUN, TYPING = "save", "run", "typing"
PASSED = _("This time has passed: nothing would fire.")
PREFIX = "payload"
MOST_SHARING = 100
# The line of tags asks for what it may be continued to, and offers it.
_SUGGESTED = {
    "list": "tags",
    "autocomplete": "off",
    "spellcheck": "false",
    "hx-get": reverse_lazy("tag_suggestions"),
    "hx-trigger": "focus once, input changed delay:150ms",
    "hx-target": "#tags",
    "hx-sync": "this:replace",
}
# What an address may say about a job that is to be written.
_ASKED = {"basics": ("name", "type"), "schedule": ("schedule_type", "interval_seconds", "cron_expression")}


class OwnerForm(forms.Form):
    """Whose job it is; for operators, who may answer for anyone."""

    owner = forms.EmailField(help_text=_("Answers for it; rules say who is told when it fails."))

    def clean_owner(self) -> User:
        email: str = self.cleaned_data["owner"]
        found = User.objects.filter(email__iexact=email, is_active=True).first()
        if found is None:
            raise ValidationError(_("Nobody signs in with this address."))
        return found


class NoteForm(forms.Form):
    """Why an edit is made; its version and the audit trail keep it."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=255,
        help_text=_("Kept with the version and in the audit trail."),
    )


@dataclass(frozen=True)
class Section:
    """One part of the page: its anchor, its title, and how far it is."""

    anchor: str
    title: str
    complete: bool
    errors: int
    warnings: int = 0


@dataclass(frozen=True)
class Card:
    """A job type to choose; `refusal` says why this person may not."""

    type: JobType
    chosen: bool
    refusal: str


@dataclass(frozen=True)
class Mistake:
    """A field that needs a change, for the summary at the top."""

    label: str
    anchor: str


class Draft:
    """A definition as typed (`data`) or as stored (`initial`), for a new job or for `job`.

    Looking at a draft without saving it (another type, a preview) shows no errors: nobody is done yet.
    """

    def __init__(
        self,
        data: QueryDict | None,
        *,
        user: User,
        at: datetime,
        initial: Mapping[str, Mapping[str, Any]] | None = None,
        job: Job | None = None,
        source: Definition | None = None,
    ) -> None:
        """`source` is the definition whose secrets stay where the form shows dots."""
        self.user, self.at, self.job = user, at, job
        self._source = source or {}
        self.data = data or QueryDict()
        self.initial = initial or {}
        self.type = TYPES[self._type_code()]
        self.basics = BasicsForm(data, initial={**self._initial("basics"), "type": self.type.code})
        self.basics.fields["type"].disabled = self.type_is_fixed
        self.owner = OwnerForm(data, initial={"owner": job.owner.email if job else user.email})
        self.schedule = ScheduleForm(data, initial=self._initial("schedule"))
        self.schedule.fields["timezone"].widget.attrs["list"] = "zones"
        self.payload = self._payload()
        self.retry = RetryForm(data, initial=self._initial("retry"))
        self.why = NoteForm(data)
        self.basics.fields["tags"].widget.attrs |= _SUGGESTED
        classes = self.retry.fields["retry_on"]
        # A run that was lost with its worker is tried again where that is safe, whatever is listed.
        classes.widget.offered = [name for name in self.type.vocabulary if name != "WORKER_LOST"]
        classes.help_text = _(
            "None means every failure. Single statuses, such as HTTP_503, go into the line."
        )

    def _payload(self) -> PayloadForm:
        # A type that was not on the page yet has its own defaults: an absent checkbox was never unchecked.
        if self.type.code in self.data.getlist("shown"):
            return self.type.form(self.data, prefix=PREFIX, kept=self._kept())
        names = {name: f"{PREFIX}-{name}" for name in self.type.form.base_fields}
        typed = {name: self.data[key] for name, key in names.items() if self.data.get(key)}
        return self.type.form(initial=typed or self._initial("payload"), prefix=PREFIX)

    def _kept(self) -> Mapping[str, Any] | None:
        return self._source["payload"] if self._source.get("type") == self.type.code else None

    def _initial(self, part: str) -> dict[str, Any]:
        return dict(self.initial.get(part, {}))

    @classmethod
    def blank(cls, asked: QueryDict, *, user: User, at: datetime) -> "Draft":
        """A new job, with what the address says about it already."""
        initial: dict[str, dict[str, Any]] = {
            part: {name: asked[name] for name in names if name in asked} for part, names in _ASKED.items()
        }
        initial["schedule"].setdefault("timezone", get_current_timezone_name())
        return cls(None, user=user, at=at, initial=initial)

    @classmethod
    def copy(cls, job: Job, data: QueryDict | None, *, user: User, at: datetime) -> "Draft":
        """A new job that is like another one, or what was made of it; its secrets come along for few."""
        stored = definitions.of(job)
        initial = initial_of(_shown(stored))
        initial["basics"]["name"] = f"{job.name} copy"[:255]
        theirs = user == job.owner or user.is_administrator
        return cls(data, user=user, at=at, initial=initial, source=stored if theirs else None)

    @classmethod
    def of(cls, job: Job, data: QueryDict | None, *, user: User, at: datetime) -> "Draft":
        """The stored definition of a job, or what was made of it."""
        stored = definitions.of(job)
        draft = cls(data, user=user, at=at, initial=initial_of(_shown(stored)), job=job, source=stored)
        draft.saved = stored
        return draft

    def _type_code(self) -> str:
        if self.job and self.type_is_fixed:
            return self.job.type
        asked = self.data.get("type") or self._initial("basics").get("type", "")
        return asked if asked in TYPES else FIRST_TYPE

    @cached_property
    def type_is_fixed(self) -> bool:
        """A job that has runs keeps its type: they were runs of that type."""
        return self.job is not None and self.job.runs.exists()

    @property
    def shown(self) -> list[str]:
        """The types whose fields this page or the one before it had."""
        before = self.data.getlist("shown")
        return sorted({self.type.code, *(code for code in before if code in TYPES)})

    @property
    def version(self) -> str:
        """The version that the change is made from."""
        return str(self.data.get("version") or (self.job.version if self.job else ""))

    @property
    def owner_before(self) -> str:
        """Whose the job was when the page was opened."""
        return str(self.data.get("owner_before") or (self.job.owner.email if self.job else ""))

    @property
    def new_owner(self) -> User | None:
        """To whom the job is to be given; None where that was left as it was, or is not theirs to say."""
        if not self.user.is_operator:
            return None
        typed: User = self.owner.cleaned_data["owner"]
        return None if typed.email == self.owner_before else typed

    @property
    def _forms(self) -> tuple[forms.Form, ...]:
        owner = (self.owner,) if self.user.is_operator else ()
        return (self.basics, *owner, self.schedule, self.payload, self.retry, self.why)

    @cached_property
    def sections(self) -> list[Section]:
        what, schedule, payload, retry = self._forms[:-4], self.schedule, self.payload, self.retry
        return [
            self._section("what", gettext("What it does"), what),
            self._section("schedule", gettext("Schedule"), (schedule,), warnings=len(self.preview.changes)),
            self._section("payload", gettext("Payload"), (payload,)),
            self._section("retry", gettext("Retry policy"), (retry,)),
        ]

    def _section(self, anchor: str, title: str, parts: tuple[forms.Form, ...], warnings: int = 0) -> Section:
        complete = all(_read(form).is_valid() for form in parts)
        return Section(anchor, title, complete, sum(len(form.errors) for form in parts), warnings)

    def is_valid(self) -> bool:
        """Whether the draft can be saved; puts every error at its field and the cursor at the first."""
        valid = [form.is_valid() for form in self._forms]
        if all(valid):
            self._check_rights()
            self._check_secrets(self.new_owner or (self.job.owner if self.job else self.user))
            self._check_fires()
            self._check_error_classes()
        return all(form.is_valid() for form in self._forms) or self._point_at_the_first()

    @property
    def refusal(self) -> str:
        """Why the person may not define jobs of the type at all; empty when they may."""
        return refusal(self.user, self.type.code)

    def _check_rights(self) -> None:
        if self.refusal:
            self.basics.add_error("type", self.refusal)

    def _check_secrets(self, owner: User) -> None:
        """Refuse secrets that the worker would not find, and those that are another person's own.

        Who writes where a secret is sent to could have it sent to themselves.
        """
        may_use = self.user == owner or self.user.is_administrator
        for name, value in list(self.payload.cleaned_data.items()):
            asked = placeholders.secrets(value)
            if missing := vault.missing(asked, owner_id=owner.pk):
                self.payload.add_error(
                    name,
                    _("There is no secret %(missing)s that jobs of %(owner)s may use.")
                    % {"missing": missing[0], "owner": owner},
                )
            elif private := not may_use and vault.owned(asked):
                self.payload.add_error(
                    name,
                    _("The secret %(name)s is %(owner)s's own: only they and administrators may use it.")
                    % {"name": private[0], "owner": owner},
                )

    def to_try(self) -> Definition | None:
        """What a worker can execute once, unsaved; None, with errors at the fields, while it cannot."""
        if self.payload.is_bound and self.payload.is_valid():
            self._check_rights()
            self._check_secrets(self.job.owner if self.job else self.user)
        if not self.payload.is_bound or not self.payload.is_valid() or "type" in self.basics.errors:
            return None
        return {
            # As it was typed, but for the NUL that PostgreSQL does not store.
            "name": self.data.get("name", "").replace("\0", "")[:255] or "A job without a name",
            "type": self.type.code,
            "schedule": {"timezone": self._zone()},
            "payload": self.payload.columns(),
        }

    def _zone(self) -> str:
        said = self.data.get("timezone", "")
        return said if said in zones.names() else "UTC"

    def _check_fires(self) -> None:
        unchanged = self.job and preview.anchored(self.schedule.plan(), self.job) == self.job.schedule.plan
        if not unchanged and not self.schedule.fires_after(self.at):
            field = "run_at" if self.schedule.cleaned_data["schedule_type"] == "ONCE" else "ends_at"
            self.schedule.add_error(field, PASSED)

    def _check_error_classes(self) -> None:
        """Refuse classes that no run fails with; what an import kept may stay."""
        said = set(self.retry.cleaned_data["retry_on"]) - set(self._initial("retry").get("retry_on") or [])
        if strange := sorted(name for name in said if not self.type.may_fail_with(name)):
            self.retry.add_error(
                "retry_on",
                _("No %(label)s run fails with %(strange)s.")
                % {"label": self.type.label, "strange": ", ".join(strange)},
            )

    def _point_at_the_first(self) -> bool:
        form, name = next(self._wrong(), (None, ""))
        if form and name in form.fields:
            form.fields[name].widget.attrs["autofocus"] = True
        return False

    def _wrong(self) -> Iterator[tuple[forms.Form, str]]:
        return ((form, name) for form in self._forms for name in form.fields if name in form.errors)

    @property
    def mistakes(self) -> list[Mistake]:
        wrong = (form[name] for form, name in self._wrong())
        return [Mistake(str(field.label), field.id_for_label or field.auto_id) for field in wrong]

    def hush(self) -> None:
        """Take the errors off a draft that nobody wants to save yet; what they told of it stays."""
        self.sections = [replace(section, errors=0) for section in self.sections]
        _ = self.retries, self.typed, self.short
        for form in self._forms:
            form.errors.clear()

    def definition(self) -> Definition:
        """The definition as it is to be stored; what the page does not show stays as it was."""
        return {
            **self._unseen,
            **self.basics.definition(),
            "schedule": self.schedule.definition(),
            "payload": self.payload.columns(),
            **self.retry.part(),
        }

    @property
    def _unseen(self) -> Definition:
        return {"safe_to_repeat": self.job.safe_to_repeat} if self.job else {}

    @cached_property
    def saved(self) -> Definition:
        """The definition as it is stored; empty for a new job."""
        return definitions.of(self.job) if self.job else {}

    @cached_property
    def typed(self) -> Definition:
        """The definition as it would be stored now; a part that makes no sense yet is as it was saved."""
        if not self.saved or not self.basics.is_bound:
            return self.saved
        kept = {name: self.saved.get(name) for name in ("name", "priority", "description", "tags")}
        basics = self.basics.definition() if self.basics.is_valid() else kept
        told = {name: value for name, value in basics.items() if value is not None}
        schedule = self.schedule.definition() if self.schedule.is_valid() else self.saved["schedule"]
        parts = {"schedule": schedule, "payload": self._typed_payload(), **self._typed_retry()}
        return definitions.stored({**self._unseen, **told, "type": self.type.code, **parts})

    def _typed_payload(self) -> Definition:
        if self.payload.is_bound and self.payload.is_valid():
            return self.payload.columns()
        return self.saved["payload"] if self.type.code == self.saved["type"] else {}

    def _typed_retry(self) -> Definition:
        if self.retry.is_valid():
            return self.retry.part()
        return {"retry": self.saved["retry"]} if "retry" in self.saved else {}

    @property
    def note(self) -> str:
        """Why the edit is made."""
        note: str = self.why.cleaned_data["note"]
        return note

    @property
    def cards(self) -> list[Card]:
        return [
            Card(each, each.code == self.type.code, refusal(self.user, each.code)) for each in TYPES.values()
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What was typed for other types, so that going back finds it again."""
        names = {self.payload.add_prefix(name) for name in self.payload.fields}
        return [
            (name, value)
            for name, values in (self.data.lists())
            if name.startswith(f"{PREFIX}-") and name not in names
            for value in values
        ]

    @property
    def other_options(self) -> forms.BoundField | None:
        """The field for options that have no field of their own."""
        name = self.payload.options_column
        return self.payload[name] if name in self.payload.fields else None

    @cached_property
    def preview(self) -> Preview:
        return preview_of(_read(self.schedule), self.at, self.user, self.job)

    @cached_property
    def retries(self) -> Retries | None:
        """The retry policy as drawn; None while it makes no sense."""
        form = _read(self.retry)
        if not form.is_valid():
            return None
        return retry_timeline.retries_of(form.definition(), limit=self._limit, gap=self.preview.gap)

    @property
    def _limit(self) -> int:
        """The seconds that one attempt may take."""
        field = self.payload["timeout_seconds"].value() if "timeout_seconds" in self.payload.fields else ""
        said = str(field or "")
        return int(said) if said.isdecimal() and 0 < len(said) < 7 and int(said) else self.type.limit

    @cached_property
    def short(self) -> list[tuple[str, str]]:
        """The draft in a few words."""
        schedule = _read(self.schedule)
        promise = Promise.of(schedule.definition()) if schedule.is_valid() else ""
        told = [("Does", self._does()), ("When", self.preview.reading), ("Promise", str(promise))]
        if self.retries:
            told.append(("Tries", str(len(self.retries.attempts))))
        return [(name, words) for name, words in told if words]

    def _does(self) -> str:
        url = self.payload["http_url"].value() if "http_url" in self.payload.fields else ""
        host = _host(str(url or ""))
        return f"{self.payload['http_method'].value()} to {host}" if host else self.type.label


def preview_of(form: ScheduleForm, at: datetime, user: User, job: Job | None) -> Preview:
    """The preview of what a schedule form says; of one that is not begun, an empty one."""
    if form.is_valid():
        plan = preview.anchored(form.plan(), job) if job else form.plan()
        shown = preview.preview(plan, at, job.schedule.plan if job else None)
        return replace(shown, others=_sharing(shown.next.utc, user, job)) if shown.next else shown
    begun = any(form[name].value() for name in ("cron_expression", "run_at", "interval_seconds"))
    return Preview(error=str(next(iter(form.errors.values()))[0])) if begun else Preview()


def _sharing(tick: datetime, user: User, job: Job | None) -> str:
    """How many other jobs that the person may see fire next in the same minute; empty for none."""
    others = JobSchedule.objects.in_minute_of(tick).exclude(job=job)
    found = counted(others if user.is_operator else others.filter(job__owner=user), MOST_SHARING)
    return "" if found == "0" else found


FormOf = TypeVar("FormOf", bound=forms.Form)


def _read(form: FormOf) -> FormOf:
    """The form bound to what it shows, so that stored values are read like typed ones."""
    if form.is_bound:
        return form
    shown = {name: form[name].value() for name in form.fields}
    return type(form)({name: _typed(value) for name, value in shown.items()})


def _typed(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _shown(stored: Definition) -> Definition:
    """The definition as the form shows it: dots for secrets, and nothing for what no present key opens."""
    payload = masking.payload(stored["payload"])
    read = {name: value for name, value in payload.items() if not isinstance(value, Unreadable)}
    return {**stored, "payload": read}
