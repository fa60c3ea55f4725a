"""Skipping one fire: accounted for, once, and nothing else changes."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from jobs.models import JobSchedule
from runs import actions, doctor
from runs.actions import NothingToSkip
from runs.fire import fire
from runs.models import Outcome, Run, Skip
from tests.factories import NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db

STEP = timedelta(minutes=5)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def plan(of) -> JobSchedule:
    return JobSchedule.objects.get(job=of)


# the action


@pytest.mark.databases
def test_a_skipped_fire_is_a_row_that_says_who_and_why_and_the_next_one_fires(owner, probe):
    actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON, note="stock-taking")
    row = Run.objects.get()
    assert (row.scheduled_time, row.outcome, row.skip_reason) == (
        NOON + STEP,
        Outcome.CANCELLED,
        Skip.PAUSED,
    )
    assert row.error_message == "Skipped by alice@example.com: stock-taking"
    fire(NOON + 2 * STEP)
    assert list(Run.objects.filter(outcome=None).values_list("scheduled_time", flat=True)) == [
        NOON + 2 * STEP
    ]


def test_skipping_is_audited_and_the_job_stays_as_it_was(owner, probe):
    actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON, note="stock-taking")
    event = AuditEvent.objects.get(action="JOB_FIRE_SKIPPED")
    assert event.details == {"tick": (NOON + STEP).isoformat(), "note": "stock-taking"}
    probe.refresh_from_db()
    assert probe.status == "SCHEDULED"


def test_a_skipped_fire_breaks_no_invariant(owner, probe):
    now = timezone.now()
    JobSchedule.objects.filter(job=probe).update(next_fire_at=now + STEP, anchor_at=now)
    actions.skip_next(probe, tick=now + STEP, by=owner, at=now)
    assert {each.verdict for each in doctor.invariants(1, apart=0)} == {doctor.Verdict.OK}


def test_two_who_skip_the_same_fire_skip_one(owner, probe):
    actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON)
    with pytest.raises(NothingToSkip, match="another one by now"):
        actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON)
    assert plan(probe).next_fire_at == NOON + 2 * STEP


def test_a_fire_that_is_due_is_no_longer_skipped(owner, probe):
    with pytest.raises(NothingToSkip, match="due already"):
        actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON + STEP)


def test_the_last_fire_is_not_skipped(owner):
    once = job(owner, schedule={"schedule_type": "ONCE", "run_at": NOON + STEP})
    with pytest.raises(NothingToSkip, match="the last fire"):
        actions.skip_next(once, tick=NOON + STEP, by=owner, at=NOON)


@pytest.mark.databases
def test_a_tick_that_comes_back_with_a_new_plan_is_skipped_once_more(owner, probe):
    actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON)
    JobSchedule.objects.filter(job=probe).update(next_fire_at=NOON + STEP)
    actions.skip_next(probe, tick=NOON + STEP, by=owner, at=NOON)
    assert (Run.objects.count(), plan(probe).next_fire_at) == (1, NOON + 2 * STEP)


def test_a_job_that_fails_still_fails_after_a_skipped_fire(client, owner, probe):
    now = timezone.now()
    run(probe, "FAILURE", at=now - STEP, error_message="503")
    JobSchedule.objects.filter(job=probe).update(next_fire_at=now + STEP, anchor_at=now)
    actions.skip_next(probe, tick=now + STEP, by=owner, at=now)
    client.force_login(owner)
    assert client.get(reverse("job_detail", args=[probe.pk])).context["past"].failing


# the page


@pytest.fixture
def ahead(probe):
    """When the job fires next."""
    tick = timezone.now() + STEP
    JobSchedule.objects.filter(job=probe).update(next_fire_at=tick, anchor_at=tick)
    return tick


def post(client, user, one, tick, **data):
    client.force_login(user)
    return client.post(reverse("job_skip", args=[one.pk]), {"tick": tick, **data})


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_owners_and_operators_skip_a_fire(client, owner, probe, ahead, who):
    user = owner if who == "owner" else bob()
    response = post(client, user, probe, ahead.isoformat(), note="moving")
    assert response["Location"] == reverse("job_detail", args=[probe.pk])
    assert Run.objects.get().error_message == f"Skipped by {user.email}: moving"


def test_the_page_names_both_fires(client, owner, probe, ahead):
    client.force_login(owner)
    html = client.get(reverse("job_skip", args=[probe.pk])).content.decode()
    for tick in (ahead, ahead + STEP):
        assert f"{tick:%H:%M:%S} UTC" in html
    assert f'value="{ahead.isoformat()}"' in html


def test_others_cannot_skip_a_fire(client, probe, ahead):
    assert post(client, charlie(), probe, ahead.isoformat()).status_code == 404
    assert not Run.objects.exists()


@pytest.mark.parametrize("tick", ["", "yesterday", "2026-03-02T12:00:00", "2026-13-02T12:00:00Z", "\0"])
def test_another_fire_than_the_next_is_refused_with_a_sentence(client, owner, probe, ahead, tick):
    response = post(client, owner, probe, tick)
    assert response.status_code == 409
    assert "The next fire of smoke-probe is another one by now." in response.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_job_without_a_fire_ahead_says_so(client, owner, probe, method):
    JobSchedule.objects.filter(job=probe).update(next_fire_at=None)
    client.force_login(owner)
    response = getattr(client, method)(reverse("job_skip", args=[probe.pk]))
    assert response.status_code == 409
    assert "smoke-probe has no fire ahead." in response.content.decode()
