"""Parts of a job's row."""

from functools import lru_cache
from html import escape

from django import template
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chronos_site import hostile
from dashboard.conditions import CHOICES, CONDITIONS
from dashboard.filters import JobFilters
from dashboard.job_row import Row
from dashboard.templatetags.chronos import ANY_ULID

register = template.Library()

_ANY_NAME = "(any job)"


@register.simple_tag
def job_menu(row: Row) -> SafeString:
    """What may be done with one job of a list.

    It is drawn once for all jobs with which the same may be done: twenty-five of a page took a sixth of it.
    """
    drawn = _menu(frozenset(row.may), get_script_prefix(), get_language())
    named = escape(hostile.visible(row.job.name))
    return SafeString(drawn.replace(ANY_ULID, row.job.pk).replace(_ANY_NAME, named))


@register.simple_tag
def filter_choices(filters: JobFilters) -> SafeString:
    """The boxes of a list's filters, ticked as its address says; drawn once for all that tick the same."""
    return _choices(tuple((name, *filters.values(name)) for name in CHOICES), get_language())


@lru_cache(maxsize=256)
def _choices(chosen: tuple[tuple[str, ...], ...], _language: str | None) -> SafeString:
    told = [
        (name, CONDITIONS[name].label.capitalize(), CHOICES[name].choices, values) for name, *values in chosen
    ]
    return render_to_string("dashboard/jobs/_filter_choices.html", {"choices": told})


@lru_cache(maxsize=64)
def _menu(may: frozenset[str], _prefix: str, _language: str | None) -> str:
    of_any = {"id": ANY_ULID, "name": _ANY_NAME, "may": may}
    return render_to_string("dashboard/jobs/_menu.html", of_any)
