"""Encrypt what is sealed anew, so that old keys can be taken away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, Q, Value

from chronos_site.locks import locked
from chronos_site.sealed import MARK, Change, Sealed, Unreadable, is_sealed, seal, unseal

BATCH = 500
NEWEST = 1
PLAIN = "not encrypted"
LOST = "of no present key"

Model = type[models.Model]
Fields = Sequence[Sealed]
# How many values there are of each key, by the key's number in CHRONOS_SECRETS_KEYS, or PLAIN, or LOST.
Found = Counter[int | str]


def places() -> list[tuple[Model, list[Sealed]]]:
    """Every model with sealed columns, and those columns."""
    every = ((model, _sealed_fields(model)) for model in apps.get_models() if model._meta.managed)
    return [(model, fields) for model, fields in every if fields]


def _sealed_fields(model: Model) -> list[Sealed]:
    return [field for field in model._meta.concrete_fields if isinstance(field, Sealed)]


def count(model: Model, fields: Fields) -> Iterator[Found]:
    """What the columns hold, batch by batch."""
    for rows in _batches(model, fields):
        found: Found = Counter()
        for row in rows:
            _changed(fields, row, partial(_counted, found))
        yield found


def rewrite(model: Model, fields: Fields, change: Change) -> Iterator[int]:
    """Change what is sealed, or should be; how many rows of each batch were written.

    Whoever is stopped starts again: what is done already is left alone.
    """
    for rows in _batches(model, fields):
        stale = [row[0] for row in rows if _changed(fields, row, change) != list(row[1:])]
        yield _write(model, fields, change, stale) if stale else 0


@transaction.atomic
def _write(model: Model, fields: Fields, change: Change, keys: list[Any]) -> int:
    for row in _stored(locked(model._base_manager.filter(pk__in=keys).order_by("pk")), fields):
        changed = _changed(fields, row, change)
        values = {
            field.name: Value(new, output_field=field.plain())
            for field, old, new in zip(fields, row[1:], changed, strict=True)
            if new != old
        }
        if values:
            model._base_manager.filter(pk=row[0]).update(**values)
    return len(keys)


def renewed(stored: Any) -> Any:
    """A stored value under the newest key; what no key opens stays as it is."""
    if is_sealed(stored) and key_of(stored) == NEWEST:
        return stored
    return _newest(stored) if is_sealed(stored) else seal(stored)


def opened(stored: Any) -> Any:
    """A stored value in the clear; what no key opens stays as it is."""
    value = unseal(stored)
    return value.sealed if isinstance(value, Unreadable) else value


def key_of(sealed: str) -> int | str:
    """The number of the key that opens the value, or LOST."""
    token = sealed.removeprefix(MARK).encode()
    for number, key in enumerate(settings.SECRETS_KEYS, NEWEST):
        try:
            Fernet(key).decrypt(token)
        except InvalidToken:
            continue
        return number
    return LOST


def _newest(sealed: str) -> str:
    number = key_of(sealed)
    if not isinstance(number, int):
        return sealed
    text = Fernet(settings.SECRETS_KEYS[number - NEWEST]).decrypt(sealed.removeprefix(MARK).encode())
    return MARK + Fernet(settings.SECRETS_KEYS[0]).encrypt(text).decode()


def _counted(found: Found, stored: Any) -> Any:
    if is_sealed(stored):
        found[key_of(stored)] += 1
    elif stored not in (None, "", {}, []):
        found[PLAIN] += 1
    return stored


def _changed(fields: Fields, row: Sequence[Any], change: Change) -> list[Any]:
    return [field.each(stored, change) for field, stored in zip(fields, row[1:], strict=True)]


def _batches(model: Model, fields: Fields) -> Iterator[list[tuple[Any, ...]]]:
    filled = Q()
    for field in fields:
        filled |= Q(**{f"{field.name}__isnull": False})
    every = model._base_manager.filter(filled).order_by("pk")
    rows = _stored(every[:BATCH], fields)
    while rows:
        yield rows
        rows = _stored(every.filter(pk__gt=rows[-1][0])[:BATCH], fields)


def _stored(rows: "models.QuerySet[Any]", fields: Fields) -> list[tuple[Any, ...]]:
    """Primary key and what is stored, unopened."""
    bare = {f"stored_{field.name}": ExpressionWrapper(F(field.name), field.plain()) for field in fields}
    return list(rows.annotate(**bare).values_list("pk", *bare))
