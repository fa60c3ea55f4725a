import hashlib

import pytest
from django.urls import reverse

from jobs.executors.base import Artefact as File
from runs import artefacts
from runs.artefacts import Artefact, Part
from runs.models import Outcome, Run
from runs.settle import Ended, settle
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture
def owner():
    return factories.alice()


@pytest.fixture
def run(owner):
    return factories.run(factories.job(owner))


@pytest.fixture
def kept(run):
    artefacts.keep([(run.pk, File("orders <1>.html", CONTENT, "text/html"))])
    return Artefact.objects.get()


def download(client, user, file):
    client.force_login(user)
    return client.get(reverse("artefact_download", args=[file.pk]))


def test_a_file_comes_back_as_it_went_in_parts(kept):
    assert b"".join(kept.read()) == CONTENT
    assert (kept.size, kept.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert Part.objects.count() == 3


def test_files_are_kept_with_the_outcome(owner):
    run = factories.run(factories.job(owner), "RUNNING", claim_token="T")
    ended = Ended(run, Outcome.SUCCESS, factories.NOON, artefacts=[File("a.csv", b"1"), File("b.csv", b"")])
    assert settle([ended]) == {run.pk}
    assert [(each.name, b"".join(each.read())) for each in Artefact.objects.order_by("name")] == [
        ("a.csv", b"1"),
        ("b.csv", b""),
    ]


def test_a_worker_that_lost_the_run_keeps_no_files(owner):
    run = factories.run(factories.job(owner), "RUNNING", claim_token="T")
    late = Run.objects.get(pk=run.pk)
    late.claim_token = "old"
    assert settle([Ended(late, Outcome.SUCCESS, factories.NOON, artefacts=[File("a", b"1")])]) == set()
    assert not Artefact.objects.exists()


def test_files_go_with_their_run(kept, run):
    run.job.delete()
    assert not Artefact.objects.exists()
    assert not Part.objects.exists()


def test_a_download_is_an_attachment_that_no_browser_opens(client, owner, kept):
    answer = download(client, owner, kept)
    assert answer.getvalue() == CONTENT
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="orders <1>.html"'


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\nb", "\u202egpj.exe", "\x85", ""])
def test_no_name_of_a_file_breaks_its_download(client, owner, run, name):
    artefacts.keep([(run.pk, File(name, b"1"))])
    answer = download(client, owner, Artefact.objects.get())
    assert answer.getvalue() == b"1"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "Set-Cookie" not in answer
    assert not set("\r\n\u202e") & set(answer["Content-Disposition"])


def test_files_of_others_are_not_there(client, kept):
    assert download(client, factories.charlie(), kept).status_code == 404
    assert download(client, factories.bob(), kept).status_code == 200


def test_the_page_of_the_run_offers_them(client, owner, run, kept):
    client.force_login(owner)
    page = client.get(reverse("run_detail", args=[run.pk])).content.decode()
    assert reverse("artefact_download", args=[kept.pk]) in page
    assert "orders &lt;1&gt;.html" in page
