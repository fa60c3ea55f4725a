"""Contact points by the API: their secrets go in and never come out."""

import pytest

from notifications.contacts import Contact
from tests import factories
from tests.api.calling import Caller, errors
from tests.jobs.executors.test_email import mailbox  # noqa: F401 (fixture)
from tests.together import meeting

pytestmark = pytest.mark.django_db
PATH = "/notifications/contacts"
HOOK = {
    "name": "ops",
    "channel": "WEBHOOK",
    "address": "https://hooks.example.com/chronos",
    "secret": "a-key-of-ours-that-signs",
}
MAIL = {"name": "me", "channel": "EMAIL", "address": "me@example.com"}


@pytest.fixture
def call():
    return Caller(factories.alice())


def test_a_secret_is_kept_and_shown_to_nobody(call):
    answer = call.post(PATH, HOOK)
    assert answer.status_code == 201, answer.content
    assert Contact.objects.get().secret == HOOK["secret"]
    assert answer.json()["has_secret"] is True
    assert b"that-signs" not in answer.content + call.get(PATH).content


def test_a_change_keeps_the_secret_that_it_does_not_name(call):
    made = call.post(PATH, HOOK).json()
    changed = call("PATCH", f"{PATH}/{made['id']}", {"name": "operations"})
    assert changed.json() == {**made, "name": "operations"}
    assert Contact.objects.get().secret == HOOK["secret"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.databases("postgresql", "mysql")
def test_a_change_takes_nothing_back_that_somebody_else_says_in_that_moment(call):
    made = call.post(PATH, HOOK).json()
    meeting(
        lambda: Contact.objects.update(name="by somebody else"),
        lambda: call("PATCH", f"{PATH}/{made['id']}", {"enabled": False}),
    )
    contact = Contact.objects.get()
    assert (contact.name, contact.enabled) == ("by somebody else", False)


def test_an_address_that_comes_back_as_it_was_shown_stays_as_it_is(call):
    address = "https://hooks.example.com/chronos?token=of-ours"
    made = call.post(PATH, {**HOOK, "address": address}).json()
    changed = call("PATCH", f"{PATH}/{made['id']}", {"address": made["address"], "enabled": False})
    assert (changed.status_code, changed.json()["enabled"]) == (200, False)
    assert Contact.objects.get().address == address != made["address"]


def test_each_field_that_is_wrong_is_named(call):
    answer = call.post(PATH, {**MAIL, "name": "", "address": "nobody"})
    assert (answer.status_code, set(errors(answer))) == (422, {"name", "address"})


def test_only_operators_share_a_contact_point(call):
    assert errors(call.post(PATH, {**MAIL, "shared": True})) == {"shared": "Your role may not set this."}
    assert call.post(PATH, {**MAIL, "shared": False}).status_code == 201
    assert Caller(factories.bob()).post(PATH, {**MAIL, "shared": True}).json()["shared"] is True


def test_a_test_tells_what_the_peer_said(call, mailbox):  # noqa: F811
    path = f"{PATH}/{call.post(PATH, MAIL).json()['id']}:test"
    assert call.post(path).json() == {"taken": True, "said": "250 2.0.0 Ok: queued as 42"}
    mailbox.refusing["me@example.com"] = "550 5.1.1 No such user"
    assert call.post(path).json()["taken"] is False


def test_many_tests_are_too_many(call, mailbox):  # noqa: F811
    path = f"{PATH}/{call.post(PATH, MAIL).json()['id']}:test"
    assert [call.post(path).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_test_takes_no_key_for_sending_twice(call):
    path = f"{PATH}/{call.post(PATH, MAIL).json()['id']}:test"
    assert "Idempotency-Key" in errors(call.post(path, **{"Idempotency-Key": "1"}))


def test_a_contact_point_is_deleted(call):
    path = f"{PATH}/{call.post(PATH, MAIL).json()['id']}"
    assert call("DELETE", path).status_code == 204
    assert call.get(path).status_code == 404
