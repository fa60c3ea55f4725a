"""The file of a report: its format, its name, its size."""

import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from django.conf import settings
from fpdf.errors import FPDFException

from jobs.executors.base import Artefact, Context, ExecutionError, artefact_limit
from jobs.executors.documents import data, pages, paper, sheets
from jobs.executors.documents.tables import Document, Row

MOST_ROWS = 100_000
# Rows between two looks at the clock.
STRIDE = 200
# What is compressed may be so many times as large before.
COMPRESSION = 10


class Output(NamedTuple):
    """A format: who writes it and how many rows are good in it."""

    extension: str
    media_type: str
    write: Callable[[Document, IO[bytes]], None]
    most_rows: int = MOST_ROWS
    compressed: bool = False


OUTPUTS = {
    "CSV": Output("csv", "text/csv; charset=utf-8", sheets.write_csv),
    "XLSX": Output(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        sheets.write_xlsx,
        compressed=True,
    ),
    "HTML": Output("html", "text/html; charset=utf-8", pages.write, most_rows=10_000),
    "PDF": Output("pdf", "application/pdf", paper.write, most_rows=5_000, compressed=True),
    "JSON": Output("json", "application/json", data.write),
}


@dataclass
class Stream:
    """Rows on their way into a file: counted, cut where there are too many, stopped where it grows too large.

    `room` is how many characters of text they may hold.
    """

    rows: Iterable[Row]
    context: Context
    most: int
    room: int
    notes: list[str] = field(default_factory=list)
    count: int = 0
    cut: bool = False

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            if self.count == self.most:
                self._cut()
                return
            if self.count % STRIDE == 0:
                self.context.check()
            self.room -= sum(len(value) for value in row if isinstance(value, str | bytes))
            if self.room < 0:
                raise too_large()
            self.count += 1
            yield row

    def _cut(self) -> None:
        self.cut = True
        more = "" if self.most == MOST_ROWS else " CSV, XLSX and JSON hold more."
        self.notes.append(f"Only the first {self.most:,} rows are shown; there are more.{more}")


def room(output: Output, compress: bool) -> int:
    """How many characters of text may go into a file before it is certainly too large."""
    return artefact_limit() * (COMPRESSION if compress or output.compressed else 1)


def too_large() -> ExecutionError:
    return ExecutionError(
        "ARTEFACT_TOO_LARGE",
        f"The report is larger than {settings.ARTEFACT_LIMIT_MB} MB:"
        " compress it, choose XLSX, or ask for less.",
    )


def made(document: Document, output: Output, name: str, *, compress: bool) -> Artefact:
    """The document as a file of that name.

    Raises ExecutionError with ARTEFACT_TOO_LARGE, or REPORT_ERROR where it cannot be written.
    """
    with TemporaryFile() as file:
        try:
            output.write(document, file)
        except (FPDFException, OSError) as error:
            raise ExecutionError("REPORT_ERROR", f"The report could not be written: {error}") from error
        if compress:
            return _compressed(file, name)
        return Artefact(name, _content(file), output.media_type)


def _content(file: IO[bytes]) -> bytes:
    if file.seek(0, 2) > artefact_limit():
        raise too_large()
    file.seek(0)
    return file.read()


def _compressed(file: IO[bytes], name: str) -> Artefact:
    file.seek(0)
    with TemporaryFile() as packed:
        with (
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(name, "w", force_zip64=True) as entry,
        ):
            while chunk := file.read(1_000_000):
                entry.write(chunk)
        return Artefact(f"{name}.zip", _content(packed), "application/zip")


def name_of(title: str, day: Any, extension: str) -> str:
    """A file name of plain letters for the title and the day: job-summary-2026-03-02.csv."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    word = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80] or "report"
    dated = word if re.search(r"\d{4}-\d\d-\d\d$", word) else f"{word}-{day}"
    return f"{dated}.{extension}"
