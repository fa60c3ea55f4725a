"""What a statement gave, within limits: as JSON for the run's page, and as a file for whoever asks."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from jobs.executors.base import Artefact
from jobs.executors.databases.session import Answer
from jobs.executors.documents.tables import distinct, harmless
from jobs.executors.wording import counted

# Characters of JSON that the result may have in all, and of one value in it.
RESULT_LIMIT = 80_000
VALUE_LIMIT = 5_000
_LARGEST = 2**63


@dataclass
class Gathered:
    """One statement's rows, or how many it changed.

    `count` is how many rows came, the first of which are in `rows` as far as they fit. `cut` says what was
    left out.
    """

    columns: list[str]
    rows: list[list[Any]] = field(default_factory=list)
    count: int = 0
    affected: int | None = None
    cut: list[str] = field(default_factory=list)
    file: Artefact | None = None

    @property
    def sentence(self) -> str:
        if not self.columns:
            return "Done" if self.affected is None else f"{counted(self.affected, 'row')} changed"
        return counted(self.count, "row") + (f" ({', '.join(self.cut)})" if self.cut else "")

    def data(self, among: int) -> dict[str, Any]:
        """A JSON object that fits beside those of the other statements of the run."""
        if not self.columns:
            return {"affected_rows": self.affected}
        limit, rows = RESULT_LIMIT // among, self.rows
        while len(json.dumps(rows)) > limit and rows:
            rows = rows[: len(rows) // 2]
        cut = [*self.cut, f"the first {len(rows):,} are shown"] if len(rows) < len(self.rows) else self.cut
        told = {"columns": self.columns[:1_000], "rows": rows, "row_count": self.count}
        return {**told, "cut": "; ".join(cut)} if cut else told


def gather(answer: Answer, *, most: int, to_the_end: bool = False, keep: str = "", room: int = 0) -> Gathered:
    """Read the answer's rows, `most` at most, or to the end where what they tell of has been done.

    `keep` is CSV or JSON for a file of `room` bytes at most, with all the rows that were read.
    """
    found = Gathered(answer.columns)
    file = _File(keep, answer.columns, room) if keep and answer.columns else None
    left = RESULT_LIMIT
    for row in answer.rows:
        if found.count == most and not to_the_end:
            found.cut.append("there are more")
            break
        found.count += 1
        if found.count > most:
            continue
        if file:
            file.add(row)
        if left > 0:
            cells = [_short(plain(value)) for value in row]
            left -= len(json.dumps(cells)) + 2
            if left > 0:
                found.rows.append(cells)
    found.affected = answer.affected
    read = min(found.count, most)
    if len(found.rows) < read:
        found.cut.append(f"the first {len(found.rows):,} are shown")
    if file:
        found.file = file.made()
        found.cut += ["the file is cut"] if file.full else []
    return found


def plain(value: Any) -> Any:
    """A database's value as JSON has it: what JSON does not know becomes text."""
    known = _BY_TYPE.get(type(value))
    if known is not None:
        return known(value)
    for kind, convert in _BY_KIND:
        if isinstance(value, kind):
            return convert(value)
    return str(value)


def _same(value: Any) -> Any:
    return value


def _integer(value: int) -> int | str:
    return value if -_LARGEST < value < _LARGEST else str(value)


def _float(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _text(value: str) -> str:
    # No database that we keep results in takes a NUL.
    return value.replace("\0", "\ufffd") if "\0" in value else value


def _bytes(value: bytes) -> str:
    """Bytes that are text as text, the others in hexadecimal digits."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"
    return text if text.isprintable() else f"0x{value.hex()}"


_BY_TYPE: dict[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _integer,
    float: _float,
    str: _text,
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
    timedelta: str,
}
_BY_KIND: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bytes | bytearray | memoryview, lambda value: _bytes(bytes(value))),
    (dict, lambda value: {str(name): plain(inner) for name, inner in value.items()}),
    (list | tuple | set, lambda value: [plain(inner) for inner in value]),
    # Of drivers' own kinds: text, and the like.
    (bool, bool),
    (int, lambda value: _integer(int(value))),
    (float, lambda value: _float(float(value))),
    (str, lambda value: _text(str(value))),
    (datetime | date | time, lambda value: value.isoformat()),
)


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= VALUE_LIMIT:
        return value
    return f"{text[:VALUE_LIMIT]}… ({len(text):,} characters)"


class _File:
    """The rows as CSV or JSON, as many of them as there is room for."""

    def __init__(self, kind: str, columns: Sequence[str], room: int) -> None:
        self._kind = kind
        self._columns = distinct(columns)
        self._text = io.StringIO()
        self._room = room
        self._size = 0
        self.full = False
        if kind == "CSV":
            self._write(self._line([_harmless(name) for name in self._columns]))

    def add(self, row: Sequence[Any]) -> None:
        if self.full:
            return
        values = [plain(value) for value in row]
        if self._kind == "CSV":
            text = self._line([_harmless(value) for value in values])
        else:
            told = json.dumps(dict(zip(self._columns, values, strict=True)), ensure_ascii=False)
            text = ("[\n" if not self._size else ",\n") + told
        self._write(text)

    def _line(self, cells: Sequence[Any]) -> str:
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        return line.getvalue()

    def _write(self, text: str) -> None:
        size = len(text.encode("utf-8", "replace"))
        # The list of JSON is still to be closed.
        if self._size + size + 3 > self._room:
            self.full = True
            return
        self._size += size
        self._text.write(text)

    def made(self) -> Artefact:
        text = self._text.getvalue()
        if self._kind == "CSV":
            return Artefact("rows.csv", text.encode("utf-8", "replace"), "text/csv")
        text = f"{text}\n]\n" if text else "[]\n"
        return Artefact("rows.json", text.encode("utf-8", "replace"), "application/json")


def _harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return harmless(value) if isinstance(value, str) else value
