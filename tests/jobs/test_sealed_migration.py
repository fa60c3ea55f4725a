"""What an installation stored in the clear is encrypted when it is upgraded."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from jobs.models import JobPayload, JobVersion
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "c0rrect-h0rse"
PAYLOAD = {"http_url": f"https://example.com/?token={SECRET}", "http_method": "GET"}
upgrade = import_module("jobs.migrations.0008_sealed")


@pytest.fixture
def old(settings):
    """A job as it was stored before there was anything to encrypt it."""
    keys, settings.SECRETS_KEYS = settings.SECRETS_KEYS, []
    job = factories.job(type="HTTP", payload=PAYLOAD)
    JobPayload.objects.filter(job=job).update(host="")
    settings.SECRETS_KEYS = keys
    return job


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT http_url, metadata FROM job_payloads")
        payloads = str(cursor.fetchall())
        cursor.execute("SELECT definition FROM job_versions")
        return payloads + str(cursor.fetchall())


def test_the_upgrade_encrypts_payloads_and_versions_and_finds_hosts(old):
    assert SECRET in stored()
    upgrade.find_hosts(apps, None)
    upgrade.seal(apps, None)
    assert SECRET not in stored()
    payload = JobPayload.objects.get(job=old)
    assert (payload.http_url, payload.host) == (PAYLOAD["http_url"], "example.com")
    assert JobVersion.objects.get(job=old).definition["payload"]["http_url"] == PAYLOAD["http_url"]


def test_going_back_puts_everything_into_the_clear(old):
    upgrade.seal(apps, None)
    upgrade.unseal(apps, None)
    assert stored().count(SECRET) == 2
    assert "gAAAAA" not in stored()


def test_without_a_key_the_upgrade_leaves_everything_as_it_is(old, settings):
    settings.SECRETS_KEYS = []
    before = stored()
    upgrade.seal(apps, None)
    assert stored() == before
