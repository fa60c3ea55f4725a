"""What claimed runs are given besides their definitions, read with one question for each kind of it."""

from collections.abc import Sequence

from jobs import memories, vault
from jobs.executors import TYPES, placeholders
from runs.claim import Claimed
from runs.execution import Given


def gifts(claimed: Sequence[Claimed]) -> dict[str, Given]:
    """For each run its parameters, the secrets that its payload asks for, and its job's memory."""
    asked = {each.run.pk: placeholders.secrets(each.definition["payload"]) for each in claimed}
    secrets = vault.reveal(set().union(*asked.values()))
    remembering = {each.run.job_id for each in claimed if TYPES[each.definition["type"]].remembers}
    states = memories.recall(remembering)
    return {
        each.run.pk: Given(
            parameters=each.run.parameters or {},
            secrets={name: secrets[name] for name in asked[each.run.pk] & secrets.keys()},
            state=states.get(each.run.job_id, {}),
        )
        for each in claimed
    }
