"""Two versions of a job side by side."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs import actions
from jobs import definition as definitions
from jobs.models import Job, JobVersion
from tests.factories import ada, alice, bob, charlie, job, script

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    one = job(owner, name="first")
    for name in ("second", "third"):
        definition = {**definitions.of(one), "name": name}
        one = actions.edit(one, definition, by=owner, at=AT, note=f"Now {name}")
    return one


def page(client, user, one: Job, **query):
    client.force_login(user)
    return client.get(reverse("job_versions", args=[one.pk]), query)


def test_at_first_it_shows_the_last_edit(client, owner, probe):
    shown = page(client, owner, probe)
    (change,) = shown.context["compared"].changes
    assert (change.label, change.before, change.after) == ("Name", "second", "third")
    assert "“Now third”" in shown.content.decode()


def test_any_two_versions_can_be_compared_and_the_current_one_restored_from(client, owner, probe):
    shown = page(client, owner, probe, before=3, after=1)
    (change,) = shown.context["compared"].changes
    assert (change.before, change.after) == ("third", "first")
    assert reverse("job_restore", args=[probe.pk, 1]) in shown.content.decode()


def test_of_two_earlier_versions_neither_is_restored(client, owner, probe):
    assert "restore" not in page(client, owner, probe, before=1, after=2).content.decode()


def test_the_same_version_twice_says_the_same(client, owner, probe):
    shown = page(client, owner, probe, before=3, after=3).content.decode()
    assert "They say the same." in shown
    assert 'id="restore"' not in shown


@pytest.mark.parametrize("typed", ["0", "99", "-1", "x", "²", "9" * 30, ""])
def test_a_number_that_is_none_of_the_versions_is_no_error(client, owner, probe, typed):
    assert page(client, owner, probe, before=typed, after="3").status_code == 200


def test_a_version_that_is_not_kept_is_named(client, owner, probe):
    JobVersion.objects.filter(job=probe, version=1).delete()
    assert "Version 1 is not kept." in page(client, owner, probe, before=1, after=3).content.decode()


def test_secrets_stay_hidden(client, owner):
    payload = {"http_url": "https://a.example/", "http_method": "GET"}
    one = job(owner, type="HTTP", payload={**payload, "http_headers": {"Authorization": "Bearer oldsecret"}})
    changed = {**payload, "http_headers": {"Authorization": "Bearer newsecret"}}
    actions.edit(one, {**definitions.of(one), "payload": changed}, by=owner, at=AT)
    html = page(client, owner, one, before=2, after=1).content.decode()
    assert "Headers, Authorization" in html
    assert "oldsecret" not in html
    assert "newsecret" not in html


def test_owners_and_operators_see_versions_others_do_not(client, owner, probe):
    for user in (owner, bob(), ada()):
        assert page(client, user, probe).status_code == 200
    assert page(client, charlie(), probe).status_code == 404


def test_who_may_not_define_such_jobs_is_told_so_instead_of_a_form(client, owner):
    one = script(owner)
    changed = {**definitions.of(one), "name": "other"}
    JobVersion.objects.create(job=one, version=2, definition=changed, author=owner)
    Job.objects.filter(pk=one.pk).update(version=2)
    html = page(client, owner, one, before=2, after=1).content.decode()
    assert "Only administrators may create or change script jobs." in html
    assert reverse("job_restore", args=[one.pk, 1]) not in html


def test_the_page_costs_few_queries(client, owner, probe):
    client.force_login(owner)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("job_versions", args=[probe.pk]), {"before": 3, "after": 1})
    assert len(queries) <= 8


def test_a_first_version_is_compared_with_nothing(client, owner):
    shown = page(client, owner, job(owner)).content.decode()
    assert "There is one version so far" in shown
    assert "against" not in shown
