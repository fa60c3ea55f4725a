"""Jobs become what files say: found by name, compared field by field, and all of it or nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit.models import AuditEvent
from jobs import actions
from jobs.models import Job, JobVersion, Status
from jobs.transfer import documents
from jobs.transfer.applying import Apply, Deed
from jobs.transfer.importing import entries_of
from tests import factories
from tests.factories import NOON
from tests.jobs.transfer.requests import cron, dummy, http
from tests.together import meeting

pytestmark = [pytest.mark.django_db, pytest.mark.databases]
EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "examples").iterdir())


@pytest.fixture
def owner():
    return factories.alice()


def put(owner, *requests, at=NOON, tag="applied", **options):
    return Apply(owner, by=None, at=at, tag=tag, **options).carry_out(entries_of(list(requests)))


def deeds(plan):
    return [(step.name, step.deed) for step in plan.steps]


def reasons(plan):
    return [(problem.field, problem.reason) for step in plan.steps for problem in step.problems]


def test_a_new_name_becomes_an_armed_job_with_the_tag_of_its_set(owner):
    plan = put(owner, dummy(tags=["night"]), tag="etl")
    job = Job.objects.get()
    assert (deeds(plan), plan.steps[0].job) == ([("smoke-probe", Deed.CREATED)], job)
    assert (job.owner, job.status) == (owner, Status.SCHEDULED)
    assert sorted(tag.name for tag in job.tags.all()) == ["etl", "night"]


def test_a_second_time_changes_nothing(owner):
    put(owner, dummy(), cron("0 2 * * *", jitterSeconds=5) | {"name": "other"})
    told = AuditEvent.objects.count()
    plan = put(owner, dummy(), cron("0 2 * * *", jitterSeconds=5) | {"name": "other"}, at=NOON + timedelta(1))
    assert plan.changes_nothing
    assert (AuditEvent.objects.count(), JobVersion.objects.count()) == (told, 2)


@pytest.mark.databases("postgresql", "mysql")
@pytest.mark.django_db(transaction=True)
def test_the_same_twice_at_once_makes_no_job_twice(owner):
    second = meeting(lambda: put(owner, dummy()), lambda: put(owner, dummy()))
    assert (deeds(second), Job.objects.count()) == ([("smoke-probe", Deed.UNCHANGED)], 1)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_type_is_the_same_a_second_time(settings, file):
    settings.SCRIPT_ENABLED = True
    entries = entries_of(documents.read(file.read_bytes(), documents.format_of(file.name)))
    asked = Apply(factories.ada(), by=None, at=NOON, tag="applied")
    assert {step.deed for step in asked.carry_out(entries).steps} == {Deed.CREATED}
    assert {step.deed for step in asked.carry_out(entries).steps} == {Deed.UNCHANGED}


def test_a_change_is_told_in_the_words_of_requests_and_becomes_a_version(owner):
    put(owner, http())
    plan = put(owner, http(httpUrl="https://other.example.com/") | {"retryPolicy": {"maxAttempts": 4}})
    job, [step] = Job.objects.get(), plan.steps
    assert step.differences["payload.httpUrl"][1] == "https://other.example.com/"
    assert step.differences["retryPolicy"][1]["max_attempts"] == 4
    assert (job.version, job.payload.http_url) == (2, "https://other.example.com/")
    assert JobVersion.objects.get(version=2).note == "Applied from a file"


def test_a_secret_that_changes_is_told_without_its_values(owner):
    put(owner, http(httpHeaders={"Authorization": "Bearer one-of-old"}))
    [step] = put(owner, http(httpHeaders={"Authorization": "Bearer one-of-new"})).steps
    assert step.deed is Deed.CHANGED
    assert "one-of" not in repr(step.differences)


def test_one_refusal_keeps_everything_as_it_was(owner):
    put(owner, dummy(), dummy(name="gone"))
    plan = put(owner, dummy(priority="HIGH"), dummy(name="new"), dummy(name=""), prune=True)
    assert plan.is_refused
    assert set(Job.objects.values_list("name", "priority")) == {("smoke-probe", "MEDIUM"), ("gone", "MEDIUM")}


def test_a_dry_run_tells_the_same_and_writes_nothing(owner):
    put(owner, dummy(), dummy(name="gone"))
    told = AuditEvent.objects.count()
    requests = dummy(priority="HIGH"), dummy(name="new")
    dry = put(owner, *requests, prune=True, dry_run=True)
    assert AuditEvent.objects.count() == told
    assert deeds(put(owner, *requests, prune=True)) == deeds(dry)


def test_what_no_file_names_any_more_is_told_and_stays(owner):
    put(owner, dummy(), dummy(name="gone"))
    plan = put(owner, dummy())
    assert [job.name for job in plan.left] == ["gone"]
    assert Job.objects.count() == 2


def test_pruning_removes_only_what_the_set_left_behind(owner):
    put(owner, dummy(), dummy(name="gone"))
    put(owner, dummy(name="of another set"), tag="etl")
    factories.job(owner, name="by hand")
    put(factories.charlie(), dummy(name="of another person"))
    plan = put(owner, dummy(), prune=True)
    assert deeds(plan) == [("smoke-probe", Deed.UNCHANGED), ("gone", Deed.REMOVED)]
    assert not Job.objects.filter(name="gone").exists()
    assert Job.objects.count() == 4


def test_a_set_is_another_with_an_accent(owner):
    put(owner, dummy(), tag="cafe")
    put(owner, dummy(name="other"), tag="café", prune=True)
    assert Job.objects.count() == 2


def test_a_job_made_by_hand_is_taken_over(owner):
    job = factories.job(owner)
    [step] = put(owner, dummy()).steps
    assert (step.job, step.differences) == (job, {"tags": (None, ["applied"])})


def test_somebody_elses_job_of_the_name_stays_theirs(owner):
    theirs = factories.job(factories.charlie())
    assert deeds(put(owner, dummy(priority="HIGH"))) == [("smoke-probe", Deed.CREATED)]
    theirs.refresh_from_db()
    assert (theirs.version, theirs.priority) == (1, "MEDIUM")


def test_a_paused_job_stays_paused(owner):
    put(owner, dummy())
    actions.pause(Job.objects.get(), by=None, at=NOON)
    put(owner, dummy(schedule={"scheduleType": "INTERVAL", "intervalSeconds": 60}))
    assert Job.objects.get().status == Status.PAUSED


def test_a_name_twice_in_the_files_is_refused(owner):
    assert reasons(put(owner, dummy(), dummy())) == 2 * [
        ("name", "This name stands twice in the files: a job is found by its name.")
    ]


def test_a_name_of_two_jobs_is_refused(owner):
    factories.job(owner)
    factories.job(owner)
    assert reasons(put(owner, dummy())) == [
        ("name", "alice@example.com has 2 jobs of this name: rename the others.")
    ]


def test_the_type_of_a_job_with_runs_stays(owner):
    factories.run(factories.job(owner))
    assert reasons(put(owner, http())) == [("type", "The job has runs: its type stays DUMMY.")]


def test_the_type_of_a_job_without_runs_changes(owner):
    factories.job(owner)
    put(owner, http())
    assert Job.objects.get().type == "HTTP"


def test_a_script_of_somebody_who_may_have_none_stays(owner):
    factories.script(owner)
    assert reasons(put(owner, dummy())) == [("type", "Only administrators may create or change script jobs.")]


def test_the_tag_of_the_set_needs_room(owner):
    tags = [f"tag-{number}" for number in range(20)]
    assert reasons(put(owner, dummy(tags=tags))) == [
        ("tags", "A job has at most 20 tags, and applied is one of them.")
    ]


def test_warnings_are_told_of_what_is_written_only(owner):
    ended = dummy(schedule={"scheduleType": "ONCE", "runAt": "2026-03-02T11:00:00Z"})
    assert len(put(owner, ended).steps[0].warnings) == 1
    assert put(owner, ended).steps[0].warnings == []


def test_the_jobs_are_read_in_a_few_queries(owner, django_assert_max_num_queries):
    requests = [dummy(name=f"job {number}") for number in range(12)]
    put(owner, *requests)
    with django_assert_max_num_queries(10):
        put(owner, *requests, dry_run=True)
