"""The parts of a job's definition as forms; the pages and the import check the same way."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import BaseRenderer
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs import retries, zones
from jobs.executors import TYPES
from jobs.executors.error_classes import chain
from jobs.models import Backoff, Kind, Misfire, Overlap, Priority
from jobs.schedules import BadSchedule, Plan, check, next_fire
from jobs.tags import TagsField

# Control characters, line ends, marks that turn the direction of writing, and halves of characters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_WORD_ENDS = re.compile(r"[,\s]+")

# A week: what starts later than that was not promised.
MOST_WITHIN = 7 * 86_400

OUT_OF_RANGE = ("invalid", "min_value", "max_value")

# What a job without a retry policy does: the schema's defaults.
ONE_ATTEMPT = {"max_attempts": 1, "backoff_strategy": Backoff.FIXED.value, "backoff_seconds": 60}


class BasicsForm(forms.Form):
    """Name, description, tags, priority and type."""

    name = forms.CharField(max_length=255, help_text=_("Name it the way you would say it in a call."))
    description = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Markdown. The first line shows in lists; the rest is the runbook."),
    )
    tags = TagsField(
        required=False, help_text=_("Words to find jobs by, separated by commas or blanks: billing, night.")
    )
    priority = forms.ChoiceField(choices=Priority, initial=Priority.MEDIUM, required=False)
    type = forms.ChoiceField(choices=[(each.code, each.label) for each in TYPES.values()])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if _CONTROL.search(name):
            raise ValidationError(_("The name holds a control character."))
        if all(unicodedata.category(each)[0] in "CZ" for each in name):
            raise ValidationError(_("The name has no character that can be seen."))
        return name

    def clean_priority(self) -> str:
        return self.cleaned_data["priority"] or Priority.MEDIUM.value

    def clean_description(self) -> str:
        text = str(self.cleaned_data["description"]).replace("\r\n", "\n")
        if _CONTROL_IN_TEXT.search(text):
            raise ValidationError(_("The description holds a control character."))
        return text

    def definition(self) -> dict[str, Any]:
        said = {name: self.cleaned_data[name] for name in ("name", "type", "priority", "description")}
        return {**said, **({"tags": tags} if (tags := self.cleaned_data["tags"]) else {})}


class LocalInstantField(forms.DateTimeField):
    """An instant: with an offset as it stands, without one on the clock of the job's zone.

    Gives an aware datetime where an offset stood, else a naive one for the form to place.
    """

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")

    def to_python(self, value: Any) -> Any:
        if isinstance(value, datetime) or value in self.empty_values:
            return value or None
        try:
            return datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            sentence = "This is no date and time: write it like 2026-03-28T02:30."
            raise ValidationError(sentence, code="invalid") from error


class ScheduleForm(forms.Form):
    """When the job fires. Instants without an offset are read on the clock of the job's zone."""

    schedule_type = forms.ChoiceField(label=_("Kind"), choices=Kind, initial=Kind.CRON)
    run_at = LocalInstantField(
        label=_("Run at"), required=False, help_text=_("On the clock of the time zone below.")
    )
    cron_expression = forms.CharField(
        required=False,
        max_length=255,
        help_text=_("Five fields as in crontab, or six with seconds first. ? means any."),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "0 30 2 * * ?", "spellcheck": "false"}),
    )
    interval_seconds = forms.IntegerField(
        label=_("Every"),
        required=False,
        min_value=1,
        help_text=_("Seconds."),
        error_messages=dict.fromkeys(OUT_OF_RANGE, _("Give a whole number of seconds, 1 or more.")),
    )
    timezone = forms.CharField(
        label=_("Time zone"), required=False, max_length=50, help_text=_("Fires follow this zone's clock.")
    )
    misfire_policy = forms.ChoiceField(
        label=_("If a fire is missed by more than 60 s"),
        choices=Misfire,
        initial=Misfire.FIRE_NOW,
        required=False,
    )
    overlap_policy = forms.ChoiceField(
        label=_("If the last run is still going"), choices=Overlap, initial=Overlap.SKIP, required=False
    )
    starts_at = LocalInstantField(label=_("Not before"), required=False)
    ends_at = LocalInstantField(label=_("Not after"), required=False)
    jitter_seconds = forms.IntegerField(
        label=_("Spread"),
        required=False,
        min_value=0,
        max_value=86_400,
        error_messages=dict.fromkeys(OUT_OF_RANGE, _("Give a whole number from 0 to 86,400.")),
        help_text=_("Each run starts up to so many seconds later, by chance."),
    )
    start_within_seconds = forms.IntegerField(
        label=_("Must start within"),
        required=False,
        min_value=1,
        max_value=MOST_WITHIN,
        error_messages=dict.fromkeys(OUT_OF_RANGE, _("Give a whole number from 1 to 604,800.")),
        help_text=_("Seconds after its time."),
    )
    end_by = forms.TimeField(
        label=_("Must end by"),
        required=False,
        input_formats=["%H:%M"],
        error_messages={"invalid": _("This is no time of day: write it like 06:00.")},
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("The first such time after the fire, in its time zone."),
    )

    def clean_timezone(self) -> str:
        name: str = self.cleaned_data["timezone"] or "UTC"
        try:
            zones.zone(name)
        except zones.UnknownZone as error:
            raise ValidationError(str(error)) from error
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("run_at", "starts_at", "ends_at"):
            self._place(name)
        if not self.errors:
            self._check_plan()
            self._check_promise()
        return cleaned

    def _place(self, name: str) -> None:
        """Put a time without an offset on the clock of the job's zone."""
        value: datetime | None = self.cleaned_data.get(name)
        zone = self.cleaned_data.get("timezone")
        if value is None or zone is None:
            return
        shown = self.initial.get(name)
        if isinstance(shown, datetime) and value == shown.replace(microsecond=0):
            # A page cannot show which pass of an hour that comes twice was meant; unchanged, it stays.
            value = shown
        try:
            self.cleaned_data[name] = _instant(value, zones.zone(zone))
        except OverflowError:
            self.add_error(name, _("Give a date from the year 1970 to the year 9999."))

    def _check_plan(self) -> None:
        try:
            check(self.plan())
        except BadSchedule as bad:
            field = "schedule_type" if bad.field == "kind" else bad.field
            self.add_error(field if field in self.fields else None, bad.message)

    def _check_promise(self) -> None:
        within, spread = self.cleaned_data["start_within_seconds"], self.plan().jitter_seconds
        if within is not None and within < spread:
            sentence = f"The spread alone may take {spread:,} seconds: promise no less."
            self.add_error("start_within_seconds", sentence)

    def plan(self) -> Plan:
        """What the fields say so far, as the pure core reads it."""
        said = self.cleaned_data
        return Plan(
            kind=said.get("schedule_type", ""),
            run_at=said.get("run_at"),
            cron_expression=said.get("cron_expression") or None,
            interval_seconds=said.get("interval_seconds"),
            timezone=said.get("timezone") or "UTC",
            starts_at=said.get("starts_at"),
            ends_at=said.get("ends_at"),
            jitter_seconds=said.get("jitter_seconds") or 0,
        )

    def fires_after(self, at: datetime) -> bool:
        """Whether the plan has a fire ahead of this instant."""
        return next_fire(self.plan(), at) is not None

    def definition(self) -> dict[str, Any]:
        """The schedule part; only the field of the chosen kind is kept."""
        said = self.cleaned_data
        own = {"ONCE": "run_at", "CRON": "cron_expression", "INTERVAL": "interval_seconds"}[
            said["schedule_type"]
        ]
        kept = {
            "schedule_type": said["schedule_type"],
            own: said[own],
            "timezone": said["timezone"],
            "misfire_policy": said["misfire_policy"] or Misfire.FIRE_NOW.value,
            "overlap_policy": said["overlap_policy"] or Overlap.SKIP.value,
            "starts_at": said["starts_at"],
            "ends_at": said["ends_at"],
            "jitter_seconds": said["jitter_seconds"] or 0,
            "start_within_seconds": said["start_within_seconds"],
            "end_by": said["end_by"],
        }
        return {name: _written(value) for name, value in kept.items() if value is not None}


def _written(value: Any) -> Any:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, datetime) else value


def _instant(value: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC; a time that the zone's clock skips is the first one after the gap, as for cron."""
    if value.tzinfo:
        return value.astimezone(UTC)
    shift = zones.shift_at(value, zone)
    return shift.at if shift and shift.forward else value.replace(tzinfo=zone).astimezone(UTC)


class ErrorClassesInput(forms.TextInput):
    """A box to tick for each class that is `offered`, and a line for others."""

    offered: Sequence[str] = ()

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return ", ".join(data.getlist(name)) if isinstance(data, QueryDict) else data.get(name)

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        said = _WORD_ENDS.split(str(value or ""))
        boxes = [(each, chain(each)[1:2], each in said) for each in self.offered]
        others = ", ".join(word for word in said if word and word not in self.offered)
        line = super().render(name, others, attrs, renderer)
        return render_to_string("jobs/_error_classes.html", {"name": name, "boxes": boxes, "line": line})


class ErrorClassesField(forms.CharField):
    """Error classes separated by commas or blanks; gives a list in Chronos's spelling."""

    widget = ErrorClassesInput

    def to_python(self, value: Any) -> Any:
        words = value if isinstance(value, list) else _WORD_ENDS.split(super().to_python(value) or "")
        try:
            names = [retries.normal(str(word)) for word in words if str(word).strip()]
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if len(names) > 50:
            raise ValidationError(_("These are more than 50 error classes."))
        return list(dict.fromkeys(names))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(each) for each in value) if isinstance(value, list) else value


class RetryForm(forms.Form):
    """How often a failure is tried again, and after what wait."""

    max_attempts = forms.IntegerField(
        label=_("Attempts in all"),
        min_value=1,
        max_value=10,
        initial=1,
        error_messages=dict.fromkeys(OUT_OF_RANGE, _("Give a whole number from 1 to 10.")),
        required=False,
        help_text=_("1 to 10; 1 never retries."),
    )
    backoff_seconds = forms.IntegerField(
        label=_("First wait"),
        min_value=0,
        max_value=3600,
        initial=60,
        error_messages=dict.fromkeys(OUT_OF_RANGE, _("Give a whole number from 0 to 3,600.")),
        required=False,
        help_text=_("Seconds, up to 3600."),
    )
    backoff_strategy = forms.ChoiceField(
        label=_("Then"),
        choices=[
            (Backoff.FIXED.value, _("the same each time")),
            (Backoff.EXPONENTIAL.value, _("double each time")),
        ],
        initial=Backoff.FIXED,
        required=False,
    )
    jitter = forms.BooleanField(
        label=_("Spread the waits at random"),
        required=False,
        help_text=_("Each lies between half of it and all of it: what failed together comes back apart."),
    )
    retry_on = ErrorClassesField(
        label=_("Retry on"),
        required=False,
        help_text=_("Error classes such as TIMEOUT, 5XX; every failure if empty."),
    )

    def clean_retry_on(self) -> list[str]:
        said: list[str] = self.cleaned_data["retry_on"]
        before: list[str] = self.initial.get("retry_on") or []
        # The page lists them in its own order, which is no change.
        return before if set(said) == set(before) else said

    def definition(self) -> dict[str, Any]:
        said = self.cleaned_data
        given = {
            name: value for name, value in said.items() if value not in (None, "", []) and value is not False
        }
        return {**ONE_ATTEMPT, **given}

    def part(self) -> dict[str, dict[str, Any]]:
        """`retry` for a definition; nothing where no policy was stored and none is asked for."""
        policy = self.definition()
        return {"retry": policy} if self.initial or policy != ONE_ATTEMPT else {}


def initial_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A stored definition as initial values: `basics`, `schedule`, `payload` and `retry`.

    Instants are shown on the clock of the job's zone.
    """
    schedule = dict(definition["schedule"])
    zone = ZoneInfo(schedule.get("timezone") or "UTC")
    for name in ("run_at", "starts_at", "ends_at"):
        if schedule.get(name):
            schedule[name] = datetime.fromisoformat(schedule[name]).astimezone(zone).replace(tzinfo=None)
    return {
        "basics": {name: value for name, value in definition.items() if not isinstance(value, dict)},
        "schedule": schedule,
        "payload": TYPES[definition["type"]].form.initial_from(definition["payload"]),
        "retry": dict(definition.get("retry", {})),
    }
