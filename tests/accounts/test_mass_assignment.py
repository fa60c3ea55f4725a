"""What a form does not ask for, nobody sets by sending it all the same."""

import pytest
from django.urls import reverse

from accounts.models import User
from dashboard.models import SavedView
from jobs.models import Job
from notifications.contacts import Contact
from notifications.rules import Rule
from tests import factories
from tests.jobs.test_views import DUMMY
from tests.notifications.alerting import contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    user = factories.alice()
    client.force_login(user)
    return user


@pytest.fixture
def smuggled():
    """Fields that belong to nobody's form, for the things and for what stands behind them."""
    other = factories.charlie()
    return {
        "id": "01J00000000000000000000000",
        "pk": "7",
        "owner": other.pk,
        "owner_id": other.pk,
        "owner-owner": other.email,
        "user": other.pk,
        "status": "SUCCEEDED",
        "version": "99",
        "shared": "on",
        "roles": "ADMIN",
        "role": "ADMIN",
        "is_active": "",
        "is_staff": "on",
        "next_fire_at": "2100-01-01T00:00",
        "claim_token": "x",
        "created_at": "2001-01-01T00:00",
        "verified": "on",
    }


def test_a_new_job_is_its_makers_and_begins_like_any_other(client, alice, smuggled):
    client.post(reverse("job_create"), {**smuggled, **DUMMY})
    job = Job.objects.get()
    assert (job.owner, job.status, job.version) == (alice, "SCHEDULED", 1)
    assert job.pk != smuggled["id"]
    assert job.created_at.year > 2001


def test_an_edited_job_stays_its_owners(client, alice, smuggled):
    job = factories.job(alice)
    client.post(reverse("job_edit", args=[job.pk]), {**smuggled, **DUMMY, "version": "1"})
    job.refresh_from_db()
    assert (job.owner, job.status, job.version) == (alice, "SCHEDULED", 2)


def test_a_saved_view_is_its_makers_and_shared_by_operators_alone(client, alice, smuggled):
    client.post(reverse("view_save"), {**smuggled, "name": "Mine", "query": ""})
    assert not SavedView.objects.filter(shared=True).exists()
    assert not SavedView.objects.exclude(owner=alice).exists()


def test_a_contact_point_is_its_makers(client, alice, smuggled):
    given = {"name": "me", "channel": "EMAIL", "address": "me@example.com", "attempts": "8"}
    client.post(reverse("contact_create"), {**smuggled, **given})
    made = Contact.objects.get()
    assert (made.owner, made.shared) == (alice, False)


def test_a_rule_is_its_makers(client, alice, smuggled):
    given = {"name": "mine", "events": ["FAILURE"], "contacts": [contact(alice).pk]}
    client.post(reverse("rule_create"), {**smuggled, **given})
    assert set(Rule.objects.values_list("owner", flat=True)) <= {alice.pk}


@pytest.mark.parametrize("name", ["password_change", "time_zone", "job_columns"])
def test_no_form_of_ones_own_changes_ones_role(client, alice, smuggled, name):
    given = {"old": factories.PASSWORD, "new": "another long password", "again": "another long password"}
    client.post(reverse(name), {**smuggled, **given, "zone": "UTC"})
    assert User.objects.values_list("roles", "is_active").get(pk=alice.pk) == ("USER", True)
