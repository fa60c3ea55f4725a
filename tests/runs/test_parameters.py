"""What a person gives a run for the payload's placeholders."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from jobs import memories
from runs import actions, triage
from runs.models import DeadLetter, Outcome, Run
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

PAYLOAD = {"metadata": {"failureMessage": "{{ param:zone }} {{ param:password=none }}"}}


@pytest.fixture
def owner():
    return factories.alice()


@pytest.fixture
def asking(owner):
    """A job whose payload asks for two parameters, one of them with a default."""
    return factories.job(owner, payload=PAYLOAD)


def post(client, user, name, job, **data):
    client.force_login(user)
    return client.post(reverse(name, args=[job.pk]), data)


def failed(run, **fields):
    return Ended(run, Outcome.FAILURE, NOON + timedelta(minutes=1), "DUMMY_ERROR", "no", **fields)


def test_run_now_asks_first_for_what_the_payload_wants(client, owner, asking):
    page = post(client, owner, "job_run_now", asking).content.decode()
    assert 'name="param-zone"' in page
    assert 'value="none"' in page
    assert not Run.objects.exists()


def test_run_now_starts_a_run_with_what_was_given(client, owner, asking):
    post(client, owner, "job_run_now", asking, **{"param-zone": "north", "param-password": "hunter2"})
    assert Run.objects.get().parameters == {"zone": "north", "password": "hunter2"}
    assert "hunter2" not in str(AuditEvent.objects.values())
    assert "north" in str(AuditEvent.objects.values())


def test_a_run_again_with_changes_begins_with_what_was_given_but_for_passwords(client, owner, asking):
    given = {"zone": "north-by-west", "password": "hunter2"}
    run = actions.run_now(asking, by=owner, at=NOON, parameters=given)
    client.force_login(owner)
    page = client.get(f"{reverse('job_run_now', args=[asking.pk])}?as={run.pk}").content.decode()
    assert 'value="north-by-west"' in page
    assert "hunter2" not in page


def test_what_must_be_given_is_asked_for_at_its_field(client, owner, asking):
    page = post(client, owner, "job_run_now", asking, **{"param-zone": "", "param-password": "x"})
    assert "This field is required." in page.content.decode()
    assert not Run.objects.exists()


def test_a_run_with_other_parameters_is_another_run(owner, asking):
    first = actions.run_now(asking, by=owner, at=NOON, parameters={"zone": "north"})
    assert actions.run_now(asking, by=owner, at=NOON, parameters={"zone": "north"}) == first
    second = actions.run_now(asking, by=owner, at=NOON, parameters={"zone": "south"})
    assert second.scheduled_time != first.scheduled_time


def test_every_run_of_a_backfill_is_given_them(owner):
    job = factories.job(
        owner, payload=PAYLOAD, schedule={"schedule_type": "CRON", "cron_expression": "* * * * *"}
    )
    given = {"zone": "north"}
    actions.backfill(job, since=NOON - timedelta(minutes=3), until=NOON, parameters=given, by=owner, at=NOON)
    assert [run.parameters for run in Run.objects.all()] == [given] * 4


def test_the_page_of_a_backfill_asks_for_them(client, owner, asking):
    client.force_login(owner)
    assert 'name="param-zone"' in client.get(reverse("job_backfill", args=[asking.pk])).content.decode()


def test_a_retry_and_a_replay_keep_them(owner):
    job = factories.job(owner, payload=PAYLOAD, retry={"max_attempts": 2, "backoff_seconds": 0})
    given = {"parameters": {"zone": "north"}, "claim_token": "T"}
    settle([failed(factories.run(job, "RUNNING", **given))])
    again = Run.objects.get(attempt=2)
    assert again.parameters == {"zone": "north"}
    Run.objects.filter(pk=again.pk).update(start_time=NOON, claim_token="T")
    again.refresh_from_db()
    settle([failed(again)])
    triage.replay(DeadLetter.objects.all(), by=owner, at=NOON + timedelta(minutes=5))
    assert Run.objects.get(trigger="REPLAY").parameters == {"zone": "north"}


def test_the_page_of_a_run_shows_them_without_passwords(client, owner, asking):
    run = factories.run(asking, parameters={"zone": "north", "password": "hunter2"})
    client.force_login(owner)
    page = client.get(reverse("run_detail", args=[run.pk])).content.decode()
    assert "north" in page
    assert "hunter2" not in page


# What else a run may leave


@pytest.mark.parametrize(("asked", "waits"), [(None, 10), (5, 10), (90, 90), (7200, 3600)])
def test_a_retry_waits_as_long_as_the_other_side_asked_for(owner, asked, waits):
    job = factories.job(owner, retry={"max_attempts": 2, "backoff_seconds": 10})
    ended = failed(factories.run(job, "RUNNING", claim_token="T"), retry_after=asked)
    settle([ended])
    assert Run.objects.get(attempt=2).available_at - ended.at == timedelta(seconds=waits)


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILURE, Outcome.TIMEOUT, Outcome.CANCELLED])
def test_a_job_remembers_what_its_run_did_whatever_the_outcome(owner, outcome):
    job = factories.job(owner)
    run = factories.run(job, "RUNNING", claim_token="T")
    settle([Ended(run, outcome, NOON, remembered={"offset": 7})])
    assert memories.recall([job.pk]) == {job.pk: {"offset": 7}}


def test_a_run_that_is_no_longer_ours_changes_no_memory(owner):
    job = factories.job(owner)
    run = factories.run(job, "RUNNING", claim_token="T")
    run.claim_token = "old"
    settle([Ended(run, Outcome.SUCCESS, NOON, remembered={"offset": 7})])
    assert memories.recall([job.pk]) == {}


def side_by_side(job):
    """The ends of two runs that began when the job remembered nothing: the older tick's, the newer one's."""
    older, newer = (
        factories.run(job, "RUNNING", claim_token="T", scheduled_time=NOON + timedelta(minutes=minute))
        for minute in (1, 2)
    )
    at = NOON + timedelta(minutes=3)
    return [
        Ended(older, Outcome.SUCCESS, at, remembered={"offset": 1}),
        Ended(newer, Outcome.SUCCESS, at, remembered={"offset": 2}),
    ]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first", ["older", "newer"])
def test_of_runs_side_by_side_the_newest_tick_is_what_a_job_remembers(owner, first, together):
    job = factories.job(owner)
    ends = side_by_side(job)
    ends = ends if first == "older" else ends[::-1]
    for group in [ends] if together else [[end] for end in ends]:
        settle(group)
    assert memories.recall([job.pk]) == {job.pk: {"offset": 2}}


def test_a_run_that_was_told_goes_on_from_there_however_old_its_tick(owner):
    job = factories.job(owner)
    late, newer = side_by_side(job)
    settle([newer])
    settle([replace(late, remembered={"offset": 3}, recalled={"offset": 2})])
    assert memories.recall([job.pk]) == {job.pk: {"offset": 3}}
