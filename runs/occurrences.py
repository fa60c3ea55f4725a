"""Occurrences that repeat another one: what identifies them, and the ticks that they stand for."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db.models import Max

from jobs.models import JobSchedule
from jobs.schedules import MOMENT
from runs.models import Run


def instants(schedules: Iterable[JobSchedule], at: datetime) -> Iterator[datetime]:
    """Instants from `at` on for occurrences that no tick makes: free in all these jobs, and never a tick.

    Hold the schedules, so that nobody else takes them meanwhile.
    """
    plans = list(schedules)
    rows = Run.objects.filter(
        job_id__in=[each.job_id for each in plans],
        scheduled_time__gte=at,
        scheduled_time__lt=at + timedelta(seconds=1),
    )
    latest = rows.aggregate(latest=Max("scheduled_time"))["latest"]
    here = latest + MOMENT if latest else at
    # Cron fires at whole seconds, and whatever else a plan does keeps the microseconds of these.
    anchors = (each for plan in plans for each in (plan.run_at, plan.anchor_at, plan.starts_at) if each)
    ticking = {0, *(each.microsecond for each in anchors)}
    while True:
        if here.microsecond not in ticking:
            yield here
        here += MOMENT


def ticks_of(runs: Iterable[Run]) -> dict[str, datetime]:
    """The tick that each run stands for where it repeats another one; runs that repeat none are left out."""
    origins = {run.pk: run.replay_of_id for run in runs if run.replay_of_id}
    ticks: dict[str, datetime] = {}
    while origins:
        rows = Run.objects.filter(pk__in=set(origins.values())).values_list(
            "pk", "scheduled_time", "replay_of_id"
        )
        found = {pk: (tick, further) for pk, tick, further in rows}
        known = {pk: found[origin] for pk, origin in origins.items() if origin in found}
        ticks |= {pk: tick for pk, (tick, _) in known.items()}
        # What was repeated may itself have repeated something.
        origins = {pk: further for pk, (_, further) in known.items() if further}
    return ticks
