"""Pages of jobs whose secrets no present key opens."""

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from chronos_site.sealed import CANNOT_BE_READ
from runs.models import DeadLetter
from tests import factories

pytestmark = pytest.mark.django_db

PAYLOAD = {
    "http_url": "https://user:s3cret-word@example.com/",
    "http_method": "POST",
    "http_headers": {"Authorization": "s3cret-word"},
    "http_body": "s3cret-word",
    "metadata": {"max_redirects": 2},
}


@pytest.fixture
def job():
    return factories.job(type="HTTP", payload=PAYLOAD)


@pytest.fixture
def run(job):
    return factories.run(job, "FAILURE", parameters={"token": "s3cret-word"}, error_message="It broke.")


@pytest.fixture
def lost(settings, run):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]


def page(client, name, *args, **asked):
    return client.get(reverse(name, args=args), asked)


@pytest.mark.parametrize("name", ["job_detail", "job_versions", "job_edit", "job_run_now", "job_file"])
def test_pages_of_the_job_open_all_the_same(client, job, lost, name):
    client.force_login(job.owner)
    answer = page(client, name, job.pk)
    assert answer.status_code in (200, 302, 405)


def test_the_page_of_the_job_says_that_it_cannot_be_read(client, job, lost):
    client.force_login(job.owner)
    assert CANNOT_BE_READ in page(client, "job_detail", job.pk).content.decode()


def test_the_page_of_a_run_says_so_of_its_parameters(client, job, run, lost):
    client.force_login(job.owner)
    assert CANNOT_BE_READ in page(client, "run_detail", run.pk).content.decode()


def test_the_page_of_a_dead_letter_opens(client, job, run, lost):
    letter = DeadLetter.objects.create(run=run, job=job, failure_reason="It broke.")
    client.force_login(job.owner)
    assert page(client, "dead_letter_detail", letter.pk).status_code == 200


def test_lists_do_not_read_what_is_encrypted(client, job, lost):
    client.force_login(job.owner)
    assert "smoke-probe" in page(client, "job_list", target="example.com").content.decode()


def test_saving_the_form_asks_for_what_is_gone(client, job, lost):
    client.force_login(job.owner)
    shown = page(client, "job_edit", job.pk).content.decode()
    assert CANNOT_BE_READ not in shown
    assert "s3cret-word" not in shown


def test_an_export_writes_no_token(client, job, lost):
    client.force_login(job.owner)
    answer = page(client, "job_export", ids=job.pk)
    assert b"gAAAAA" not in b"".join(answer) if answer.streaming else answer.content
