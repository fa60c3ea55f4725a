"""One file in many pieces, and many in one."""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from jobs.executors.base import ExecutionError
from jobs.executors.files import roots
from jobs.executors.files.choosing import choose
from jobs.executors.files.tables import LONGEST, Wrong, naming
from jobs.executors.files.transfer import back_up, check_folder, is_inside, make_room
from jobs.executors.files.work import CHUNK, Plan, Step, Work, pump

# Kept in whole lines, with whatever they are cut into or joined from.
_OF_LINES = (".csv", ".tsv", ".txt", ".log", ".jsonl", ".ndjson")
_WITH_HEADER = (".csv", ".tsv")
_LINES = 100_000
_BOM = b"\xef\xbb\xbf"


def plan_split(work: Work) -> Plan:
    """Each file whose pieces go to the target, or beside it."""
    target = work.target or os.path.dirname(work.path.rstrip("/"))
    chosen = choose(work, leaving=[target] if is_inside(target, work.path) else [])
    check_folder(work, target)
    for each in chosen.files:
        suffix = os.path.splitext(each.path)[1].lower()
        if not work.options["maxPartSize"] and not _is_of_lines(suffix, work):
            raise ExecutionError(
                "VALIDATION_ERROR",
                f"Say as maxPartSize how large the pieces of {roots.shown(each.path)} may be.",
            )
    return Plan([Step("split", each.path, each.size, target, each.stamp) for each in chosen.files])


def perform_split(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    for step in steps:
        with naming(step.path), roots.open_file(step.path) as source:
            made = _split(source, step, work)
        work.context.log("INFO", f"{roots.shown(step.path)} is in {made:,} pieces now")
        yield step, ""


def _split(source: BinaryIO, step: Step, work: Work) -> int:
    name = os.path.basename(step.path)
    stem, suffix = os.path.splitext(name)
    table = suffix.lower() in _WITH_HEADER
    records = _records(source, work, suffix.lower(), quoted=table)
    header = next(records, b"") if table and work.options["hasHeader"] else b""
    mode = os.fstat(source.fileno()).st_mode
    waiting, number = next(records, None), 0
    while number == 0 or waiting is not None:
        number += 1
        path = os.path.join(step.target, f"{stem}-{number:04}{suffix}")
        with roots.replacing(
            path, overwrite=work.overwrite, create_folders=work.create_folders, mode=mode
        ) as piece:
            waiting = _fill(piece, header, waiting, records, work)
    return number


def _fill(
    piece: BinaryIO, header: bytes, waiting: bytes | None, records: Iterator[bytes], work: Work
) -> bytes | None:
    """Write what fits into the piece; gives the record that begins the next, or None at the end."""
    options = work.options
    most_bytes = options["maxPartSize"]
    most_records = options["linesPerFile"] or (None if most_bytes else _LINES)
    size, held = piece.write(header), 0
    while waiting is not None:
        full = held and most_bytes is not None and size + len(waiting) > most_bytes
        if full or held == most_records:
            return waiting
        size, held = size + piece.write(waiting), held + 1
        work.context.check()
        waiting = next(records, None)
    return None


def _records(source: BinaryIO, work: Work, suffix: str, *, quoted: bool) -> Iterator[bytes]:
    """Whole lines, a CSV's with the line ends inside their quotes; of other files chunks as they come."""
    if not _is_of_lines(suffix, work):
        yield from _chunks(source, work.options["maxPartSize"])
        return
    record = b""
    while line := source.readline(LONGEST):
        record += line
        if len(record) >= LONGEST:
            raise Wrong(f"has a line of more than {LONGEST:,} bytes")
        if not quoted or record.count(b'"') % 2 == 0:
            yield record
            record = b""
    if record:
        yield record


def _is_of_lines(suffix: str, work: Work) -> bool:
    return suffix in _OF_LINES or bool(work.options["linesPerFile"])


def _chunks(source: BinaryIO, most: int) -> Iterator[bytes]:
    """Chunks of which some make `most` bytes, and the next as many again."""
    left = most
    while chunk := source.read(min(CHUNK, left)):
        yield chunk
        left = left - len(chunk) or most


def plan_merge(work: Work) -> Plan:
    """Every file that goes into the target, in the order of their names."""
    if not work.target or work.target.endswith("/"):
        raise ExecutionError("VALIDATION_ERROR", "Say as target what file the others are merged into.")
    chosen = choose(work)
    chosen.files = [each for each in chosen.files if each.path != work.target]
    room = make_room(work, work.target)
    return Plan(
        [
            Step("merge", each.path, each.size, work.target, each.stamp, room.backup, replaces=room.replaces)
            for each in chosen.files
        ]
    )


def perform_merge(work: Work, steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    if not steps:
        return
    back_up(work, steps[0])
    suffix = os.path.splitext(work.target)[1].lower()
    header: bytes | None = None
    with roots.replacing(
        work.target, overwrite=steps[0].replaces, create_folders=work.create_folders
    ) as merged:
        ending = _Ending(merged)
        for step in steps:
            with naming(step.path), roots.open_file(step.path) as source:
                if suffix in _OF_LINES:
                    ending.end_line()
                if suffix in _WITH_HEADER and work.options["hasHeader"]:
                    header = _pass_header(source, ending, header)
                pump(source, ending.write, work.context)
            yield step, ""


def _pass_header(source: BinaryIO, ending: "_Ending", header: bytes | None) -> bytes | None:
    """Write the first file's header, and leave that of the others out; gives the header."""
    line = source.readline(LONGEST)
    said = line.removeprefix(_BOM).rstrip(b"\r\n")
    if not said:
        return header
    if header is None:
        ending.write(line)
        return said
    if said != header:
        raise Wrong("has other columns than the files before it")
    return header


class _Ending:
    """A file that knows whether what was written ends in the middle of a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._last = file, b"\n"

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._last = chunk[-1:] or self._last

    def end_line(self) -> None:
        if self._last != b"\n":
            self.write(b"\n")
