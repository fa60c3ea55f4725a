"""Old keys can be taken away once everything is encrypted with the newest."""

from collections import Counter
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from chronos_site import rotate, sealed
from jobs import vault
from jobs.models import JobPayload
from jobs.vault import Secret
from notifications.contacts import Contact
from tests import factories

pytestmark = pytest.mark.django_db

BODY = "c0rrect-h0rse"


@pytest.fixture
def payload():
    job = factories.job()
    JobPayload.objects.filter(job=job).update(http_body=BODY, queue_config={"password": BODY})
    return JobPayload.objects.get(job=job)


def a_new_key(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode(), *settings.SECRETS_KEYS]


def command(*words):
    out = StringIO()
    call_command("rotate_secrets", *words, stdout=out)
    return out.getvalue()


def held(model=JobPayload):
    fields = next(fields for each, fields in rotate.places() if each is model)
    return sum(rotate.count(model, fields), Counter())


def test_after_rotation_the_newest_key_alone_opens_everything(payload, settings):
    secret = Secret(name="token")
    secret.hide("s3cr3t")
    secret.save()
    a_new_key(settings)
    assert "rows encrypted with the newest key" in command()
    settings.SECRETS_KEYS = settings.SECRETS_KEYS[:1]
    payload.refresh_from_db()
    assert (payload.http_body, payload.queue_config) == (BODY, {"password": BODY})
    assert vault.reveal({"token"}, owner_id=payload.job.owner_id) == {"token": "s3cr3t"}


def test_what_was_in_the_clear_is_encrypted(payload, settings):
    keys, settings.SECRETS_KEYS = settings.SECRETS_KEYS, []
    JobPayload.objects.filter(pk=payload.pk).update(http_body=BODY)
    settings.SECRETS_KEYS = keys
    assert held()[rotate.PLAIN] == 1
    command()
    assert held()[rotate.PLAIN] == 0


def test_a_rotation_that_was_stopped_goes_on_where_it_was(payload, settings, monkeypatch):
    monkeypatch.setattr(rotate, "BATCH", 1)
    other = factories.job(payload.job.owner, name="Other")
    JobPayload.objects.filter(job=other).update(http_body=BODY)
    a_new_key(settings)
    fields = next(fields for each, fields in rotate.places() if each is JobPayload)
    assert next(rotate.rewrite(JobPayload, fields, rotate.renewed)) == 1
    assert set(held()) >= {1, 2}
    assert sum(rotate.rewrite(JobPayload, fields, rotate.renewed)) == 1
    assert set(held()) == {1}


def test_the_check_tells_which_keys_are_in_use_and_changes_nothing(payload, settings):
    a_new_key(settings)
    with pytest.raises(SystemExit):
        command("--check")
    assert held()[2] >= 2


def test_the_check_is_content_when_the_newest_key_is_alone(payload):
    command()
    assert "may be taken away" in command("--check")


def test_what_no_key_opens_is_told_and_left_alone(payload, settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SystemExit):
        command()
    assert held()[rotate.LOST] >= 2


def test_contact_points_are_rotated_too():
    assert Contact in [model for model, _ in rotate.places()]


def test_without_keys_there_is_nothing_to_rotate(settings):
    settings.SECRETS_KEYS = []
    with pytest.raises(CommandError, match="CHRONOS_SECRETS_KEYS"):
        command()


def test_opening_undoes_sealing():
    assert rotate.opened(sealed.seal({"a": 1})) == {"a": 1}
