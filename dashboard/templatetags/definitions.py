"""What two definitions differ in, for pages of apps that know no dashboard."""

from django import template

from dashboard import definitions
from dashboard.definitions import Change
from jobs.definition import Definition

register = template.Library()


@register.simple_tag
def changes(before: Definition, after: Definition) -> list[Change]:
    """The fields that differ, masked, in the order of the form; none where one side is not known."""
    return definitions.changes(before, after) if before and after else []
