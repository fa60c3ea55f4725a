"""The contract of what can be done to many things at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet

from accounts.models import User

Target = TypeVar("Target", bound=Model)
Parameters = Mapping[str, Any]
Before = dict[str, Any]


class Refused(Exception):
    """The target stays as it is; `str()` is the sentence for the person."""


@dataclass(frozen=True)
class Rule:
    """A sentence, and the targets that will be refused with it."""

    sentence: str
    targets: Q


@dataclass(frozen=True)
class Pace:
    """How an operation may go on: with so many targets, None for all; or `again` later; or not at all."""

    most: int | None = None
    again: datetime | None = None
    stop: str = ""


class BulkAction(Generic[Target]):
    """One thing that a person may do to many targets.

    `verb` stands on its button, `done` after a number of `noun`s: "3 jobs are paused". `effects` say what
    will happen, and what will not. With `undoable`, `apply` gives what `undo` needs as a small JSON object.
    """

    code: ClassVar[str]
    verb: ClassVar[str]
    done: ClassVar[str]
    icon: ClassVar[str]
    noun: ClassVar[str]
    # The name of the page about one target, which takes its id.
    page: ClassVar[str]
    effects: ClassVar[tuple[str, ...]]
    undoable: ClassVar[bool] = False
    # Whether `apply_all` does many in one go, and whether `undo_all` takes many back so.
    together: ClassVar[bool] = False
    undoes_together: ClassVar[bool] = False
    dangerous: ClassVar[bool] = False
    form: ClassVar[type[forms.Form]] = forms.Form

    @property
    def asks(self) -> bool:
        """Whether something must be said before anything can be shown."""
        return any(field.required for field in self.form.base_fields.values())

    def offered_to(self, user: User) -> bool:
        """Whether the person may do it to anything at all."""
        return True

    def targets(self, user: User) -> QuerySet[Target]:
        """What the person may do it to."""
        raise NotImplementedError

    def told(self, parameters: Parameters) -> str:
        """With what it is done, in a few words; empty where there is nothing to say."""
        return ""

    def parameters(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What the form was given, as JSON."""
        return {name: _plain(value) for name, value in cleaned.items() if value not in (None, "")}

    def check(self, parameters: Parameters, user: User) -> list[Rule]:
        """Which targets will be refused, as far as a query can tell; the first rule that fits counts."""
        raise NotImplementedError

    def change(self, target: Target, parameters: Parameters) -> tuple[str, str] | None:
        """What the target has now and what it will have, for the preview; None where nothing is compared."""
        return None

    def apply(self, target: Target, parameters: Parameters, *, by: User, at: datetime) -> Before | None:
        """Do it to one target, as its own page would, in the transaction that the caller has begun.

        Raises Refused, or what the single action raises for the person.
        """
        raise NotImplementedError

    def apply_all(
        self, targets: Sequence[Target], parameters: Parameters, *, by: User, at: datetime
    ) -> Mapping[str, Before | None]:
        """Do it to all of them that allow it; gives what undoing needs, by the keys of those it was done to.

        Those that are left out are tried one by one, so that each says why not. Raises as `apply` does.
        """
        raise NotImplementedError

    def pace(self, operation: Any, at: datetime) -> Pace:
        """How far the operation may go now; asked before each batch."""
        return Pace()

    def warnings(self, targets: QuerySet[Target]) -> list[str]:
        """What a person should know of the targets before they confirm, in sentences."""
        return []

    def undo(self, target: Target, before: Before, parameters: Parameters, *, by: User, at: datetime) -> None:
        """Take it back, unless the target was changed since. Raises as `apply` does."""
        raise NotImplementedError

    def undo_all(
        self, targets: Mapping[Target, Before], parameters: Parameters, *, by: User, at: datetime
    ) -> set[str]:
        """Take it back of all of them that allow it; gives their keys. The others are tried one by one."""
        raise NotImplementedError


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
