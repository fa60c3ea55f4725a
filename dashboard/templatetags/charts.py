"""Small drawings of runs."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import charts
from dashboard.charts import Mark, Stand
from runs.models import Run

register = template.Library()


@register.simple_tag
def spark(runs: Sequence[Run]) -> SafeString:
    """A bar of the last twenty runs, given oldest first."""
    shown = charts.stands(runs)
    words = charts.in_words(stand.state for stand in shown)
    return format_html(
        '<svg class="spark" viewBox="0 0 122 28" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="f-line" x="0" y="17" width="122" height="1"/>{}</svg>',
        words,
        words,
        SafeString("".join(map(_stand, shown))),
    )


# Lists draw hundreds, and few different ones: twenty places by a hundred heights of what is done.
@lru_cache(maxsize=4096)
def _stand(stand: Stand) -> str:
    return _drawn(charts.mark(stand), "")


@register.filter
def drawn(marks: Iterable[Mark], style: str = "") -> SafeString:
    """The marks as SVG, each with this class besides its own."""
    return SafeString("".join(_drawn(mark, style and f"{style} ") for mark in marks))


@register.filter
def drawn_one(mark: Mark, style: str = "") -> SafeString:
    return drawn([mark], style)


# A page shows five hundred marks, many of them alike: numbers and our own class names need no escaping.
@lru_cache(maxsize=8192)
def _drawn(mark: Mark, style: str) -> str:
    if mark.r:
        return f'<circle class="{style}{mark.style}" cx="{mark.x}" cy="{mark.y}" r="{mark.r}"/>'
    size = f'width="{mark.width}" height="{mark.height}"'
    return f'<rect class="{style}{mark.style}" x="{mark.x}" y="{mark.y}" {size}/>'
