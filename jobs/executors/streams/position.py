"""How far a stream of rows has come: the greatest value of a column that grows, bound into the next query."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jobs.executors.base import ExecutionError
from jobs.executors.databases import statements
from jobs.executors.databases.statements import LEXICONS, Lexicon

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
# What a query may call the position itself.
NAMES = ("offset", "last_processed_value")
_OURS = "chronos_offset"
STANDS_STILL = (
    "The query limits its rows itself, so the next run would get the same ones again and never the others:"
    " leave the limit out and fill in Most rows."
)
# Not every database keeps whole numbers beyond in its JSON.
_LARGE = 2**53


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
        asked = asks(text, lexicon, bound)
        if asked and self.value is None:
            raise ExecutionError(
                "PARAMETER_ERROR",
                "The query asks where to go on, and nothing says it yet: fill in Start after.",
            )
        if stands_still(text, lexicon, bound):
            raise ExecutionError("PARAMETER_ERROR", STANDS_STILL)
        bound |= dict.fromkeys(asked, self.value)
        column = quoted(self.column, engine)
        behind = ""
        if self.value is not None:
            behind = f" WHERE {column} > :{_OURS}"
            bound[_OURS] = self.value
        # The line end keeps a comment at the end of the query from swallowing the bracket.
        return f"SELECT * FROM ({inner}\n) chronos_rows{behind} ORDER BY {column}", bound  # noqa: S608


def asks(text: str, lexicon: Lexicon, parameters: Mapping[str, Any]) -> list[str]:
    """Under which names the query itself asks where to go on."""
    asked = [name for name in NAMES if name in statements.names(text, lexicon) and name not in parameters]
    marks = sum(token.kind == "?" for token in statements.tokens(text, lexicon))
    return ["offset"] if not asked and marks == 1 and not parameters else asked


def stands_still(text: str, lexicon: Lexicon, parameters: Mapping[str, Any]) -> bool:
    """Whether the query would give the same rows every time, and none of those behind them."""
    return statements.limits_rows(text, lexicon) and not asks(text, lexicon, parameters)


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
    elif isinstance(value, int) and abs(value) >= _LARGE:
        value, kept = Decimal(value), str(value)
    kind = {"kind": "decimal"} if isinstance(value, Decimal) else {}
    return {"offset": kept, "column": column, "start": start, **kind}


def _typed(value: Any, kind: Any) -> Any:
    return Decimal(value) if kind == "decimal" else value


def share(one: Any, other: Any) -> bool:
    """Whether two values may have one place in the column's order, in which text may know no case."""
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other)
    return bool(one == other)


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in letters if not unicodedata.combining(each)).rstrip()


def quoted(column: str, engine: str) -> str:
    """The column's name as the engine reads it; names that need no quotes get none, whatever their case."""
    if _PLAIN.fullmatch(column):
        return column
    opening, closing = {"mysql": ("`", "`"), "mssql": ("[", "]")}.get(engine, ('"', '"'))
    return f"{opening}{column.replace(closing, closing * 2)}{closing}"
