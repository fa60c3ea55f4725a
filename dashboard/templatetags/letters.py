"""What the inbox of dead letters needs."""

from collections.abc import Mapping

from django import template

from dashboard.letter_filters import LetterFilters
from runs.acknowledgements import Acknowledgement

register = template.Library()


@register.filter
def of_job(held: Mapping[str | None, Acknowledgement], job_id: str) -> Acknowledgement | None:
    """The acknowledgement that holds for this job."""
    return held.get(job_id)


@register.simple_tag
def group_address(filters: LetterFilters, signature: str) -> str:
    """The query string of the inbox with this group open."""
    return filters.address(signature)
