"""What people decide about many jobs: the targets are written down, once, and may be taken back."""

import pytest

from accounts.models import User
from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs.models import Job, Status
from runs import bulk
from runs.bulk import BulkHasEnded, BulkItem, BulkOperation, CannotUndo, NotAsPreviewed, TooManyTargets
from runs.bulk_actions import ACTIONS
from runs.carry_out import _tried, carry_out
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def alice():
    return factories.alice()


def jobs(owner, count=3):
    return [factories.job(owner, name=f"job-{number}") for number in range(count)]


def start(by, code="PAUSE", expected=3, **fields):
    fields = {"parameters": {}, "at": database_now(), **fields}
    return bulk.start(ACTIONS[code], Job.objects.visible_to(by), by=by, expected=expected, **fields)


def done(operation):
    carry_out(operation, go_on=lambda: True)
    operation.refresh_from_db()
    return operation


def statuses():
    return set(Job.objects.values_list("status", flat=True))


def test_the_targets_are_those_of_the_moment_of_the_decision(alice):
    jobs(alice)
    operation = start(alice)
    late = factories.job(alice, name="late")
    done(operation)
    late.refresh_from_db()
    assert (operation.done, late.status) == (3, Status.SCHEDULED)


def test_the_decision_is_one_audit_event(alice):
    jobs(alice)
    operation = start(alice, parameters={"note": "Night"}, conditions=[("status", "SCHEDULED")])
    event = AuditEvent.objects.get(action="BULK_STARTED", entity_id=operation.pk)
    assert (event.user_email, event.details["total"], event.details["note"]) == (alice.email, 3, "Night")
    assert event.details["conditions"] == [["status", "SCHEDULED"]]


def test_more_targets_than_were_previewed_start_nothing(alice):
    jobs(alice)
    with pytest.raises(NotAsPreviewed, match="By now 3 match"):
        start(alice, expected=2)
    assert not BulkOperation.objects.exists()
    assert not BulkItem.objects.exists()


def test_there_is_an_end_to_how_many_one_takes(alice, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    jobs(alice)
    with pytest.raises(TooManyTargets, match="More than 2 match"):
        start(alice)


def test_few_are_the_caller_s_and_many_are_the_workers(alice, monkeypatch):
    jobs(alice)
    assert start(alice).claim_token
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    many = start(alice)
    assert list(BulkOperation.objects.free(database_now())) == [many]


def test_people_see_their_own_and_operators_everyone_s(alice):
    jobs(alice)
    operation = start(alice)
    seen = {user: BulkOperation.objects.visible_to(user).exists() for user in (alice, factories.bob())}
    assert set(seen.values()) == {True}
    assert operation not in BulkOperation.objects.visible_to(factories.charlie())


def test_what_nobody_has_begun_is_cancelled_at_once(alice, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    jobs(alice)
    operation = start(alice)
    bulk.cancel(operation, by=alice, at=database_now())
    operation.refresh_from_db()
    assert (operation.state, operation.left) == ("CANCELLED", 3)
    assert AuditEvent.objects.get(action="BULK_CANCELLED").details == {"left": 3}


def test_what_is_under_way_ends_at_its_next_batch(alice):
    jobs(alice)
    operation = start(alice)
    bulk.cancel(operation, by=alice, at=database_now())
    assert done(operation).state == "CANCELLED"
    assert statuses() == {Status.SCHEDULED}


def test_nothing_is_left_to_cancel_of_what_has_ended(alice):
    jobs(alice)
    operation = done(start(alice))
    with pytest.raises(BulkHasEnded):
        bulk.cancel(operation, by=alice, at=database_now())


def test_undo_takes_back_what_was_done_and_that_alone(alice):
    first, *_ = jobs(alice)
    Job.objects.filter(pk=first.pk).update(status=Status.PAUSED)
    operation = done(start(alice))
    assert (operation.done, operation.refused) == (2, 1)
    undoing = done(bulk.undo(operation, by=alice, at=database_now()))
    first.refresh_from_db()
    assert (undoing.total, undoing.summary, first.status) == (2, "2 jobs are as they were.", Status.PAUSED)


def test_each_job_gets_back_its_own_value(alice):
    low, _ = factories.job(alice, priority="LOW"), factories.job(alice)
    parameters = {"priority": "HIGH"}
    operation = done(start(alice, "PRIORITY", expected=2, parameters=parameters))
    done(bulk.undo(operation, by=alice, at=database_now()))
    low.refresh_from_db()
    assert (low.priority, set(Job.objects.values_list("priority", flat=True))) == ("LOW", {"LOW", "MEDIUM"})


@pytest.mark.parametrize(
    ("code", "sentence"), [("RUN_NOW", "cannot be undone"), ("PAUSE", "still under way")]
)
def test_what_cannot_be_undone_says_why(alice, code, sentence):
    jobs(alice)
    with pytest.raises(CannotUndo, match=sentence):
        bulk.undo(start(alice, code), by=alice, at=database_now())


def test_nothing_is_undone_twice_nor_an_undoing_itself(alice):
    jobs(alice)
    operation = done(start(alice))
    undoing = done(bulk.undo(operation, by=alice, at=database_now()))
    for one in (operation, undoing):
        with pytest.raises(CannotUndo):
            bulk.undo(one, by=alice, at=database_now())
    assert statuses() == {Status.SCHEDULED}


def test_it_reads_as_a_sentence(alice):
    factories.job(alice)
    operation = done(start(alice, "PRIORITY", expected=1, parameters={"priority": "HIGH"}))
    assert (operation.title, operation.summary) == (
        "Change the priority: High",
        "1 job is now of priority High.",
    )


def test_an_operation_outlives_whoever_asked_for_it(alice):
    jobs(factories.bob())
    operation = start(User.objects.get(email="bob@example.com"))
    operation.by.delete()
    operation.refresh_from_db()
    assert operation.by is None


def test_an_undoing_that_was_cancelled_halfway_goes_on(alice):
    jobs(alice)
    operation = done(start(alice))
    undoing = bulk.undo(operation, by=alice, at=database_now())
    _tried(undoing, 1)
    bulk.cancel(undoing, by=alice, at=database_now())
    assert (done(undoing).state, undoing.left) == ("CANCELLED", 2)
    operation.refresh_from_db()
    assert done(bulk.undo(operation, by=alice, at=database_now())) == undoing
    undoing.refresh_from_db()
    assert (undoing.state, undoing.done, statuses()) == ("DONE", 3, {Status.SCHEDULED})
    operation.refresh_from_db()
    with pytest.raises(CannotUndo, match="already"):
        bulk.undo(operation, by=alice, at=database_now())
