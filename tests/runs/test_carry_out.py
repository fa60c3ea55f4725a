"""Carrying out: each target once, by whom it was asked for, whatever happens in between."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from accounts.models import Role
from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs import actions
from jobs.models import Job, JobSchedule, Status
from runs import bulk, carry_out
from runs.bulk import LEASE, BulkOperation
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.steering import Pause
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def for_workers(monkeypatch):
    """Leave every operation to workers, and let them take small batches."""
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    monkeypatch.setattr(carry_out, "BATCH", 2)
    monkeypatch.setattr(carry_out, "BATCH_TOGETHER", 2)
    monkeypatch.setattr(carry_out, "FIRST_BATCH", 2)
    monkeypatch.setattr(carry_out, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def alice():
    return factories.alice()


def start(by, count=5, code="PAUSE"):
    for number in range(count):
        factories.job(by, name=f"job-{number}")
    visible = Job.objects.visible_to(by)
    return bulk.start(ACTIONS[code], visible, by=by, parameters={}, expected=count, at=database_now())


def carried_out(operation, at=None, batches=100):
    """What the operation is like after a worker has taken it and done so many batches."""
    taken = carry_out.take(at or database_now())
    left = iter(range(batches))
    carry_out.carry_out(taken, go_on=lambda: next(left, None) is not None)
    operation.refresh_from_db()
    return operation


def told(operation):
    return set(operation.items.values_list("state", "message"))


def paused():
    return Job.objects.filter(status=Status.PAUSED).count()


def test_every_target_is_done_and_counted(alice):
    operation = carried_out(start(alice))
    assert (operation.state, operation.done, operation.refused, operation.left) == ("DONE", 5, 0, 0)
    assert (operation.claim_token, operation.lease_expires_at, paused()) == ("", None, 5)


def test_each_target_has_the_audit_event_of_its_own_page(alice):
    carried_out(start(alice))
    assert AuditEvent.objects.filter(action="JOB_PAUSED", user_email=alice.email).count() == 5


def test_what_the_state_forbids_is_refused_and_the_rest_is_done(alice):
    operation = start(alice)
    actions.pause(Job.objects.order_by("pk")[0], by=alice, at=database_now())
    assert (carried_out(operation).done, operation.refused) == (4, 1)
    assert ("REFUSED", "It is paused already.") in told(operation)


@pytest.mark.parametrize("code", ["PAUSE", "CANCEL"])
def test_many_cost_no_more_statements_than_two(alice, django_assert_max_num_queries, code):
    operation = start(alice, 40, code)
    JobSchedule.objects.update(next_fire_at=factories.NEVER)
    taken = carry_out.take(database_now())
    with django_assert_max_num_queries(30):
        assert carry_out._tried(taken, 40) == 40
    operation.refresh_from_db()
    assert operation.done == 40


def test_what_was_paused_together_is_resumed_together(alice, django_assert_max_num_queries):
    done = carried_out(start(alice, 40))
    undoing = bulk.undo(done, by=alice, at=database_now())
    taken = carry_out.take(database_now())
    with django_assert_max_num_queries(30):
        assert carry_out._tried(taken, 40) == 40
    undoing.refresh_from_db()
    assert (undoing.done, paused()) == (40, 0)


def test_a_target_that_is_gone_is_refused(alice):
    operation = start(alice, 1)
    Job.objects.all().delete()
    carried_out(operation)
    assert told(operation) == {("REFUSED", f"It is gone, or {alice.email} may no longer see it.")}


def test_it_is_done_with_the_rights_of_the_moment():
    bob, job = factories.bob(), factories.job()
    operation = bulk.start(
        ACTIONS["PAUSE"], Job.objects.all(), by=bob, parameters={}, expected=1, at=database_now()
    )
    bob.roles = Role.USER.value
    bob.save()
    carried_out(operation)
    job.refresh_from_db()
    assert (operation.refused, job.status) == (1, Status.SCHEDULED)


def test_nothing_is_done_for_who_may_no_longer_sign_in(alice):
    operation = start(alice, 1)
    alice.is_active = False
    alice.save()
    carried_out(operation)
    assert told(operation) == {("REFUSED", "Whoever asked for it may no longer act here.")}


def test_one_target_s_trouble_is_not_the_others(alice, monkeypatch):
    operation = start(alice, 3)
    strange = Job.objects.order_by("pk")[1]
    monkeypatch.setattr(Pause, "apply", failing_for(strange, ValueError("a bug")))
    monkeypatch.setattr(Pause, "apply_all", refusing_all)
    assert (carried_out(operation).done, operation.refused, paused()) == (2, 1, 2)
    assert any("Something went wrong" in message for _, message in told(operation))


def refusing_all(self, targets, *args, **kwargs):
    actions.pause_all([target.pk for target in targets], by=None, at=database_now())
    raise ValueError("a bug")


def failing_for(job, error, times=100):
    apply, left = Pause.apply, iter(range(times))

    def tried(self, target, *args, **kwargs):
        before = apply(self, target, *args, **kwargs)
        if target.pk == job.pk and next(left, None) is not None:
            raise error
        return before

    return tried


def test_a_batch_that_collides_with_others_is_done_again_and_no_target_twice(alice, monkeypatch):
    operation = start(alice)
    last = Job.objects.order_by("pk")[1]
    monkeypatch.setattr(Pause, "together", False)
    monkeypatch.setattr(Pause, "apply", failing_for(last, OperationalError("deadlock"), times=3))
    assert (carried_out(operation).done, operation.refused, paused()) == (5, 0, 5)
    assert AuditEvent.objects.filter(action="JOB_PAUSED").count() == 5


def test_a_database_that_stays_away_leaves_the_rest_for_later(alice, monkeypatch):
    operation = start(alice)
    broken = Job.objects.order_by("pk")[1]
    with monkeypatch.context() as patch:
        patch.setattr(Pause, "together", False)
        patch.setattr(Pause, "apply", failing_for(broken, OperationalError("away")))
        assert (carried_out(operation).state, operation.done) == ("RUNNING", 1)
    assert carried_out(operation, at=database_now() + LEASE * 2).done == 5


def test_who_must_go_leaves_the_rest_free(alice):
    operation = carried_out(start(alice), batches=1)
    assert (operation.state, operation.done, operation.lease_expires_at) == ("RUNNING", 2, None)
    assert carried_out(operation).done == 5


def test_a_claimed_operation_is_nobody_else_s_until_the_lease_ends(alice):
    start(alice)
    assert carry_out.take(database_now())
    assert carry_out.take(database_now()) is None
    assert carry_out.take(database_now() + LEASE + timedelta(seconds=5))


def test_the_work_of_a_worker_that_was_killed_goes_on_and_nothing_is_done_twice(alice):
    operation = start(alice)
    killed = carry_out.take(database_now())
    carry_out._tried(killed, 2)
    assert carried_out(operation, at=database_now() + LEASE * 2).done == 5
    assert AuditEvent.objects.filter(action="JOB_PAUSED").count() == 5


def test_a_worker_that_was_given_up_does_nothing_more(alice):
    operation = start(alice)
    late = carry_out.take(database_now())
    carry_out.take(database_now() + LEASE * 2)
    carry_out.carry_out(late, go_on=lambda: True)
    operation.refresh_from_db()
    assert (operation.done, paused()) == (0, 0)


def test_a_cancel_between_batches_leaves_the_rest_as_it_is(alice):
    operation = start(alice)
    taken = carry_out.take(database_now())
    carry_out._tried(taken, 2)
    bulk.cancel(operation, by=alice, at=database_now())
    carry_out.carry_out(taken, go_on=lambda: True)
    operation.refresh_from_db()
    assert (operation.state, operation.done, operation.left, paused()) == ("CANCELLED", 2, 3, 2)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_each_target_once(alice):
    operation = start(alice, 12)
    threads = [threading.Thread(target=_work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    operation.refresh_from_db()
    assert (operation.state, operation.done, paused()) == ("DONE", 12, 12)
    assert AuditEvent.objects.filter(action="JOB_PAUSED").count() == 12


def _work():
    try:
        while taken := carry_out.take(database_now()):
            turns = iter(range(1))
            carry_out.carry_out(taken, go_on=lambda turns=turns: next(turns, None) is not None)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_people_who_pause_the_same_jobs_each_learn_what_became_of_them(alice):
    first = start(alice, 6)
    second = bulk.start(
        ACTIONS["PAUSE"], Job.objects.all(), by=factories.bob(), parameters={}, expected=6, at=database_now()
    )
    threads = [threading.Thread(target=_work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    ended = BulkOperation.objects.in_bulk([first.pk, second.pk]).values()
    assert sum(each.done for each in ended) == sum(each.refused for each in ended) == 6
    assert paused() == 6


def test_two_targets_cost_no_more_statements_than_their_own_pages_would(alice, django_assert_max_num_queries):
    start(alice)
    taken = carry_out.take(database_now())
    with django_assert_max_num_queries(30):
        carry_out._tried(taken, 2)
