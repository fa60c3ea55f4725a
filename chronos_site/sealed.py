"""Values encrypted in their columns: sealed when they are written, opened when they are read.

A sealed value is the text `sealed:` and a Fernet token (AES-128-CBC and HMAC-SHA256) of the value as JSON,
made with the first of CHRONOS_SECRETS_KEYS; the others still open. What was stored in the clear is read as it
is. Without a key nothing is sealed.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from chronos_site.sealing import opened, sealed

MARK = "sealed:"
# A Fernet token begins like this: its version, and years of the clock.
_BEGINNING = f"{MARK}gAAAAA"
CANNOT_BE_READ = "This cannot be read with the present keys."

Change = Callable[[Any], Any]


class Unreadable(str):
    """A sealed value whose key is gone: it reads as a sentence, and is stored again as it was."""

    sealed: str

    def __new__(cls, sealed: str) -> "Unreadable":
        sentence = super().__new__(cls, CANNOT_BE_READ)
        sentence.sealed = sealed
        return sentence

    def __reduce__(self) -> tuple[type["Unreadable"], tuple[str]]:
        return Unreadable, (self.sealed,)


def is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_BEGINNING)


def seal(value: Any) -> Any:
    """The value as it is to be stored."""
    if isinstance(value, Unreadable):
        return value.sealed
    if not settings.SECRETS_KEYS or value in (None, "", {}, []):
        return value
    return MARK + sealed(json.dumps(value, ensure_ascii=False))


def unseal(stored: Any) -> Any:
    """What was sealed, or Unreadable when its key is gone."""
    if not is_sealed(stored):
        return stored
    text = opened(stored.removeprefix(MARK))
    return Unreadable(stored) if text is None else json.loads(text)


def fits(value: str, room: int) -> bool:
    """Whether a text, sealed, fits into a column of so many characters."""
    text = len(json.dumps(value, ensure_ascii=False).encode())
    # Version, time, vector, whole blocks with their padding, and signature; then Base64.
    token = 57 + 16 * (text // 16 + 1)
    return len(MARK) + 4 * -(-token // 3) <= room


if TYPE_CHECKING:
    _Char = models.CharField[str | None, str | None]
    _Text = models.TextField[str | None, str | None]
    _Token = models.TextField[str, str]
    _Json = models.JSONField[Any, Any]
    _Field = models.Field[Any, Any]
else:
    _Char, _Text, _Token = models.CharField, models.TextField, models.TextField
    _Json, _Field = models.JSONField, object


class Sealed(_Field):
    """A column that holds sealed values, to everything else like the field it is made of.

    Migrations know the plain field alone, so they read what is stored.
    """

    plain: "type[models.Field[Any, Any]]"

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.plain.__name__}", args, kwargs

    def get_prep_value(self, value: Any) -> Any:
        return self.sealed(super().get_prep_value(value))

    def sealed(self, value: Any) -> Any:
        """A value as it is stored."""
        return seal(value)

    def each(self, stored: Any, change: Change) -> Any:
        """What is stored with all that is sealed in it, or should be, changed."""
        return change(stored)


class SealedChar(Sealed, _Char):
    """A text that is sealed where the column has room for it."""

    plain = models.CharField

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return unseal(value)

    def sealed(self, value: Any) -> Any:
        token = seal(value)
        # Forms allow no longer ones; older rows may have them.
        return token if len(token or "") <= (self.max_length or 0) else value

    def each(self, stored: Any, change: Change) -> Any:
        changed = change(stored)
        return changed if len(changed or "") <= (self.max_length or 0) else stored

    def get_prep_value(self, value: Any) -> Any:
        # The usual conversion would make plain text of what is Unreadable.
        return self.sealed(value)


class SealedText(Sealed, _Text):
    """A text that is sealed."""

    plain = models.TextField

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return unseal(value)

    def get_prep_value(self, value: Any) -> Any:
        return self.sealed(value)


class SealedJson(Sealed, _Json):
    """JSON that is sealed: to the database it is one JSON string."""

    plain = models.JSONField

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return unseal(super().from_db_value(value, expression, connection))


class Token(Sealed, _Token):
    """A token that its model makes and reads itself, with `sealing`."""

    plain = models.TextField

    def sealed(self, value: Any) -> Any:
        return value

    def each(self, stored: Any, change: Change) -> Any:
        return str(change(MARK + stored)).removeprefix(MARK) if stored else stored
