from datetime import timedelta
from functools import partial

import pytest

from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Status
from runs.fire import fire
from runs.management.commands.scheduler import LONGEST_SLEEP, Loop
from runs.models import Process, Run
from runs.processes import beat
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


def test_a_job_is_resumed_when_its_pause_is_over():
    now = database_now()
    job = factories.job(at=now)
    actions.pause(job, by=None, at=now, until=now)
    Loop("s-1").round()
    job.refresh_from_db()
    assert job.status == Status.SCHEDULED


def test_a_job_that_cannot_be_resumed_keeps_no_other_from_it(monkeypatch):
    def spoiled(job_ids, *, by, at):
        if bad.pk in job_ids:
            raise ValueError("It is broken")
        return resume_all(job_ids, by=by, at=at)

    now, alice, resume_all = database_now(), factories.alice(), actions.resume_all
    bad, good = factories.job(alice, name="bad"), factories.job(alice, name="good")
    for job in (bad, good):
        actions.pause(job, by=None, at=now, until=now)
    monkeypatch.setattr(actions, "resume_all", spoiled)
    Loop("s-1").round()
    assert Job.objects.get(pk=good.pk).status == Status.SCHEDULED
    assert JobSchedule.objects.broken().get().job == bad


def test_processes_that_were_silent_for_a_week_are_forgotten(monkeypatch):
    monkeypatch.setattr("runs.housekeeping.SLICE_SECONDS", 30)
    now = database_now()
    for name, days in (("old", 8), ("quiet", 6)):
        beat(name, Process.Kind.WORKER)
        Process.objects.filter(pk=name).update(beat_at=now - timedelta(days=days))
    Loop("s-1").round()
    assert set(Process.objects.values_list("pk", flat=True)) == {"quiet", "s-1"}


def test_a_pause_that_somebody_else_has_ended_stops_no_round():
    now = database_now()
    alice = factories.alice()
    done, due = factories.job(alice, at=now), factories.job(alice, at=now - timedelta(seconds=301))
    JobSchedule.objects.filter(job=done).update(paused_until=now)
    Loop("s-1").round()
    assert Run.objects.get().job == due
    assert Job.objects.get(pk=done.pk).status == Status.SCHEDULED


def test_a_tick_due_in_a_moment_is_slept_for_no_longer():
    now = database_now()
    factories.job(at=now - timedelta(seconds=299.2))
    assert 0 < Loop("s-1").round() <= 0.8


def test_with_nothing_ahead_a_round_follows_in_a_second():
    factories.job()
    JobSchedule.objects.update(next_fire_at=factories.NEVER)
    assert Loop("s-1").round() == LONGEST_SLEEP


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("duty", ["beat", "ring", "rescue"])
def test_a_duty_that_fails_costs_no_other(monkeypatch, duty, caplog):
    def broken(*_):
        raise RuntimeError("It is broken")

    monkeypatch.setattr(f"runs.management.commands.scheduler.{duty}", broken)
    now = database_now()
    due = factories.job(at=now - timedelta(seconds=301))
    assert Loop("s-1").round() == LONGEST_SLEEP
    assert Run.objects.get().job == due
    assert f"{duty} failed" in caplog.text


def test_the_bell_rings_before_the_last_schedule_is_fired(monkeypatch):
    order = []
    monkeypatch.setattr("runs.management.commands.scheduler.fire", partial(fire, limit=1))
    monkeypatch.setattr("runs.management.commands.scheduler.ring", lambda ranks: order.append(list(ranks)))
    now = database_now()
    alice = factories.alice()
    for _ in range(2):
        factories.job(alice, at=now - timedelta(seconds=301))
    Loop("s-1").round()
    assert order[:2] == [[2], [2]]
