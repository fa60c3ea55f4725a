"""Running past ticks from a page and from the command line: happy, forbidden, illegal."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import expect

from jobs.models import JobSchedule
from runs.days import JobDay
from runs.models import Run, Trigger
from tests.factories import NEVER, NOON, alice, bob, charlie, job, run

pytestmark = pytest.mark.django_db

HOURLY = {"schedule_type": "CRON", "cron_expression": "0 * * * *", "timezone": "Europe/Berlin"}
RANGE = {"since": "2026-03-02T06:00", "until": "2026-03-02T09:30"}
SIX = NOON - timedelta(hours=6)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner, schedule=HOURLY)


def ask(client, user, one, **said):
    client.force_login(user)
    return client.get(reverse("job_backfill", args=[one.pk]), said)


def post(client, user, one, name="job_backfill", **said):
    client.force_login(user)
    return client.post(reverse(name, args=[one.pk]), said)


def text(response):
    return response.content.decode()


def test_the_page_shows_what_would_run_and_starts_nothing(client, owner, probe):
    run(probe, at=SIX)
    shown = ask(client, owner, probe, **RANGE)
    assert "3 runs, one after the other" in text(shown)
    assert "1 tick of the range ran already and is left out" in text(shown)
    assert '2 Mar 2026 08:00:00 CET<span class="abs">07:00:00 UTC' in text(shown)
    assert Run.objects.count() == 1


@pytest.mark.browser
def test_the_keyboard_goes_on_from_what_would_run(visit, probe, owner, live_server):
    browser = visit(reverse("job_backfill", args=[probe.pk]), owner, timezone_id="UTC")
    browser.locator("[name=since]").fill(RANGE["since"])
    browser.locator("[name=until]").fill(RANGE["until"])
    browser.locator("[name=until]").press("Enter")
    # The way by keyboard goes on from there once the page is whole.
    browser.wait_for_url("**/*#proposal")
    expect(browser.locator("#proposal h2")).to_be_visible()
    browser.keyboard.press("Tab")
    expect(browser.get_by_role("button", name="Start")).to_be_focused()


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_a_backfill_is_started(client, owner, probe, who):
    response = post(client, owner if who == "owner" else bob(), probe, **RANGE)
    assert response["Location"] == reverse("job_detail", args=[probe.pk])
    assert Run.objects.filter(trigger=Trigger.BACKFILL).count() == 4
    assert "A backfill is in progress" in text(client.get(response["Location"]))


def test_what_ran_runs_again_when_it_is_ticked(client, owner, probe):
    run(probe, at=SIX)
    assert "1 of these ticks ran already and runs again" in text(
        ask(client, owner, probe, include_ran="on", **RANGE)
    )
    post(client, owner, probe, include_ran="on", **RANGE)
    assert Run.objects.filter(trigger=Trigger.BACKFILL).count() == 4


@pytest.mark.parametrize("act", [ask, post])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"since": "", "until": RANGE["until"]}, "This field is required"),
        ({**RANGE, "since": "yesterday"}, "Enter a valid date/time"),
        ({**RANGE, "since": "0001-01-01T00:00"}, "Give a date from the year 1970"),
        ({"since": RANGE["until"], "until": RANGE["since"]}, "The end lies before the start."),
        ({**RANGE, "until": "2099-01-01T00:00"}, "still to come"),
        ({"since": "2026-03-02T06:10", "until": "2026-03-02T06:20"}, "No tick of the schedule"),
        ({**RANGE, "since": "2021-03-02T06:00"}, "More than 5,000 ticks"),
    ],
)
def test_a_mistake_is_told_at_its_field(client, owner, probe, act, said, told):
    response = act(client, owner, probe, **said)
    assert response.status_code == 200
    assert told in text(response)
    assert not Run.objects.exists()


@pytest.mark.parametrize("name", ["job_backfill", "job_backfill_cancel"])
def test_others_do_not_backfill_a_job(client, probe, name):
    assert post(client, charlie(), probe, name, **RANGE).status_code == 404
    assert not Run.objects.exists()


def test_a_second_backfill_is_refused_with_a_sentence(client, owner, probe):
    post(client, owner, probe, **RANGE)
    response = post(client, owner, probe, **RANGE)
    assert response.status_code == 409
    assert "A backfill of smoke-probe is in progress" in text(response)


def test_a_backfill_is_cancelled(client, owner, probe):
    post(client, owner, probe, **RANGE)
    response = post(client, owner, probe, "job_backfill_cancel")
    assert response["Location"] == reverse("job_detail", args=[probe.pk])
    assert not Run.objects.active().exists()
    assert "A backfill is in progress" not in text(client.get(response["Location"]))


def test_without_a_backfill_there_is_none_to_cancel(client, owner, probe):
    response = post(client, owner, probe, "job_backfill_cancel")
    assert response.status_code == 409
    assert "No backfill of smoke-probe is in progress." in text(response)


@pytest.mark.parametrize("name", ["job_backfill", "job_backfill_cancel"])
def test_they_start_and_stop_by_a_protected_post(owner, probe, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    url = reverse(name, args=[probe.pk])
    assert client.post(url, RANGE).status_code == 403
    assert Client().post(url)["Location"].startswith("/sign-in/")


def test_a_backfill_costs_the_same_however_long_it_is(client, owner, probe):
    client.force_login(owner)
    costs = []
    for since in ("2026-03-02T06:00", "2026-02-01T00:00"):
        # What every page shows is remembered for a few seconds.
        ask(client, owner, probe, since=RANGE["since"], until=RANGE["until"])
        with CaptureQueriesContext(connection) as queries:
            ask(client, owner, probe, since=since, until=RANGE["until"])
        with CaptureQueriesContext(connection) as more:
            post(client, owner, probe, since=since, until=RANGE["until"])
        inserts = [each for each in more if 'INSERT INTO "job_runs"' in each["sql"]]
        costs.append((len(queries), len(more) - len(inserts)))
        assert Run.objects.filter(outcome=None).count() >= 4
        Run.objects.all().delete()
    assert costs[0] == costs[1]


# the command


def command(*words):
    out = StringIO()
    call_command("backfill", *words, stdout=out)
    return out.getvalue()


INSTANTS = ("--from", "2026-03-02T07:00+01:00", "--to", "2026-03-02T08:00Z")


def test_the_command_starts_a_backfill(probe):
    assert command(probe.pk, *INSTANTS) == "3 runs are on the way.\n"
    assert Run.objects.filter(trigger=Trigger.BACKFILL).count() == 3


def test_a_dry_run_prints_the_ticks_and_starts_nothing(probe):
    run(probe, at=SIX)
    assert command(probe.pk, *INSTANTS, "--dry-run").split() == [
        "2026-03-02T07:00:00Z",
        "2026-03-02T08:00:00Z",
    ]
    assert len(command(probe.pk, *INSTANTS, "--dry-run", "--include-ran").split()) == 3
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("01K0000000000000000000NONE", *INSTANTS), "There is no job"),
        ((None, "--from", "monday", "--to", "2026-03-02"), "--from wants a date and time"),
        ((None, "--from", "2026-03-02T06:10", "--to", "2026-03-02T06:20"), "No tick"),
        ((None, "--from", "0001-01-01", "--to", "2026-03-02"), "Give a date from the year 1970"),
    ],
)
def test_what_the_command_cannot_do_is_a_sentence(probe, words, told):
    with pytest.raises(CommandError, match=told) as refusal:
        command(words[0] or probe.pk, *words[1:])
    assert refusal.value.returncode == 2


def test_runs_that_may_have_been_deleted_are_told_of(client, owner, probe):
    assert "may have been deleted" not in text(ask(client, owner, probe, **RANGE))
    JobDay.objects.create(job=probe, day=NOON.date(), succeeded=1)
    assert "may have been deleted" in text(ask(client, owner, probe, **RANGE))


def test_ticks_that_are_not_fired_yet_are_told_of(client, owner, probe):
    JobSchedule.objects.update(next_fire_at=NOON - timedelta(hours=3))
    assert "ticks are left to the schedule" in text(ask(client, owner, probe, **RANGE))
    JobSchedule.objects.update(next_fire_at=NEVER)
    assert "ticks are left to the schedule" not in text(ask(client, owner, probe, **RANGE))
