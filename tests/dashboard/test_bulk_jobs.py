"""From the job list to the deed: seen before it is done, within everybody's rights."""

import re

import pytest
from django.urls import reverse

from jobs.models import Job, Status
from runs import bulk, bulk_views
from runs.bulk import BulkOperation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.alice()


def post(client, user, **data):
    client.force_login(user)
    return client.post(reverse("job_bulk"), data)


def ids(*jobs):
    return [job.pk for job in jobs]


def statuses():
    return sorted(Job.objects.values_list("status", flat=True))


def body(response):
    return " ".join(response.content.decode().split())


def test_the_preview_says_what_will_happen_and_does_nothing(client, alice):
    one, two = factories.job(alice, name="one"), factories.job(alice, name="two")
    Job.objects.filter(pk=two.pk).update(status=Status.PAUSED)
    response = post(client, alice, do="PAUSE", id=ids(one, two))
    shown = response.context["preview"]
    assert (shown.willing, shown.refusals) == (1, [("It is paused already.", 1)])
    assert "Runs in progress go on" in body(response)
    assert statuses() == [Status.PAUSED, Status.SCHEDULED]


def test_what_is_confirmed_is_done_at_once_and_can_be_undone_from_the_message(client, alice):
    jobs = [factories.job(alice, name=name) for name in ("one", "two")]
    back = "/jobs/?status=SCHEDULED"
    response = post(client, alice, do="PAUSE", id=ids(*jobs), given=1, confirmed=2, next=back)
    assert response.url == back
    told = client.get(back).content.decode()
    assert "2 jobs are paused." in told
    assert f'formaction="{reverse("bulk_undo", args=[BulkOperation.objects.get().pk])}"' in told


def test_changed_values_are_shown_before_and_after(client, alice):
    job = factories.job(alice)
    response = post(client, alice, do="PRIORITY", id=ids(job), given=1, priority="HIGH")
    (line,) = response.context["preview"].lines
    assert (line.before, line.after) == ("Medium", "High")
    assert "<del>Medium</del>" in body(response)


def test_what_must_be_said_is_asked_for_first(client, alice):
    response = post(client, alice, do="PRIORITY", id=ids(factories.job(alice)))
    assert "Show the changes" in body(response)
    assert 'name="confirmed"' not in body(response)


def test_bad_input_is_told_at_its_field_and_nothing_is_lost(client, alice):
    job = factories.job(alice)
    response = post(
        client, alice, do="PAUSE", id=ids(job), given=1, confirmed=1, until="yesterday", note="Because"
    )
    assert response.context["asked"].form.errors["until"]
    assert 'value="Because"' in body(response)
    assert statuses() == [Status.SCHEDULED]


def test_all_that_match_are_those_of_the_filter(client, alice):
    factories.job(alice, name="high", priority="HIGH"), factories.job(alice, name="low", priority="LOW")
    post(client, alice, do="PAUSE", all=1, matching="?priority=HIGH", given=1, confirmed=1)
    assert Job.objects.get(status=Status.PAUSED).name == "high"
    assert BulkOperation.objects.get().conditions == [["priority", "HIGH"]]


def test_a_filter_of_a_user_never_reaches_others_jobs(client, alice):
    theirs = factories.job(factories.charlie(), name="theirs")
    factories.job(alice, name="hers")
    shown = post(client, alice, do="PAUSE", all=1, matching="").context["preview"]
    assert [line.target.name for line in shown.lines] == ["hers"]
    post(client, alice, do="PAUSE", all=1, matching="?owner=charlie", given=1, confirmed=1)
    response = post(client, alice, do="PAUSE", id=ids(theirs), given=1, confirmed=1)
    assert (response.status_code, statuses()) == (302, [Status.SCHEDULED] * 2)


def test_an_operator_s_filter_reaches_everyone_s(client, alice):
    factories.job(alice)
    post(client, factories.bob(), do="PAUSE", all=1, matching="", given=1, confirmed=1)
    assert statuses() == [Status.PAUSED]


def test_a_condition_that_means_nothing_lets_no_more_jobs_match(client, alice):
    factories.job(alice)
    response = post(client, alice, do="PAUSE", all=1, matching="?status=NONSENSE", given=1, confirmed=1)
    assert (response.status_code, statuses()) == (302, [Status.SCHEDULED])


def test_more_jobs_than_were_shown_are_shown_again(client, alice):
    factories.job(alice)
    response = post(client, alice, do="DELETE", all=1, matching="", given=1, confirmed=2)
    assert "By now 1 match: look at them once more." in body(response)
    assert Job.objects.exists()


def test_other_jobs_than_were_shown_are_shown_again(client, alice):
    shown, other = (factories.job(alice, name=name, priority="LOW") for name in ("shown", "other"))
    Job.objects.filter(pk=shown.pk).update(priority="HIGH")
    chosen = {"do": "PAUSE", "all": 1, "matching": "?priority=HIGH", "given": 1}
    before = post(client, alice, **chosen).context["asked"].fingerprint
    Job.objects.filter(pk=shown.pk).update(priority="LOW")
    Job.objects.filter(pk=other.pk).update(priority="HIGH")
    again = post(client, alice, **chosen, confirmed=1, fingerprint=before)
    assert "By now others match, 1 in all: look at them once more." in body(again)
    assert statuses() == [Status.SCHEDULED] * 2
    (seen,) = re.findall(r'name="fingerprint" value="(\w+)"', body(again))
    post(client, alice, **chosen, confirmed=1, fingerprint=seen)
    assert Job.objects.get(status=Status.PAUSED) == other


def test_too_many_are_refused(client, alice, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 1)
    factories.job(alice, name="one"), factories.job(alice, name="two")
    response = post(client, alice, do="PAUSE", all=1, matching="", given=1, confirmed=2)
    assert response.status_code == 409
    assert "More than 1 match" in body(response)


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "\x00", "' OR 1=1 --", "0" * 400, "01kccwbty0rt2gzskypd8j86g9", "0" * 26],
)
def test_hostile_ids_select_nothing(client, alice, wrong):
    factories.job(alice)
    response = post(client, alice, do="DELETE", id=[wrong], given=1, confirmed=1)
    assert (response.status_code, Job.objects.count()) == (302, 1)


@pytest.mark.parametrize("wrong", ["", "NOTHING", "PAUSE\x00", "__class__"])
def test_there_are_no_other_actions(client, alice, wrong):
    assert post(client, alice, do=wrong).status_code == 404


@pytest.mark.parametrize("number", ["", "-1", "x", "9" * 30, "²"])
def test_a_confirmation_that_is_no_number_confirms_nothing(client, alice, number):
    job = factories.job(alice)
    response = post(client, alice, do="DELETE", id=ids(job), given=1, confirmed=number)
    assert (response.status_code, Job.objects.count()) == (200, 1)


def test_owners_are_changed_by_operators_alone(client, alice):
    job = factories.job(alice)
    response = post(client, alice, do="OWNER", id=ids(job), given=1, owner="alice@example.com", confirmed=1)
    assert response.status_code == 403


def test_operators_do_not_change_scripts(client):
    script = factories.script(factories.ada())
    given = {"do": "PRIORITY", "id": ids(script), "given": 1, "priority": "HIGH"}
    shown = post(client, factories.bob(), **given).context["preview"]
    assert (shown.willing, shown.refused) == (0, 1)


def test_what_was_refused_leads_to_the_page_that_says_so(client, alice):
    one, two = factories.job(alice, name="one"), factories.job(alice, name="two")
    Job.objects.filter(pk=two.pk).update(status=Status.PAUSED)
    response = post(client, alice, do="PAUSE", id=ids(one, two), given=1, confirmed=2)
    assert response.url == reverse("bulk_detail", args=[BulkOperation.objects.get().pk])


def test_what_takes_too_long_for_a_request_is_left_to_the_workers(client, alice, monkeypatch):
    monkeypatch.setattr(bulk_views, "PATIENCE_SECONDS", -1.0)
    response = post(client, alice, do="PAUSE", id=ids(factories.job(alice)), given=1, confirmed=1)
    operation = BulkOperation.objects.get()
    assert response.url == reverse("bulk_detail", args=[operation.pk])
    assert (operation.done, operation.lease_expires_at) == (0, None)


def test_the_deed_leads_back_to_this_site_alone(client, alice):
    response = post(
        client, alice, do="PAUSE", id=ids(factories.job(alice)), given=1, confirmed=1, next="//evil.example/"
    )
    assert response.url == reverse("job_list")


@pytest.mark.parametrize("do", ["PAUSE", "DELETE", "PRIORITY"])
def test_the_preview_costs_a_constant_number_of_queries(client, do, django_assert_max_num_queries):
    bob = factories.bob()
    for number in range(20):
        factories.job(bob, name=f"job-{number}")
    client.force_login(bob)
    data = {"do": do, "all": 1, "matching": "?priority=MEDIUM", "given": 1, "priority": "HIGH"}
    with django_assert_max_num_queries(8):
        client.post(reverse("job_bulk"), data)


def test_hostile_names_stay_text(client, alice):
    job = factories.job(alice, name="<script>alert(1)</script>\u202eevil")
    response = body(post(client, alice, do="PAUSE", id=ids(job)))
    assert "<script>alert" not in response
    assert "\u202e" not in response


def test_the_list_offers_what_the_person_may_do(client, alice):
    factories.job(alice)
    client.force_login(alice)
    mine = client.get(reverse("job_list")).content.decode()
    client.force_login(factories.bob())
    assert 'value="OWNER"' not in mine
    assert 'value="OWNER"' in client.get(reverse("job_list")).content.decode()
