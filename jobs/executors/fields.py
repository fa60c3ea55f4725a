"""Form fields for what payloads hold: they take what a page posts and what a JSON import says."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.forms.renderers import BaseRenderer
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

TEXT_LIMIT = 200_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SURROGATE = re.compile(r"[\ud800-\udfff]")


class TextField(forms.CharField):
    """Text, never a number or a list in its place; one line unless `lines` is set.

    Line ends are kept as LF, whatever the browser sends. `sample` is what may stand in the place of a
    placeholder that begins the text; its `{}` is a word.
    """

    sample = "{}"

    def __init__(
        self, *, lines: int = 0, mono: bool = False, sample: str | None = None, **kwargs: Any
    ) -> None:
        attrs = {"class": "mono", "spellcheck": "false"} if mono else {}
        wide = forms.Textarea(attrs={"rows": lines, **attrs}) if lines else forms.TextInput(attrs=attrs)
        kwargs.setdefault("widget", wide)
        kwargs.setdefault("max_length", TEXT_LIMIT if lines else 255)
        super().__init__(**kwargs)
        self.lines = lines
        self.sample = sample or self.sample

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise forms.ValidationError(_("This must be text."))
        text = (super().to_python(value) or "").replace("\r\n", "\n")
        # Before anybody tries to read it: what is too long may take very long, too.
        MaxLengthValidator(self.max_length)(text)
        if SURROGATE.search(text):
            raise forms.ValidationError(_("This holds half a character, which cannot be kept."))
        if not self.lines and CONTROL.search(text):
            raise forms.ValidationError(_("This holds a control character."))
        if self.required and not text.strip():
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return text


class ScalarField(TextField):
    """Text, or a number that is kept as text."""

    def to_python(self, value: Any) -> str:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return super().to_python(str(value) if number else value)


class NumberField(forms.IntegerField):
    """A whole number within a range."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        sentence = f"Give a whole number from {least:,} to {most:,}."
        messages = dict.fromkeys(("invalid", "min_value", "max_value"), sentence)
        super().__init__(min_value=least, max_value=most, error_messages=messages, **kwargs)

    def to_python(self, value: Any) -> Any:
        _refuse_other_shapes(value, self.error_messages)
        return super().to_python(value)


class TimeoutField(NumberField):
    """Seconds that the whole run may take; its type's limit where nothing is said."""

    def __init__(self, limit: int) -> None:
        sentence = f"Seconds for the whole run; {limit:,} if empty."
        super().__init__(label=_("Timeout"), required=False, least=1, most=86_400, help_text=sentence)


class DecimalField(forms.FloatField):
    """A number within a range, with or without a decimal point."""

    def __init__(self, *, least: float, most: float, **kwargs: Any) -> None:
        sentence = f"Give a number from {least:,} to {most:,}."
        messages = dict.fromkeys(("invalid", "min_value", "max_value"), sentence)
        super().__init__(min_value=least, max_value=most, error_messages=messages, **kwargs)

    def to_python(self, value: Any) -> Any:
        _refuse_other_shapes(value, self.error_messages)
        try:
            return super().to_python(value)
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


def _refuse_other_shapes(value: Any, messages: Mapping[str, Any]) -> None:
    if isinstance(value, bool | list | dict):
        raise forms.ValidationError(messages["invalid"], code="invalid")


class FlagInput(forms.CheckboxInput):
    """A box that says when it is unticked, so that leaving the key out means the default."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        hidden = format_html('<input type="hidden" name="{}" value="false">', name)
        return hidden + super().render(name, value, attrs, renderer)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return data.get(name)


class FlagField(forms.BooleanField):
    """Yes or no; the default where nothing is said."""

    widget = FlagInput
    _WORDS = {"true": True, "on": True, "false": False, "off": False}

    def __init__(self, *, default: bool = False, **kwargs: Any) -> None:
        super().__init__(required=False, initial=default, **kwargs)

    def to_python(self, value: Any) -> bool:
        if value is None or value == "":
            return bool(self.initial)
        found = self._WORDS.get(value.lower()) if isinstance(value, str) else value
        if not isinstance(found, bool):
            raise forms.ValidationError(_("Say true or false."))
        return found

    def prepare_value(self, value: Any) -> bool:
        """Whether the box is ticked; the words are those of a page that was posted."""
        return bool(self.initial) if value is None else value not in (False, "", "false", "off")


class WordField(forms.ChoiceField):
    """One of a few words, written in any case: `read committed` is READ_COMMITTED.

    It is kept as the choices spell it.
    """

    def __init__(self, *, choices: "Mapping[str, str | Promise]", **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        self.words = [word for word in choices if word]

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise forms.ValidationError(_("This must be text."))
        said = (value or "").strip()
        return next((word for word in self.words if _normal(word) == _normal(said)), said)

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)
        if value and value not in self.words:
            raise forms.ValidationError(
                _("%(value)r is none of %(words)s.") % {"value": value[:40], "words": ", ".join(self.words)},
                code="invalid_choice",
            )


def _normal(word: str) -> str:
    return word.upper().replace(" ", "_").replace("-", "_")


class NumbersField(forms.CharField):
    """Whole numbers separated by commas; gives a list of int."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def to_python(self, value: Any) -> Any:
        parts = (
            value
            if isinstance(value, list)
            else (super().to_python(value) or "").replace(";", ",").split(",")
        )
        return [self._number(str(part).strip()) for part in parts if str(part).strip()]

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not self.least <= int(text[:9]) <= self.most:
            raise forms.ValidationError(
                _("%(text)r is no whole number from %(least)s to %(most)s.")
                % {"text": text[:20], "least": self.least, "most": self.most}
            )
        return int(text)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(each) for each in value) if isinstance(value, list) else value
