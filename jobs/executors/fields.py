"""Form fields for what payloads hold: JSON, header lines, lists of numbers."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django import forms

JSON_LIMIT = 100_000
DEPTH_LIMIT = 20


class JsonField(forms.CharField):
    """A JSON object or list, typed as text; shown indented.

    Refuses duplicate keys, NaN and Infinity, more than 100,000 characters and nesting deeper than 20.
    """

    def __init__(self, *, shape: type[dict[Any, Any]] | type[list[Any]] = dict, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}))
        super().__init__(**kwargs)
        self.shape = shape

    def to_python(self, value: Any) -> Any:
        text = json.dumps(value) if isinstance(value, dict | list) else super().to_python(value) or ""
        if not text.strip():
            return None
        return self._shaped(_parsed(text))

    def _shaped(self, found: Any) -> Any:
        if not isinstance(found, self.shape):
            wanted = 'an object such as {"name": "value"}' if self.shape is dict else "a list such as [1, 2]"
            raise forms.ValidationError(f"This must be JSON, {wanted}.")
        if _depth(found) > DEPTH_LIMIT:
            raise forms.ValidationError(f"This is nested deeper than {DEPTH_LIMIT} levels.")
        return found

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else value


def _parsed(text: str) -> Any:
    if len(text) > JSON_LIMIT:
        raise forms.ValidationError(f"This is longer than {JSON_LIMIT:,} characters.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise forms.ValidationError(
            f"This is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise forms.ValidationError(f"This is nested deeper than {DEPTH_LIMIT} levels.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise forms.ValidationError(f"The key {twice!r} stands twice.")
    return found


def _refuse_constant(name: str) -> None:
    raise forms.ValidationError(f"{name} is no JSON value.")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(each) for each in inner), default=0)


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
            raise forms.ValidationError(f"The header {name.strip()} stands twice.")
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
            raise forms.ValidationError(f"{text[:20]} is no whole number from {self.least} to {self.most}.")
        return int(text)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(each) for each in value) if isinstance(value, list) else value
