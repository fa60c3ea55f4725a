"""What a document shows, whatever its format: a title, totals, a chart, and a table whose columns say what
they hold.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, TypeGuard

from jobs.executors.documents.charts import Chart

Row = Sequence[Any]
Number = int | float | Decimal

# Longer text is nothing that a person reads in a table, and a spreadsheet's cell holds no more.
TEXT_LIMIT = 32_000
BLOB_START = 32
BILLIONS = 10**18
# What spreadsheets take for the beginning of a formula, also in the width of Chinese characters.
_SIGNS = "=+-@＝＋－＠"  # noqa: RUF001 (those that are meant)
_FORMULA = tuple(f"{_SIGNS}\t\r\n")
# Where decimals have a comma, a semicolon ends a cell, quotes or not.
_NEXT_CELL = re.compile(rf"((?:;|(?<=\S)[\r\n]) *)(?=[{re.escape(_SIGNS)}])")


class Kind(Enum):
    """What a column holds: counts, times in milliseconds, shares of one, or what the types of values say."""

    PLAIN = "plain"
    NUMBER = "number"
    DURATION = "milliseconds"
    SHARE = "share"


@dataclass(frozen=True)
class Column:
    """One column; `width` is its part of a page's, and a column without one is left out on paper."""

    name: str
    heading: str
    kind: Kind = Kind.PLAIN
    width: int = 4


@dataclass
class Document:
    """One report. Its rows are read once, and the notes are complete when they have been read.

    `facts` are lines below the title, `totals` pairs of a word and a number in words, `about` is what
    programs are told about it, and `words` are what names in its texts stand for.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    zone: tzinfo = UTC
    facts: Sequence[str] = ()
    intro: str = ""
    footer: str = ""
    totals: Sequence[tuple[str, str]] = ()
    chart: Chart | None = None
    notes: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


def distinct(names: Sequence[str]) -> list[str]:
    """The names, with a number behind each that stood before: total, total_2."""
    found: dict[str, None] = {}
    for name in names:
        number, each = 1, name
        while each in found:
            number += 1
            each = f"{name}_{number}"
        found[each] = None
    return list(found)


def harmless(said: str) -> str:
    """The text with an apostrophe before what a spreadsheet of any country would calculate."""
    said = _NEXT_CELL.sub(r"\1'", said)
    return f"'{said}" if said.lstrip(" ").startswith(_FORMULA) else said


def is_number(value: object) -> TypeGuard[Number]:
    """Whether it is a number that every format can write."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float | Decimal) and isfinite(value))


def plain(value: Any, zone: tzinfo) -> Any:
    """The value for programs: text, number, truth or nothing; instants in ISO 8601 and in the zone."""
    if value is None or isinstance(value, bool) or is_number(value):
        return value
    if isinstance(value, datetime):
        return (value.astimezone(zone) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return text(value)


def text(value: Any) -> str:
    """The value as text of bounded length, without what no document can hold."""
    if isinstance(value, bytes | bytearray | memoryview):
        return _blob(bytes(value))
    said = str(value)
    cut = said if len(said) <= TEXT_LIMIT else f"{said[:TEXT_LIMIT]}…"
    return cut.translate(_UNPRINTABLE).encode("utf-8", "replace").decode()


def _blob(value: bytes) -> str:
    more = f"… ({len(value):,} bytes)" if len(value) > BLOB_START else ""
    return f"0x{value[:BLOB_START].hex()}{more}"


# Controls other than tab and line ends: XML forbids most of them, and nobody can read them.
_UNPRINTABLE = dict.fromkeys(
    [*(code for code in range(32) if code not in (9, 10, 13)), *range(127, 160), 0xFFFE, 0xFFFF],
    "\N{REPLACEMENT CHARACTER}",
)


def shown(value: Any, column: Column, zone: tzinfo) -> str:
    """The value for people."""
    if value is None:
        return ""
    if is_number(value):
        return _number(value, column.kind)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone) if value.tzinfo else value:%Y-%m-%d %H:%M:%S}"
    return str(plain(value, zone))


def _number(value: Number, kind: Kind) -> str:
    if kind is Kind.DURATION:
        return duration(float(value))
    return f"{value:.1%}".replace("%", " %") if kind is Kind.SHARE else grouped(value)


def grouped(value: Number) -> str:
    """A number with commas between its thousands."""
    # What takes more digits than eyes can follow keeps to the exponent.
    return f"{value:,}" if -BILLIONS < value < BILLIONS else str(value)


def duration(milliseconds: float) -> str:
    """A time as people say it: 350 ms, 1.2 s, 3 min 20 s, 2 h 5 min."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    seconds = timedelta(milliseconds=milliseconds) // timedelta(seconds=1)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {seconds} s"
