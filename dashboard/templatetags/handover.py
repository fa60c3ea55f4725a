"""The handover as Markdown: texts of jobs and strangers in it stay text."""

import re
from datetime import datetime

from django import template
from django.utils import timezone

from chronos_site import hostile
from dashboard import wording

register = template.Library()

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!])")


@register.filter
def md(text: str | None) -> str:
    """The first line, with what Markdown or HTML would read as markup escaped."""
    return _SPECIAL.sub(r"\\\1", hostile.visible(wording.first_line(text or "")))


@register.filter
def moment(instant: datetime | None) -> str:
    """Sat 28 Mar 2026 02:51:49 CET, in the viewer's zone; empty for None."""
    return wording.in_full(timezone.localtime(instant)) if instant else ""
