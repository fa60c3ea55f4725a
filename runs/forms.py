"""What people say about runs to be made."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.executors import placeholders
from jobs.executors.fields import TextField
from jobs.schedules import EPOCH, LATEST

PARAMETER_LIMIT = 10_000


class InstantField(forms.DateTimeField):
    """An instant on the clock that the viewer reads, to the minute."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> Any:
        instant: datetime | None = super().clean(value)
        # In another zone it would leave the calendar.
        if instant and not EPOCH <= instant <= LATEST:
            raise forms.ValidationError(_("Give a date from the year 1970 to the year 9999."))
        return instant


class ParametersForm(forms.Form):
    """What a payload asks for by `{{ param:name }}`: a text for each name, in fields `param-<name>`."""

    PREFIX = "param-"

    def __init__(self, *args: Any, asked: Mapping[str, str | None], **kwargs: Any) -> None:
        """`asked` holds the names with their defaults; None where one must be given."""
        super().__init__(*args, **kwargs)
        self.asked = asked
        for name, default in asked.items():
            self.fields[f"{self.PREFIX}{name}"] = TextField(
                label=name, required=default is None, initial=default, strip=False, max_length=PARAMETER_LIMIT
            )

    @property
    def parameters(self) -> dict[str, str]:
        """What was given, by name."""
        return {name: self.cleaned_data[f"{self.PREFIX}{name}"] for name in self.asked}

    @property
    def was_sent(self) -> bool:
        """Whether the page that was posted had the fields of all parameters."""
        return all(f"{self.PREFIX}{name}" in self.data for name in self.asked)


def asked_by(payload: Mapping[str, Any]) -> dict[str, str | None]:
    """The parameters that a payload's columns ask for, with their defaults."""
    return placeholders.parameters(dict(payload))


class BackfillForm(ParametersForm):
    """Which ticks: the range, and whether those that ran count; and the payload's parameters."""

    since = InstantField(
        label=_("From"), help_text=_("In your time zone. A tick at this very time belongs to it.")
    )
    until = InstantField(label=_("To"), help_text=_("Up to now, and a tick at this very time belongs to it."))
    include_ran = forms.BooleanField(
        label=_("Also ticks that ran already"),
        required=False,
        help_text=_("They run once more; what they did before stays as it is."),
    )

    @property
    def range(self) -> dict[str, Any]:
        """What was said of the ticks."""
        return {name: self.cleaned_data[name] for name in ("since", "until", "include_ran")}
