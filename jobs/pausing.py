"""How long a job is to be paused, as people say it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from jobs.schedules import LATEST

MORNING = time(8)
A_TIME = "until"
# What a page of that age offers has passed in any case.
_LONGEST_SEEN = timedelta(days=10)
# What was previewed must be what is done, but nobody is to choose for ever from what has passed.
_SHOWN_AGAIN = timedelta(hours=1)
SPANS = [
    ("", _("Until resumed")),
    ("1h", _("An hour")),
    ("tomorrow", _("Tomorrow 08:00")),
    ("monday", _("Monday 08:00")),
    (A_TIME, _("A time…")),
]


class _Seen(forms.HiddenInput):
    """When the page was made that offers the spans: of one that is shown again soon, when it was first."""

    def format_value(self, value: Any) -> str:
        now = timezone.now()
        seen = _instant(value)
        return (seen if seen and now - _SHOWN_AGAIN < seen <= now else now).isoformat()


def _instant(sent: Any) -> datetime | None:
    try:
        seen = parse_datetime(str(sent))
    except ValueError:
        return None
    return seen if seen and timezone.is_aware(seen) else None


class PauseForm(forms.Form):
    """Until when, and why."""

    seen_at = forms.DateTimeField(required=False, widget=_Seen)

    span = forms.ChoiceField(
        label=_("For how long"), choices=SPANS, initial="", required=False, widget=forms.RadioSelect
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In your time zone. It then resumes by itself."),
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=255, help_text=_("Why; the audit trail keeps it.")
    )

    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise ValidationError(_("This time has passed."))
        if until and until > LATEST:
            # In another zone it would leave the calendar, and no list with the job could be shown.
            raise ValidationError(_("Give a date up to the year 9999."))
        return until

    def clean(self) -> None:
        """However it was said, what is left is one instant, or none."""
        span, until = self.cleaned_data.pop("span", ""), self.cleaned_data.get("until")
        seen, now = self.cleaned_data.pop("seen_at", None), timezone.now()
        if span == A_TIME and not until and "until" not in self.errors:
            self.add_error("until", _("Give the time."))
        elif not span and until and "span" in self.data:
            self.add_error("span", _("You gave a time: choose “A time…”, or take the time away."))
        elif ends := end_of(span, now, seen=seen):
            self.cleaned_data["until"] = ends
            if ends <= now:
                self.add_error("span", _("This time has passed: choose once more."))


def end_of(span: str, at: datetime, *, seen: datetime | None = None) -> datetime | None:
    """When a span that begins now ends, on the viewer's clock; None for one without an end of its own.

    Tomorrow and Monday are those of the day on which the person has `seen` the page that offers them.
    """
    if span == "1h":
        # On a clock that is put back meanwhile, it would be two.
        return at.astimezone(UTC) + timedelta(hours=1)
    today = timezone.localdate(max(min(seen or at, at), at - _LONGEST_SEEN))
    match span:
        case "tomorrow":
            return _morning(today + timedelta(days=1))
        case "monday":
            return _morning(today + timedelta(days=7 - today.weekday()))
    return None


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, MORNING))
