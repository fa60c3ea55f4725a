"""Find runs whose worker died and end them."""

from typing import Any

from django.conf import settings
from django.db import transaction

from chronos_site.clock import database_now
from chronos_site.locks import locked
from runs.claim import Definitions
from runs.execution import repeatable
from runs.models import Outcome, Run
from runs.settle import WORKER_LOST, Ended, settle_apart

BATCH = 500


@transaction.atomic
def rescue() -> int:
    """End runs whose lease ran out as WORKER_LOST; gives their number.

    They are tried again only where the job says it is safe to repeat, and no more than three times
    lost; else a dead letter waits for a person.
    """
    at = database_now()
    expired = Run.objects.running().filter(lease_expires_at__lt=at).order_by("pk")
    # What another transaction holds is being ended, or its holder stands still: we must not wait for it.
    lost = list(locked(expired, skip=True)[:BATCH])
    if not lost:
        return 0
    definitions = Definitions().of(lost)
    message = f"Worker %s did not renew the run's lease for {settings.LEASE_SECONDS} s."
    group = [
        Ended(
            run,
            Outcome.FAILURE,
            at,
            error_class=WORKER_LOST,
            error_message=message % run.worker_id,
            repeat=_may_repeat(definitions.get((run.job_id, run.version))),
        )
        for run in lost
    ]
    return len(settle_apart(group))


def _may_repeat(definition: dict[str, Any] | None) -> bool:
    return definition is not None and repeatable(definition)
