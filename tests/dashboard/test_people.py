"""People, for administrators: invitations, roles, and what becomes of the jobs of who leaves."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import actions
from accounts.actions import BACKEND
from accounts.models import Role, User
from audit.models import AuditEvent
from jobs.models import Job
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client):
    user = factories.ada()
    client.force_login(user, BACKEND)
    return user


@pytest.fixture
def alice():
    return factories.alice()


def change(client, owner, **data):
    given = {"role": owner.role.value, "is_active": "on", "jobs": "leave", **data}
    return client.post(reverse("person_change", args=[owner.pk]), given)


def text(client, owner):
    return client.get(reverse("person_change", args=[owner.pk])).content.decode()


def test_people_are_listed_by_their_email(client, ada, alice, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        shown = client.get(reverse("people")).content.decode()
    assert shown.index("ada@example.com") < shown.index("alice@example.com")


def test_who_is_invited_gets_a_link_and_chooses_the_password(client, ada, settings):
    settings.EMAIL_HOST = "mail.example.com"
    answer = client.post(reverse("person_invite"), {"email": "New@Example.com", "role": "OPERATOR"})
    invited = User.objects.get(email="new@example.com")
    assert (invited.role, invited.has_usable_password()) == (Role.OPERATOR, False)
    assert answer.context["sent"]
    [path] = re.findall(r"(/sign-in/password/\S+)", mail.outbox[0].body)
    Client().post(path, {"new": "a new and long password", "again": "a new and long password"})
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["INVITED", "INVITATION_ACCEPTED"]


def test_without_a_mail_server_the_administrator_gets_the_link(client, ada):
    answer = client.post(reverse("person_invite"), {"email": "new@example.com", "role": "USER"})
    assert not answer.context["sent"]
    assert answer.context["link"] in answer.content.decode().replace("&amp;", "&")


def test_somebody_is_invited_once(client, ada, alice):
    answer = client.post(reverse("person_invite"), {"email": "ALICE@example.com", "role": "USER"})
    assert answer.context["form"].errors["email"]


def test_a_role_is_changed_with_its_before_and_after(client, ada, alice):
    change(client, alice, role="OPERATOR", note="On call now")
    told = AuditEvent.objects.get(action="USER_CHANGED")
    assert told.details == {"changes": {"role": ["USER", "OPERATOR"]}, "note": "On call now"}


def test_who_leaves_is_signed_out_and_their_jobs_are_paused(client, ada, alice):
    job = factories.job(alice)
    theirs = Client()
    theirs.post("/sign-in/", {"email": alice.email, "password": factories.PASSWORD})
    change(client, alice, is_active="", jobs="pause")
    job.refresh_from_db()
    assert job.status == "PAUSED"
    assert theirs.get("/").headers["Location"].startswith("/sign-in/")


def test_who_leaves_hands_their_jobs_over(client, ada, alice):
    for name in ("a", "b"):
        factories.job(alice, name=name)
    charlie = factories.charlie()
    change(client, alice, is_active="", jobs="hand-over", to="Charlie@example.com")
    assert set(Job.objects.values_list("owner__email", "status")) == {(charlie.email, "SCHEDULED")}
    assert AuditEvent.objects.filter(action="JOB_HANDED_OVER").count() == 2


def test_jobs_of_who_has_left_already_are_seen_to_when_that_is_asked_for(client, ada, alice):
    job = factories.job(alice)
    change(client, alice, is_active="", jobs="leave")
    alice.refresh_from_db()
    assert '<option value="leave" selected>' in text(client, alice)
    change(client, alice, is_active="", jobs="pause")
    job.refresh_from_db()
    assert job.status == "PAUSED"


@pytest.mark.parametrize("to", ["", "nobody@example.com", "alice@example.com"])
def test_jobs_are_handed_to_somebody_who_is_there(client, ada, alice, to):
    answer = change(client, alice, is_active="", jobs="hand-over", to=to)
    assert answer.context["form"].errors["to"]
    alice.refresh_from_db()
    assert alice.is_active


def test_the_last_administrator_stays_one(client, ada):
    for data in ({"role": "USER"}, {"is_active": ""}):
        assert change(client, ada, **data).context["form"].errors
    ada.refresh_from_db()
    assert ada.is_administrator


def test_who_lost_their_device_signs_in_by_the_password(client, ada, alice):
    User.objects.filter(pk=alice.pk).update(totp="sealed")
    client.post(reverse("person_without_code", args=[alice.pk]))
    alice.refresh_from_db()
    assert alice.totp == ""
    assert AuditEvent.objects.get(action="TWO_FACTOR_OFF").user_email == ada.email


def test_nobody_else_sees_people(client, alice):
    for somebody in (alice, factories.bob()):
        client.force_login(somebody, BACKEND)
        assert client.get(reverse("people")).status_code == 403


def test_a_page_from_before_somebody_was_shut_out_does_not_let_them_in(client, ada, alice):
    shown = {"initial-role": alice.role.value, "initial-is_active": "True"}
    assert 'name="initial-is_active" value="True"' in text(client, alice)
    actions.change_person(User.objects.get(pk=alice.pk), role=Role.USER, is_active=False, by=ada)
    job = factories.job(alice)
    change(client, alice, role="OPERATOR", jobs="pause", **shown)
    alice.refresh_from_db()
    job.refresh_from_db()
    assert (alice.role, alice.is_active, job.status) == (Role.OPERATOR, False, "SCHEDULED")


def test_a_new_role_lets_nobody_in_who_was_shut_out_at_that_moment(ada, alice):
    actions.change_person(User.objects.get(pk=alice.pk), role=Role.USER, is_active=False, by=ada)
    actions.change_person(alice, role=Role.OPERATOR, is_active=True, by=ada)
    alice.refresh_from_db()
    assert (alice.role, alice.is_active) == (Role.OPERATOR, False)
