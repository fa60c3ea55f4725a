"""The table of design section 4, walked."""

import pytest

from jobs import moves
from jobs.models import Job, Status
from jobs.moves import MOVES, Event, IllegalMove
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LEGAL = {
    (Status.PENDING, Event.ARM): Status.SCHEDULED,
    (Status.SCHEDULED, Event.CLAIM): Status.RUNNING,
    (Status.RUNNING, Event.AHEAD): Status.SCHEDULED,
    (Status.RUNNING, Event.END_WELL): Status.SUCCEEDED,
    (Status.RUNNING, Event.END_BADLY): Status.FAILED,
    (Status.SCHEDULED, Event.END_WELL): Status.SUCCEEDED,
    (Status.SCHEDULED, Event.END_BADLY): Status.FAILED,
    (Status.SCHEDULED, Event.PAUSE): Status.PAUSED,
    (Status.RUNNING, Event.PAUSE): Status.PAUSED,
    (Status.PAUSED, Event.RESUME): Status.SCHEDULED,
    (Status.PENDING, Event.CANCEL): Status.CANCELLED,
    (Status.SCHEDULED, Event.CANCEL): Status.CANCELLED,
    (Status.RUNNING, Event.CANCEL): Status.CANCELLED,
    (Status.PAUSED, Event.CANCEL): Status.CANCELLED,
    (Status.SUCCEEDED, Event.RESCHEDULE): Status.SCHEDULED,
    (Status.FAILED, Event.RESCHEDULE): Status.SCHEDULED,
    (Status.CANCELLED, Event.RESCHEDULE): Status.SCHEDULED,
    (Status.PENDING, Event.RUN_NOW): Status.SCHEDULED,
    (Status.SUCCEEDED, Event.RUN_NOW): Status.SCHEDULED,
    (Status.FAILED, Event.RUN_NOW): Status.SCHEDULED,
    (Status.CANCELLED, Event.RUN_NOW): Status.SCHEDULED,
    (Status.SCHEDULED, Event.DISARM): Status.PENDING,
}


def test_the_table_holds_these_moves_and_no_other():
    table = {(source, event): target for event, rows in MOVES.items() for source, target in rows.items()}
    assert table == LEGAL


@pytest.mark.parametrize("status", Status)
def test_each_event_makes_its_legal_moves_and_refuses_the_rest(status):
    job = factories.job()
    for event in Event:
        Job.objects.filter(pk=job.pk).update(status=status)
        assert bool(moves.move_those([job.pk], event)) == ((status, event) in LEGAL)
        job.refresh_from_db()
        assert job.status == LEGAL.get((status, event), status)


def test_a_move_of_many_leaves_those_alone_whose_status_forbids_it():
    alice = factories.alice()
    ready, over = factories.job(alice), factories.job(alice)
    Job.objects.filter(pk=over.pk).update(status=Status.CANCELLED)
    assert moves.move([ready.pk, over.pk], Event.CLAIM) == 1
    assert list(Job.objects.order_by("pk").values_list("status", flat=True)) == ["RUNNING", "CANCELLED"]


def test_an_illegal_move_says_why_in_a_sentence():
    job = factories.job(name="nightly-export")
    with pytest.raises(IllegalMove, match=r"nightly-export is scheduled: it cannot be resumed\."):
        moves.require(job, Event.RESUME, set())
