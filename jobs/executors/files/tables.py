"""Tables in files, read and written record by record: CSV, JSON lists of objects, and JSON lines."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO, TextIO

from jobs.executors.base import ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.work import Work

FORMATS = ("csv", "json", "jsonl")
# A line or an object that is longer is none of a table, but would fill the memory.
LONGEST = 1_000_000
MOST_DIFFERENT = 2_000_000
_LOOK_EVERY = 1000
_DELIMITERS = {"tab": "\t", "\\t": "\t"}

Record = Mapping[str, Any]


class Wrong(Exception):
    """The file is not what it should be; `str()` says so, without its name."""


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Say of which file it is that it is wrong."""
    try:
        yield
    except Wrong as wrong:
        raise ExecutionError("FORMAT_ERROR", f"{roots.shown(path)} {wrong}.") from wrong


def transform(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
    """CSV to CSV: columns chosen, left out and renamed, rows filtered."""
    options = work.options
    with _reading(source, options) as text, _writing(sink) as out:
        writer = csv.writer(out, delimiter=delimiter(options, "outputDelimiter"), lineterminator="\n")
        rows = _rows(text, work)
        header = next(rows, None)
        if header is None:
            return
        if not options["hasHeader"]:
            rows = chain([header], rows)
            header = [str(number) for number in range(1, len(header) + 1)]
        places = _places(header, options)
        wanted = [(_place(header, column), value) for column, value in options["filterRows"].items()]
        if options["hasHeader"]:
            writer.writerow([options["renameColumns"].get(header[place], header[place]) for place in places])
        for row in rows:
            if all(row[place] == value for place, value in wanted):
                writer.writerow([row[place] for place in places])


def _places(header: Sequence[str], options: Mapping[str, Any]) -> list[int]:
    """Where the wanted columns stand, in the order in which they are wanted."""
    for column in options["renameColumns"]:
        _place(header, column)
    left_out = {_place(header, column) for column in options["excludeColumns"]}
    wanted = [_place(header, column) for column in options["columns"]] or range(len(header))
    return [place for place in wanted if place not in left_out]


def _place(header: Sequence[str], column: str) -> int:
    if column not in header:
        raise Wrong(f"has no column {column[:60]!r}, but {', '.join(header)[:200]}")
    return header.index(column)


def convert(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
    """One format to another; the columns of a CSV are all keys of all objects."""
    options = work.options
    said = options["sourceFormat"] or format_of(name)
    target = options["outputFormat"]
    if target != "csv":
        with _reading(source, options) as text, _writing(sink) as out:
            _write_objects(_records(text, said, work), out, target)
        return
    with _reading(source, options) as text:
        columns = list(dict.fromkeys(key for record in _records(text, said, work) for key in record))
    source.seek(0)
    with _reading(source, options) as text, _writing(sink) as out:
        writer = csv.writer(out, delimiter=delimiter(options, "outputDelimiter"), lineterminator="\n")
        writer.writerow(columns)
        for record in _records(text, said, work):
            writer.writerow([_cell(record.get(column)) for column in columns])


def format_of(name: str) -> str:
    suffix = name.rpartition(".")[2].lower()
    found = {"csv": "csv", "tsv": "csv", "txt": "csv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl"}
    if suffix not in found:
        raise Wrong("has a name that tells no format: say it as sourceFormat")
    return found[suffix]


def delimiter(options: Mapping[str, Any], name: str = "delimiter") -> str:
    said: str = options[name] or options["delimiter"] or ","
    return _DELIMITERS.get(said.lower(), said)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _write_objects(records: Iterable[Record], out: TextIO, target: str) -> None:
    before, between, after = ("", "\n", "\n") if target == "jsonl" else ("[\n", ",\n", "\n]\n")
    empty = True
    for record in records:
        out.write((before if empty else between) + json.dumps(record, ensure_ascii=False))
        empty = False
    out.write(after if not empty else "" if target == "jsonl" else "[]\n")


def _records(text: TextIO, said: str, work: Work) -> Iterator[Record]:
    if said == "csv":
        return _of_csv(text, work)
    return _looked_after(_of_lines(text) if said == "jsonl" else _of_list(text), work)


def _of_csv(text: TextIO, work: Work) -> Iterator[Record]:
    rows = _rows(text, work)
    header = next(rows, [])
    if len({*header}) < len(header):
        raise Wrong("has two columns of one name")
    return (dict(zip(header, row, strict=True)) for row in rows)


def _rows(text: TextIO, work: Work) -> Iterator[list[str]]:
    """Each row of a CSV, all as long as the first; empty lines are left out."""
    reader = csv.reader(lines(text), delimiter=delimiter(work.options), strict=True)
    width = None
    try:
        for row in _looked_after(reader, work):
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise Wrong(f"has {len(row)} fields in line {reader.line_num}, where {width} were expected")
            yield row
    except csv.Error as error:
        raise Wrong(f"is no CSV in line {reader.line_num}: {error}") from error


def lines(text: TextIO) -> Iterator[str]:
    """Each line with its end."""
    for line in iter(lambda: text.readline(LONGEST), ""):
        if len(line) == LONGEST:
            raise Wrong(f"has a line of more than {LONGEST:,} characters")
        yield line


def _of_lines(text: TextIO) -> Iterator[Record]:
    for number, line in enumerate(lines(text), 1):
        if line.strip():
            yield _object(line, f"in line {number}")


def _object(written: str, where: str) -> Record:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"is no JSON {where}") from error
    if not isinstance(found, dict):
        raise Wrong(f"holds something other than an object {where}")
    return found


def _of_list(text: TextIO) -> Iterator[Record]:
    """The objects of a JSON list, of which never more than one is held."""
    reader = _ListReader(text)
    reader.expect("[")
    if reader.next_mark() == "]":
        reader.expect("]")
    else:
        for number in range(1, 2**63):
            yield reader.value(number)
            if reader.next_mark() == "]":
                reader.expect("]")
                break
            reader.expect(",")
    if reader.next_mark():
        raise Wrong("is no JSON list: something follows its end")


class _ListReader:
    _DECODER = json.JSONDecoder()

    def __init__(self, text: TextIO) -> None:
        self._text, self._held, self._at = text, "", 0

    def next_mark(self) -> str:
        """The next character that is no blank, or nothing at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def expect(self, mark: str) -> None:
        if self.next_mark() != mark:
            raise Wrong(f"is no JSON list: {mark} was expected")
        self._at += 1

    def value(self, number: int) -> Record:
        if self.next_mark() != "{":
            raise Wrong(f"holds something other than an object as number {number}")
        while True:
            try:
                found, self._at = self._DECODER.raw_decode(self._held, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._held) - self._at > LONGEST or not self._more():
                    raise Wrong(f"is no JSON at object {number}, or it is too long") from error
            else:
                return dict(found)

    def _more(self) -> bool:
        # Twice as much each time, so that a long object is not read over and over.
        held = self._held[self._at :]
        read = self._text.read(max(64 * 1024, len(held)))
        self._held, self._at = held + read, 0
        return bool(read)


def _looked_after(records: Iterable[Any], work: Work) -> Iterator[Any]:
    """The records, while the run may go on."""
    for number, record in enumerate(records):
        if number % _LOOK_EVERY == 0:
            work.context.check()
        yield record


@contextmanager
def _reading(source: BinaryIO, options: Mapping[str, Any]) -> Iterator[TextIO]:
    text = io.TextIOWrapper(source, encoding=options["encoding"] or "utf-8-sig", newline="")
    try:
        yield text
    except UnicodeDecodeError as error:
        raise Wrong(f"is not text in {error.encoding}: name its encoding as an option") from error
    finally:
        text.detach()


@contextmanager
def _writing(sink: BinaryIO) -> Iterator[TextIO]:
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    except UnicodeEncodeError as error:
        raise Wrong("holds half a character, which no file can keep") from error
    finally:
        text.detach()


def clean(source: BinaryIO, sink: BinaryIO, work: Work, name: str) -> None:
    """Text without blanks at the ends of its lines, empty lines and, if asked, lines that came before."""
    options = work.options
    seen: set[bytes] = set()
    with _reading(source, options) as text, _writing(sink) as out:
        for line in _looked_after(lines(text), work):
            kept = line.rstrip("\r\n")
            kept = kept.strip() if options["trimWhitespace"] else kept
            if options["removeEmptyLines"] and not kept:
                continue
            if options["removeDuplicates"] and _came_before(kept, seen):
                continue
            out.write(f"{kept}\n")


def _came_before(line: str, seen: set[bytes]) -> bool:
    # A digest, so that long lines take no more memory than short ones.
    mark = hashlib.blake2b(line.encode(), digest_size=16).digest()
    if mark in seen:
        return True
    if len(seen) == MOST_DIFFERENT:
        raise Wrong(f"has more than {MOST_DIFFERENT:,} different lines, too many to compare")
    seen.add(mark)
    return False
