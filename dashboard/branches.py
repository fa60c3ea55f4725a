"""Several limited lists of runs in one query, each read off its own index."""

from collections.abc import Sequence
from typing import Any

from django.db import router
from django.db.models import QuerySet
from django.db.models.query import RawQuerySet

from runs.models import Run


def together(branches: "Sequence[QuerySet[Run, Any]]") -> "RawQuerySet[Run]":
    """The rows of all branches, one branch after the other; all give the same `values()`, with the id."""
    # The ORM's own union refuses limited branches on SQLite, which wants each of them wrapped.
    database = router.db_for_read(Run)
    compiled = [branch.query.get_compiler(database).as_sql() for branch in branches]
    sql = " UNION ALL ".join(f"SELECT * FROM ({each}) AS branch" for each, _ in compiled)  # noqa: S608 (compiled by the ORM)
    return Run.objects.raw(sql, [value for _, values in compiled for value in values], using=database)
