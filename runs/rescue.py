"""Find runs whose worker died and end them."""

from django.conf import settings

from chronos_site.clock import database_now
from jobs.models import JobVersion
from runs.drain import repeatable
from runs.models import Outcome, Run
from runs.settle import Ended, settle

BATCH = 500


def rescue() -> int:
    """End runs whose lease ran out as WORKER_LOST; gives their number.

    They are tried again only where the job says it is safe to repeat and its retry policy has an
    attempt left; else a dead letter waits for a person.
    """
    at = database_now()
    lost = list(Run.objects.running().filter(lease_expires_at__lt=at).order_by("lease_expires_at")[:BATCH])
    if not lost:
        return 0
    rows = JobVersion.objects.filter(
        job_id__in={run.job_id for run in lost}, version__in={run.version for run in lost}
    )
    definitions = {(row.job_id, row.version): row.definition for row in rows}
    message = f"Worker %s did not renew the run's lease for {settings.LEASE_SECONDS} s."
    group = [
        Ended(
            run,
            Outcome.FAILURE,
            at,
            error_class="WORKER_LOST",
            error_message=message % run.worker_id,
            repeat=repeatable(definitions[run.job_id, run.version]),
        )
        for run in lost
    ]
    return len(settle(group))
