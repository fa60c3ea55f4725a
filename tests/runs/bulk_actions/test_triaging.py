"""Many dead letters decided at once, and replayed one first, then ten, then the rest."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from chronos_site.clock import database_now
from runs import bulk, carry_out, triage
from runs.bulk import BulkOperation
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.triaging import LOOK, ReplayForm, step_at
from runs.models import DeadLetter, Outcome, Run, Trigger
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

CANARY = {"canary": True, "step": 100, "stagger": 0, "most_failed": 20}
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def for_workers(monkeypatch):
    """Leave every operation to workers."""
    monkeypatch.setattr(bulk, "AT_ONCE", 0)


@pytest.fixture
def bob():
    return factories.bob()


def letters(count, job=None):
    job = job or factories.job()
    runs = [factories.run(job, "FAILURE", at=NOON + timedelta(minutes=n)) for n in range(count)]
    return DeadLetter.objects.bulk_create(
        DeadLetter(job=job, run=run, failure_reason="TIMEOUT: x", signature="a" * 64) for run in runs
    )


def start(code, by, **parameters):
    targets = ACTIONS[code].targets(by)
    return bulk.start(
        ACTIONS[code], targets, by=by, parameters=parameters, expected=targets.count(), at=database_now()
    )


def go_on(operation, at=None):
    """What it is like after a worker has done what it may."""
    taken = carry_out.take(at or database_now() + 2 * LOOK)
    if taken:
        carry_out.carry_out(taken, go_on=lambda: True)
    operation.refresh_from_db()
    return operation


def end_replays(outcome=Outcome.SUCCESS, *, but=0):
    """End the replays in progress, but the first few, which fail."""
    runs = list(Run.objects.active().filter(trigger=Trigger.REPLAY).order_by("pk"))
    settle([Ended(run, Outcome.FAILURE, database_now(), error_class="X") for run in runs[:but]])
    settle([Ended(run, outcome, database_now()) for run in runs[but:]])
    return len(runs)


@pytest.mark.parametrize(("code", "status"), [("RESOLVE", "RESOLVED"), ("IGNORE", "IGNORED")])
def test_many_are_closed_in_one_go_with_one_note(bob, code, status):
    letters(25)
    operation = go_on(start(code, bob, note="The proxy."))
    assert (operation.state, operation.done) == ("DONE", 25)
    assert set(DeadLetter.objects.values_list("status", "closed_by")) == {(status, bob.pk)}
    assert AuditEvent.objects.filter(action=f"DEAD_LETTERS_{status}").count() < 10


def test_what_somebody_else_has_closed_says_who(bob):
    first, *_ = letters(3)
    ada = factories.ada()
    operation = start("RESOLVE", bob, note="The proxy.")
    triage.ignore(DeadLetter.objects.filter(pk=first.pk), by=ada, at=NOON, notes="No matter.")
    go_on(operation)
    assert (operation.done, operation.refused) == (2, 1)
    message = operation.items.get(state="REFUSED").message
    assert message == "ada@example.com has ignored it at 12:00."


def test_closing_is_taken_back_but_for_what_was_decided_since(bob):
    first, *_ = letters(3)
    operation = go_on(start("RESOLVE", bob, note="The proxy."))
    DeadLetter.objects.filter(pk=first.pk).update(resolved_at=NOON)
    undoing = go_on(bulk.undo(operation, by=bob, at=database_now()))
    assert (undoing.done, undoing.refused) == (2, 1)
    assert DeadLetter.objects.pending().count() == 2


def test_they_are_assigned_to_those_who_may_see_them(bob):
    letters(2)
    charlie = factories.charlie()
    refused = go_on(start("ASSIGN", bob, assignee=charlie.pk, email=charlie.email))
    assert refused.refused == 2
    assert "may not see" in refused.items.first().message
    go_on(start("ASSIGN", bob, assignee=bob.pk, email=bob.email))
    assert DeadLetter.objects.filter(assignee=bob).count() == 2


def test_a_careful_replay_starts_with_one(bob):
    letters(15)
    operation = go_on(start("REPLAY", bob, **CANARY))
    assert (operation.state, operation.done) == ("RUNNING", 1)
    assert operation.claim_token == ""


def test_ten_follow_the_first_and_the_rest_the_ten(bob):
    letters(15)
    operation = go_on(start("REPLAY", bob, **CANARY))
    seen = [operation.done]
    while operation.ended_at is None:
        end_replays()
        seen.append(go_on(operation).done)
    end_replays()
    assert seen == [1, 11, 15]
    assert DeadLetter.objects.filter(status="RESOLVED").count() == 15


def test_it_waits_while_the_first_replay_goes_on(bob):
    letters(3)
    operation = go_on(start("REPLAY", bob, **CANARY))
    assert go_on(operation).done == 1
    assert operation.resumes_at > database_now()


def test_nobody_takes_it_up_before_its_time(bob):
    letters(3)
    operation = go_on(start("REPLAY", bob, **CANARY))
    assert not BulkOperation.objects.free(operation.resumes_at - SECOND).exists()
    assert BulkOperation.objects.free(operation.resumes_at).exists()


def test_it_stops_itself_when_the_first_replay_fails(bob):
    letters(5)
    operation = go_on(start("REPLAY", bob, **CANARY))
    end_replays(but=1)
    go_on(operation)
    assert (operation.state, operation.done) == ("STOPPED", 1)
    assert operation.stopped_because == "The first replay did not succeed: the rest stay pending."
    assert DeadLetter.objects.pending().count() == 5


@pytest.mark.parametrize(("failed", "state"), [(2, "DONE"), (3, "STOPPED")])
def test_it_stops_itself_when_too_many_of_a_step_fail(bob, failed, state):
    letters(15)
    operation = go_on(start("REPLAY", bob, **CANARY))
    end_replays()
    go_on(operation)
    end_replays(but=failed)
    assert go_on(operation).state == state


def test_a_replay_that_was_cancelled_did_not_succeed(bob):
    letters(3)
    operation = go_on(start("REPLAY", bob, **CANARY))
    end_replays(Outcome.CANCELLED)
    assert go_on(operation).state == "STOPPED"


def test_steps_are_staggered(bob):
    letters(3)
    operation = go_on(start("REPLAY", bob, **{**CANARY, "stagger": 600}))
    end_replays()
    assert go_on(operation).done == 1
    assert operation.resumes_at > database_now() + timedelta(seconds=590)
    assert go_on(operation, operation.resumes_at + SECOND).done == 1  # its own clock says no


def test_what_is_cancelled_between_two_steps_leaves_the_rest(bob):
    letters(3)
    operation = go_on(start("REPLAY", bob, **CANARY))
    bulk.cancel(operation, by=bob, at=database_now())
    assert BulkOperation.objects.get().state == "CANCELLED"
    assert Run.objects.filter(trigger=Trigger.REPLAY).count() == 1


def test_without_care_all_go_at_once(bob):
    letters(15)
    assert go_on(start("REPLAY", bob)).done == 15


def test_what_was_replayed_too_often_is_refused_unless_an_operator_says_why(bob, settings):
    letters(2)
    DeadLetter.objects.update(replays=settings.MOST_REPLAYS)
    refused = go_on(start("REPLAY", bob))
    assert refused.refused == 2
    assert refused.items.first().message.startswith("It was replayed 5 times already.")
    assert go_on(start("REPLAY", bob, force=True, note="Mended now.")).done == 2


def test_it_warns_of_jobs_that_are_not_safe_to_repeat(bob):
    alice = factories.alice()
    letters(2, factories.job(alice, safe_to_repeat=False))
    letters(1, factories.job(alice, safe_to_repeat=True))
    (warning,) = ACTIONS["REPLAY"].warnings(DeadLetter.objects.all())
    assert warning.startswith("2 of them belong to jobs not marked safe to repeat")


def test_the_form_wants_a_note_to_replay_what_was_replayed_too_often():
    assert "note" in ReplayForm({"force": "on"}).errors
    assert ReplayForm({"force": "on", "note": "Mended."}).is_valid()


@pytest.mark.parametrize(
    ("done", "told"),
    [(0, (0, 1)), (1, (1, 10)), (5, (0, 6)), (11, (10, 50)), (12, (0, 49)), (61, (50, 50)), (111, (50, 50))],
)
def test_steps_are_one_ten_and_then_as_many_as_asked_for(done, told):
    assert step_at(done, 50) == told
