"""What can be done to many things at once: one object each."""

from typing import Any

from runs.bulk_actions import changing, steering, tagging, triaging
from runs.bulk_actions.base import BulkAction

# In the order in which they are offered.
ACTIONS: dict[str, BulkAction[Any]] = {
    each.code: each
    for each in (
        steering.RunNow(),
        steering.Pause(),
        steering.Resume(),
        steering.Cancel(),
        steering.Delete(),
        changing.ChangePriority(),
        changing.ChangeOwner(),
        tagging.AddTags(),
        tagging.RemoveTags(),
        changing.ChangeTimeout(),
        triaging.Replay(),
        triaging.Resolve(),
        triaging.Ignore(),
        triaging.Assign(),
    )
}
