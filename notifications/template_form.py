"""The form in which administrators write the texts of messages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications import language, markup, vocabulary
from notifications.texts import PARTS, Texts

_LABELS = {"subject": "Subject", "text": "Text", "html": "HTML"}
_ROWS = {"subject": 4, "text": 14, "html": 18}
_HELP = {
    "html": "Shown by mail programs that can, inside Chronos's frame. Empty: made from the text.",
    "text": "",
    "subject": "One line.",
}
LONGEST_SUBJECT = 255


class TemplateForm(forms.Form):
    """The texts of one kind of message for one channel; a mistake is an error at its field, with its line."""

    def __init__(self, channel: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PARTS[channel]:
            self.fields[name] = forms.CharField(
                label=_LABELS[name],
                help_text=_HELP[name],
                required=name != "html",
                max_length=LONGEST_SUBJECT if name == "subject" else language.LONGEST,
                strip=False,
                widget=forms.Textarea(
                    attrs={"rows": _ROWS[name], "class": "mono template", "spellcheck": "false"}
                ),
            )
        self.order_fields([*PARTS[channel], "note", "read"])

    note = forms.CharField(
        label=_("Why"), required=False, max_length=255, help_text=_("The audit trail keeps it.")
    )
    read = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in PARTS["EMAIL"]:
            if text := cleaned.get(name):
                # Browsers send line ends as the network does.
                cleaned[name] = text.replace("\r\n", "\n").strip()
                self._check(name, cleaned[name])
        return cleaned

    def _check(self, name: str, text: str) -> None:
        try:
            language.read(text, vocabulary.NAMES)
            if name == "html":
                markup.check(text)
        except language.Mistake as mistake:
            self.add_error(name, str(mistake))

    @property
    def texts(self) -> Texts:
        """What was typed."""
        return Texts(**{name: self.cleaned_data.get(name, "") for name in PARTS["EMAIL"]})
