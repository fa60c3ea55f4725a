"""What people do with dead letters, who may, and what two of them do at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from audit.models import AuditEvent
from jobs.actions import Stale
from jobs.models import Job, JobVersion
from jobs.rights import NotAllowed
from runs import triage
from runs.models import DeadLetter, Outcome, Run, Trigger
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON
from tests.together import meeting

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LATER = NOON + timedelta(hours=1)
ALL = DeadLetter.objects.all


def letter(job, tick=NOON):
    run = factories.run(job, "RUNNING", at=tick)
    settle([Ended(run, Outcome.FAILURE, tick, error_class="TIMEOUT")])
    return DeadLetter.objects.get(run=run)


def why(event):
    return triage.why_not(DeadLetter.objects.get(pk=event.pk))


def test_who_closed_it_and_when_is_told_to_the_next():
    event = letter(factories.job())
    triage.resolve(ALL(), by=factories.bob(), at=LATER, notes="Mended.")
    assert why(event) == "bob@example.com has resolved it at 13:00."


def test_a_replay_in_progress_is_told_with_its_time():
    event = letter(factories.job())
    triage.replay(ALL(), by=None, at=LATER)
    assert why(event) == "A replay of the dead letter is in progress since 13:00."


def test_what_was_replayed_too_often_waits_for_an_operator(settings):
    event = letter(factories.job())
    ALL().update(replays=settings.MOST_REPLAYS)
    assert triage.replay(ALL(), by=event.job.owner, at=LATER) == 0
    assert why(event).startswith("It was replayed 5 times already.")


def test_only_an_operator_with_a_word_replays_it_all_the_same(settings):
    event, bob = letter(factories.job()), factories.bob()
    ALL().update(replays=settings.MOST_REPLAYS)
    with pytest.raises(PermissionDenied):
        triage.replay(ALL(), by=event.job.owner, at=LATER, force=True, note="Please.")
    with pytest.raises(triage.ReasonMissing):
        triage.replay(ALL(), by=bob, at=LATER, force=True)
    assert triage.replay(ALL(), by=bob, at=LATER, force=True, note="The disk is new.") == 1
    assert AuditEvent.objects.get(action="DEAD_LETTERS_REPLAYED").details["forced"] is True


def test_a_changed_payload_is_executed_once_and_the_job_stays():
    event = letter(factories.job())
    changed = factories.definition(payload={"metadata": {"simulateDelayMs": 1}})
    bob = factories.bob()
    assert triage.replay_changed(event, changed, by=bob, at=LATER, keep=False) == 1
    kept = JobVersion.objects.get(once=True)
    run = Run.objects.get(trigger=Trigger.REPLAY)
    assert (run.version, kept.version, kept.author) == (2, 2, bob)
    assert kept.definition["payload"]["metadata"] == {"simulateDelayMs": 1}
    assert Job.objects.get().version == 1


def test_the_next_version_of_the_job_goes_past_one_that_was_for_once():
    event = letter(factories.job())
    bob = factories.bob()
    once = factories.definition(payload={"metadata": {"simulateDelayMs": 1}})
    triage.replay_changed(event, once, by=bob, at=LATER, keep=False)
    settle([Ended(Run.objects.get(outcome=None), Outcome.FAILURE, LATER, error_class="X")])
    for_good = factories.definition(payload={"metadata": {"simulateDelayMs": 2}})
    triage.replay_changed(event, for_good, by=bob, at=LATER, keep=True, version=1)
    assert Job.objects.get().version == 3
    assert Run.objects.get(outcome=None).version == 3


def test_a_change_for_good_does_not_undo_another_persons():
    event = letter(factories.job())
    told = {"by": factories.bob(), "at": LATER, "keep": True, "version": 7}
    with pytest.raises(Stale):
        triage.replay_changed(event, factories.definition(), **told)
    assert not Run.objects.filter(trigger=Trigger.REPLAY).exists()


@pytest.mark.parametrize("keep", [True, False])
def test_what_a_script_executes_is_changed_by_administrators_alone(keep, settings):
    settings.SCRIPT_ENABLED = True
    event = letter(factories.script(factories.ada()))
    changed = factories.definition(type="SCRIPT", payload={"script_content": "#!/bin/sh\nrm -rf x"})
    with pytest.raises(NotAllowed):
        triage.replay_changed(event, changed, by=factories.bob(), at=LATER, keep=keep)
    assert not JobVersion.objects.filter(once=True).exists()


def test_no_version_stays_of_a_replay_that_did_not_come_about():
    event = letter(factories.job())
    triage.ignore(ALL(), by=None, at=LATER, notes="No matter.")
    assert triage.replay_changed(event, factories.definition(), by=factories.bob(), at=LATER, keep=False) == 0
    assert not JobVersion.objects.filter(once=True).exists()


def test_operators_give_to_those_who_may_see_and_others_take_their_own():
    event = letter(factories.job())
    alice, bob, charlie = event.job.owner, factories.bob(), factories.charlie()
    assert triage.assign(ALL(), to=alice, by=bob, at=LATER) == 1
    with pytest.raises(triage.CannotSee):
        triage.assign(ALL(), to=charlie, by=bob, at=LATER)
    with pytest.raises(PermissionDenied):
        triage.assign(ALL(), to=bob, by=alice, at=LATER)
    assert triage.assign(ALL(), to=None, by=alice, at=LATER) == 1
    assert triage.assign(ALL(), to=None, by=alice, at=LATER) == 0


def test_a_closed_event_is_opened_again_by_its_time():
    event = letter(factories.job())
    triage.resolve(ALL(), by=None, at=LATER, notes="Mended.")
    assert triage.reopen(ALL(), closed_at=NOON, by=None) == 0
    assert triage.reopen(ALL(), closed_at=LATER, by=None) == 1
    event.refresh_from_db()
    assert (event.status, event.resolved_at, event.resolution_notes) == ("PENDING", None, None)


@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.django_db(transaction=True)
def test_of_two_people_one_closes_it_and_the_other_is_told():
    event, bob, ada = letter(factories.job()), factories.bob(), factories.ada()
    done = {}

    def close(who, act):
        done[who.email] = act(ALL(), by=who, at=LATER, notes=who.email)

    meeting(lambda: close(bob, triage.resolve), lambda: close(ada, triage.ignore))
    assert sorted(done.values()) == [0, 1]
    winner = next(email for email, count in done.items() if count)
    assert why(event).startswith(f"{winner} has ")


@pytest.mark.django_db(transaction=True)
def test_fifty_clicks_at_once_make_one_replay():
    event = letter(factories.job())
    bob = factories.bob()

    def click(_):
        try:
            return triage.replay(ALL().filter(pk=event.pk), by=bob, at=LATER)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as clicks:
        assert sum(clicks.map(click, range(50))) == 1
    assert Run.objects.filter(trigger=Trigger.REPLAY).count() == 1
    event.refresh_from_db()
    assert event.replays == 1
