"""What people do about occurrences that gave up, and what the ends of replays do."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from jobs.models import Job, Status
from runs import triage
from runs.models import DeadLetter, Outcome, Run, Trigger
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LATER = NOON + timedelta(hours=3)
END = LATER + timedelta(seconds=9)
ALL = DeadLetter.objects.all


def letter(job, tick=NOON):
    """The event of an occurrence of the job that has failed for good."""
    run = factories.run(job, "RUNNING", at=tick)
    settle([Ended(run, Outcome.FAILURE, tick, error_class="TIMEOUT")])
    return DeadLetter.objects.get(run=run)


def replayed(event, by=None, at=LATER):
    """The replay of the event, claimed by nobody."""
    assert triage.replay(ALL(), by=by, at=at) == 1
    return Run.objects.get(replay_of=event.run, outcome=None)


def end(run, outcome=Outcome.SUCCESS):
    settle([Ended(run, outcome, END, error_class="" if outcome == Outcome.SUCCESS else "HTTP_503")])


def test_a_replay_is_a_new_occurrence_of_the_job_as_it_is_now():
    job = factories.job(priority="HIGH")
    event = letter(job)
    Job.objects.update(version=7)
    run = replayed(event)
    assert (run.attempt, run.trigger, run.replay_of_id) == (1, Trigger.REPLAY, event.run_id)
    assert (run.version, run.priority, run.available_at) == (7, 1, LATER)
    event.refresh_from_db()
    assert (event.status, event.replays, event.replayed_at) == ("PENDING", 1, LATER)


@pytest.mark.parametrize("status", [Status.FAILED, Status.SUCCEEDED, Status.CANCELLED, Status.PENDING])
def test_a_job_that_has_ended_is_scheduled_again_by_a_replay(status):
    event = letter(factories.job())
    Job.objects.update(status=status)
    replayed(event)
    assert Job.objects.get().status == Status.SCHEDULED


def test_a_replay_in_progress_is_not_started_again():
    replayed(letter(factories.job()))
    Job.objects.update(status=Status.FAILED)
    assert triage.replay(ALL(), by=None, at=LATER + timedelta(seconds=1)) == 0
    assert Run.objects.filter(trigger=Trigger.REPLAY).count() == 1
    assert Job.objects.get().status == Status.FAILED


def test_many_events_of_one_job_are_replayed_at_once_beside_what_is_there():
    job = factories.job()
    for minute in range(20):
        letter(job, NOON + timedelta(minutes=minute))
    factories.run(job, at=LATER + timedelta(microseconds=1))
    assert triage.replay(ALL(), by=None, at=LATER) == 20
    replays = Run.objects.filter(trigger=Trigger.REPLAY)
    assert len(set(replays.values_list("scheduled_time", flat=True))) == 20


def test_no_replay_takes_the_place_of_a_tick_to_come():
    tick = NOON + timedelta(hours=3, microseconds=5)
    job = factories.job(at=NOON + timedelta(microseconds=5))
    for minute in range(8):
        letter(job, NOON + timedelta(minutes=minute))
    triage.replay(ALL(), by=None, at=LATER)
    assert not Run.objects.filter(scheduled_time__in=[LATER, tick]).exists()


def test_only_so_many_events_are_replayed_at_once(monkeypatch):
    monkeypatch.setattr(triage, "MOST_LETTERS", 2)
    job = factories.job()
    for minute in range(3):
        letter(job, NOON + timedelta(minutes=minute))
    with pytest.raises(triage.TooManyLetters):
        triage.replay(ALL(), by=None, at=LATER)
    assert triage.replay(DeadLetter.objects.filter(run__scheduled_time__gt=NOON), by=None, at=LATER) == 2


def test_people_replay_what_they_see():
    letter(factories.job())
    charlie = factories.charlie()
    assert triage.replay(DeadLetter.objects.visible_to(charlie), by=charlie, at=LATER) == 0
    bob = factories.bob()
    assert triage.replay(DeadLetter.objects.visible_to(bob), by=bob, at=LATER) == 1
    told = AuditEvent.objects.get(action="DEAD_LETTERS_REPLAYED")
    run = Run.objects.get(trigger=Trigger.REPLAY)
    assert (told.user_email, told.entity_id, told.details) == (bob.email, run.job_id, {"runs": [run.pk]})


@pytest.mark.parametrize(
    ("act", "status"),
    [(triage.resolve, "RESOLVED"), (triage.ignore, "IGNORED")],
    ids=["resolve", "ignore"],
)
def test_an_event_is_closed_with_a_note(act, status):
    event = letter(factories.job())
    bob = factories.bob()
    assert act(ALL(), by=bob, at=LATER, notes="Sent by hand") == 1
    event.refresh_from_db()
    assert (event.status, event.resolved_at, event.resolution_notes) == (status, LATER, "Sent by hand")
    told = AuditEvent.objects.get(action=f"DEAD_LETTERS_{status}")
    assert told.details == {"letters": [event.pk], "note": "Sent by hand"}


@pytest.mark.parametrize("act", [triage.resolve, triage.ignore])
def test_no_event_is_closed_without_a_note(act):
    letter(factories.job())
    with pytest.raises(triage.NotesMissing):
        act(ALL(), by=None, at=LATER, notes=" ")
    assert DeadLetter.objects.get().status == "PENDING"


def test_what_is_closed_stays_as_it_is():
    letter(factories.job())
    triage.ignore(ALL(), by=None, at=LATER, notes="A test")
    assert triage.resolve(ALL(), by=None, at=END, notes="Mended") == 0
    assert triage.replay(ALL(), by=None, at=END) == 0
    assert DeadLetter.objects.get().resolution_notes == "A test"


def test_a_replay_that_succeeds_resolves_its_event():
    event = letter(factories.job())
    run = replayed(event)
    end(run)
    event.refresh_from_db()
    assert (event.status, event.resolved_at) == ("RESOLVED", END)
    assert event.resolution_notes == f"Replay {run.pk} succeeded."


def test_a_replay_that_fails_for_good_marks_its_event_and_makes_no_other():
    event = letter(factories.job())
    end(replayed(event), Outcome.TIMEOUT)
    assert DeadLetter.objects.get() == event
    event.refresh_from_db()
    assert (event.status, event.replay_failed_at) == ("PENDING", END)
    replayed(event, at=END)
    event.refresh_from_db()
    assert (event.replays, event.replay_failed_at) == (2, None)


def test_a_replay_of_an_event_that_was_closed_meanwhile_leaves_an_event_of_its_own():
    event = letter(factories.job())
    run = replayed(event)
    triage.resolve(ALL(), by=None, at=LATER, notes="Mended")
    end(run, Outcome.FAILURE)
    assert DeadLetter.objects.pending().get().run == run
    event.refresh_from_db()
    assert event.resolution_notes == "Mended"


def test_a_later_attempt_of_a_replay_resolves_the_event_too():
    event = letter(factories.job())
    job = factories.job(Job.objects.get().owner, retry={"max_attempts": 2, "backoff_seconds": 1})
    DeadLetter.objects.update(job=job)
    Run.objects.update(job=job)
    end(replayed(event), Outcome.FAILURE)
    event.refresh_from_db()
    assert event.replay_failed_at is None
    end(Run.objects.get(attempt=2, trigger=Trigger.REPLAY))
    event.refresh_from_db()
    assert event.status == "RESOLVED"


def test_a_cancelled_replay_leaves_its_event_pending_and_unmarked():
    event = letter(factories.job())
    end(replayed(event), Outcome.CANCELLED)
    event.refresh_from_db()
    assert (event.status, event.replay_failed_at) == ("PENDING", None)
    replayed(event, at=END)


def test_a_backfilled_run_of_the_same_tick_leaves_the_event_to_a_person():
    event = letter(factories.job())
    again = factories.run(event.job, "RUNNING", at=LATER, trigger=Trigger.BACKFILL, replay_of=event.run)
    end(again)
    event.refresh_from_db()
    assert event.status == "PENDING"


def test_ends_of_other_runs_do_not_look_at_events():
    run = factories.run(factories.job(), "RUNNING")
    with CaptureQueriesContext(connection) as queries:
        end(run)
    assert not [each for each in queries if "dlq_events" in each["sql"]]
