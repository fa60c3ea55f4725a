"""What the lists offer to do with the rows that are selected."""

from typing import Any

from django import template

from accounts.models import User
from runs.bulk import BulkOperation
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.base import BulkAction
from runs.bulk_actions.steering import OfJobs

register = template.Library()

STATES = {
    "PENDING": "PENDING",
    "RUNNING": "RUNNING",
    "DONE": "SUCCEEDED",
    "CANCELLED": "CANCELLED",
    "STOPPED": "FAILED",
}


@register.simple_tag
def job_actions(user: User) -> dict[str, list[BulkAction[Any]]]:
    """What the person may do with jobs: in one click to its preview, in a menu, and what is dangerous."""
    offered = [each for each in ACTIONS.values() if isinstance(each, OfJobs) and each.offered_to(user)]
    return {
        "plain": [each for each in offered if not each.dangerous and not each.asks],
        "changes": [each for each in offered if each.asks],
        "dangerous": [each for each in offered if each.dangerous],
    }


@register.filter
def bulk_state(operation: BulkOperation) -> str:
    """Its state in the words that the status badge knows."""
    return STATES[operation.state]


@register.filter
def share(part: int, whole: int) -> float:
    """A part of a whole in percent, for the width of a bar."""
    return round(100 * part / whole, 2) if whole else 0.0
