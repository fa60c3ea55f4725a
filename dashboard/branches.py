"""Several limited lists in one query, each read off its own index."""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import router
from django.db.models import Model, QuerySet
from django.db.models.query import RawQuerySet

Row = TypeVar("Row", bound=Model)


def together(branches: "Sequence[QuerySet[Row, Any]]") -> "RawQuerySet[Row]":
    """The rows of all branches, one branch after the other; all give the same `values()`, with the id."""
    # The ORM's own union refuses limited branches on SQLite, which wants each of them wrapped.
    model = branches[0].model
    database = router.db_for_read(model)
    compiled = [branch.query.get_compiler(database).as_sql() for branch in branches]
    sql = " UNION ALL ".join(f"SELECT * FROM ({each}) AS branch" for each, _ in compiled)  # noqa: S608 (compiled by the ORM)
    return model._default_manager.raw(
        sql, [value for _, values in compiled for value in values], using=database
    )
