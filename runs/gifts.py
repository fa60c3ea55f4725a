"""What claimed runs are given besides their definitions, read with one question for each kind of it."""

from collections.abc import Sequence

from jobs import memories, vault
from jobs.executors import TYPES, placeholders
from jobs.models import Job
from runs import figures
from runs.claim import Claimed
from runs.execution import Given


def gifts(claimed: Sequence[Claimed]) -> dict[str, Given]:
    """For each run its parameters, the secrets that its payload asks for, and its job's memory."""
    secrets = _secrets(claimed)
    remembering = {each.run.job_id for each in claimed if TYPES[each.definition["type"]].remembers}
    states = memories.recall(remembering)
    return {
        each.run.pk: Given(
            parameters=each.run.parameters or {},
            secrets=secrets.get(each.run.pk, {}),
            figures=figures.reader(each.run.job_id),
            state=states.get(each.run.job_id, {}),
        )
        for each in claimed
    }


def _secrets(claimed: Sequence[Claimed]) -> dict[str, dict[str, str]]:
    named = {each.run.pk: placeholders.secrets(each.definition["payload"]) for each in claimed}
    asking = [each.run for each in claimed if named[each.run.pk]]
    if not asking:
        return {}
    owners = dict(Job.objects.filter(pk__in={run.job_id for run in asking}).values_list("pk", "owner_id"))
    # A job that was deleted meanwhile has no owner to ask for.
    runs = [run for run in asking if run.job_id in owners]
    return {run.pk: vault.reveal(named[run.pk], owner_id=owners[run.job_id]) for run in runs}
