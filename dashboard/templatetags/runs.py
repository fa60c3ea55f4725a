"""What pages about runs need: harmless text, hits of a search, masked values, large numbers."""

import re
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from chronos_site import hostile
from dashboard import markdown as as_html
from dashboard import wording
from dashboard.run_log import Line
from dashboard.templatetags.chronos import icon
from jobs.masking import DOTS
from runs.models import Run

register = template.Library()

_HIDDEN = re.compile(rf"(\{{\{{\s*secret:[^{{}}]*\}}\}}|{DOTS})")


@register.filter
def visible(text: str | None) -> str:
    """Text of jobs and strangers with marks for what would not be seen."""
    return hostile.visible(text or "")


@register.simple_tag
def hits(text: str, sought: str) -> SafeString:
    """The text, made harmless, with what was searched for marked."""
    shown = hostile.visible(text)
    if not sought:
        return conditional_escape(shown)
    parts = re.split(f"({re.escape(sought)})", shown, flags=re.IGNORECASE)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", part) if n % 2 else part,) for n, part in enumerate(parts))
    )


@register.simple_tag
def log_line(line: Line, sought: str) -> SafeString:
    """One line of a log with its number, which is a link to it."""
    # A page has hundreds of them, and a template would take five times as long.
    fields = format_html(' <i class="ll-fields">{}</i>', hostile.visible(line.fields)) if line.fields else ""
    return format_html(
        '<li class="ll {0}" id="L{1}"><a href="?line={1}#L{1}">{1}</a>'
        '<time datetime="{2}" title="{3}">{4}</time>'
        "<b>{5}</b><span>{6}{7}</span></li>\n",
        line.style,
        line.number,
        line.iso,
        line.full,
        line.time,
        line.log.level,
        hits(line.log.message, sought),
        fields,
    )


@register.simple_tag
def step_icon(state: str) -> SafeString:
    """The state's icon in its colour, with the word for screen readers after it."""
    shown = wording.STATES[state]
    drawing = icon(f"st-{shown.name}", f"tx-{shown.tint}")
    return format_html('{}<span class="visually-hidden">{}</span>', drawing, shown.word)


@register.filter
def masked(text: object) -> SafeString:
    """A value of a definition: secrets by name, and dots where a secret was, get a lock."""
    parts = _HIDDEN.split(hostile.visible(str(text)))
    return format_html_join("", "{}", ((_lock(part) if n % 2 else part,) for n, part in enumerate(parts)))


def _lock(part: str) -> SafeString:
    word = "hidden" if part == DOTS else part.strip("{} ")
    return format_html('<span class="mask">{}{}</span>', icon("lock", "small"), word)


@register.filter
def thousands(number: int | None) -> str:
    """1,248; empty for None."""
    return "" if number is None else f"{number:,}"


@register.filter
def markdown(text: str | None) -> SafeString:
    """A description or runbook as HTML."""
    return as_html.html(text or "")


@register.filter
def summary_line(text: str | None) -> str:
    """The first line of a description as plain text, for lists."""
    return as_html.first_line(hostile.visible(text or ""))


@register.filter
def in_words(run: Run) -> str:
    """When the run was due, and what became of it: Sat 28 Mar 02:51:49: failed after 41 s."""
    due = timezone.localtime(run.scheduled_time)
    return f"{due:%a} {due.day} {due:%b %H:%M:%S}: {wording.ending(run)}"


@register.filter
def milliseconds(wait: timedelta | None) -> float | None:
    """A length of time in milliseconds, for `duration_ms`; never below zero."""
    return None if wait is None else max(0.0, wait / timedelta(milliseconds=1))


@register.filter
def is_recent(instant: datetime, now: datetime) -> bool:
    """Whether people count in hours and days how long ago it was, rather than by the date."""
    return abs(now - instant) < timedelta(days=14)
