"""Bodies put to the forms of the pages: what one does not name stays as it is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from django import forms
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.problems import Invalid
from jobs.schedules import LATEST
from jobs.transfer import described

AnyForm = TypeVar("AnyForm", bound=forms.Form | forms.ModelForm)  # type: ignore[type-arg]


def _storable(said: str) -> str:
    if "\0" in said:
        # PostgreSQL stores none.
        raise PydanticCustomError("nul", "Leave out the NUL.")
    return said


def _in_calendar(until: datetime) -> datetime:
    if until > LATEST:
        # In another zone it would leave the calendar, and no page that tells it could be shown.
        raise PydanticCustomError("too_late", "Give a date up to the year 9999.")
    return until


# What goes into the database without a form that looks at it.
Text = Annotated[str, AfterValidator(_storable)]
Until = Annotated[AwareDatetime, AfterValidator(_in_calendar)]
Ulid = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Z]{26}$")]


def taken(schema: str, *others: str) -> dict[str, Any]:
    """What the document says of a body that the forms of jobs read: JSON of the schema, or `others`."""
    content = {"schema": described.reference(schema)}
    types = ("application/json", *others)
    return {"requestBody": {"required": True, "content": dict.fromkeys(types, content)}}


class Given(Schema):
    """A body whose every key is known and has a value without being given."""

    model_config = ConfigDict(extra="forbid")


def checked(
    build: Callable[[dict[str, Any]], AnyForm],
    given: Given,
    before: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> AnyForm:
    """The valid form over what was so before and what is given now. `names` are the form's own for keys.

    Raises Invalid.
    """
    form_names, said = names or {}, given.model_dump(exclude_unset=True)
    there = {**type(given)().model_dump(), **before}
    form = build({form_names.get(key, key): value for key, value in {**there, **said}.items()})
    closed = [key for key in said if form_names.get(key, key) not in form.fields and said[key] != there[key]]
    if closed:
        raise Invalid((key, "Your role may not set this.") for key in closed)
    if not form.is_valid():
        raise Invalid.by_form(form, {name: key for key, name in form_names.items()})
    return form
