"""Counts for people: exact where that is cheap, bounded where it is not."""

from typing import TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def counted(rows: "QuerySet[Row]", most: int) -> str:
    """How many rows there are: 1,248, or "1,000+" without counting further."""
    found = rows.order_by()[: most + 1].count()
    return f"{most:,}+" if found > most else f"{found:,}"
