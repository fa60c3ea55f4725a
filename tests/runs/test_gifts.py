"""What claimed runs are given besides their definitions."""

import pytest
from cryptography.fernet import Fernet

from jobs import definition
from jobs.vault import Secret
from runs.claim import Claimed
from runs.gifts import gifts
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture(autouse=True)
def keys(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]


def secret(name, owner=None):
    made = Secret(name=name, owner=owner)
    made.hide(f"value of {name}")
    made.save()


def claimed(owner, name, said="{{ secret:hers }} {{ secret:common }}"):
    job = factories.job(owner, name=name, payload={"metadata": {"failureMessage": said}})
    return Claimed(factories.run(job, "RUNNING"), definition.of(job))


def test_each_run_is_given_the_secrets_that_its_owner_may_use():
    alice, charlie = factories.alice(), factories.charlie()
    secret("hers", owner=alice)
    secret("common")
    runs = [claimed(alice, "one"), claimed(charlie, "two")]
    given = gifts(runs)
    assert [sorted(given[each.run.pk].secrets) for each in runs] == [["common", "hers"], ["common"]]


def test_a_run_is_given_no_secret_that_its_payload_does_not_ask_for():
    alice = factories.alice()
    secret("hers", owner=alice)
    quiet = claimed(alice, "one", said="nothing")
    assert gifts([quiet])[quiet.run.pk].secrets == {}
