"""PDF: pages to print and to read where nothing else opens."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import IO

from django.conf import settings
from fpdf import FPDF

from jobs.executors.documents.charts import Chart, blocks, labelled, scale
from jobs.executors.documents.tables import Document, Kind, Row, grouped, is_number, shown

# It tells of every table of every font.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FAMILY = "Fira Sans"
FONTS = {"": "FiraSans-Regular.ttf", "B": "FiraSans-SemiBold.ttf"}
# Millimetres and points.
MARGIN, BODY, LINE = 12, 7.5, 3.6
CHART_HEIGHT, SCALE_WIDTH = 48, 14
MOST_LINES = 4
MOST_LABELS = 12
INK, SOFT, RULE = (15, 23, 31), (65, 77, 90), (195, 204, 214)
UNKNOWN = "\N{LOZENGE}"


def write(document: Document, file: IO[bytes]) -> None:
    """The pages, with a chart and a table whose head is repeated.

    What no font has is shown as a mark, and a note says so. Raises FPDFException or OSError for a font
    of CHRONOS_PDF_FONTS that cannot be read.
    """
    paper = _Paper(document)
    paper.begin()
    paper.rows()
    for note in (*document.notes, *paper.missing_note(), document.footer):
        paper.paragraph(note, SOFT)
    file.write(paper.output())


class _Paper(FPDF):
    """A4 sheets on their side."""

    def __init__(self, document: Document) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.document = document
        self.columns = [column for column in document.columns if column.width]
        self.missing: Counter[str] = Counter()
        self.widths: dict[tuple[str, str], float] = {}
        for style, name in FONTS.items():
            self.add_font(FAMILY, style, Path(str(files("fontpkg_fira_sans") / "files" / name)))
        others = [(f"other{number}", path) for number, path in enumerate(settings.PDF_FONTS)]
        for family, path in others:
            self.add_font(family, "", path)
        self.set_fallback_fonts([family for family, _ in others], exact_match=False)
        self.known = {code for font in self.fonts.values() for code in font.cmap}  # type: ignore[union-attr]
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)
        self.set_title(document.title)
        self.set_creator("Chronos")
        self.set_lang("en-GB")

    @property
    def bottom(self) -> float:
        return float(self.h) - MARGIN - 4

    def begin(self) -> None:
        """The first page, up to the table."""
        self.add_page()
        self.ink("B", 15, INK)
        self.paragraph_as_set(self.document.title, 7)
        for fact in self.document.facts:
            self.paragraph(fact, SOFT)
        if self.document.intro:
            self.ln(2)
            self.paragraph(self.document.intro, INK)
        self.ln(2)
        self.totals()
        if self.document.chart:
            self.chart(self.document.chart)

    def footer(self) -> None:
        self.ink("", 7, SOFT)
        y = float(self.h) - MARGIN + 2
        self.text(MARGIN, y, self.fitted(self.document.title, self.epw - 30))
        page = f"Page {self.page_no()} of {{nb}}"
        self.set_xy(-MARGIN - 30, y - 3)
        self.cell(30, 4, page, align="R")

    def ink(self, style: str, size: float, colour: tuple[int, int, int]) -> None:
        self.set_font(FAMILY, style, size)
        self.set_text_color(*colour)

    # Text

    def paragraph(self, said: str, colour: tuple[int, int, int]) -> None:
        """Text over the whole width, on as many lines as it takes."""
        self.ink("", 8.5, colour)
        if said:
            self.paragraph_as_set(said, 4.2)

    def paragraph_as_set(self, said: str, height: float) -> None:
        for line in self.wrapped(said, self.epw, most=1000):
            if self.get_y() + height > self.bottom:
                self.add_page()
            self.text(MARGIN, self.get_y() + height * 0.75, line)
            self.set_y(self.get_y() + height)

    def printable(self, said: str) -> str:
        """The text with a mark for each character that no font has."""
        if said.isascii():
            return said
        unknown = Counter(each for each in said if ord(each) not in self.known and each != "\n")
        # What only changes the look of the character before it is not missed.
        self.missing.update({each: count for each, count in unknown.items() if each not in _SILENT})
        return "".join(each if each not in unknown else "" if each in _SILENT else UNKNOWN for each in said)

    def wide(self, said: str) -> float:
        """The text's width with the current font, character by character."""
        key = f"{self.font_style}{self.font_size_pt}"
        return sum(self.widths.get((key, each)) or self._measured(key, each) for each in said)

    def _measured(self, key: str, each: str) -> float:
        found = self.widths[key, each] = self.get_string_width(each)
        return found

    def fitted(self, said: str, width: float) -> str:
        """One line of the text, cut where the width ends."""
        return next(iter(self.wrapped(said, width, most=1)), "")

    def wrapped(self, said: str, width: float, most: int) -> list[str]:
        """The text in lines that fit, broken between words where it can be; an ellipsis where it is cut."""
        lines: list[str] = []
        for paragraph in self.printable(said.replace("\t", " ").replace("\r", "")).split("\n"):
            for line in self._broken(paragraph, width):
                if len(lines) == most:
                    lines[-1] = self._shortened(lines[-1], width)
                    return lines
                lines.append(line)
        return lines

    def _broken(self, rest: str, width: float) -> Iterator[str]:
        while rest and self.wide(rest[:400]) > width:
            end = self._end(rest, width)
            blank = rest.rfind(" ", 1, end + 1)
            cut = blank if blank > 0 else end
            yield rest[:cut].rstrip()
            rest = rest[cut:].lstrip()
        yield rest

    def _end(self, said: str, width: float) -> int:
        """How many characters fit; at least one."""
        used = 0.0
        for number, each in enumerate(said):
            used += self.wide(each)
            if used > width:
                return max(number, 1)
        return len(said)

    def _shortened(self, line: str, width: float) -> str:
        end = self._end(line, width - self.wide("…"))
        return line[:end].rstrip() + "…"

    def missing_note(self) -> list[str]:
        """What the fonts could not show."""
        if not self.missing:
            return []
        codes = ", ".join(f"U+{ord(each):04X}" for each, _ in self.missing.most_common(5))
        return [
            f"{self.missing.total():,} characters are in none of this report's fonts and are shown as"
            f" {UNKNOWN} ({codes}). The other formats hold them."
        ]

    # Totals and chart

    def totals(self) -> None:
        step = min(34.0, self.epw / max(len(self.document.totals), 1))
        y = self.get_y()
        for number, (word, count) in enumerate(self.document.totals):
            self.ink("", 7.5, SOFT)
            self.text(MARGIN + step * number, y + 3, self.fitted(word, step - 2))
            self.ink("B", 12, INK)
            self.text(MARGIN + step * number, y + 8.5, self.fitted(count, step - 2))
        if self.document.totals:
            self.set_y(y + 12)

    def chart(self, chart: Chart) -> None:
        if self.get_y() + CHART_HEIGHT + 20 > self.bottom:
            self.add_page()
        self.ink("B", 9, INK)
        self.text(MARGIN, self.get_y() + 3, chart.title)
        left, top = MARGIN + SCALE_WIDTH, self.get_y() + 7
        width = self.epw - SCALE_WIDTH
        self.ink("", 7, SOFT)
        self.set_draw_color(*RULE)
        self.set_line_width(0.1)
        end = scale(chart.highest)
        for quarter in range(5):
            y = top + CHART_HEIGHT * (1 - quarter / 4)
            self.line(left, y, left + width, y)
            label = grouped(end * quarter // 4)
            self.text(left - 2 - self.wide(label), y + 0.9, label)
        for each in blocks(chart):
            self.set_fill_color(each.colour)
            x, y = left + each.x * width, top + each.y * CHART_HEIGHT
            self.rect(x, y, each.width * width, each.height * CHART_HEIGHT, style="F")
        for share, label in labelled(chart, MOST_LABELS):
            x = left + share * width - self.wide(label) / 2
            self.text(x, top + CHART_HEIGHT + 4, label)
        self.legend(chart, left, top + CHART_HEIGHT + 7)

    def legend(self, chart: Chart, x: float, y: float) -> None:
        for each, total in zip(chart.series, chart.totals, strict=True):
            self.set_fill_color(each.colour)
            self.rect(x, y, 2.4, 2.4, style="F")
            said = f"{each.label} {grouped(total)}"
            self.text(x + 3.6, y + 2.2, said)
            x += self.wide(said) + 9
        self.set_y(y + 8)

    # Table

    def rows(self) -> None:
        whole = sum(column.width for column in self.columns) or 1
        spans = [self.epw * column.width / whole for column in self.columns]
        places = [index for index, column in enumerate(self.document.columns) if column.width]
        self.head(spans)
        for row in self.document.rows:
            self.row([row[place] for place in places], spans)
        self.ln(3)

    def head(self, spans: Sequence[float]) -> None:
        if self.get_y() + 8 * LINE > self.bottom:
            self.add_page()
        self.ink("B", BODY, INK)
        lines = [
            self.wrapped(column.heading, span - 2, 2)
            for column, span in zip(self.columns, spans, strict=True)
        ]
        self.lines(lines, spans, [column.kind is not Kind.PLAIN for column in self.columns])
        self.ink("", BODY, INK)

    def row(self, values: Row, spans: Sequence[float]) -> None:
        said = [
            self.wrapped(shown(value, column, self.document.zone), span - 2, MOST_LINES)
            for value, column, span in zip(values, self.columns, spans, strict=True)
        ]
        if self.get_y() + (max(map(len, said), default=1) + 0.5) * LINE > self.bottom:
            self.add_page()
            self.head(spans)
        self.lines(said, spans, [is_number(value) for value in values])

    def lines(self, cells: Sequence[Sequence[str]], spans: Sequence[float], right: Sequence[bool]) -> None:
        """One row of the table, whose height is that of its longest cell, and the rule below it."""
        x, y = float(MARGIN), self.get_y()
        for cell, span, to_right in zip(cells, spans, right, strict=True):
            for number, line in enumerate(cell):
                shift = span - 2 - self.wide(line) if to_right else 0
                self.text(x + shift, y + LINE * (number + 0.85), line)
            x += span
        end = y + LINE * (max(map(len, cells), default=1) + 0.4)
        self.line(MARGIN, end, MARGIN + self.epw, end)
        self.set_y(end + 0.3)


# Joiners and variation selectors.
_SILENT = {"\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u00ad", "\u200b", "\ufeff"}
