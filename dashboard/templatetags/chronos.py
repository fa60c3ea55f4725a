"""What every page shares: icons, states, times, figures and links that change one parameter."""

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from dashboard import wording
from dashboard.wording import State
from jobs import zones

register = template.Library()

_ICON_SIZES = {"small": "i-sm", "large": "i-lg"}
# What stands for an id until it is known.
ANY_ULID = "0" * 26
_FORTNIGHT_SECONDS = timedelta(days=14).total_seconds()


@register.simple_tag
def address(name: str, ulid: str) -> SafeString:
    """The address of a page about one thing, as `url` gives it: for lists, at a tenth of its cost."""
    if not (ulid.isascii() and ulid.isalnum()):
        raise ValueError(f"{ulid!r} is no ULID.")
    before, after = _around_ulid(name, get_script_prefix())
    return SafeString(f"{before}{ulid}{after}")


@lru_cache(maxsize=256)
def _around_ulid(name: str, _prefix: str) -> tuple[str, str]:
    before, _, after = reverse(name, args=[ANY_ULID]).partition(ANY_ULID)
    return before, after


# A page shows a hundred drawings and states, and few different ones.
@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, *classes: str) -> SafeString:
    """One drawing of the sheet, silent to screen readers: `{% icon "pause" "small" "tx-bad" %}`."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " ".join(["i", *(_ICON_SIZES.get(word, word) for word in classes)]),
        static("chronos/icons.svg"),
        name,
    )


@register.simple_tag
def status(value: str | None, word: str = "") -> SafeString:
    """Icon and word of a job's status, a run's state, LATE or STUCK; nothing for None.

    `word` replaces the word, for instance by "Late: 2 min 40 s".
    """
    return _status(value, word, get_language())


@lru_cache(maxsize=1024)
def _status(value: str | None, word: str, _language: str | None) -> SafeString:
    if not value:
        return SafeString("")
    state = wording.STATES[value]
    drawing = icon(f"st-{state.name}", "small")
    return format_html('<span class="st st-{}">{}{}</span>', state.name, drawing, word or state.word)


@register.simple_tag
def status_icon(value: str | None, word: str = "") -> SafeString:
    """The state's icon in its colour, the word for screen readers and the pointer only."""
    return _status_icon(value, word, get_language())


@lru_cache(maxsize=1024)
def _status_icon(value: str | None, word: str, _language: str | None) -> SafeString:
    if not value:
        return SafeString("")
    state: State = wording.STATES[value]
    return format_html(
        '<span class="st-icon tx-{}" title="{}">{}<span class="visually-hidden">{}</span></span>',
        state.tint,
        word or state.word,
        icon(f"st-{state.name}"),
        word or state.word,
    )


@register.simple_tag
@lru_cache(maxsize=1)
def zone_list() -> SafeString:
    """What a field of time zones offers."""
    options = format_html_join("", "<option>{}</option>", ((name,) for name in sorted(zones.names())))
    return format_html('<datalist id="zones">{}</datalist>', options)


@register.simple_tag(takes_context=True)
def when(
    context: Context, instant: datetime | None, style: str = "relative", zone: str | None = None
) -> SafeString:
    """A `<time>` whose tooltip gives the instant in the viewer's zone and in UTC; nothing for None.

    `style` is one of
    relative   "20 min ago", "in 2 min 20 s" (both tick), beyond a fortnight the date
    countdown  "2 min 20 s", emphasised, for lists of what fires next
    absolute   "Sat 28 Mar 2026 02:51:49 CET"
    short      "28 Mar 02:51" or, on the day of the page, "02:51:49"
    both       "02:51:49 CET" with the date above and UTC below, for pages about one thing
    `zone` is the job's own zone; it is used when the viewer asked for each job's own.
    The page's `now` decides what is past; without one, the clock does.
    """
    if instant is None:
        return SafeString("")
    now: datetime = context.get("now") or timezone.now()
    own = zone if zone and context.get("zone_choice") == "job" else None
    local = instant.astimezone(zones.zone(own) if own else timezone.get_current_timezone())
    return _STYLES[style](local, now)


# A list shows a hundred instants: format_html would take three times as long, for words of our own.
def _time(local: datetime, text: str, extra: str = "") -> SafeString:
    return SafeString(f"<time {_when(local, local.tzinfo)}{extra}>{escape(text)}</time>")


# Rows say one instant in two ways, and many jobs fire at the same one; equal instants differ by their zones.
@lru_cache(maxsize=2048)
def _when(local: datetime, _zone: tzinfo | None) -> str:
    title = escape(wording.in_both_zones(local))
    return f'datetime="{wording.iso(local)}" title="{title}"'


def _relative(local: datetime, now: datetime) -> SafeString:
    seconds = int((local - now).total_seconds())
    if abs(seconds) >= _FORTNIGHT_SECONDS:
        return _time(local, wording.date(local))
    if seconds > 0:
        return _time(local, f"in {wording.span(seconds)}", f' data-in="{seconds}" data-words')
    return _time(local, wording.ago(-seconds), f' data-ago="{-seconds}"')


def _countdown(local: datetime, now: datetime) -> SafeString:
    seconds = max(0, int((local - now).total_seconds()))
    soon = " cd-soon" if seconds < 60 else ""
    return _time(local, wording.span(seconds), f' class="cd{soon}" data-in="{seconds}"')


def _absolute(local: datetime, now: datetime) -> SafeString:
    return _time(local, wording.in_full(local))


def _short(local: datetime, now: datetime) -> SafeString:
    today = now.astimezone(local.tzinfo).date()
    if local.date() == today:
        return _time(local, f"{local:%H:%M:%S}")
    in_year = wording.day_and_time if local.year == today.year else wording.date_and_time
    return _time(local, in_year(local))


def _both(local: datetime, now: datetime) -> SafeString:
    if wording.is_utc(local):
        return _absolute(local, now)
    utc = f'<span class="abs">{escape(wording.in_utc(local))}</span></time>'
    return SafeString(_absolute(local, now).replace("</time>", utc))


_STYLES = {
    "relative": _relative,
    "countdown": _countdown,
    "absolute": _absolute,
    "short": _short,
    "both": _both,
}


@register.filter
def duration_ms(milliseconds: float | None) -> str:
    """412 ms, 1.8 s, 41 s, 5 min 00 s, 1 h 12 min; empty for None."""
    return "" if milliseconds is None else wording.duration(milliseconds)


@register.filter
def span(seconds: float | None) -> str:
    """41 s, 5 min 00 s, 1 h 12 min, 2 d 04 h; empty for None."""
    return "" if seconds is None else wording.span(int(seconds))


@register.filter
def first_line(text: str | None) -> str:
    """The first line that says something, cut at 300 characters."""
    return wording.first_line(text or "")


@register.simple_tag(takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """This page's query with some parameters changed, None or empty removing one: `?status=FAILED&q=x`.

    A change of anything but the page itself starts again at the first page.
    """
    query = context["request"].GET.copy()
    if not changes.keys() & _PAGE_KEYS:
        changes = {**dict.fromkeys(_PAGE_KEYS), **changes}
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        elif isinstance(value, list | tuple):
            query.setlist(key, [str(each) for each in value])
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}"


_PAGE_KEYS = {"after", "before"}
