"""One part of a request put to one form: each finding is told at the key that the request used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms

from jobs.transfer.json_types import codes, mismatch
from jobs.transfer.keys import Keys, at, by_field, plain

MISSING = "This is missing."


@dataclass(frozen=True)
class Problem:
    """Why a request is refused: the field as the request writes it, and a sentence."""

    field: str
    reason: str


class Part:
    """A part of a request, its keys matched to the form's fields; `form` is bound to what fits."""

    def __init__(self, form_class: type[forms.Form], said: dict[str, Any], keys: Keys, path: str) -> None:
        self.problems: list[Problem] = []
        self._keys, self._path = keys, path
        self._used: dict[str, str] = {}
        self.form = form_class(dict(self._fitting(form_class, said)))
        self._tell()

    def _fitting(self, form_class: Any, said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Each field that is said once and with a value of the right type."""
        for key, name, value in _pairs(form_class, said, self._keys):
            here = at(self._path, key)
            if not name:
                self._refuse(here, unknown(key, self._keys))
            elif value is not None and name in self._used:
                self._refuse(here, f"This is said twice: see {self._used[name]}.")
            elif value is not None:
                self._used[name] = here
                wrong = mismatch(form_class.base_fields[name], value)
                if wrong:
                    self._refuse(here, wrong)
                else:
                    yield name, value

    def _tell(self) -> None:
        """Tell what the form finds, but for the fields that have a problem already."""
        known = {problem.field for problem in self.problems}
        first = {name: at(self._path, key) for name, key in by_field(self._keys).items()}
        for name, errors in self.form.errors.as_data().items():
            here = self._used.get(name) or first.get(name, self._path)
            if here not in known:
                for error in errors:
                    self._refuse(here, _sentence(self.form, name, error))

    def _refuse(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason))


def unknown(key: str, keys: Iterable[str]) -> str:
    """A sentence about a key that is not known, with the one that was meant."""
    meant = next((each for each in keys if plain(each) == plain(key)), None)
    return f"This key is not known: write {meant}." if meant else f"This key is none of {', '.join(keys)}."


def _pairs(form_class: Any, said: dict[str, Any], keys: Keys) -> Iterator[tuple[str, str, Any]]:
    """Each key with the field it means and its value; options may stand inside the JSON of the others too."""
    column, options = getattr(form_class, "options_column", None), getattr(form_class, "options", ())
    for key, value in said.items():
        name = keys.get(key, "")
        if name and name == column and isinstance(value, dict):
            yield from ((f"{key}.{each}", each, value[each]) for each in options if each in value)
            value = {each: inner for each, inner in value.items() if each not in options}
        yield key, name, value


def _sentence(form: forms.Form, name: str, error: forms.ValidationError) -> str:
    if error.code == "required":
        return MISSING
    offered = form.fields.get(name)
    if error.code == "invalid_choice" and isinstance(offered, forms.ChoiceField):
        return f"{form[name].data!a:.40} is none of {', '.join(codes(offered))}."
    return " ".join(error.messages)
