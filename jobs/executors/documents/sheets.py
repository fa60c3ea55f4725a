"""CSV and Excel: rows to calculate with, in which no text is ever taken for a formula."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, time
from decimal import Decimal
from io import TextIOWrapper
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from jobs.executors.documents.charts import Chart
from jobs.executors.documents.tables import Column, Document, Kind, harmless, is_number, plain, text

# Excel counts with fifteen digits and has no dates before this year.
EXACT = 10**15
FIRST_YEAR = 1900
CELL_LIMIT = 32_767


def write_csv(document: Document, file: IO[bytes]) -> None:
    """Comma-separated values as RFC 4180 has them, in UTF-8; the first line names the columns."""
    out = TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(out)
    writer.writerow(harmless(column.name) for column in document.columns)
    for row in document.rows:
        writer.writerow([_csv_value(value, document) for value in row])
    out.detach()


def _csv_value(value: Any, document: Document) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    said = plain(value, document.zone)
    return harmless(said) if isinstance(said, str) else said


_NUMBERS = {Kind.DURATION: "#,##0", Kind.SHARE: "0.0%"}
_HEAD = {"font": Font(bold=True, color="FFFFFF"), "fill": PatternFill("solid", fgColor="17212B")}
_TITLE = {"font": Font(bold=True, size=16)}


def write_xlsx(document: Document, file: IO[bytes]) -> None:
    """A workbook of a cover, with the totals and the chart, and a sheet of rows that can be filtered."""
    with _workbook() as book:
        cover, sheet = book.create_sheet("Summary"), book.create_sheet("Rows")
        _begin_cover(cover, document)
        count = 0
        _set_up(sheet, document.columns)
        for row in document.rows:
            count += 1
            pairs = zip(row, document.columns, strict=True)
            sheet.append([_cell(sheet, value, column, document) for value, column in pairs])
        sheet.auto_filter.ref = f"A1:{get_column_letter(max(len(document.columns), 1))}{count + 1}"
        for note in (*document.notes, document.footer):
            if note:
                cover.append([_text_cell(cover, note)])
        book.save(file)


@contextmanager
def _workbook() -> Iterator[Any]:
    """A workbook whose rows wait on the disk, where nothing stays of them if the block fails."""
    book = Workbook(write_only=True)
    try:
        yield book
    except BaseException:
        for sheet in book.worksheets:
            _abandon(sheet)
        raise


def _abandon(sheet: Any) -> None:
    # What broke the sheet may keep it from ending well.
    with suppress(Exception):
        sheet.close()
    if sheet._writer:
        with suppress(FileNotFoundError):
            sheet._writer.cleanup()


def _set_up(sheet: Any, columns: Any) -> None:
    for number, column in enumerate(columns, 1):
        width = max(len(_heading(column)) + 4, column.width * 4)
        sheet.column_dimensions[get_column_letter(number)].width = min(width, 60)
    sheet.freeze_panes = "A2"
    sheet.append([_text_cell(sheet, _heading(column), **_HEAD) for column in columns])


def _heading(column: Column) -> str:
    return f"{column.heading}, ms" if column.kind is Kind.DURATION else column.heading


def _begin_cover(cover: Any, document: Document) -> None:
    cover.column_dimensions["A"].width = 28
    cover.append([_text_cell(cover, document.title, **_TITLE)])
    for fact in (*document.facts, *_lines(document.intro)):
        cover.append([_text_cell(cover, fact)])
    cover.append([])
    for word, number in document.totals:
        cover.append([_text_cell(cover, word), _text_cell(cover, number)])
    if document.chart:
        above = 4 + len(document.facts) + len(list(_lines(document.intro))) + len(document.totals)
        _add_chart(cover, document.chart, above)


def _lines(said: str) -> Iterator[str]:
    return filter(None, said.split("\n"))


def _add_chart(cover: Any, chart: Chart, row: int) -> None:
    """The numbers of the chart from this row on, and the drawing beside them."""
    cover.append([])
    names = [chart.title.rpartition(" ")[2].capitalize(), *(each.label for each in chart.series)]
    cover.append([_text_cell(cover, name, **_HEAD) for name in names])
    for label, counts in chart.bars:
        cover.append([_text_cell(cover, label), *counts])
    last, width = row + len(chart.bars), len(chart.series) + 1
    drawing = BarChart()
    drawing.type, drawing.grouping, drawing.overlap, drawing.title = "col", "stacked", 100, chart.title
    drawing.add_data(
        Reference(cover, min_col=2, max_col=width, min_row=row, max_row=last), titles_from_data=True
    )
    drawing.set_categories(Reference(cover, min_col=1, min_row=row + 1, max_row=last))
    for drawn, each in zip(drawing.series, chart.series, strict=True):
        drawn.graphicalProperties.solidFill = each.colour.removeprefix("#")
    drawing.gapWidth, drawing.width, drawing.height = 40, 26, 11
    # Without this word, Excel hides both axes.
    drawing.x_axis.delete = drawing.y_axis.delete = False
    drawing.legend.position = "b"
    cover.add_chart(drawing, f"{get_column_letter(width + 2)}{row}")


def _cell(sheet: Any, value: Any, column: Column, document: Document) -> Any:
    if value is None:
        return None
    if is_number(value) and not _too_exact(value):
        return _number_cell(sheet, value, column)
    if isinstance(value, datetime) and value.year >= FIRST_YEAR:
        local = value.astimezone(document.zone).replace(tzinfo=None) if value.tzinfo else value
        return _formatted(sheet, local, "yyyy-mm-dd hh:mm:ss")
    if isinstance(value, date) and not isinstance(value, datetime) and value.year >= FIRST_YEAR:
        return _formatted(sheet, value, "yyyy-mm-dd")
    if isinstance(value, time) and value.tzinfo is None:
        return _formatted(sheet, value, "hh:mm:ss")
    return value if isinstance(value, bool) else _text_cell(sheet, plain(value, document.zone))


def _too_exact(value: Any) -> bool:
    """Whether a spreadsheet would round the number."""
    digits = len(value.as_tuple().digits) if isinstance(value, Decimal) else 0
    return digits > 15 or (isinstance(value, int) and abs(value) >= EXACT)


def _number_cell(sheet: Any, value: Any, column: Column) -> Any:
    said = _NUMBERS.get(column.kind)
    return _formatted(sheet, value, said) if said else value


def _formatted(sheet: Any, value: Any, number_format: str) -> Any:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = number_format
    return cell


def _text_cell(sheet: Any, value: Any, **style: Any) -> Any:
    cell = WriteOnlyCell(sheet, text(value)[:CELL_LIMIT])
    # Text that begins with = would be a formula.
    cell.data_type = "s"
    for name, each in style.items():
        setattr(cell, name, each)
    return cell
