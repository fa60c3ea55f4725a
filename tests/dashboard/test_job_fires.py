"""The last fires of a job, and why some did not run."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.job_fires import FIRES, Fires, too_slow
from runs.history import Durations
from runs.models import Skip, Trigger
from tests.factories import NOON, alice, job, run

MINUTE = timedelta(minutes=1)


@pytest.fixture
def probe(db):
    return job(alice())


def skipped(probe, at, reason=Skip.OVERLAP, **fields):
    return run(probe, "CANCELLED", at=at, skip_reason=reason, start_time=None, worker_id=None, **fields)


def test_a_fire_is_its_last_attempt_and_what_people_started_is_none(probe):
    run(probe, "FAILURE", at=NOON)
    retried = run(probe, at=NOON, attempt=2, trigger=Trigger.RETRY)
    run(probe, at=NOON + MINUTE, trigger=Trigger.MANUAL)
    run(probe, at=NOON + MINUTE, attempt=2, trigger=Trigger.RETRY)
    assert [fire.run for fire in Fires.read(probe).shown] == [retried]


def test_the_newest_fires_stand_at_the_right_edge(probe):
    made = [run(probe, at=NOON + n * MINUTE) for n in range(FIRES + 2)]
    fires = Fires.read(probe)
    assert [fire.run for fire in fires.shown] == made[2:]
    assert fires.shown[-1].mark.x + fires.shown[-1].mark.width < 780
    assert fires.words == f"All of the last {FIRES} fires ran"


def test_durations_of_the_newest_runs_alone_say_so(client, probe, monkeypatch):
    monkeypatch.setattr("dashboard.job_fires.SAMPLE", 2)
    for n in range(3):
        run(probe, at=timezone.now() - n * MINUTE)
    client.force_login(probe.owner)
    assert "p95 of the newest 2<" in client.get(reverse("job_detail", args=[probe.pk])).text


@pytest.mark.parametrize(
    ("state", "style"),
    [
        ("SUCCESS", "hit f-ok"),
        ("FAILURE", "hit f-bad"),
        ("TIMEOUT", "f-to"),
        ("CANCELLED", "hit f-can"),
        ("RUNNING", "hit f-now"),
        ("PENDING", "f-next"),
    ],
)
def test_the_shape_of_a_fire_says_what_became_of_it(probe, state, style):
    run(probe, state)
    (fire,) = Fires.read(probe).shown
    assert fire.mark.style == style


@pytest.mark.parametrize("reason", list(Skip))
def test_every_reason_has_its_sentence(probe, reason):
    skipped(probe, NOON, reason)
    (fire,) = Fires.read(probe).reasons
    assert fire.mark.r
    assert fire.why.endswith(".")


def test_a_fire_that_a_person_skipped_says_who_and_why(probe):
    skipped(probe, NOON, Skip.PAUSED, error_message="Skipped by bob@example.com: stock-taking")
    assert Fires.read(probe).reasons[0].why == "Skipped by bob@example.com: stock-taking"


def test_the_page_says_why_and_links_to_each(client, probe):
    row = skipped(probe, timezone.now() - MINUTE, skipped_count=17)
    run(probe, at=timezone.now())
    client.force_login(probe.owner)
    html = client.get(reverse("job_detail", args=[probe.pk])).content.decode()
    part = html[html.index('id="fires"') : html.index('id="runs"')]
    assert "Why did it not run?" in part
    assert "The run before it was not over." in part
    assert "17 fires in a row" in part
    assert part.count(reverse("run_detail", args=[row.pk])) == 2


@pytest.mark.parametrize(("gap", "told"), [(5, False), (4, True)])
def test_runs_that_outlast_the_time_between_fires_are_told(gap, told):
    ticks = [NOON, NOON + 60 * MINUTE, NOON + (60 + gap) * MINUTE]
    sentence = too_slow(ticks, Durations(1000, 300_000), "SKIP")
    assert bool(sentence) == told
    if told:
        assert sentence == (
            "Slow runs take 5 min 00 s, but it fires every 4 min: what fires meanwhile is skipped."
        )


def test_without_runs_or_fires_nothing_is_too_slow():
    assert too_slow([NOON, NOON + MINUTE], None, "SKIP") == ""
    assert too_slow([NOON], Durations(1, 10**9), "SKIP") == ""
