"""The form of a payload: options beside columns, fields in groups, placeholders in texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chronos_site import sealed
from jobs import masking
from jobs.executors import kept_secrets, placeholders
from jobs.executors.fields import TextField
from jobs.executors.json_fields import JsonField
from jobs.executors.samples import Samples, Shape
from jobs.masking import DOTS

# Different ones in one payload: each is looked for in the whole of it while a form is checked.
MOST_PLACEHOLDERS = 300
# The columns whose width is given, and the characters that they hold.
ADDRESSES = ("http_url", "database_url")
ADDRESS_ROOM = 2048
TOO_LONG = "This is too long: once it is encrypted, 1,400 letters fit."


@dataclass(frozen=True)
class FieldGroup:
    """Fields of a form that are shown together, under a title."""

    title: str
    fields: list[forms.BoundField]

    @property
    def is_open(self) -> bool:
        """Whether one of them says something, or is wrong."""
        return any(each.errors or _typed(each) != _typed_by(each, each.field.initial) for each in self.fields)


def _typed(bound: forms.BoundField) -> str:
    return _typed_by(bound, bound.value())


def _typed_by(bound: forms.BoundField, value: Any) -> str:
    return str(bound.field.prepare_value(value) or "")


class PayloadForm(forms.Form):
    """The fields of one job type's payload.

    A field's name is the payload's column, or an option kept in the JSON column `options_column`. Texts
    may hold placeholders: they are checked with something in their place that fits the field. Those of
    the fields in `binds` the type replaces itself, since text must never be pasted into them.
    """

    options: ClassVar[tuple[str, ...]] = ()
    options_column: ClassVar[str] = "metadata"
    # Fields that few jobs need, under a title that opens them.
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    binds: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, *args: Any, filled: bool = False, kept: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """`filled` says that whatever looks like a placeholder is meant as it stands.

        `kept` is the stored payload whose secrets the form shows as dots: where the dots stay, so do they.
        """
        super().__init__(*args, **kwargs)
        self.filled = filled
        self.kept = dict(kept or {})

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """The fields that stand in no group."""
        grouped = {name for names in self.groups.values() for name in names}
        return [self[name] for name in self.fields if name not in {*grouped, self.options_column}]

    @property
    def field_groups(self) -> list[FieldGroup]:
        return [
            FieldGroup(gettext(title), [self[name] for name in names]) for title, names in self.groups.items()
        ]

    def full_clean(self) -> None:
        typed = self.data
        dotted = {} if self.filled or not self.is_bound else self._dotted()
        restored, unclear = self._with_secrets(dotted)
        self.data = {**{name: typed[name] for name in typed}, **restored} if restored else typed
        self._clean_texts()
        # What the page shows again is what was typed, and its sentences quote no secret either.
        self.data = typed
        self._hush(restored)
        self._refuse(dotted.keys() - unclear, unclear)

    def _dotted(self) -> dict[str, str]:
        """The fields in whose text dots stand for a secret."""
        texts = ((name, self[name].data) for name in self.fields)
        return {name: text for name, text in texts if isinstance(text, str) and DOTS in text}

    def _with_secrets(self, dotted: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
        """What was typed with the secrets that stay, by its posted name; and the fields that are unclear."""
        if not dotted:
            return {}, set()
        shown = self.initial_from(masking.payload(self.kept))
        real = self.initial_from(self.kept)
        found: dict[str, str] = {}
        unclear: set[str] = set()
        for name, text in dotted.items():
            sides = (_typed_by(self[name], side.get(name)) for side in (shown, real))
            try:
                found[self.add_prefix(name)] = kept_secrets.restored(text, *sides)
            except kept_secrets.Ambiguous:
                unclear.add(name)
        return found, unclear

    def _hush(self, restored: Mapping[str, str]) -> None:
        if restored:
            hidden = masking.ByValue(masking.values(self.kept))
            for errors in self.errors.values():
                errors.data = [ValidationError(hidden.text(str(told))) for told in errors]

    def _refuse(self, kept: Iterable[str], unclear: Iterable[str]) -> None:
        """Refuse dots that stand for nothing, and secrets that would go to where nobody sent them."""
        for name in unclear:
            self.add_error(name, kept_secrets.AGAIN)
        if self.filled or not self.is_bound or self.errors:
            return
        columns = self.columns()
        for name in ADDRESSES:
            if not sealed.fits(columns.get(name) or "", ADDRESS_ROOM):
                self.add_error(name, TOO_LONG)
        if kept and kept_secrets.destinations(columns) != kept_secrets.destinations(self.kept):
            for name in kept:
                self.add_error(name, kept_secrets.ELSEWHERE)
        elif column := kept_secrets.chosen_host(columns):
            self.add_error(column if column in self.fields else None, kept_secrets.OPEN_HOST)

    def _clean_texts(self) -> None:
        said = {} if self.filled or not self.is_bound else self._with_placeholders()
        if sum(len(placeholders.find(value)) for value in said.values()) > MOST_PLACEHOLDERS:
            super().full_clean()
            self.add_error(
                next(iter(said)),
                _("A job uses %(most_placeholders)s different placeholders at most.")
                % {"most_placeholders": MOST_PLACEHOLDERS},
            )
            return
        pasted = {name: value for name, value in said.items() if name not in self.binds}
        if pasted:
            self._clean_with_samples(pasted)
        else:
            super().full_clean()
        for name, value in said.items():
            try:
                placeholders.check(value)
            except placeholders.Unknown as unknown:
                self.add_error(name, str(unknown))

    def _with_placeholders(self) -> dict[str, Any]:
        raw = {
            name: self[name].data
            for name, field in self.fields.items()
            if isinstance(field, TextField | JsonField)
        }
        return {name: value for name, value in raw.items() if placeholders.find(value)}

    def _clean_with_samples(self, said: Mapping[str, Any]) -> None:
        """Clean the fields with samples in the place of placeholders, which then come back."""
        typed = self.data
        sampled: dict[str, Samples] = {}
        # Numbers of one width: none of them is the beginning of another.
        first = 100
        for name, value in said.items():
            sampled[name] = self._samples(self.fields[name], value, first)
            first += len(placeholders.find(value))
        again = True
        while again:
            stand_ins = {self.add_prefix(name): each.value for name, each in sampled.items()}
            self.data = {**{name: typed[name] for name in typed}, **stand_ins}
            super().full_clean()
            wrong = [each for name, each in sampled.items() if name in self.errors]
            again = sum(each.try_another() for each in wrong) > 0
        self.data = typed
        for each in sampled.values():
            self.cleaned_data = each.restored(self.cleaned_data)
            for errors in self.errors.values():
                errors.data = [ValidationError(each.restored(str(told))) for told in errors]

    def _samples(self, field: Any, value: Any, first: int) -> Samples:
        # Inside JSON that we parse, a bare number could not be told from a typed one.
        shapes = list(Shape) if isinstance(field, TextField) else [Shape.WORD]
        return Samples(value, field.sample, shapes, first=first)

    def clean(self) -> dict[str, Any]:
        """Check options that stand inside the JSON of other options like those in their own fields."""
        cleaned = super().clean() or {}
        others = cleaned.get(self.options_column) or {}
        for name in [each for each in self.options if each in others]:
            self._take(name, others.pop(name))
        return self.cleaned_data

    def _take(self, name: str, value: Any) -> None:
        """The value for an option whose own field says nothing."""
        said = self[name].data if name in self.errors else self.cleaned_data.get(name)
        if not self._is_unsaid(name, said):
            self.add_error(
                self.options_column, _("%(name)s has a field of its own: write it there.") % {"name": name}
            )
            return
        self.errors.pop(name, None)
        try:
            self.cleaned_data[name] = self.fields[name].clean(value)
        except ValidationError as error:
            self.add_error(name, error)

    def columns(self) -> dict[str, Any]:
        """The cleaned values by column, ready to store; empty ones are left out."""
        kept = {name: value for name, value in self.cleaned_data.items() if not _is_empty(value)}
        options = {name: kept.pop(name) for name in self.options if name in kept}
        options = {name: value for name, value in options.items() if not self._is_unsaid(name, value)}
        others = {**kept.pop(self.options_column, {}), **options}
        return {**kept, self.options_column: others} if others else kept

    def _is_unsaid(self, name: str, value: Any) -> bool:
        """Whether the value says the same as no option at all: empty, or a flag at its default."""
        return _is_empty(value) or (isinstance(value, bool) and value is bool(self.fields[name].initial))

    @classmethod
    def initial_from(cls, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The form's values for a stored payload: `columns()` read backwards."""
        # A sentence or stars, where the options cannot be read.
        if isinstance(payload.get(cls.options_column), str):
            return dict(payload)
        others = dict(payload.get(cls.options_column) or {})
        options = {name: others.pop(name) for name in cls.options if name in others}
        return {**payload, cls.options_column: others or None, **options}


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}
