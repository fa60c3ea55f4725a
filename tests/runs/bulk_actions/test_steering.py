"""Each action does to a job what its own page does, and says beforehand what it will refuse."""

from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Status
from jobs.moves import IllegalMove
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.base import Refused
from runs.models import Run
from tests import factories

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)


@pytest.fixture
def alice():
    return factories.alice()


def apply(code, job, by, **parameters):
    with transaction.atomic():
        return ACTIONS[code].apply(job, parameters, by=by, at=database_now())


def undo(code, job, before, by):
    job = Job.objects.get(pk=job.pk)
    ACTIONS[code].undo(job, before, {}, by=by, at=database_now())
    job.refresh_from_db()
    return job.status


def refusals(code, job, by, **parameters):
    rules = ACTIONS[code].check(parameters, by)
    return [rule.sentence for rule in rules if Job.objects.filter(rule.targets, pk=job.pk).exists()]


@pytest.mark.parametrize("code", ["PAUSE", "RESUME", "CANCEL"])
@pytest.mark.parametrize("status", Status)
def test_what_a_move_refuses_is_known_beforehand(code, status, alice):
    job = factories.job(alice)
    Job.objects.filter(pk=job.pk).update(status=status)
    if refusals(code, job, alice):
        with pytest.raises(IllegalMove):
            apply(code, job, alice)
    else:
        apply(code, job, alice)


def test_a_pause_carries_its_time_and_note_and_is_audited_as_ever(alice):
    job, until = factories.job(alice), database_now() + LATER
    before = apply("PAUSE", job, alice, until=until.isoformat(), note="Night shift")
    event = AuditEvent.objects.get(action="JOB_PAUSED", entity_id=job.pk)
    assert JobSchedule.objects.get(job=job).paused_until == until
    assert (event.details["note"], before["until"]) == ("Night shift", until.isoformat())


def test_a_pause_until_a_time_that_has_passed_is_refused(alice):
    with pytest.raises(Refused, match="has passed"):
        apply("PAUSE", factories.job(alice), alice, until=(database_now() - LATER).isoformat())


def test_a_pause_is_undone_by_resuming(alice):
    job = factories.job(alice)
    assert undo("PAUSE", job, apply("PAUSE", job, alice), alice) == Status.SCHEDULED


def test_a_pause_that_somebody_has_prolonged_is_not_undone(alice):
    job = factories.job(alice)
    before = apply("PAUSE", job, alice)
    JobSchedule.objects.filter(job=job).update(paused_until=database_now() + LATER)
    with pytest.raises(Refused, match="changed since"):
        undo("PAUSE", job, before, alice)


def test_a_pause_that_somebody_has_made_since_is_not_undone(alice):
    job = factories.job(alice)
    before = apply("PAUSE", job, alice)
    actions.resume(job, by=alice, at=database_now())
    actions.pause(job, by=alice, at=database_now())
    job = Job.objects.get()
    with pytest.raises(Refused, match="changed since"):
        undo("PAUSE", job, before, alice)
    assert ACTIONS["PAUSE"].undo_all({job: before}, {}, by=alice, at=database_now()) == set()


def test_a_job_that_was_resumed_is_paused_again_until_the_same_time(alice):
    job, until = factories.job(alice), database_now() + LATER
    actions.pause(job, by=alice, at=database_now(), until=until)
    job.schedule.refresh_from_db()
    assert undo("RESUME", job, apply("RESUME", job, alice), alice) == Status.PAUSED
    assert JobSchedule.objects.get(job=job).paused_until == until


def test_a_pause_that_would_be_over_is_not_restored(alice):
    job = factories.job(alice)
    actions.pause(job, by=alice, at=database_now())
    apply("RESUME", job, alice)
    with pytest.raises(Refused, match="has passed"):
        undo("RESUME", job, {"until": (database_now() - LATER).isoformat()}, alice)


def test_a_job_that_somebody_has_resumed_once_more_goes_on(alice):
    job = factories.job(alice)
    actions.pause(job, by=alice, at=database_now())
    before = apply("RESUME", Job.objects.get(), alice)
    actions.pause(job, by=alice, at=database_now())
    actions.resume(job, by=alice, at=database_now())
    job = Job.objects.get()
    with pytest.raises(Refused, match="resumed once more"):
        undo("RESUME", job, before, alice)
    assert ACTIONS["RESUME"].undo_all({job: before}, {}, by=alice, at=database_now()) == set()


def test_run_now_makes_one_run_by_hand(alice):
    job = factories.job(alice)
    assert apply("RUN_NOW", job, alice) is None
    assert Run.objects.get(job=job).trigger == "MANUAL"


def test_a_job_that_asks_for_a_parameter_is_not_run(alice):
    payload = {"http_url": "https://example.com/{{ param:day }}", "http_method": "GET"}
    job = factories.job(alice, type="HTTP", payload=payload)
    with pytest.raises(Refused, match="asks for a parameter: day"):
        apply("RUN_NOW", job, alice)


def test_a_cancelled_job_fires_no_more_and_its_audit_says_why(alice):
    job = factories.job(alice)
    apply("CANCEL", job, alice, note="Retired")
    assert JobSchedule.objects.get(job=job).next_fire_at is None
    assert AuditEvent.objects.get(action="JOB_CANCELLED").details["note"] == "Retired"


def test_a_deleted_job_is_gone_and_its_audit_stays(alice):
    job = factories.job(alice)
    apply("DELETE", job, alice)
    assert not Job.objects.exists()
    assert AuditEvent.objects.filter(action="JOB_DELETED").count() == 1


@pytest.mark.parametrize("code", ["RUN_NOW", "CANCEL", "DELETE"])
def test_what_cannot_be_taken_back_does_not_offer_it(code):
    assert not ACTIONS[code].undoable


def test_a_job_with_a_tick_to_account_for_is_left_to_be_cancelled_alone(alice):
    due, calm = factories.job(alice), factories.job(alice)
    JobSchedule.objects.filter(job=calm).update(next_fire_at=factories.NEVER)
    with transaction.atomic():
        done = ACTIONS["CANCEL"].apply_all([due, calm], {}, by=alice, at=database_now())
    assert dict(done) == {calm.pk: None}


def test_what_waits_of_the_many_is_cancelled_and_told_of_each(alice):
    jobs = [factories.job(alice), factories.job(alice)]
    JobSchedule.objects.update(next_fire_at=factories.NEVER)
    waiting, running = factories.run(jobs[0], "PENDING"), factories.run(jobs[1], "RUNNING")
    ACTIONS["CANCEL"].apply_all(jobs, {}, by=alice, at=database_now())
    events = AuditEvent.objects.filter(action="JOB_CANCELLED").order_by("entity_id")
    assert [(each.details["waiting"], each.details["running"]) for each in events] == [(1, 0), (0, 1)]
    assert Run.objects.get(pk=waiting.pk).outcome == "CANCELLED"
    assert Run.objects.get(pk=running.pk).cancel_requested_at


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("PAUSE", Status.SCHEDULED, ["SCHEDULED", "PAUSED"]),
        ("RESUME", Status.PAUSED, ["PAUSED", "SCHEDULED"]),
        ("CANCEL", Status.SCHEDULED, ["SCHEDULED", "CANCELLED"]),
        ("DELETE", Status.PAUSED, ["PAUSED", None]),
    ],
)
def test_the_trail_tells_each_jobs_status_before_and_after(alice, code, status, told):
    job = factories.job(alice)
    JobSchedule.objects.update(next_fire_at=factories.NEVER, held_fire_at=factories.NEVER)
    Job.objects.update(status=status)
    key = job.pk
    apply(code, job, alice)
    event = AuditEvent.objects.filter(entity_id=key).latest("pk")
    assert event.details["changes"]["status"] == told


def test_many_are_paused_as_each_alone_would_be(alice):
    jobs, over = [factories.job(alice), factories.job(alice)], factories.job(alice)
    Job.objects.filter(pk=over.pk).update(status=Status.CANCELLED)
    held = JobSchedule.objects.get(job=jobs[0]).next_fire_at
    done = ACTIONS["PAUSE"].apply_all([*jobs, over], {"note": "Down"}, by=alice, at=database_now())
    plan = JobSchedule.objects.get(job=jobs[0])
    assert done.keys() == {job.pk for job in jobs}
    assert (plan.held_fire_at, plan.next_fire_at) == (held, None)
    assert {each.details["note"] for each in AuditEvent.objects.filter(action="JOB_PAUSED")} == {"Down"}


def test_of_many_pauses_only_those_that_nobody_has_changed_are_undone(alice):
    same, prolonged = factories.job(alice), factories.job(alice)
    before = ACTIONS["PAUSE"].apply_all([same, prolonged], {}, by=alice, at=database_now())
    JobSchedule.objects.filter(job=prolonged).update(paused_until=database_now() + LATER)
    targets = {job: before[job.pk] for job in Job.objects.all()}
    assert ACTIONS["PAUSE"].undo_all(targets, {}, by=alice, at=database_now()) == {same.pk}


def test_jobs_resumed_together_take_the_status_of_their_runs_and_plans(alice):
    ahead, going, over = (factories.job(alice, name=name) for name in ("ahead", "going", "over"))
    factories.run(going, "RUNNING")
    factories.run(over, "FAILURE")
    actions.pause_all([ahead.pk, going.pk, over.pk], by=alice, at=database_now())
    JobSchedule.objects.filter(job=over).update(held_fire_at=None)
    ACTIONS["RESUME"].apply_all(list(Job.objects.all()), {}, by=alice, at=database_now())
    statuses = dict(Job.objects.values_list("name", "status"))
    assert statuses == {"ahead": "SCHEDULED", "going": "RUNNING", "over": "FAILED"}


@pytest.mark.parametrize(("code", "done"), [("PAUSE", actions.pause), ("RESUME", actions.resume)])
def test_what_was_deleted_in_the_same_moment_is_not_there_to_be_undone(alice, code, done):
    job = factories.job(alice)
    before = {"until": None, "at": database_now().isoformat()}
    if code == "RESUME":
        actions.pause(job, by=alice, at=database_now())
    done(job, by=alice, at=database_now())
    known = Job.objects.select_related("schedule").get(pk=job.pk)
    actions.delete(Job.objects.get(pk=job.pk), by=alice)
    with transaction.atomic(), pytest.raises(ObjectDoesNotExist):
        ACTIONS[code].undo(known, before, {}, by=alice, at=database_now())


def test_only_pauses_without_an_end_are_restored_together(alice):
    jobs = [factories.job(alice), factories.job(alice)]
    until = (database_now() + LATER).isoformat()
    targets = {jobs[0]: {"until": None}, jobs[1]: {"until": until}}
    assert ACTIONS["RESUME"].undo_all(targets, {}, by=alice, at=database_now()) == {jobs[0].pk}
