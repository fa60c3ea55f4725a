"""A changed value is an edit: a version, an audit event, the rights of whoever asks; and a way back."""

import pytest
from django.db import transaction

from audit.models import AuditEvent
from chronos_site.clock import database_now
from jobs import actions, definition
from jobs.models import Job, JobPayload
from jobs.rights import NotAllowed
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.base import Refused
from runs.bulk_actions.changing import OwnerForm
from tests import factories

pytestmark = pytest.mark.django_db

HIGH = {"priority": "HIGH"}


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def bob():
    return factories.bob()


def fresh(job):
    return Job.objects.select_related("schedule", "payload", "owner").get(pk=job.pk)


def apply(code, job, by, parameters):
    with transaction.atomic():
        return ACTIONS[code].apply(fresh(job), parameters, by=by, at=database_now())


def undo(code, job, before, by, parameters):
    ACTIONS[code].undo(fresh(job), before, parameters, by=by, at=database_now())
    return fresh(job)


def refusals(code, job, by, parameters):
    rules = ACTIONS[code].check(parameters, by)
    return [rule.sentence for rule in rules if Job.objects.filter(rule.targets, pk=job.pk).exists()]


def owner(user):
    return {"owner": user.pk, "email": user.email}


def test_a_changed_priority_is_a_version_of_its_own(alice):
    job = factories.job(alice)
    before = apply("PRIORITY", job, alice, HIGH)
    event = AuditEvent.objects.get(action="JOB_UPDATED")
    assert (fresh(job).priority, before) == ("HIGH", {"value": "MEDIUM", "version": 2})
    assert event.details["version"] == 2
    assert list(event.details["changes"]) == ["priority"]


def test_the_preview_tells_old_and_new(alice):
    assert ACTIONS["PRIORITY"].change(factories.job(alice), HIGH) == ("Medium", "High")


def test_a_value_that_is_there_already_is_refused_beforehand_and_in_the_deed(alice):
    job = factories.job(alice, priority="HIGH")
    assert refusals("PRIORITY", job, alice, HIGH) == ["It has this value already."]
    with pytest.raises(Refused):
        apply("PRIORITY", job, alice, HIGH)


def test_undo_brings_the_old_value_back_as_a_new_version(alice):
    job = factories.job(alice)
    undone = undo("PRIORITY", job, apply("PRIORITY", job, alice, HIGH), alice, HIGH)
    assert (undone.priority, undone.version) == ("MEDIUM", 3)


def test_a_job_that_was_saved_since_is_not_undone(alice):
    job = factories.job(alice)
    before = apply("PRIORITY", job, alice, HIGH)
    renamed = {**definition.of(fresh(job)), "name": "renamed"}
    actions.edit(fresh(job), renamed, by=alice, at=database_now())
    with pytest.raises(Refused, match="saved it since"):
        undo("PRIORITY", job, before, alice, HIGH)


@pytest.mark.parametrize(
    ("code", "parameters"), [("PRIORITY", HIGH), ("TIMEOUT", {"seconds": 30}), ("OWNER", None)]
)
def test_script_jobs_are_changed_by_administrators_alone(code, parameters, bob):
    script = factories.script(factories.ada())
    parameters = parameters or owner(bob)
    assert (
        refusals(code, script, bob, parameters)[0] == "Only administrators may create or change script jobs."
    )
    with pytest.raises(NotAllowed):
        apply(code, script, bob, parameters)


def test_a_timeout_is_changed_and_goes_back_to_the_type_s_own(alice):
    job = factories.job(alice)
    before = apply("TIMEOUT", job, alice, {"seconds": 30})
    assert JobPayload.objects.get(job=job).timeout_seconds == 30
    undone = undo("TIMEOUT", job, before, alice, {"seconds": 30})
    assert undone.payload.timeout_seconds is None


def test_types_without_a_timeout_are_refused(alice):
    payload = {"cache_region": "default", "cache_operation": "STATS"}
    job = factories.job(alice, type="CACHE", payload=payload)
    assert refusals("TIMEOUT", job, alice, {"seconds": 30}) == ["Its type has no timeout for the whole run."]
    with pytest.raises(Refused):
        apply("TIMEOUT", job, alice, {"seconds": 30})


def test_a_job_is_handed_over_and_given_back(alice, bob):
    job, charlie = factories.job(alice), factories.charlie()
    before = apply("OWNER", job, bob, owner(charlie))
    assert fresh(job).owner == charlie
    assert undo("OWNER", job, before, bob, owner(charlie)).owner == alice
    assert AuditEvent.objects.filter(action="JOB_HANDED_OVER").count() == 2


def test_a_job_that_went_on_to_somebody_else_is_not_given_back(alice, bob):
    job, charlie = factories.job(alice), factories.charlie()
    before = apply("OWNER", job, bob, owner(charlie))
    actions.hand_over(fresh(job), bob, by=bob)
    with pytest.raises(Refused, match="changed since"):
        undo("OWNER", job, before, bob, owner(charlie))


def test_nobody_owns_jobs_who_may_not_sign_in(alice, bob):
    gone = factories.person("gone", is_active=False)
    assert OwnerForm({"owner": gone.email}).errors == {"owner": ["Nobody with this e-mail may sign in."]}
    with pytest.raises(Refused, match="no longer sign in"):
        apply("OWNER", factories.job(alice), bob, owner(gone))


def test_jobs_are_given_away_by_operators_alone(alice, bob):
    assert ACTIONS["OWNER"].offered_to(bob)
    assert not ACTIONS["OWNER"].offered_to(alice)
