"""Ids of others beside one's own: in an address, in a form, in a list."""

import pytest
from django.urls import reverse

from dashboard.models import SavedView
from jobs import actions
from jobs.models import Job, Status
from notifications.rules import Rule
from tests import factories
from tests.factories import NOON
from tests.jobs.test_views import DUMMY
from tests.notifications import alerting
from tests.notifications.test_views import said

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    user = factories.alice()
    client.force_login(user)
    return user


@pytest.fixture
def mine(alice):
    return factories.job(alice, name="mine")


@pytest.fixture
def theirs():
    made = factories.job(factories.charlie(), name="theirs")
    return actions.edit(made, factories.definition(name="theirs", description="x"), by=made.owner, at=NOON)


def test_a_version_that_only_anothers_job_has_is_not_there(client, mine, theirs):
    address = reverse("job_restore", args=[mine.pk, theirs.version])
    assert client.post(address, {"version": 1}).status_code == 404


def test_nothing_is_tried_in_the_name_of_anothers_job(client, mine, theirs):
    assert client.post(reverse("job_test"), {**DUMMY, "job": theirs.pk}).status_code == 404


def test_no_fire_of_anothers_job_is_moved_not_even_beside_ones_own(client, mine, theirs):
    moves = [f"{job.pk}.{job.version}.5" for job in (mine, theirs)]
    assert client.post(reverse("jobs_spread"), {"move": moves}).status_code == 404
    assert Job.objects.get(pk=mine.pk).version == 1


def test_ones_own_run_is_not_compared_with_anothers(client, mine, theirs):
    asked = {"a": factories.run(mine).pk, "b": factories.run(theirs).pk}
    assert client.get(reverse("run_compare"), asked).status_code == 404


def test_a_view_of_one_list_is_not_there_in_another(client, alice):
    view = SavedView.objects.create(owner=alice, page="run_list", name="x")
    assert client.post(reverse("view_delete", args=[view.pk])).status_code == 404
    assert SavedView.objects.exists()


def test_of_a_list_with_anothers_job_only_ones_own_is_changed(client, mine, theirs):
    sent = {"do": "PAUSE", "id": [mine.pk, theirs.pk], "given": 1, "confirmed": 1}
    client.post(reverse("job_bulk"), sent)
    paused = Job.objects.filter(status=Status.PAUSED).values_list("pk", flat=True)
    assert list(paused) == [mine.pk]


def test_a_file_of_selected_jobs_holds_only_ones_own(client, mine, theirs):
    answer = client.post(reverse("job_export"), {"format": "csv", "id": [mine.pk, theirs.pk]})
    text = b"".join(answer).decode()
    assert (mine.pk in text, theirs.pk in text) == (True, False)


@pytest.mark.parametrize(("smuggled", "made"), [("", 1), ("contact", 0), ("job", 0)])
def test_no_rule_is_made_about_or_to_others(client, alice, mine, theirs, smuggled, made):
    told = alerting.contact(theirs.owner if smuggled == "contact" else alice)
    about = {"scope": "JOB", "job_name": theirs.pk if smuggled == "job" else mine.pk}
    client.post(reverse("rule_create"), said(told, **about))
    assert Rule.objects.count() == made
