"""The hours of a forecast week."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

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
