from datetime import timedelta

import pytest

from audit.models import AuditEvent
from jobs import actions
from jobs import definition as definitions
from jobs.models import Job, JobVersion, Status
from jobs.moves import IllegalMove
from runs.models import Outcome, Run
from tests import factories
from tests.factories import NOON
from tests.together import meeting

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LATER = NOON + timedelta(minutes=2)


def actions_of(job):
    return list(AuditEvent.objects.filter(entity_id=job.pk).order_by("id").values_list("action", flat=True))


def test_a_new_job_is_armed_for_its_first_tick():
    job = factories.job()
    assert job.status == Status.SCHEDULED
    assert job.schedule.next_fire_at == NOON + timedelta(minutes=5)


def test_a_new_job_keeps_its_definition_as_version_one():
    job = factories.job(name="hourly")
    version = JobVersion.objects.get(job=job)
    assert (version.version, version.definition["name"]) == (1, "hourly")


def test_a_job_is_stored_without_being_armed_when_asked():
    job = factories.job(arm=False)
    assert (job.status, job.schedule.next_fire_at) == (Status.PENDING, None)


def test_a_once_job_whose_time_has_passed_stays_pending():
    job = factories.job(schedule={"schedule_type": "ONCE", "run_at": NOON - timedelta(seconds=1)})
    assert job.status == Status.PENDING


def test_an_edit_makes_a_new_version_and_tells_the_audit_what_changed():
    job = factories.job()
    edited = actions.edit(job, factories.definition(name="renamed"), by=job.owner, at=LATER)
    assert (edited.version, edited.name) == (2, "renamed")
    told = AuditEvent.objects.get(action="JOB_UPDATED").details
    assert (told["version"], list(told["changes"])) == (2, ["name"])


def test_an_edit_that_changes_nothing_does_nothing():
    job = factories.job()
    actions.edit(job, factories.definition(), by=job.owner, at=LATER)
    assert JobVersion.objects.count() == 1
    assert actions_of(job) == ["JOB_CREATED"]


def test_an_edit_elsewhere_leaves_the_plan_as_it_was():
    job = factories.job()
    actions.edit(job, factories.definition(description="Why"), by=job.owner, at=LATER)
    job.schedule.refresh_from_db()
    assert job.schedule.next_fire_at == NOON + timedelta(minutes=5)


def test_a_new_promise_leaves_the_plan_as_it_was():
    job = factories.job()
    promised = {**factories.definition()["schedule"], "start_within_seconds": 60, "end_by": "06:00"}
    edited = actions.edit(job, factories.definition(schedule=promised), by=job.owner, at=LATER)
    assert edited.version == 2
    assert edited.schedule.next_fire_at == NOON + timedelta(minutes=5)


def test_tags_are_part_of_a_version():
    job = factories.job(tags=["night", "billing"])
    edited = actions.edit(job, factories.definition(tags=["billing", "day"]), by=job.owner, at=LATER)
    kept = [version.definition["tags"] for version in edited.versions.order_by("version")]
    assert kept == [["billing", "night"], ["billing", "day"]]
    assert sorted(edited.tags.values_list("name", flat=True)) == ["billing", "day"]


def test_a_job_without_tags_says_nothing_of_them():
    job = factories.job(tags=["night"])
    edited = actions.edit(job, factories.definition(), by=job.owner, at=LATER)
    assert "tags" not in edited.versions.get(version=2).definition
    assert not edited.tags.exists()


def test_a_new_schedule_is_planned_from_the_edit():
    job = factories.job()
    schedule = {"schedule_type": "INTERVAL", "interval_seconds": 60}
    actions.edit(job, factories.definition(schedule=schedule), by=job.owner, at=LATER)
    job.schedule.refresh_from_db()
    assert job.schedule.next_fire_at == LATER + timedelta(seconds=60)


def test_a_new_schedule_brings_an_ended_job_back():
    job = factories.job()
    Job.objects.filter(pk=job.pk).update(status=Status.FAILED)
    job.refresh_from_db()
    schedule = {"schedule_type": "INTERVAL", "interval_seconds": 60}
    edited = actions.edit(job, factories.definition(schedule=schedule), by=job.owner, at=LATER)
    assert edited.status == Status.SCHEDULED


def test_a_new_schedule_of_a_paused_job_waits_for_its_resumption():
    job = factories.job()
    actions.pause(job, by=job.owner, at=LATER)
    schedule = {"schedule_type": "INTERVAL", "interval_seconds": 60}
    edited = actions.edit(job, factories.definition(schedule=schedule), by=job.owner, at=LATER)
    edited.schedule.refresh_from_db()
    assert (edited.status, edited.schedule.next_fire_at) == (Status.PAUSED, None)
    assert edited.schedule.held_fire_at == LATER + timedelta(seconds=60)


def test_a_schedule_without_a_tick_ahead_sends_the_job_back_to_pending():
    job = factories.job()
    schedule = {"schedule_type": "ONCE", "run_at": NOON - timedelta(days=1)}
    edited = actions.edit(job, factories.definition(schedule=schedule), by=job.owner, at=LATER)
    assert edited.status == Status.PENDING


def test_the_type_of_a_job_with_runs_stays():
    job = factories.job()
    Run.objects.create(job=job, scheduled_time=NOON)
    with pytest.raises(actions.TypeIsFixed):
        actions.edit(
            job,
            factories.definition(
                type="HTTP", payload={"http_url": "http://example.com", "http_method": "GET"}
            ),
            by=job.owner,
            at=LATER,
        )
    assert Job.objects.get().type == "DUMMY"


def test_a_paused_job_holds_its_tick_until_resumed():
    job = factories.job()
    actions.pause(job, by=job.owner, at=LATER, note="Release night")
    job.schedule.refresh_from_db()
    assert (job.status, job.schedule.next_fire_at) == (Status.PAUSED, None)
    actions.resume(job, by=job.owner, at=LATER)
    job.schedule.refresh_from_db()
    assert (job.status, job.schedule.next_fire_at) == (Status.SCHEDULED, NOON + timedelta(minutes=5))


def test_the_note_of_a_pause_is_in_the_audit():
    job = factories.job()
    actions.pause(job, by=job.owner, at=LATER, note="Release night")
    event = AuditEvent.objects.get(action="JOB_PAUSED")
    assert event.user_email == "alice@example.com"
    assert event.details == {"changes": {"status": ["SCHEDULED", "PAUSED"]}, "note": "Release night"}


def test_a_job_that_ended_while_paused_takes_its_outcome_when_resumed():
    job = factories.job(schedule={"schedule_type": "ONCE", "run_at": NOON + timedelta(minutes=1)})
    actions.pause(job, by=job.owner, at=LATER)
    job.schedule.held_fire_at = None
    job.schedule.save()
    Run.objects.create(job=job, scheduled_time=NOON, start_time=NOON, end_time=LATER, outcome=Outcome.SUCCESS)
    actions.resume(job, by=job.owner, at=LATER)
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED


def test_a_job_whose_run_went_on_while_paused_is_running_again():
    job = factories.job()
    actions.pause(job, by=job.owner, at=LATER)
    factories.run(job, "RUNNING")
    actions.resume(job, by=job.owner, at=LATER)
    job.refresh_from_db()
    assert job.status == Status.RUNNING


def test_saving_a_job_that_waits_to_be_armed_arms_it():
    job = factories.job(arm=False)
    edited = actions.edit(job, factories.definition(), by=job.owner, at=LATER)
    assert edited.status == Status.SCHEDULED


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_what_was_given_to_somebody_else_in_that_moment_is_not_handed_over():
    job, bob, charlie = factories.job(), factories.bob(), factories.charlie()
    alice = job.owner
    given = meeting(
        lambda: actions.hand_over(job, charlie, by=bob), lambda: actions.hand_over_of(alice, bob, by=bob)
    )
    assert (given, Job.objects.get().owner) == (0, charlie)


def test_the_trail_tells_from_whom_a_job_went_though_somebody_gave_it_on_meanwhile():
    job, bob, charlie = factories.job(), factories.bob(), factories.charlie()
    actions.hand_over(Job.objects.select_related("owner").get(), charlie, by=bob)
    actions.hand_over(job, bob, by=bob)
    told = AuditEvent.objects.filter(action="JOB_HANDED_OVER").order_by("pk").last()
    assert told.details["changes"]["owner"] == [charlie.email, bob.email]


def test_a_job_that_is_gone_is_nobodys_to_hand_over():
    job, bob = factories.job(), factories.bob()
    Job.objects.all().delete()
    with pytest.raises(Job.DoesNotExist):
        actions.hand_over(job, bob, by=bob)


def test_a_pause_that_was_made_anew_does_not_end_with_the_one_before():
    alice = factories.alice()
    until, anew = factories.job(alice), factories.job(alice, name="anew")
    actions.pause(until, by=None, at=NOON, until=LATER)
    actions.pause(anew, by=None, at=NOON)
    assert actions.resume_over([until.pk, anew.pk], at=LATER) == {until.pk}


def test_only_a_paused_job_can_be_resumed():
    job = factories.job()
    with pytest.raises(IllegalMove):
        actions.resume(job, by=job.owner, at=LATER)
    assert "JOB_RESUMED" not in actions_of(job)


def test_a_deleted_job_leaves_its_audit():
    job = factories.job()
    key = job.pk
    Run.objects.create(job=job, scheduled_time=NOON)
    actions.delete(job, by=job.owner)
    assert not Run.objects.exists()
    assert AuditEvent.objects.filter(entity_id=key, action="JOB_DELETED").exists()


# Going back to an earlier version


def renamed(job, name: str):
    return actions.edit(job, {**definitions.of(job), "name": name}, by=None, at=LATER)


def test_going_back_makes_a_new_version_that_says_what_the_earlier_one_said():
    job = renamed(factories.job(name="first"), "second")
    actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=2, note="as it was")
    newest = job.versions.get(version=3)
    assert (newest.definition, newest.note) == (job.versions.get(version=1).definition, "as it was")
    assert Job.objects.get().name == "first"


def test_going_back_is_audited_as_such():
    job = renamed(factories.job(name="first"), "second")
    actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=2, note="as it was")
    event = AuditEvent.objects.get(action="JOB_RESTORED")
    assert list(event.details.pop("changes")) == ["name"]
    assert event.details == {"version": 3, "restored": 1, "note": "as it was"}


def test_going_back_plans_anew_what_had_another_schedule():
    job = factories.job()
    hourly = {**definitions.of(job), "schedule": {"schedule_type": "INTERVAL", "interval_seconds": 3600}}
    job = actions.edit(job, hourly, by=None, at=NOON)
    job = actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=2)
    assert job.schedule.next_fire_at == LATER + timedelta(minutes=5)


def test_nobody_goes_back_over_what_another_has_saved():
    job = renamed(factories.job(name="first"), "second")
    with pytest.raises(actions.Stale):
        actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=1)


def test_going_back_to_what_is_so_already_leaves_no_version():
    job = renamed(renamed(factories.job(name="first"), "second"), "first")
    with pytest.raises(actions.NothingToRestore, match="as it was in version 1"):
        actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=3)
    assert job.versions.count() == 3


def test_a_job_with_runs_does_not_go_back_to_another_type():
    job = factories.job()
    http = {"type": "HTTP", "payload": {"http_url": "https://a.example/", "http_method": "GET"}}
    job = actions.edit(job, {**definitions.of(job), **http}, by=None, at=NOON)
    factories.run(job)
    with pytest.raises(actions.TypeIsFixed):
        actions.restore(job, job.versions.get(version=1), by=None, at=LATER, version=2)
