"""What the inbox of dead letters needs."""

from django import template

from dashboard.letter_filters import LetterFilters

register = template.Library()


@register.simple_tag
def group_address(filters: LetterFilters, signature: str) -> str:
    """The query string of the inbox with this group open."""
    return filters.address(signature)
