"""Row locks that mean the same on every database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connections, models, transaction

Row = TypeVar("Row", bound=models.Model)


def locked(rows: "models.QuerySet[Row]", *, skip: bool = False) -> "models.QuerySet[Row]":
    """The rows, locked until the transaction ends; with `skip`, without those another one holds.

    Give it a queryset without joins. SQLite has no row locks and needs none: a writing
    transaction is alone there from its first statement on.
    """
    features = connections[rows.db].features
    return rows.select_for_update(
        skip_locked=skip and features.has_select_for_update_skip_locked,
        # Rows that refer to ours by a foreign key may still be inserted meanwhile.
        no_key=features.has_select_for_no_key_update,
    )


def hold(rows: "models.QuerySet[Row]", key: Any) -> None:
    """Lock the row with this key, if there is one, so that what is read of it stays until it is changed."""
    locked(rows.filter(pk=key)).values_list("pk").first()


@contextmanager
def alone_with(rows: "models.QuerySet[Row]", key: Any) -> Iterator[None]:
    """A transaction that holds the row with this key from its start."""
    with transaction.atomic():
        hold(rows, key)
        yield
