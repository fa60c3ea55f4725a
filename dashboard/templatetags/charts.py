"""Small drawings of runs."""

from collections.abc import Sequence
from typing import Any

from django import template

from dashboard import charts
from runs.models import Run

register = template.Library()


@register.inclusion_tag("dashboard/_spark.html")
def spark(runs: Sequence[Run]) -> dict[str, Any]:
    """A bar of the last twenty runs, given oldest first."""
    return {"marks": charts.marks(runs), "words": charts.in_words(runs)}
