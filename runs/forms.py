"""What people say about runs to be made."""

from datetime import datetime
from typing import Any

from django import forms

from jobs.schedules import EPOCH, LATEST


class InstantField(forms.DateTimeField):
    """An instant on the clock that the viewer reads, to the minute."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> Any:
        instant: datetime | None = super().clean(value)
        # In another zone it would leave the calendar.
        if instant and not EPOCH <= instant <= LATEST:
            raise forms.ValidationError("Give a date from the year 1970 to the year 9999.")
        return instant


class BackfillForm(forms.Form):
    """Which ticks: the range, and whether those that ran count."""

    since = InstantField(label="From", help_text="In your time zone. A tick at this very time belongs to it.")
    until = InstantField(label="To", help_text="Up to now, and a tick at this very time belongs to it.")
    include_ran = forms.BooleanField(
        label="Also ticks that ran already",
        required=False,
        help_text="They run once more; what they did before stays as it is.",
    )
