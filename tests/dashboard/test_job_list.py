"""The job list: who sees what, what the filters mean, what it costs."""

import re
from datetime import timedelta
from functools import partial
from html import escape

import pytest
from django.urls import reverse
from django.utils import timezone

from chronos_site.hostile import visible
from dashboard import columns
from jobs import actions
from jobs.models import Job, JobSchedule, JobTag
from runs import history
from runs.models import Outcome, Run
from tests.factories import NOON, ada, alice, bob, charlie, job

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return alice()


def names(response) -> list[str]:
    return [row.job.name for row in response.context.get("rows", [])]


def listed(client, user, query: str = "") -> list[str]:
    client.force_login(user)
    response = client.get(reverse("job_list") + query)
    assert response.status_code == 200
    return names(response)


def ended(one: Job, outcome: Outcome, minutes: int = 0, **fields) -> Run:
    at = NOON + timedelta(minutes=minutes)
    return Run.objects.create(
        job=one, scheduled_time=at, start_time=at, end_time=at, outcome=outcome, **fields
    )


def page_text(client, user, query: str = "") -> str:
    client.force_login(user)
    return client.get(reverse("job_list") + query).content.decode()


def test_people_see_their_own_jobs_and_operators_everyones(client, owner):
    job(owner, name="hers")
    job(charlie(), name="his")
    assert listed(client, owner) == ["hers"]
    assert listed(client, bob()) == ["hers", "his"]
    assert listed(client, ada()) == ["hers", "his"]


def test_schedules_that_do_not_fire_are_found_and_say_why(client, owner):
    broken = job(owner, name="broken")
    job(owner, name="good")
    JobSchedule.objects.filter(job=broken).update(next_fire_at=None, problem="Its only run was missed.")
    assert listed(client, owner, "?broken=1") == ["broken"]
    assert "Does not fire: Its only run was missed." in page_text(client, owner)


def test_nobody_sees_anything_without_signing_in(client):
    assert client.get(reverse("job_list")).status_code == 302


def test_the_list_only_reads(client, owner):
    client.force_login(owner)
    assert client.post(reverse("job_list")).status_code == 405


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["call", "probe", "report"]),
        ("?q=RO", ["probe"]),
        ("?status=PAUSED", ["probe"]),
        ("?status=PAUSED&status=PENDING", ["probe", "report"]),
        ("?type=DUMMY", ["probe"]),
        ("?type=HTTP&type=DUMMY", ["call", "probe"]),
        ("?priority=HIGH", ["report"]),
        ("?priority=HIGH&type=DUMMY", []),
        ("?failing=1", ["call"]),
    ],
)
def test_filters(client, owner, query, found):
    probe = job(owner, name="probe")
    actions.pause(probe, by=None, at=NOON)
    ended(probe, Outcome.SUCCESS)
    call = job(owner, name="call", type="HTTP", payload={"http_url": "http://example.com"})
    ended(call, Outcome.TIMEOUT)
    job(owner, name="report", type="REPORT", priority="HIGH", arm=False)
    assert listed(client, owner, query) == found


def test_what_fails_is_found_among_everyones_newest_failures(client, owner, monkeypatch):
    monkeypatch.setattr(history, "newest_ends", partial(history.newest_ends, count=1))
    ended(job(owner, name="long-ago"), Outcome.FAILURE)
    ended(job(owner, name="lately"), Outcome.FAILURE, minutes=5)
    assert listed(client, bob(), "?failing=1") == ["lately"]
    assert "Found among the runs that ended since" in page_text(client, ada(), "?failing=1")
    assert listed(client, owner, "?failing=1") == ["lately", "long-ago"]


def test_a_job_is_found_by_the_beginning_of_its_id(client, owner):
    one, _ = job(owner, name="one"), job(owner, name="other")
    assert listed(client, owner, f"?q={one.pk.lower()}") == ["one"]


def test_everybody_filters_what_they_see_by_owner(client, owner):
    him = bob()
    job(owner, name="hers")
    job(him, name="mine")
    assert listed(client, him, "?owner=alice") == ["hers"]
    assert listed(client, him, "?owner=me") == ["mine"]
    for asked, found in (("bob", []), ("others", []), ("me", ["hers"]), ("ALICE@", ["hers"])):
        assert listed(client, owner, f"?owner={asked}") == found


@pytest.mark.parametrize(
    "query",
    [
        "?sort=password&sort=name",
        "?sort=",
        "?status=ROT",
        "?status=&type=&priority=&q=&owner=&failing=",
        "?failing=2",
        "?q=%00%0A",
        "?q=%ff%fe",
        "?q=" + "x" * 5000,
        "?after=garbage",
        "?before=W10",
        "?after=a&before=b",
        "?status=" + "&status=".join(["PAUSED"] * 500),
        "?q=%25_%5C",
        "?owner=%00",
        "?fires=99:99-x",
        "?fires_from=22:00",
        "?fires_from=22:00&fires_to=06:00&fires=1h",
        "?tag=%00&tag=&error=%25&host=[",
    ],
)
def test_an_address_that_makes_no_sense_is_no_error(client, owner, query):
    job(owner)
    client.force_login(bob())
    assert client.get(reverse("job_list") + query).status_code == 200


def test_what_the_list_does_not_know_is_left_out_and_said(client, owner):
    job(owner, name="hers")
    text = page_text(client, owner, "?status=ROT&sort=password")
    assert "status “ROT”, sort “password”" in text
    assert "hers" in text


def test_each_chip_removes_itself_alone(client, owner):
    client.force_login(owner)
    response = client.get(reverse("job_list") + "?status=PAUSED&status=FAILED&q=x&sort=next")
    assert [(chip.label, chip.value, chip.without) for chip in response.context["filters"].chips] == [
        ("status", "Paused", "?q=x&status=FAILED&sort=next"),
        ("status", "Failed", "?q=x&status=PAUSED&sort=next"),
    ]


def test_a_list_without_matches_says_what_would_have_some(client, owner):
    job(owner, name="probe")
    text = page_text(client, owner, "?q=probe&status=PAUSED")
    assert "No job matches all 2 conditions" in text
    assert "Without “status: Paused” there is" in text


def test_somebody_without_jobs_is_shown_how_to_begin(client, owner):
    assert "Nothing scheduled yet" in page_text(client, owner)


def test_more_than_is_counted_is_said_as_such(client, owner, monkeypatch):
    monkeypatch.setattr("dashboard.jobs.MOST_COUNTED", 30)
    for n in range(32):
        job(owner, name=f"job-{n}")
    assert "32 in all" in page_text(client, owner)
    assert "30+ of 32 match" in page_text(client, owner, "?type=DUMMY")


def test_a_failing_job_shows_its_last_outcome_and_the_errors_first_line(client, owner):
    one = job(owner, at=timezone.now())
    ended(one, Outcome.FAILURE, error_message="pool exhausted\nTraceback")
    client.force_login(owner)
    response = client.get(reverse("job_list"))
    (row,) = response.context["rows"]
    assert row.state == "FAILURE"
    assert '<span class="err-2">pool exhausted</span>' in response.content.decode()
    assert "<pre>Traceback</pre>" in response.content.decode()


def test_tags_stand_with_the_job_and_lead_to_others_of_their_kind(client, owner):
    JobTag.objects.create(job=job(owner), name="night & day")
    assert 'href="/jobs/?tag=night%20%26%20day"' in page_text(client, owner)


def test_every_column_has_its_place(client, owner):
    client.cookies[columns.COOKIE] = ".".join(columns.COLUMNS)
    ended(job(owner, priority="HIGH"), Outcome.SUCCESS, duration_ms=41_000)
    text = page_text(client, bob())
    assert text.count('<th scope="col"') == 12
    assert text.count("<td") + text.count('<th scope="row"') == 12
    assert "Succeeded, 41 s" in text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=job",
        "?tag=night&owner=alice",
        "?outcome=FAILURE&sort=status",
        "?error=pool&host=example",
        "?failing=1&fires=24h&schedule=INTERVAL",
        "?outcome=SUCCESS&failing=1&error=x&tag=night&q=job",
    ],
)
def test_the_list_costs_the_same_whatever_there_is(client, owner, query, django_assert_max_num_queries):
    for n in range(30):
        one = job(owner, name=f"job-{n}")
        JobTag.objects.create(job=one, name="night")
        ended(one, Outcome.FAILURE, error_message="pool exhausted")
    client.force_login(bob())
    with django_assert_max_num_queries(15):
        client.get(reverse("job_list") + query)


def test_a_row_shows_what_the_job_is_for(client, owner):
    job(owner, description="# Exports *invoices* <b>\n\nIf it fails: call bob")
    shown = page_text(client, owner)
    assert "Exports invoices &lt;b&gt;" in shown
    assert "call bob" not in shown


def test_an_error_is_text_and_never_markup(client, owner):
    ended(job(owner, name="<b>job"), Outcome.FAILURE, error_message="<script>alert(1)</script>")
    text = page_text(client, owner)
    assert "<script>alert" not in text
    assert "<b>job" not in text


def test_a_success_after_a_failure_is_no_failure(client, owner):
    one = job(owner)
    ended(one, Outcome.FAILURE, error_message="pool exhausted")
    ended(one, Outcome.SUCCESS, minutes=5)
    assert "pool exhausted" not in page_text(client, owner)


def test_a_tick_that_should_have_come_makes_a_job_late(client, owner):
    one = job(owner)
    JobSchedule.objects.filter(job=one).update(next_fire_at=timezone.now() - timedelta(minutes=3))
    assert "waiting 3 min" in page_text(client, owner)


@pytest.mark.parametrize(
    ("status", "offered", "refused"),
    [("SCHEDULED", "pause", "resume"), ("PAUSED", "resume", "pause"), ("CANCELLED", "run-now", "pause")],
)
def test_the_menu_offers_what_the_state_allows(client, owner, status, offered, refused):
    one = job(owner)
    Job.objects.filter(pk=one.pk).update(status=status)
    text = page_text(client, owner)
    assert f"/jobs/{one.pk}/{offered}/" in text
    assert f"/jobs/{one.pk}/{refused}/" not in text


_ADDRESSES = re.compile(r'(?:formaction|href)="(/jobs/[^"]*)"')


def test_each_menu_is_of_its_own_job_whatever_that_is_called(client, owner):
    called = ["0" * 26, "(any job)", "<i>'\"&", "plain\u202e"]
    jobs = [job(owner, name=name) for name in called]
    text = page_text(client, owner)
    for one, name in zip(jobs, [escape(visible(name)) for name in called], strict=True):
        menu = text[text.index(f'id="acts-{one.pk}"') :].partition("</details>")[0]
        assert f'title="Actions for {name}"' in menu
        assert menu.count(one.pk) == len(_ADDRESSES.findall(menu)) + 1
        assert all(one.pk in address for address in _ADDRESSES.findall(menu))
