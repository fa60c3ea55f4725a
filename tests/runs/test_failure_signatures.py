"""What is known of failures, whatever became of the events."""

from datetime import timedelta

import pytest

from runs import triage
from runs.failure_signatures import FailureSignature, title
from runs.models import DeadLetter, Outcome, Run
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LATER = NOON + timedelta(hours=1)


def fail(job, at, message="took 3.2 s", *, error_class="TIMEOUT"):
    run = factories.run(job, "RUNNING", at=at)
    settle([Ended(run, Outcome.FAILURE, at, error_class=error_class, error_message=message)])
    return DeadLetter.objects.get(run=run)


def test_failures_alike_are_counted_together():
    job = factories.job()
    fail(job, LATER, "took 9 s")
    fail(job, NOON, "took 3.2 s")
    known = FailureSignature.objects.get()
    assert (known.title, known.error_class, known.events) == ("took <n> s", "TIMEOUT", 2)
    assert (known.first_seen_at, known.last_seen_at) == (NOON, LATER)


def test_one_group_may_bring_failures_of_many_kinds():
    job = factories.job()
    runs = [factories.run(job, "RUNNING", at=NOON + timedelta(minutes=n)) for n in range(6)]
    settle([Ended(run, Outcome.FAILURE, NOON, error_class=f"E_{n % 3}") for n, run in enumerate(runs)])
    assert sorted(FailureSignature.objects.values_list("error_class", "events")) == [
        ("E_0", 2),
        ("E_1", 2),
        ("E_2", 2),
    ]


def test_it_outlives_the_events():
    fail(factories.job(), NOON)
    DeadLetter.objects.all().delete()
    assert FailureSignature.objects.get().events == 1


@pytest.mark.parametrize(("act", "column"), [(triage.resolve, "resolved"), (triage.ignore, "ignored")])
def test_it_tells_the_last_decision(act, column):
    bob = factories.bob()
    fail(factories.job(), NOON)
    act(DeadLetter.objects.all(), by=bob, at=LATER, notes="It was the proxy.")
    known = FailureSignature.objects.get()
    assert getattr(known, column) == 1
    assert (known.decision, known.notes) == (column.upper(), "It was the proxy.")
    assert (known.decided_by, known.decided_at) == (bob, LATER)


def test_a_replay_that_succeeds_counts_and_leaves_the_word_of_a_person():
    bob = factories.bob()
    fail(factories.job(), NOON)
    triage.replay(DeadLetter.objects.all(), by=bob, at=LATER, note="The pool is back.")
    settle([Ended(Run.objects.get(outcome=None), Outcome.SUCCESS, LATER)])
    known = FailureSignature.objects.get()
    assert (known.events, known.resolved) == (1, 1)
    assert (known.decision, known.notes, known.decided_by) == ("REPLAYED", "The pool is back.", bob)


def test_a_replay_that_fails_is_no_event_of_its_own():
    fail(factories.job(), NOON)
    triage.replay(DeadLetter.objects.all(), by=None, at=LATER)
    settle([Ended(Run.objects.get(outcome=None), Outcome.FAILURE, LATER, error_class="OTHER")])
    assert [known.error_class for known in FailureSignature.objects.all()] == ["TIMEOUT"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("HTTP_503: pool 7 is full\nbody", ("HTTP_503", "pool <n> is full body")),
        ("HTTP_404: 404 Not Found, try 5", ("HTTP_404", "404 Not Found, try <n>")),
        ("HTTP_404: 4040 times", ("HTTP_404", "<n> times")),
        ("no class at all", ("no class at all", "")),
        ("X: " + "long " * 100, ("X", ("long " * 60)[:255].strip())),
    ],
)
def test_a_title_is_one_line_without_what_changes(reason, told):
    assert title(reason)[0] == told[0]
    assert title(reason)[1].startswith(told[1][:40])
    assert len(title(reason)[1]) <= 255
