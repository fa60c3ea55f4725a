"""What a JSON value must be to stand in a form's field; forms themselves read text for anything."""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

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
