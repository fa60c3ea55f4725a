import pytest
from cryptography.fernet import Fernet

from chronos_site.sealing import NoKey
from jobs import vault
from jobs.vault import Secret
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]


@pytest.fixture
def keys(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    return settings.SECRETS_KEYS


def secret(name, value, owner=None):
    made = Secret(name=name, owner=owner)
    made.hide(value)
    made.save()
    return made


def test_a_secret_comes_back_and_is_nowhere_in_the_clear(keys):
    made = secret("token", "s3cr3t — ✓")
    owner = factories.alice()
    assert vault.reveal({"token", "other"}, owner_id=owner.pk) == {"token": "s3cr3t — ✓"}
    assert "s3cr3t" not in str(Secret.objects.filter(pk=made.pk).values())


def test_a_secret_with_an_owner_is_for_the_jobs_of_that_person_alone(keys):
    alice, charlie = factories.alice(), factories.charlie()
    secret("token", "hers", owner=alice)
    assert vault.reveal({"token"}, owner_id=charlie.pk) == {}
    assert vault.missing({"token"}, owner_id=charlie.pk) == ["token"]
    assert vault.missing({"token"}, owner_id=alice.pk) == []


def test_an_older_key_still_opens_and_a_lost_one_does_not(keys, settings):
    owner = factories.alice()
    secret("token", "s3cr3t")
    settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *keys]
    assert vault.reveal({"token"}, owner_id=owner.pk) == {"token": "s3cr3t"}
    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    assert vault.reveal({"token"}, owner_id=owner.pk) == {}


def test_without_a_key_nothing_is_kept(settings):
    settings.SECRETS_KEYS = []
    with pytest.raises(NoKey, match="CHRONOS_SECRETS_KEYS"):
        secret("token", "s3cr3t")
