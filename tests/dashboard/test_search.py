"""One search for everything that a person may see."""

import pytest
from django.urls import reverse

from accounts.actions import BACKEND
from dashboard.models import SavedView
from dashboard.search import groups
from jobs.models import Job, JobTag, Status, Type
from runs.models import DeadLetter
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.databases, pytest.mark.django_db]


@pytest.fixture
def alice():
    return factories.alice()


def found(user, text):
    """The titles by the group they are in."""
    return {group.title: [each.title for each in group.found] for group in groups(user, text)}


def letter(job, reason="pool exhausted"):
    run = factories.run(job, "FAILURE")
    return DeadLetter.objects.create(job=job, run=run, failure_reason=reason, created_at=NOON)


def test_a_job_is_found_by_any_part_of_its_name_in_any_case(alice):
    factories.job(alice, name="Nightly-Invoices")
    assert found(alice, "iNVoi")["Jobs"] == ["Nightly-Invoices"]


def test_every_word_must_be_in_the_name(alice):
    for name in ("invoices-nightly", "invoices-hourly"):
        factories.job(alice, name=name)
    assert found(alice, "night invo")["Jobs"] == ["invoices-nightly"]


def test_the_name_itself_comes_first_then_those_that_begin_with_the_text(alice):
    for name in ("an-invoice", "invoice-b", "invoice", "invoice-a"):
        factories.job(alice, name=name)
    assert found(alice, "invoice")["Jobs"] == ["invoice", "invoice-a", "invoice-b", "an-invoice"]


def test_many_jobs_lead_to_the_list_of_all(alice):
    for n in range(8):
        factories.job(alice, name=f"probe-{n}")
    (jobs,) = [group for group in groups(alice, "probe") if group.title == "Jobs"]
    assert len(jobs.found) == 6
    assert jobs.more == "/jobs/?q=probe"


def test_late_jobs_and_queues_to_pause_are_found_by_those_who_may_see_them(alice):
    assert "Late jobs" in found(alice, "late")["Go to"]
    assert found(factories.bob(), "stop high")["Do"] == ["Pause the queue high…"]
    assert "Do" not in found(alice, "stop high")


def test_a_deed_is_found_with_the_job_that_is_named_after_it(alice):
    job, _ = factories.job(alice, name="nightly-invoices"), factories.job(factories.charlie(), name="nightly")
    assert found(alice, "Pause night")["Do"] == ["Pause nightly-invoices…"]
    assert found(alice, "edit invoices")["Do"] == ["Edit nightly-invoices…"]
    (deed,) = [each for group in groups(alice, "delete nightly") for each in group.found]
    assert deed.address == reverse("job_delete", args=[job.pk])
    job.status = Status.PAUSED
    job.save(update_fields=["status"])
    assert "Do" not in found(alice, "pause nightly")


def test_a_script_is_edited_by_those_who_may(alice):
    factories.job(alice, name="clean-up")
    Job.objects.update(type=Type.SCRIPT)
    assert "Do" not in found(alice, "edit clean")
    assert found(alice, "backfill clean")["Do"] == ["Backfill clean-up…"]


@pytest.mark.parametrize("length", [8, 26])
def test_a_run_is_found_by_how_its_id_begins(alice, length):
    run = factories.run(factories.job(alice))
    (runs,) = [group for group in groups(alice, run.pk[:length].lower()) if group.title == "Runs"]
    assert runs.found[0].address == reverse("run_detail", args=[run.pk])


def test_a_job_is_found_by_its_id(alice):
    job = factories.job(alice)
    assert found(alice, job.pk)["Jobs"] == [job.name]


def test_a_view_is_found_by_its_name_by_those_who_are_offered_it(alice):
    SavedView.objects.create(owner=alice, page="run_list", name="Slow failures", query="took=10s")
    SavedView.objects.create(owner=alice, page="job_list", name="Failures of all", shared=True)
    assert found(alice, "fail slow")["Views"] == ["Slow failures"]
    (views,) = [group for group in groups(factories.bob(), "failures") if group.title == "Views"]
    assert [(each.title, each.address) for each in views.found] == [("Failures of all", "/jobs/?")]


def test_a_tag_leads_to_its_jobs(alice):
    JobTag.objects.create(job=factories.job(alice), name="billing")
    (tags,) = [group for group in groups(alice, "Bil") if group.title == "Tags"]
    assert (tags.found[0].title, tags.found[0].address) == ("billing", "/jobs/?tag=billing")


def test_a_dead_letter_is_found_by_its_error(alice):
    letter(factories.job(alice), "Connection refused\nby the host")
    assert found(alice, "refused")["Dead letters"] == ["smoke-probe"]


def test_a_dead_letter_that_was_handled_is_not_found(alice):
    one = letter(factories.job(alice))
    one.status = DeadLetter.Status.RESOLVED
    one.save()
    assert "Dead letters" not in found(alice, "pool")


@pytest.mark.parametrize("text", ["smoke", "pool", "billing", "ID"])
def test_nothing_of_others_is_found(alice, text):
    job = factories.job(alice)
    JobTag.objects.create(job=job, name="billing")
    run = letter(job).run
    titles = found(factories.charlie(), run.pk if text == "ID" else text)
    assert titles.keys() <= {"Go to", "Do"}


def test_operators_find_everyones(alice):
    run = factories.run(factories.job(alice))
    bob = factories.bob()
    assert found(bob, run.pk)["Runs"] == found(bob, "smoke")["Jobs"] == ["smoke-probe"]


def test_pages_are_found_by_their_names_and_other_words_for_them(alice):
    assert found(alice, "shift hand")["Go to"] == ["Shift handover"]
    assert found(alice, "history")["Go to"] == ["Runs", "Audit trail"]
    assert found(alice, "create")["Do"] == ["New job"]


@pytest.mark.parametrize(("page", "who"), [("System", "bob"), ("Administration", "ada")])
def test_pages_are_offered_only_to_those_who_may_open_them(alice, page, who):
    assert page not in found(alice, page.lower()).get("Go to", [])
    assert found(getattr(factories, who)(), page.lower())["Go to"] == [page]


@pytest.mark.parametrize(
    "text", ["%", "_", "\x00", "'", "\ud800", "x" * 5000, "01" + "Z" * 24, "[", "\u202e"]
)
def test_nothing_typed_is_an_error(client, alice, text):
    client.force_login(alice, BACKEND)
    factories.job(alice)
    assert client.get("/search/", {"q": text.encode("utf-8", "replace")}).status_code == 200


def test_the_page_and_the_palette_show_the_same(client, alice):
    client.force_login(alice, BACKEND)
    factories.job(alice, name="<b>bold")
    page = client.get("/search/?q=bold").content.decode()
    fragment = client.get("/search/?q=bold", headers={"HX-Request": "true"}).content.decode()
    assert "&lt;b&gt;bold" in fragment
    assert "<html" not in fragment
    assert fragment.strip() in page


def test_what_is_not_found_is_said(client, alice):
    client.force_login(alice, BACKEND)
    assert "Nothing matches “zzz”" in client.get("/search/?q=zzz").content.decode()


def test_a_search_costs_a_bounded_number_of_queries(client, alice, django_assert_max_num_queries):
    client.force_login(factories.bob(), BACKEND)
    for n in range(20):
        job = factories.job(alice, name=f"01job-{n}")
        JobTag.objects.create(job=job, name=f"01job{n}")
        letter(job)
    with django_assert_max_num_queries(15):
        client.get("/search/?q=01job")
    with django_assert_max_num_queries(9):
        client.get("/search/?q=01JOBZ", headers={"HX-Request": "true"})


def test_a_page_that_is_not_there_offers_to_search(client, alice):
    client.force_login(alice, BACKEND)
    assert 'action="/search/"' in client.get("/nowhere/").content.decode()
