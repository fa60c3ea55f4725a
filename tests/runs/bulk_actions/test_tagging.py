"""Tags put on and taken off by the many are edits of each job."""

import pytest
from django.db import transaction

from chronos_site.clock import database_now
from jobs.models import Job, JobVersion
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.base import Refused
from runs.bulk_actions.tagging import TagForm
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

NIGHT = {"tags": ["night"]}


@pytest.fixture
def alice():
    return factories.alice()


def tags(job):
    return sorted(Job.objects.get(pk=job.pk).tags.values_list("name", flat=True))


def apply(code, job, by, parameters=NIGHT):
    with transaction.atomic():
        return ACTIONS[code].apply(Job.objects.get(pk=job.pk), parameters, by=by, at=database_now())


def undo(code, job, before, by):
    ACTIONS[code].undo(Job.objects.get(pk=job.pk), before, NIGHT, by=by, at=database_now())


def refusals(code, job, by, parameters=NIGHT):
    rules = ACTIONS[code].check(parameters, by)
    return [rule.sentence for rule in rules if Job.objects.filter(rule.targets, pk=job.pk).exists()]


def test_a_tag_joins_those_that_are_there_and_stands_in_the_version(alice):
    job = factories.job(alice, tags=["billing"])
    apply("ADD_TAG", job, alice)
    assert tags(job) == ["billing", "night"]
    assert JobVersion.objects.get(job=job, version=2).definition["tags"] == ["billing", "night"]


def test_undo_takes_off_what_was_put_on_and_no_more(alice):
    job = factories.job(alice, tags=["billing"])
    undo("ADD_TAG", job, apply("ADD_TAG", job, alice, {"tags": ["night", "billing"]}), alice)
    assert tags(job) == ["billing"]


def test_a_tag_is_taken_off_and_put_on_again(alice):
    job = factories.job(alice, tags=["billing", "night"])
    before = apply("REMOVE_TAG", job, alice)
    assert tags(job) == ["billing"]
    undo("REMOVE_TAG", job, before, alice)
    assert tags(job) == ["billing", "night"]


@pytest.mark.parametrize(("code", "had"), [("ADD_TAG", ["night"]), ("REMOVE_TAG", ["billing"])])
def test_what_changes_nothing_is_refused_beforehand_and_in_the_deed(alice, code, had):
    job = factories.job(alice, tags=had)
    assert refusals(code, job, alice) == [ACTIONS[code].same]
    with pytest.raises(Refused):
        apply(code, job, alice)


def test_a_job_with_some_of_the_tags_gets_the_rest(alice):
    job = factories.job(alice, tags=["night"])
    assert refusals("ADD_TAG", job, alice, {"tags": ["night", "billing"]}) == []


def test_no_job_gets_more_tags_than_its_form_takes(alice):
    job = factories.job(alice, tags=[f"tag-{number}" for number in range(20)])
    with pytest.raises(Refused, match="at most 20 tags"):
        apply("ADD_TAG", job, alice)


def test_a_tag_that_is_none_is_told_at_its_field():
    assert TagForm({"tags": "\u202enight"}).errors["tags"]
