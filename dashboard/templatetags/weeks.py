"""The hours of a forecast week, and the days of a job's twelve."""

from datetime import datetime
from html import escape

from django import template
from django.utils.safestring import SafeString

from dashboard import job_calendar
from dashboard.templatetags.charts import drawn
from dashboard.week import Cell

register = template.Library()

_NOTHING = {
    True: ("gone", "Skipped by the clock change"),
    False: ("lv0", "Over"),
}


# A week has 168 of them: drawn by a template they would take longer than all the rest of the page.
@register.simple_tag
def hour_cell(cell: Cell, chosen: Cell | None, others: str, slots: str) -> SafeString:
    """An hour as a link to what fires in it; `others` is the address up to the hour."""
    if not cell.start:
        style, words = _NOTHING[cell.missing]
        hidden = f'<span class="visually-hidden">{words}</span>'
        return SafeString(f'<span class="{style}" title="{words}">{hidden}</span>')
    current = ' aria-current="true"' if chosen and cell.start == chosen.start else ""
    words = f"{cell.words}, more than the {slots} there are" if cell.hot else cell.words
    address = escape(f"{others}hour={cell.asked}#hour")
    return SafeString(
        f'<a class="{cell.style}" href="{address}"{current} title="{escape(words)}">{escape(cell.shown)}</a>'
    )


# Eighty-four of them, for the same reason.
@register.simple_tag
def day_cell(cell: job_calendar.Cell, next_fire_at: datetime | None) -> SafeString:
    """A day as a link to its runs; plain where there are none, and left out where none can come."""
    cross = f'<path class="x-cut" d="{cell.cross}"/>' if cell.cross else ""
    inside = f"<title>{escape(cell.words)}</title>{drawn(cell.marks)}{cross}"
    if cell.totals and cell.totals.total:
        return SafeString(f'<a href="{escape(cell.address)}" tabindex="-1">{inside}</a>')
    return SafeString(f"<g>{inside}</g>" if cell.totals or next_fire_at else "")


@register.simple_tag
def day_row(cell: job_calendar.Cell) -> SafeString:
    """The same as a row of a table: the day, what succeeded, failed and was skipped."""
    if cell.totals is None:
        return SafeString("")
    broken = f'<span class="tx-bad">{cell.totals.broken:,}</span>' if cell.totals.broken else "0"
    counts = (f"{cell.totals.succeeded:,}", broken, f"{cell.totals.skipped:,}")
    link = f'<a href="{escape(cell.address)}">{escape(cell.day_words)}</a>'
    columns = "".join(f'<td class="num">{count}</td>' for count in counts)
    return SafeString(f'<tr><th scope="row">{link}</th>{columns}</tr>\n')
