"""Form fields for what payloads hold: they take what a page posts and what a JSON import says."""

import json
import re
from collections.abc import Mapping
from math import inf
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.html import format_html
from django.utils.safestring import SafeString

JSON_LIMIT = 100_000
DEPTH_LIMIT = 20
TEXT_LIMIT = 200_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


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
            raise forms.ValidationError("This must be text.")
        text = (super().to_python(value) or "").replace("\r\n", "\n")
        if _SURROGATE.search(text):
            raise forms.ValidationError("This holds half a character, which cannot be kept.")
        if not self.lines and _CONTROL.search(text):
            raise forms.ValidationError("This holds a control character.")
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
        super().__init__(label="Timeout", required=False, least=1, most=86_400, help_text=sentence)


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
            raise forms.ValidationError("Say true or false.")
        return found

    def prepare_value(self, value: Any) -> bool:
        """Whether the box is ticked; the words are those of a page that was posted."""
        return bool(self.initial) if value is None else value not in (False, "", "false", "off")


class WordField(forms.ChoiceField):
    """One of a few words, written in any case: `read committed` is READ_COMMITTED."""

    def __init__(self, *, choices: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(choices=choices, **kwargs)
        self.words = [word for word in choices if word]

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise forms.ValidationError("This must be text.")
        return (value or "").strip().upper().replace(" ", "_").replace("-", "_")

    def validate(self, value: Any) -> None:
        forms.Field.validate(self, value)
        if value and value not in self.words:
            raise forms.ValidationError(
                f"{value[:40]!r} is none of {', '.join(self.words)}.", code="invalid_choice"
            )


class JsonField(forms.CharField):
    """A JSON object or list, typed as text; shown indented.

    Refuses duplicate keys, what no database can keep, more than 100,000 characters and nesting
    deeper than 20.
    """

    sample = "{}"

    def __init__(
        self, *, shape: type[dict[Any, Any]] | type[list[Any]] = dict, lines: int = 4, **kwargs: Any
    ) -> None:
        attrs = {"rows": lines, "class": "mono", "spellcheck": "false"}
        super().__init__(widget=forms.Textarea(attrs=attrs), **kwargs)
        self.shape = shape

    def to_python(self, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self._shaped(_parsed(value if isinstance(value, str) else _written(value)))

    def _shaped(self, found: Any) -> Any:
        if not isinstance(found, self.shape):
            wanted = 'an object such as {"name": "value"}' if self.shape is dict else "a list such as [1, 2]"
            raise forms.ValidationError(f"This must be JSON, {wanted}.")
        _check_values(found)
        return found

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else value


class OptionsField(JsonField):
    """The options of a payload that have no field of their own, and notes of people."""

    def __init__(self) -> None:
        super().__init__(
            label="Other options",
            required=False,
            help_text='Notes as JSON, such as {"team": "billing"}, kept with the job.',
        )


def check_json(text: str) -> None:
    """Refuse text that is no JSON, or JSON that no two readers agree on: a key twice, NaN, deep nesting."""
    _check_values(_parsed(text, TEXT_LIMIT))


def _written(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise forms.ValidationError(f"This is nested deeper than {DEPTH_LIMIT} levels.") from error


def _parsed(text: str, limit: int = JSON_LIMIT) -> Any:
    if len(text) > limit:
        raise forms.ValidationError(f"This is longer than {limit:,} characters.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise forms.ValidationError(
            f"This is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise forms.ValidationError(f"This is nested deeper than {DEPTH_LIMIT} levels.") from error
    except ValueError as error:
        raise forms.ValidationError("This holds a number that is too large.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise forms.ValidationError(f"The key {twice!r} stands twice.")
    return found


def _refuse_constant(name: str) -> None:
    raise forms.ValidationError(f"{name} is no JSON value.")


def _check_values(found: Any) -> None:
    """Refuse what some database cannot keep: deep nesting, NUL, half characters, numbers without end."""
    level = [found]
    for _ in range(DEPTH_LIMIT):
        for each in level:
            _check_value(each)
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise forms.ValidationError(f"This is nested deeper than {DEPTH_LIMIT} levels.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_value(value: Any) -> None:
    if isinstance(value, str) and ("\0" in value or _SURROGATE.search(value)):
        raise forms.ValidationError("This holds a NUL or half a character.")
    if isinstance(value, int | float) and not abs(value) < (inf if isinstance(value, float) else 2**63):
        raise forms.ValidationError("This holds a number that is too large.")


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}


class HeadersField(JsonField):
    """HTTP headers as `Name: value` lines or a JSON object; gives a dict of text to text.

    Names follow RFC 9110's token; headers that frame the message are the client's own to set.
    """

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            value = _lines(value)
        found = super().to_python(value)
        if found is None:
            return None
        for name, text in found.items():
            _check_header(name, text)
        return {name: str(text) for name, text in found.items()}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        return value


def _lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.strip().splitlines(), 1):
        name, colon, value = line.partition(":")
        if not colon:
            raise forms.ValidationError(f"Line {number} has no colon: write Name: value.")
        if name.strip() in found:
            raise forms.ValidationError(f"The header {name.strip()[:40]!r} stands twice.")
        found[name.strip()] = value.strip()
    return found


def _check_header(name: str, text: Any) -> None:
    if not _NAME.fullmatch(name):
        raise forms.ValidationError(f"{name!r} is no header name.")
    if name.lower() in _FRAMING:
        raise forms.ValidationError(f"The header {name} is set by Chronos itself.")
    if isinstance(text, dict | list | bool) or text is None:
        raise forms.ValidationError(f"The value of {name} must be text.")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", str(text)) or not str(text).isascii():
        raise forms.ValidationError(f"The value of {name} holds characters that headers cannot carry.")


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
            raise forms.ValidationError(f"{text[:20]!r} is no whole number from {self.least} to {self.most}.")
        return int(text)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(each) for each in value) if isinstance(value, list) else value


class TextListField(TextField):
    """Texts, one a line or as a JSON list; gives a list of str without repetitions."""

    SEPARATORS = "\n"
    GLUE = "\n"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("lines", 3)
        super().__init__(mono=True, max_length=JSON_LIMIT, **kwargs)

    def to_python(self, value: Any) -> Any:
        parts = value if isinstance(value, list) else self._parts(super().to_python(value))
        return list(dict.fromkeys(self._checked(each) for each in parts))

    def _parts(self, text: str) -> list[Any]:
        if text.lstrip().startswith("["):
            found: list[Any] = JsonField(shape=list).clean(text)
            return found
        return [part.strip() for part in re.split(f"[{self.SEPARATORS}]", text) if part.strip()]

    def _checked(self, part: Any) -> str:
        if not isinstance(part, str) or not part.strip():
            raise forms.ValidationError("Each entry must be text.")
        if len(part) > 1024 or _CONTROL.search(part) or _SURROGATE.search(part):
            raise forms.ValidationError(f"{part[:40]!r} is too long or holds a control character.")
        return part

    def validate(self, value: Any) -> None:
        super().validate(value)
        if sum(map(len, value)) > JSON_LIMIT:
            raise forms.ValidationError(f"This is longer than {JSON_LIMIT:,} characters.")

    def run_validators(self, value: Any) -> None:
        """Each entry is checked already; the validators of text do not fit a list."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(each, str) for each in value):
            return json.dumps(value)
        shown = self.GLUE.join(value)
        plain = not shown.lstrip().startswith("[") and self._parts(shown) == value
        return shown if plain else json.dumps(value, ensure_ascii=False)


class NamesField(TextListField):
    """Names separated by commas or line ends."""

    SEPARATORS = ",;\n"
    GLUE = ", "


class EnvironmentField(JsonField):
    """Variables as `NAME=value` lines or a JSON object; gives a dict of text to text."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            value = _variables(value)
        found = super().to_python(value)
        for name, text in (found or {}).items():
            if not _VARIABLE.fullmatch(name):
                raise forms.ValidationError(f"{name[:40]!r} is no variable name: write it like LOG_LEVEL.")
            if not isinstance(text, str):
                raise forms.ValidationError(f"The value of {name} must be text.")
        return found

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if any(not isinstance(text, str) or text != text.strip() or "\n" in text for text in value.values()):
            return super().prepare_value(value)
        return "\n".join(f"{name}={text}" for name, text in value.items())


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        name, equals, value = line.partition("=")
        if not equals:
            raise forms.ValidationError(f"Line {number} has no equals sign: write NAME=value.")
        if name.strip() in found:
            raise forms.ValidationError(f"The variable {name.strip()[:40]!r} stands twice.")
        found[name.strip()] = value.strip()
    return found
