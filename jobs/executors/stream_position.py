"""How far a stream of rows has come: the greatest value of a column that grows, bound into the next query."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jobs.executors.base import ExecutionError
from jobs.executors.databases import statements
from jobs.executors.databases.statements import LEXICONS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
# What a query may call the position itself.
NAMES = ("offset", "last_processed_value")
_OURS = "chronos_offset"


@dataclass(frozen=True)
class Position:
    """The column by which the stream goes on, and its value so far; None at the very beginning."""

    column: str
    value: Any

    def query(self, text: str, engine: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The query's rows behind the position, in the column's order, and the parameters for it.

        A query that asks for `:offset`, or for one `?` where there is no parameter, gets the position
        there too.
        """
        lexicon = LEXICONS[engine]
        inner = statements.without_end(text, lexicon)
        bound = dict(parameters)
        asked = [name for name in NAMES if name in statements.names(text, lexicon) and name not in bound]
        marks = sum(token.kind == "?" for token in statements.tokens(text, lexicon))
        if not asked and marks == 1 and not bound:
            asked = ["offset"]
        if asked and self.value is None:
            raise ExecutionError(
                "PARAMETER_ERROR",
                "The query asks where to go on, and nothing says it yet: fill in Start after.",
            )
        bound |= dict.fromkeys(asked, self.value)
        column = quoted(self.column, engine)
        behind = ""
        if self.value is not None:
            behind = f" WHERE {column} > :{_OURS}"
            bound[_OURS] = self.value
        # The line end keeps a comment at the end of the query from swallowing the bracket.
        return f"SELECT * FROM ({inner}\n) chronos_rows{behind} ORDER BY {column}", bound  # noqa: S608


def position(column: str, start: str, state: Mapping[str, Any], engine: str) -> Position:
    """Where the last run came to, else where the job says that the first one is to start.

    A new start in the job comes before what runs have remembered of an older one.
    """
    if state.get("column") == column and state.get("start") == start and "offset" in state:
        return Position(column, _typed(state["offset"], state.get("kind")))
    number = engine == "sqlite" and _NUMBER.fullmatch(start)
    return Position(column, (int(start) if number else start) if start else None)


def remembered(column: str, start: str, value: Any) -> dict[str, Any]:
    """What the next run needs to go on behind this value.

    Raises ExecutionError where nothing can be compared with such a value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal | date):
        raise ExecutionError(
            "DATABASE_ERROR",
            f"The column {column} cannot tell where to go on: choose a number, a date or text.",
        )
    kept: Any = value
    if isinstance(value, datetime):
        kept = value.isoformat(" ")
    elif isinstance(value, Decimal | date):
        kept = str(value)
    kind = {"kind": "decimal"} if isinstance(value, Decimal) else {}
    return {"offset": kept, "column": column, "start": start, **kind}


def _typed(value: Any, kind: Any) -> Any:
    return Decimal(value) if kind == "decimal" else value


def quoted(column: str, engine: str) -> str:
    """The column's name as the engine reads it; names that need no quotes get none, whatever their case."""
    if _PLAIN.fullmatch(column):
        return column
    opening, closing = {"mysql": ("`", "`"), "mssql": ("[", "]")}.get(engine, ('"', '"'))
    return f"{opening}{column.replace(closing, closing * 2)}{closing}"
