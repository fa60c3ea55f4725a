"""The engine with one safeguard taken out, each in one place: the checker must tell it from the real one."""

from contextlib import contextmanager, nullcontext
from datetime import timedelta
from unittest.mock import patch

from django.db import connection

from chronos_site import rows
from jobs import cron_clock
from runs import actions, fire, rescue, settle
from runs.models import Outcome, Run, RunQuerySet
from runs.ring import Bell


@contextmanager
def no_unique_index():
    """The database lets two runs have the same tick."""
    kept = Run._meta.constraints
    unique = next(each for each in kept if each.name == "uniq_job_runs_tick")
    # SQLite makes the table anew as the model says.
    Run._meta.constraints = [each for each in kept if each is not unique]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(Run, unique)
        yield
    finally:
        Run._meta.constraints = kept
        Run.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Run, unique)


def no_fence_in_settle():
    """Whoever worked on a run writes its outcome, whether it still holds the run or not."""

    def write(group):
        rows.update(Run, settle._WRITTEN, [settle._row(ended) for ended in group])
        return list(group)

    return patch.object(settle, "_write", write)


def no_status_in_claim():
    """A run may be claimed while another worker is at it."""

    def due(self, at):
        return self.active().filter(available_at__lte=at).order_by("priority", "available_at", "id")

    return patch.object(RunQuerySet, "due", due)


def no_rescue():
    """Nobody looks for what dead workers left."""
    return patch.object(rescue, "settle_apart", lambda group: set())


def interval_without_anchor():
    """The next tick is an interval from now, whenever that is."""

    fire_one = fire._fire_one

    def from_now(schedule, job, at, active):
        runs = fire_one(schedule, job, at, active)
        schedule.next_fire_at = at + timedelta(seconds=schedule.interval_seconds)
        return runs

    return patch.object(fire, "_fire_one", from_now)


@contextmanager
def fold_fired_twice():
    """A time that the clock shows twice fires twice."""
    with patch.object(cron_clock, "_next_fixed_time", cron_clock._next_real_instant):
        cron_clock.next_match.cache_clear()
        yield
    cron_clock.next_match.cache_clear()


def bell_before_commit():
    """Workers hear of a run before they can see it."""
    return patch.object(actions.transaction, "on_commit", lambda act: act())


def callback_that_writes_an_outcome():
    """What RQ thinks of the process that worked becomes the outcome of its runs."""

    def failed(job, *told):
        Run.objects.exclude(start_time=None).update(outcome=Outcome.FAILURE)

    return patch.object(Bell, "failure_callback", property(lambda bell: failed))


def none():
    """The engine as it is."""
    return nullcontext()
