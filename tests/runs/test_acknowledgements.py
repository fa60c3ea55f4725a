"""Who knows of a failure, and until when."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from runs import acknowledgements
from runs.acknowledgements import Acknowledgement, NotAcknowledged, of_job
from runs.models import DeadLetter, Outcome
from runs.settle import Ended, settle
from tests import factories
from tests.factories import NOON
from tests.together import meeting

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HOUR = timedelta(hours=1)
ALIKE = "a" * 64


def known(job=None, *, until=None, by=None):
    person = by or factories.bob()
    if job:
        return acknowledgements.acknowledge_job(job, by=person, at=NOON, until=until, note="on it")
    return acknowledgements.acknowledge_signature(ALIKE, by=person, at=NOON, until=until, note="on it")


def ended(acknowledgement):
    acknowledgement.refresh_from_db()
    return acknowledgement.ended_by


def test_who_alerts_is_told_of_what_holds():
    job = factories.job()
    of_the_job, of_the_signature = known(job), known(by=job.owner)
    held = Acknowledgement.objects.acknowledged([job.pk, "other"], [ALIKE], NOON)
    assert set(held) == {of_the_job, of_the_signature}
    assert not Acknowledgement.objects.acknowledged(["other"], ["b" * 64], NOON)


def test_it_holds_until_its_time_even_before_it_is_ended():
    job = factories.job()
    known(job, until=NOON + HOUR)
    assert Acknowledgement.objects.acknowledged([job.pk], [], NOON + HOUR - timedelta(seconds=1))
    assert not Acknowledgement.objects.acknowledged([job.pk], [], NOON + HOUR)


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.parametrize("about_a_job", [True, False])
def test_of_two_who_do_it_at_once_the_last_word_counts(about_a_job):
    job = factories.job()
    subject = job if about_a_job else None
    bob, ada = factories.bob(), factories.ada()
    meeting(lambda: known(subject, by=bob), lambda: known(subject, by=ada))
    assert Acknowledgement.objects.open().get().by == ada
    assert Acknowledgement.objects.get(by=bob).ended_by == Acknowledgement.End.REPLACED


def test_it_is_written_down_with_its_note():
    job = factories.job()
    known(job, until=NOON + HOUR)
    told = AuditEvent.objects.get(action="JOB_ACKNOWLEDGED")
    assert told.details == {"until": "2026-03-02T13:00:00+00:00", "note": "on it"}
    assert told.user_email == "bob@example.com"


def test_the_last_word_counts():
    job = factories.job()
    first = known(job)
    second = known(job, by=job.owner)
    assert ended(first) == "REPLACED"
    assert list(Acknowledgement.objects.open()) == [second]


def test_the_database_lets_a_job_have_one():
    job = factories.job()
    known(job)
    with pytest.raises(IntegrityError), transaction.atomic():
        Acknowledgement.objects.create(job=job, open_for=of_job(job.pk))


def test_a_success_of_the_job_ends_it():
    job, other = factories.job(), factories.job(factories.ada())
    mine, others = known(job), known(other, by=job.owner)
    settle([Ended(factories.run(job, "RUNNING"), Outcome.SUCCESS, NOON + HOUR)])
    assert (ended(mine), ended(others)) == ("RECOVERED", "")
    assert (mine.ended_at, mine.open_for) == (NOON + HOUR, None)


def test_a_failure_of_the_job_does_not_end_it():
    job = factories.job()
    mine = known(job)
    settle([Ended(factories.run(job, "RUNNING"), Outcome.FAILURE, NOON + HOUR, error_class="TIMEOUT")])
    assert ended(mine) == ""


def test_its_time_ends_it():
    job = factories.job()
    mine = known(job, until=NOON + HOUR)
    assert acknowledgements.end_due(NOON + HOUR - timedelta(seconds=1)) == 0
    assert acknowledgements.end_due(NOON + HOUR) == 1
    assert ended(mine) == "TIME"


def test_that_of_a_signature_ends_when_nothing_of_it_waits():
    job = factories.job()
    letter = DeadLetter.objects.create(job=job, failure_reason="x", signature=ALIKE)
    mine = known()
    assert acknowledgements.end_due(NOON) == 0
    DeadLetter.objects.filter(pk=letter.pk).update(status="RESOLVED")
    acknowledgements.end_due(NOON)
    assert ended(mine) == "RECOVERED"


def test_it_is_taken_back_once():
    job = factories.job()
    mine = known(job)
    acknowledgements.take_back(mine, by=job.owner, at=NOON)
    assert ended(mine) == "TAKEN_BACK"
    with pytest.raises(NotAcknowledged):
        acknowledgements.take_back(mine, by=job.owner, at=NOON)
