"""HTML: one file that needs nothing else, reads well on screen and prints well."""

from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO, Any

from django.utils.html import format_html, format_html_join

from jobs.executors.documents.charts import Chart, blocks, labelled, scale
from jobs.executors.documents.tables import Column, Document, Kind, Row, grouped, is_number, shown

WIDTH, HEIGHT, LEFT, BOTTOM = 960, 240, 56, 28
MOST_LABELS = 10
# Texts up to this length are not broken into lines.
WHOLE = 24

STYLE = """
:root{color-scheme:light dark;--page:#f3f5f8;--surface:#fff;--line:#dfe4ea;--ink:#0f171f;--soft:#414d5a}
@media (prefers-color-scheme:dark){:root{--page:#0a0e12;--surface:#10151a;--line:#212932;--ink:#e2e8ee;
--soft:#b4c0cb}}
body{margin:0;padding:1.5rem;background:var(--page);color:var(--ink);font:14px/1.45 system-ui,-apple-system,
"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:96rem;margin:auto}h1{font-size:1.25rem;margin:0 0 .25rem}p{margin:.25rem 0;max-width:72ch}
.soft{color:var(--soft)}.text{white-space:pre-wrap;margin:.75rem 0}
.totals{display:flex;flex-wrap:wrap;margin:1rem 0;background:var(--surface);border:1px solid var(--line);
border-radius:8px}.totals div{padding:.75rem 1.25rem}.totals dt{color:var(--soft);font-size:.8125rem}
.totals dd{margin:0;font-size:1.25rem;font-weight:600}
figure,.rows{margin:1rem 0;padding:1rem;background:var(--surface);border:1px solid var(--line);
border-radius:8px}.rows{padding:0;overflow-x:auto}figcaption{font-weight:600}
figure svg{width:100%;height:auto;display:block;overflow:visible}figure text{fill:var(--soft);font-size:12px}
figure line{stroke:var(--line)}.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.5rem 0 0;
padding:0;list-style:none}.legend svg{width:.75rem;height:.75rem;margin-right:.4rem;display:inline-block}
table{border-collapse:collapse;width:100%}th,td{padding:.4rem .75rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{font-weight:600;font-size:.8125rem;
white-space:nowrap;position:sticky;top:0;background:var(--surface)}.n{text-align:right}td.n{white-space:nowrap}td.w{white-space:nowrap}
@page{size:A4 landscape;margin:12mm}
@media print{:root{--page:#fff;--surface:#fff;--line:#c3ccd6;--ink:#000;--soft:#414d5a}body{padding:0;
font-size:9pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}.rows{border:0;overflow:visible}
thead{display:table-header-group}tr,figure{break-inside:avoid}
th,td{padding:.2rem .35rem;font-size:7pt;white-space:normal!important;overflow-wrap:break-word}
td.n{white-space:nowrap!important}th{position:static}.o{display:none}}
"""
# Nothing in the file may load or run anything, whatever a job was called.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write(document: Document, file: IO[bytes]) -> None:
    """The page, row after row."""
    out = TextIOWrapper(file, "utf-8", newline="\n")
    out.writelines(_page(document))
    out.detach()


def _page(document: Document) -> Iterator[str]:
    yield format_html(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="{}"><title>{}</title>',
        POLICY,
        document.title,
    )
    yield f"<style>{STYLE}</style></head><body><main>"
    yield from _head(document)
    yield from _table(document)
    yield format_html_join("", '<p class="note">{}</p>', ((note,) for note in document.notes))
    yield format_html('<p class="text soft">{}</p></main></body></html>\n', document.footer)


def _head(document: Document) -> Iterator[str]:
    yield format_html("<h1>{}</h1>", document.title)
    yield format_html_join("", '<p class="soft">{}</p>', ((fact,) for fact in document.facts))
    if document.intro:
        yield format_html('<p class="text">{}</p>', document.intro)
    if document.totals:
        pairs = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", document.totals)
        yield format_html('<dl class="totals">{}</dl>', pairs)
    if document.chart:
        yield from _drawn(document.chart)


def _table(document: Document) -> Iterator[str]:
    heads = ((_classes(column, column.kind is not Kind.PLAIN), column.heading) for column in document.columns)
    names = format_html_join("", '<th class="{}">{}</th>', heads)
    yield format_html('<div class="rows"><table><thead><tr>{}</tr></thead><tbody>\n', names)
    for row in document.rows:
        yield _row(row, document)
    yield "</tbody></table></div>"


def _row(row: Row, document: Document) -> str:
    cells = (
        (_classes(column, is_number(value), value), shown(value, column, document.zone))
        for value, column in zip(row, document.columns, strict=True)
    )
    return format_html("<tr>{}</tr>\n", format_html_join("", '<td class="{}">{}</td>', cells))


def _classes(column: Column, is_right: bool, value: Any = None) -> str:
    """Numbers stand on the right, short values are kept whole, and ids are left out on paper."""
    side = "n" if is_right else "" if isinstance(value, str) and len(value) > WHOLE else "w"
    return side if column.width else f"{side} o"


def _drawn(chart: Chart) -> Iterator[str]:
    end, width, height = scale(chart.highest), WIDTH - LEFT, HEIGHT - BOTTOM
    yield format_html(
        '<figure><figcaption>{}</figcaption><svg viewBox="0 -8 {} {}" role="img" aria-label="{}">',
        chart.title,
        WIDTH,
        HEIGHT + 8,
        _in_words(chart),
    )
    for quarter in range(5):
        y = height - height * quarter / 4
        yield format_html(
            '<line x1="{0}" x2="{1}" y1="{2}" y2="{2}"/><text x="{3}" y="{4}" text-anchor="end">{5}</text>',
            *(LEFT, WIDTH, f"{y:.1f}", LEFT - 8, f"{y + 4:.1f}", grouped(end * quarter // 4)),
        )
    for each in blocks(chart):
        place = LEFT + each.x * width, each.y * height, each.width * width, each.height * height
        yield format_html(
            '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>',
            *(f"{number:.2f}" for number in place),
            each.colour,
        )
    for share, label in labelled(chart, MOST_LABELS):
        yield format_html(
            '<text x="{}" y="{}" text-anchor="middle">{}</text>',
            *(f"{LEFT + share * width:.1f}", HEIGHT - 8, label),
        )
    yield format_html("</svg>{}</figure>", _legend(chart))


def _legend(chart: Chart) -> str:
    items = (
        (each.colour, each.label, grouped(total))
        for each, total in zip(chart.series, chart.totals, strict=True)
    )
    return format_html(
        '<ul class="legend">{}</ul>',
        format_html_join(
            "",
            '<li><svg viewBox="0 0 8 8"><rect width="8" height="8" fill="{}"/></svg>{} {}</li>',
            items,
        ),
    )


def _in_words(chart: Chart) -> str:
    told = ", ".join(
        f"{grouped(total)} {each.label.lower()}"
        for each, total in zip(chart.series, chart.totals, strict=True)
    )
    return f"{chart.title}: {told}"
