"""What a form does not ask for, nobody sets by sending it all the same."""

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.actions import BACKEND
from accounts.checks import addresses
from accounts.models import User
from accounts.permissions import RULES
from dashboard.models import SavedView
from jobs.models import Job
from notifications.contacts import Contact
from notifications.rules import Rule
from runs.bulk import BulkOperation
from runs.models import Run
from runs.trials import Trial
from tests import factories
from tests.accounts.test_permissions import BODIES, address, ids  # noqa: F401 (fixture)
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


SAID = {"name": "x", "note": "x", "notes": "x", "zone": "UTC", "given": "1", "confirmed": "1", "do": "save"}


def taken_over(other):
    """What belongs to somebody whom nobody gave anything, and what no form may write."""
    owned = [Job, Contact, Rule, SavedView]
    mine = [model.__name__ for model in owned if model.objects.filter(owner=other).exists()]
    mine += ["Trial"] * Trial.objects.filter(person=other).exists()
    mine += ["BulkOperation"] * BulkOperation.objects.filter(by=other).exists()
    mine += ["claim"] * Run.objects.filter(claim_token="smuggled").exists()
    mine += ["version"] * Job.objects.filter(version__gt=90).exists()
    roles = set(User.objects.values_list("roles", "is_active"))
    return mine + ([] if roles == {("USER", True)} else ["roles"])


def test_no_address_lets_anybody_write_what_its_form_does_not_ask_for(client, ids, smuggled):  # noqa: F811
    alice = User.objects.get(email="alice@example.com")
    other = User.objects.get(pk=smuggled["owner"])
    client.force_login(alice, BACKEND)
    found = {}
    for name, pattern in addresses():
        if name in RULES and RULES[name].change and name not in ("sign_out", "api"):
            path = address(name, pattern, ids)
            body = dict(pair.split("=") for pair in BODIES.get(name, "").split("&") if pair)
            with transaction.atomic():
                client.post(path, {**smuggled, "claim_token": "smuggled", **SAID, **body})
                found[name] = taken_over(other)
                transaction.set_rollback(True)
    assert {name: what for name, what in found.items() if what} == {}
    assert len(found) > 40
