"""What others hear of runs that end."""

import pytest

from runs import signals
from runs.housekeeping import House
from runs.models import Outcome, Process, Run
from runs.processes import beat
from runs.settle import settle
from runs.worker import Worker
from tests import factories
from tests.notifications.alerting import MINUTE, ended, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """What was sent by each signal, in order."""
    found = []

    def listen(sender, signal, **told):
        found.append((signal, told))

    every = (signals.settled, signals.upkeep, signals.worker_beat)
    for signal in every:
        signal.connect(listen)
    yield found
    for signal in every:
        signal.disconnect(listen)


def test_a_group_of_runs_is_told_once_with_what_follows(heard):
    again = factories.job(retry={"max_attempts": 2, "backoff_seconds": 60})
    once = factories.job(again.owner)
    good, retried, gone = running(once), running(again), running(once, at=factories.NOON + MINUTE)
    settle([ended(good, Outcome.SUCCESS), ended(retried), ended(gone)])
    [(signal, told)] = heard
    group = told["group"]
    assert signal is signals.settled
    assert {each.run.pk for each in group.ended} == {good.pk, retried.pk, gone.pk}
    assert (group.again, group.letters) == ({retried.pk}, {gone.pk: once.dead_letters.get().pk})


def test_runs_that_are_no_longer_ours_are_not_told(heard):
    run = running(factories.job())
    Run.objects.update(claim_token="somebody else's")
    settle([ended(run)])
    assert heard == []


def test_only_the_eldest_scheduler_keeps_what_others_keep(heard):
    beat("elder", Process.Kind.SCHEDULER)
    beat("younger", Process.Kind.SCHEDULER)
    Process.objects.filter(pk="elder").update(started_at=factories.NOON)
    House("younger").keep()
    assert heard == []
    House("elder").keep()
    assert [signal for signal, _ in heard] == [signals.upkeep]


@pytest.mark.usefixtures("valkey")
def test_a_worker_tells_of_each_beat_whether_it_is_idle(heard):
    from django_rq import get_connection

    Worker(["high"], connection=get_connection("high"), name="w-1").heartbeat()
    assert [(signal, told["idle"]) for signal, told in heard] == [(signals.worker_beat, True)]
