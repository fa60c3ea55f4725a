"""What a JSON value must be to stand in a form's field; forms themselves read text for anything."""

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, cast

from django import forms

from jobs.executors.fields import NumbersField, ScalarField
from jobs.executors.json_fields import JsonField, TextListField
from jobs.forms import ErrorClassesField
from jobs.tags import TagsField

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}

_SCHEMA_WORDS = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}

# The first class that a field is of decides.
_TYPES: tuple[tuple[type[forms.Field], tuple[type, ...]], ...] = (
    (forms.BooleanField, (bool,)),
    (forms.FloatField, (float, int)),
    (forms.IntegerField, (int,)),
    (ScalarField, (str, int, float)),
    (TextListField, (list, str)),
    (NumbersField, (list,)),
    (ErrorClassesField, (list,)),
    (TagsField, (list,)),
)


def mismatch(field: forms.Field, value: Any) -> str:
    """A sentence about a value of the wrong type; empty for a right one."""
    wanted = _wanted(field)
    if type(value) in wanted:
        return _mixed(field, value)
    return f"This must be {_WORDS[wanted[0]]}, not {_WORDS[type(value)]}."


def schema(field: forms.Field) -> dict[str, Any]:
    """What may stand in the field, as JSON Schema."""
    kinds = [_SCHEMA_WORDS[each] for each in _wanted(field)]
    found: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds, **_bounds(field)}
    if "array" in kinds and (items := _items(field)):
        found["items"] = {"type": items}
    if field.help_text:
        found["description"] = str(field.help_text)
    return found


def _bounds(field: forms.Field) -> dict[str, Any]:
    if isinstance(field, forms.ChoiceField):
        return {"enum": codes(field)}
    told = {
        "minimum": getattr(field, "min_value", None),
        "maximum": getattr(field, "max_value", None),
        "maxLength": getattr(field, "max_length", None),
    }
    return {name: value for name, value in told.items() if value is not None}


def _items(field: forms.Field) -> str:
    if isinstance(field, NumbersField):
        return "integer"
    return "string" if isinstance(field, ErrorClassesField | TagsField | TextListField) else ""


def codes(field: forms.ChoiceField) -> list[str]:
    """What may be said where a field offers a choice."""
    choices = cast("Iterable[tuple[Any, Any]]", field.choices)
    return [str(code) for code, _ in choices if code]


def unfit(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where the request holds what no database keeps, with a sentence each."""
    left: list[tuple[str, Any]] = [("", request)]
    while left:
        path, value = left.pop()
        if sentence := _unfit(value):
            yield path, sentence
        elif isinstance(value, dict):
            left += [(f"{path}.{key}".lstrip("."), inner) for key, inner in value.items()]
            if any(_unfit(key) for key in value):
                yield path, "A key here holds a NUL or half a character."
        elif isinstance(value, list):
            left += [(f"{path}[{number}]", inner) for number, inner in enumerate(value)]


def _wanted(field: forms.Field) -> tuple[type, ...]:
    if isinstance(field, JsonField):
        return (field.shape,)
    return next((types for kind, types in _TYPES if isinstance(field, kind)), (str,))


def _mixed(field: forms.Field, value: Any) -> str:
    named = isinstance(field, ErrorClassesField | TagsField)
    if named and not all(isinstance(each, str) for each in value):
        return "This must be a list of names."
    if isinstance(field, NumbersField) and not all(type(each) is int for each in value):
        return "This must be a list of whole numbers."
    return ""


def _unfit(value: Any) -> str:
    if isinstance(value, str) and ("\0" in value or _SURROGATE.search(value)):
        return "This holds a NUL or half a character, which cannot be kept."
    if isinstance(value, float) and not isfinite(value):
        return "This number is too large."
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "This number is too large."
    return ""
