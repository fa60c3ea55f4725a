"""Requests become jobs: armed, pending or refused, all or none."""

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from jobs.models import Job, JobVersion, Status
from jobs.transfer import importing
from jobs.transfer.importing import Entry, Import, Outcome, entries_of
from jobs.transfer.limits import Unreadable
from runs.models import Run
from tests import factories
from tests.factories import NOON
from tests.jobs.executors.payloads import SMALL
from tests.jobs.transfer.requests import cron, dummy, of_type

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

BAD = dummy(name="")


@pytest.fixture
def owner():
    return factories.alice()


def once(at, **over):
    return dummy(schedule={"scheduleType": "ONCE", "runAt": at.isoformat()}, **over)


def bring(owner, *requests, by=None, **options):
    asked = Import(owner, by=by, at=NOON, **options)
    return asked.carry_out(entries_of(list(requests)))


def reasons(verdicts):
    return [(problem.field, problem.reason) for verdict in verdicts for problem in verdict.problems]


def test_a_good_request_becomes_an_armed_job_of_the_owner(owner):
    [verdict] = bring(owner, dummy())
    job = Job.objects.get()
    assert (verdict.outcome, verdict.job, job.owner) == (Outcome.IMPORTED, job, owner)
    assert (job.status, job.schedule.next_fire_at) == (Status.SCHEDULED, NOON + timedelta(minutes=5))
    assert AuditEvent.objects.get().action == "JOB_CREATED"


def test_a_time_ahead_is_armed(owner):
    bring(owner, once(NOON + timedelta(hours=1)))
    assert Job.objects.get().schedule.next_fire_at == NOON + timedelta(hours=1)


def test_a_time_that_has_passed_never_fires(owner):
    [verdict] = bring(owner, once(NOON - timedelta(days=100)))
    job = Job.objects.get()
    assert (job.status, job.schedule.next_fire_at) == (Status.PENDING, None)
    assert verdict.warnings == ["Stays pending: its time, 2025-11-22 12:00 UTC, has passed."]
    assert not Run.objects.exists()


def test_a_schedule_that_has_ended_stays_pending(owner):
    [verdict] = bring(owner, cron("0 9 * * *", endsAt="2026-01-31T00:00:00Z"))
    assert Job.objects.get().status == Status.PENDING
    assert verdict.warnings == ["Stays pending: its schedule has ended."]


def test_one_refusal_keeps_everything_out(owner):
    good, bad = bring(owner, dummy(), BAD)
    assert (good.outcome, bad.outcome) == (Outcome.WOULD_BE_IMPORTED, Outcome.REFUSED)
    assert not Job.objects.exists()


def test_partial_leaves_out_what_is_refused(owner):
    good, bad = bring(owner, dummy(), BAD, partial=True)
    assert (good.outcome, bad.outcome) == (Outcome.IMPORTED, Outcome.REFUSED)
    assert Job.objects.get().name == "smoke-probe"


@pytest.mark.parametrize("partial", [True, False])
def test_a_dry_run_writes_nothing(owner, partial):
    [verdict] = bring(owner, dummy(), dry_run=True, partial=partial)
    assert (verdict.outcome, verdict.job) == (Outcome.WOULD_BE_IMPORTED, None)
    assert [model.objects.count() for model in (Job, JobVersion, AuditEvent)] == [0, 0, 0]


def test_a_name_the_owner_has_already_is_refused(owner):
    factories.job(owner, name="smoke-probe")
    sentence = "alice@example.com has a job of this name already, here or in the file."
    assert reasons(bring(owner, dummy(name=" smoke-probe "))) == [("name", sentence)]
    assert Job.objects.count() == 1


def test_somebody_elses_name_is_free(owner):
    factories.job(factories.bob(), name="smoke-probe")
    assert bring(owner, dummy())[0].outcome is Outcome.IMPORTED


def test_the_second_of_one_name_in_a_file_is_refused(owner):
    first, second = bring(owner, dummy(), dummy(), partial=True)
    assert (first.outcome, second.outcome) == (Outcome.IMPORTED, Outcome.REFUSED)


def test_a_refused_request_does_not_take_its_name(owner):
    twins = bring(owner, dummy(priority="X"), dummy(), partial=True)
    assert [twin.outcome for twin in twins] == [Outcome.REFUSED, Outcome.IMPORTED]


def test_duplicates_come_in_when_asked_for(owner):
    factories.job(owner, name="smoke-probe")
    bring(owner, dummy(), dummy(), allow_duplicates=True)
    assert Job.objects.filter(name="smoke-probe").count() == 3


@pytest.mark.parametrize("alone", [True, False])
def test_scripts_are_refused_for_people_who_may_not_define_them(owner, alone):
    found = bring(owner, of_type("SCRIPT", SMALL["SCRIPT"]), by=owner if alone else None)
    assert reasons(found) == [("type", "Only administrators may create or change script jobs.")]


@pytest.mark.parametrize(
    ("document", "sources"),
    [
        (dummy(), ["#1"]),
        ([dummy(), dummy()], ["#1", "#2"]),
        ({"source": "here", "title": "A", "job": dummy()}, ["here"]),
        ([{"source": 5, "job": dummy()}, {"job": dummy()}], ["#1", "#2"]),
        ({"format": importing.FORMAT, "jobs": [dummy()]}, ["#1"]),
    ],
)
def test_requests_are_found_in_every_shape_of_file(document, sources):
    assert entries_of(document) == [Entry(source, dummy()) for source in sources]


@pytest.mark.parametrize("document", [None, "text", 5, [], {"format": importing.FORMAT}])
def test_a_file_without_requests_is_refused(document):
    with pytest.raises(Unreadable, match="holds no job requests"):
        entries_of(document)


def test_a_file_of_another_version_is_refused():
    with pytest.raises(Unreadable, match="another version of Chronos wrote it"):
        entries_of({"format": "chronos-jobs/2", "jobs": [dummy()]})


def test_a_file_with_too_many_requests_is_refused():
    with pytest.raises(Unreadable, match="more than 5,000 job requests"):
        entries_of([dummy()] * 5_001)


def test_parameters_and_secrets_that_scheduled_runs_lack_are_warned_of(owner):
    [verdict] = bring(
        owner, of_type("DUMMY", {"metadata": {"failureMessage": "{{ param:zone }} {{ secret:token }}"}})
    )
    assert verdict.warnings == [
        "Fails until there are secrets that its owner may use: token.",
        "Scheduled runs fail: {{ param:zone }} has no default.",
    ]
