"""What is stored is encrypted, and what is read is what was written."""

import copy
import json
import pickle

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from chronos_site import sealed
from chronos_site.sealed import CANNOT_BE_READ, Unreadable
from jobs import sealing
from jobs.executors import TYPES
from jobs.models import JobPayload, JobVersion
from runs.models import Run
from runs.trials import Trial
from tests import factories

pytestmark = pytest.mark.django_db

SECRET = "c0rrect-h0rse-battery"
COLUMNS = {
    "http_url": f"https://user:{SECRET}@example.com/",
    "http_headers": {"Authorization": SECRET},
    "http_body": SECRET,
    "script_content": f"echo {SECRET}",
    "database_url": f"postgresql://reader:{SECRET}@db/orders",
    "query": f"SELECT '{SECRET}'",
    "parameters": {"password": SECRET},
    "message_body": SECRET,
    "queue_config": {"password": SECRET},
    "cache_config": [SECRET],
    "file_content": SECRET,
    "metadata": {"a": {"token": SECRET}},
}


def in_the_column(table, columns="*"):
    """What the tables say to whoever reads them without us."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table}")
        return str(cursor.fetchall())


def stored():
    job = factories.job(type="HTTP")
    JobPayload.objects.filter(job=job).delete()
    return JobPayload.objects.create(job=job, type="HTTP", **COLUMNS)


def test_a_payload_is_nowhere_in_the_clear_and_comes_back():
    payload = JobPayload.objects.get(pk=stored().pk)
    assert SECRET not in in_the_column("job_payloads")
    assert {name: getattr(payload, name) for name in COLUMNS} == COLUMNS


def test_every_column_that_is_sealed_in_payloads_is_sealed_in_versions():
    fields = JobPayload._meta.concrete_fields
    assert {field.name for field in fields if isinstance(field, sealed.Sealed)} == sealing.COLUMNS
    assert set(COLUMNS) == sealing.COLUMNS


def test_the_versions_of_a_job_keep_its_payload_encrypted():
    job = factories.job(type="HTTP")
    whole = {"name": "a", "type": "HTTP", "payload": {**COLUMNS, "timeout_seconds": 5}}
    version = JobVersion.objects.create(job=job, version=77, definition=whole)
    told = in_the_column("job_versions", "definition")
    assert SECRET not in told
    assert '"timeout_seconds"' in told
    assert JobVersion.objects.get(pk=version.pk).definition == whole


@pytest.mark.parametrize(("given", "is_sealed"), [({"password": SECRET}, True), ({"seconds": 5}, False)])
def test_of_jobs_that_call_nobody_only_telling_payloads_are_encrypted(given, is_sealed):
    whole = {"type": "DUMMY", "payload": {"metadata": given}}
    kept = sealing.SealedDefinition().get_prep_value(whole)
    assert sealed.is_sealed(kept["payload"]["metadata"]) is is_sealed


def test_parameters_of_a_run_are_encrypted_where_a_name_tells():
    job = factories.job()
    factories.run(job, parameters={"api_token": SECRET})
    factories.run(job, attempt=2, parameters={"day": "monday"})
    told = in_the_column("job_runs", "parameters")
    assert SECRET not in told
    assert "monday" in told
    assert {"api_token": SECRET} in list(Run.objects.values_list("parameters", flat=True))


def test_trials_keep_what_was_typed_encrypted():
    assert isinstance(Trial._meta.get_field("definition"), sealing.SealedDefinition)
    assert isinstance(Trial._meta.get_field("parameters"), sealing.SealedParameters)


def test_what_was_stored_in_the_clear_is_read(settings):
    keys, settings.SECRETS_KEYS = settings.SECRETS_KEYS, []
    payload = stored()
    assert SECRET in in_the_column("job_payloads")
    settings.SECRETS_KEYS = keys
    assert JobPayload.objects.get(pk=payload.pk).http_body == SECRET


def test_what_no_key_opens_is_a_sentence_and_is_stored_again_as_it_was(settings):
    payload, before = stored(), in_the_column("job_payloads", "http_body, metadata")
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    payload.refresh_from_db()
    assert payload.http_body == payload.metadata == CANNOT_BE_READ
    payload.save()
    assert in_the_column("job_payloads", "http_body, metadata") == before


def test_what_cannot_be_read_stays_so_however_it_is_copied():
    lost = Unreadable("sealed:gAAAAA")
    copies = copy.deepcopy(lost), pickle.loads(pickle.dumps(lost))
    assert [each.sealed for each in copies] == ["sealed:gAAAAA"] * 2


def test_what_looks_like_a_token_but_was_typed_comes_back_as_typed():
    typed = "sealed:gAAAAAnot-one"
    assert sealed.unseal(sealed.seal(typed)) == typed


def test_an_address_too_long_for_its_column_once_sealed_stays_as_it_is():
    long = "https://example.com/" + "a" * 2020
    job = factories.job()
    JobPayload.objects.filter(job=job).update(http_url=long)
    assert JobPayload.objects.get(job=job).http_url == long


@pytest.mark.parametrize("length", [0, 1, 13, 14, 15, 1400, 1468, 1469, 1470, 1471, 2048])
def test_the_room_that_a_text_will_take_is_known_before(length):
    text = "ü" * (length % 7) + "x" * length
    sealed_length = len(sealed.MARK + sealed.sealed(json.dumps(text, ensure_ascii=False)))
    assert sealed.fits(text, sealed_length)
    assert not sealed.fits(text, sealed_length - 1)


def test_a_form_takes_no_address_that_would_stay_in_the_clear():
    form = TYPES["HTTP"].form({"http_method": "GET", "http_url": "https://example.com/" + "a" * 1500})
    assert "too long" in str(form.errors["http_url"])
