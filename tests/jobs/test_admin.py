"""Jobs in the admin: seen as a whole, defined elsewhere."""

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from accounts.actions import BACKEND
from audit.models import AuditEvent
from jobs import vault
from jobs.models import Job, JobVersion
from jobs.vault import Secret
from notifications.models import Notification
from runs.models import Run
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/jobs/job/"


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return ada


def page(job) -> str:
    return f"{LIST}{job.pk}/change/"


def names(response) -> list[str]:
    return [job.name for job in response.context["cl"].result_list]


def test_a_jobs_page_shows_its_parts_without_their_secrets(client, ada):
    payload = {
        "http_url": "https://user:s3cret@example.com/?token=s3cret",
        "http_method": "GET",
        "http_headers": {"Authorization": "Bearer s3cret", "Accept": "text/html"},
    }
    job = factories.job(type="HTTP", payload=payload, retry={"max_attempts": 3})
    version = JobVersion.objects.get()
    for address in (
        page(job),
        f"/admin/jobs/jobpayload/{job.payload.pk}/change/",
        f"/admin/jobs/jobversion/{version.pk}/change/",
    ):
        shown = client.get(address).content.decode()
        assert "text/html" in shown
        assert "example.com" in shown
        assert "s3cret" not in shown


def test_a_definition_does_not_change_here(client, ada):
    job = factories.job()
    typed = {
        "owner": job.owner_id,
        "name": "hacked",
        "type": "SCRIPT",
        "status": "RUNNING",
        "priority": "HIGH",
    }
    client.post(page(job), typed | _empty_inlines())
    after = Job.objects.get()
    assert (after.name, after.type, after.status, after.priority) == (
        job.name,
        job.type,
        job.status,
        job.priority,
    )
    assert after.version == JobVersion.objects.count() == 1


def test_a_job_is_handed_over_and_that_is_recorded(client, ada):
    job = factories.job()
    bob = factories.bob()
    response = client.post(page(job), {"owner": bob.pk} | _empty_inlines())
    assert response.status_code == 302
    assert Job.objects.get().owner == bob
    event = AuditEvent.objects.get(action="JOB_HANDED_OVER")
    assert (event.user_email, event.details) == (
        ada.email,
        {"changes": {"owner": ["alice@example.com", "bob@example.com"]}},
    )


def test_saving_without_a_change_records_nothing(client, ada):
    job = factories.job()
    client.post(page(job), {"owner": job.owner_id} | _empty_inlines())
    assert not AuditEvent.objects.filter(action="JOB_HANDED_OVER").exists()


def _empty_inlines() -> dict[str, str]:
    return {
        f"{part}-{kind}_FORMS": "0"
        for part in ("tags", "schedule", "payload", "retry_policy")
        for kind in ("TOTAL", "INITIAL")
    }


def test_a_new_job_is_defined_in_the_products_form(client, ada):
    assert client.get(f"{LIST}add/").headers["Location"] == reverse("job_create")


def test_the_question_before_deleting_counts_what_goes_along(client, ada):
    job = factories.job()
    Run.objects.bulk_create(Run(job=job, scheduled_time=factories.NOON, attempt=n) for n in range(1, 8))
    Notification.objects.create(user=job.owner, job=job, channel="EMAIL", target="x", template_code="x")
    response = client.get(f"{LIST}{job.pk}/delete/")
    counts = dict(response.context["model_count"])
    assert counts["runs"] == "7"
    assert counts["notifications (kept without their job)"] == "1"


def test_a_job_deleted_here_is_recorded(client, ada):
    job = factories.job()
    client.post(f"{LIST}{job.pk}/delete/", {"post": "yes"})
    assert not Job.objects.exists()
    assert AuditEvent.objects.get(action="JOB_DELETED").user_email == ada.email


def test_several_jobs_deleted_here_are_recorded_one_by_one(client, ada):
    alice = factories.alice()
    jobs = [factories.job(alice, name=name) for name in ("one", "two")]
    client.post(
        LIST, {"action": "delete_selected", "_selected_action": [job.pk for job in jobs], "post": "yes"}
    )
    assert AuditEvent.objects.filter(action="JOB_DELETED").count() == 2


def test_search_finds_an_id_in_any_case_and_a_part_of_a_name(client, ada):
    alice = factories.alice()
    report, _ = factories.job(alice, name="Nightly report"), factories.job(alice, name="cleanup")
    assert names(client.get(LIST, {"q": report.pk.lower()})) == ["Nightly report"]
    assert names(client.get(LIST, {"q": "nightly"})) == ["Nightly report"]
    assert names(client.get(LIST, {"q": "é%_\\'"})) == []


def test_an_owner_is_chosen_by_typing(client, ada):
    factories.alice()
    query = {"app_label": "jobs", "model_name": "job", "field_name": "owner", "term": "alic"}
    found = client.get("/admin/autocomplete/", query).json()["results"]
    assert [each["text"] for each in found] == ["alice@example.com"]


def test_parts_and_versions_are_found_by_their_job(client, ada):
    alice = factories.alice()
    job, _ = factories.job(alice, name="report"), factories.job(alice, name="cleanup")
    for part in ("jobschedule", "jobpayload", "jobversion"):
        for term in ("repo", job.pk):
            found = client.get(f"/admin/jobs/{part}/", {"q": term}).context["cl"].result_list
            assert [row.job for row in found] == [job]


@pytest.mark.databases
def test_summaries_are_filtered_and_searched_like_jobs(client, ada):
    alice = factories.alice()
    job, _ = factories.job(alice, name="report", priority="HIGH"), factories.job(alice, name="cleanup")
    Run.objects.create(job=job, scheduled_time=factories.NOON, duration_ms=1500)
    address = "/admin/jobs/jobsummary/"
    for query in ({"q": "repo"}, {"q": job.pk}, {"priority__exact": "HIGH"}):
        response = client.get(address, query)
        assert names(response) == ["report"]
        assert "1,500 ms" in response.content.decode()
    assert client.get(f"{address}{job.pk}/change/").status_code == 200
    assert client.get(f"{address}nothing/change/").status_code == 302


# Secrets


@pytest.fixture
def keys(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]


def typed_secret(**over):
    return {
        "name": "billing",
        "value": "s3cr3t\r\nsecond",
        "owner": "",
        "description": "For invoices",
        **over,
    }


def test_a_secret_is_typed_in_and_never_shown_again(client, ada, keys):
    client.post("/admin/jobs/secret/add/", typed_secret())
    made = Secret.objects.get()
    page = client.get(f"/admin/jobs/secret/{made.pk}/change/").content.decode()
    assert "billing" in page
    assert "s3cr3t" not in page
    assert made.token not in page
    assert vault.reveal({"billing"}, owner_id=ada.pk) == {"billing": "s3cr3t\nsecond"}
    assert "s3cr3t" not in str(AuditEvent.objects.values())


def test_an_empty_value_leaves_the_secret_as_it_is(client, ada, keys):
    client.post("/admin/jobs/secret/add/", typed_secret())
    page = f"/admin/jobs/secret/{Secret.objects.get().pk}/change/"
    client.post(page, typed_secret(value="", description="For all"))
    assert vault.reveal({"billing"}, owner_id=ada.pk) == {"billing": "s3cr3t\nsecond"}
    client.post(page, typed_secret(value="n3w"))
    assert vault.reveal({"billing"}, owner_id=ada.pk) == {"billing": "n3w"}


def test_without_a_key_the_form_says_so(client, ada, settings):
    settings.SECRETS_KEYS = []
    page = client.post("/admin/jobs/secret/add/", typed_secret()).content.decode()
    assert "CHRONOS_SECRETS_KEYS holds no key" in page
    assert not Secret.objects.exists()
