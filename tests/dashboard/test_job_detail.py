"""The page of one job."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dashboard import charts
from dashboard.job_detail import LETTERS_SHOWN, Planned
from jobs import actions
from jobs import definition as definitions
from jobs.models import Job, JobSchedule, JobVersion
from runs import actions as run_actions
from runs.models import DeadLetter, Run, Skip
from tests.factories import NOON, ada, alice, bob, charlie, job, run, script

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
REPORT = {"type": "REPORT", "schedule": {"schedule_type": "CRON", "cron_expression": "0 5 * * 1"}}


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner, at=timezone.now())


def page(client, user, one: Job):
    client.force_login(user)
    response = client.get(reverse("job_detail", args=[one.pk]))
    assert response.status_code == 200
    return response


def text(client, user, one: Job) -> str:
    return page(client, user, one).content.decode()


def edit(one: Job, user, *, note: str = "", **parts):
    definition = definitions.of(Job.objects.get(pk=one.pk))
    return actions.edit(
        Job.objects.get(pk=one.pk), {**definition, **parts}, by=user, at=timezone.now(), note=note
    )


# who


def test_owners_and_operators_see_a_job_others_do_not(client, owner, probe):
    for user in (owner, bob(), ada()):
        assert probe.name in text(client, user, probe)
    client.force_login(charlie())
    assert client.get(reverse("job_detail", args=[probe.pk])).status_code == 404


def test_a_job_that_is_not_there_is_not_found(client, owner):
    client.force_login(owner)
    assert client.get(reverse("job_detail", args=["0" * 26])).status_code == 404


def test_the_page_only_reads(client, owner, probe):
    client.force_login(owner)
    assert client.post(reverse("job_detail", args=[probe.pk])).status_code == 405


# what may be done


@pytest.mark.parametrize(
    ("status", "may"),
    [
        ("PENDING", {"CANCEL"}),
        ("SCHEDULED", {"PAUSE", "CANCEL"}),
        ("RUNNING", {"PAUSE", "CANCEL"}),
        ("PAUSED", {"RESUME", "CANCEL"}),
        ("SUCCEEDED", set()),
        ("FAILED", set()),
        ("CANCELLED", set()),
    ],
)
def test_only_what_the_status_allows_is_offered(client, owner, probe, status, may):
    Job.objects.filter(pk=probe.pk).update(status=status)
    shown = page(client, owner, probe)
    addresses = {"RUN_NOW": "run-now", "PAUSE": "pause", "RESUME": "resume", "CANCEL": "cancel"}
    offered = {
        name for name, word in addresses.items() if f"/jobs/{probe.pk}/{word}/" in shown.content.decode()
    }
    assert shown.context["may"] == may
    assert offered == {"RUN_NOW", *may}


def test_every_action_is_a_form_that_is_protected(client, owner, probe):
    html = text(client, owner, probe)
    assert html.count('method="post"') == html.count("csrfmiddlewaretoken")


def test_what_a_person_may_not_define_they_cannot_edit_here(client, owner):
    one = script(owner)
    assert f"/jobs/{one.pk}/edit/" not in text(client, owner, one)


# how it went


def test_a_failing_job_says_so_first(client, owner, probe):
    run(probe, at=timezone.now() - 2 * MINUTE)
    failed = run(probe, "FAILURE", at=timezone.now() - MINUTE, error_message="503 from billing\nmore")
    html = text(client, owner, probe)
    banner = html[html.index('class="banner"') : html.index('id="runs"')]
    assert "503 from billing\nmore" in banner
    assert reverse("run_detail", args=[failed.pk]) in banner
    assert "First failed fire of 2" in banner


def test_a_job_that_recovered_has_no_banner(client, owner, probe):
    run(probe, "FAILURE", at=timezone.now() - 2 * MINUTE)
    run(probe, at=timezone.now() - MINUTE)
    assert 'class="banner"' not in text(client, owner, probe)


def test_the_newest_runs_come_first_and_older_ones_are_a_link_away(client, owner, probe):
    made = [run(probe, at=NOON + n * MINUTE) for n in range(15)]
    past = page(client, owner, probe).context["past"]
    assert [each for each, *_ in past.shown] == made[:2:-1]
    older = client.get(past.older)
    assert older.context["page"].rows == made[2::-1]


def test_a_few_runs_are_all_there_is(client, owner, probe):
    run(probe, at=NOON)
    assert page(client, owner, probe).context["past"].older == ""


def test_who_started_a_run_by_hand_stands_beside_it(client, owner, probe):
    started = run_actions.run_now(probe, by=owner, at=timezone.now())
    ((shown, starter, _),) = page(client, owner, probe).context["past"].shown
    assert (shown.pk, starter) == (started.pk, owner.email)


def test_a_skipped_stretch_says_why_and_how_long(client, owner, probe):
    run(probe, "CANCELLED", skip_reason=Skip.MISFIRE, skipped_count=17, start_time=None)
    assert "Missed, 17 fires" in text(client, owner, probe)


def test_the_length_of_a_streak_is_known_unless_more_runs_were_left_out(client, owner, probe):
    for n in range(charts.PLACES):
        run(probe, "FAILURE", at=NOON + n * MINUTE)
        if n == 22:
            assert page(client, owner, probe).context["past"].failing.streak == "23 fires failed in a row"
    assert page(client, owner, probe).context["past"].failing.streak == "60 or more fires failed in a row"


def test_success_and_durations_come_from_the_last_runs(client, owner, probe):
    for n, state in enumerate(["SUCCESS"] * 3 + ["FAILURE", "CANCELLED"]):
        run(probe, state, at=NOON + n * MINUTE, took=2)
    past = page(client, owner, probe).context["past"]
    assert past.success == "75% of the last 4"
    assert past.usual.p50 == 2000


def test_pending_dead_letters_are_counted(client, owner, probe):
    DeadLetter.objects.create(job=probe, failure_reason="x")
    assert page(client, owner, probe).context["letters"].count == "1"


def test_dead_letters_beyond_those_shown_are_told_of(client, owner, probe):
    for _ in range(LETTERS_SHOWN):
        DeadLetter.objects.create(job=probe, failure_reason="x")
    assert "older-letters" not in text(client, owner, probe)
    DeadLetter.objects.create(job=probe, failure_reason="x")
    assert "older-letters" in text(client, owner, probe)


# when it fires


def test_next_fires_stand_in_the_jobs_zone_and_in_utc(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "30 2 * * *", "timezone": "Asia/Tokyo"}
    plan = page(client, owner, job(owner, at=timezone.now(), schedule=schedule)).context["plan"]
    assert plan.reading == "At 02:30 every day, Tokyo"
    assert len(plan.fires) == 5
    assert plan.fires[0].words.endswith(", 02:30")
    assert plan.fires[0].utc == "17:30 UTC"


def test_a_clock_change_ahead_is_told(owner):
    march = datetime(2026, 3, 20, tzinfo=UTC)
    schedule = {"schedule_type": "CRON", "cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    (change,) = Planned.read(job(owner, at=march, schedule=schedule).schedule, march).changes
    assert "29 Mar" in change.sentence


def test_a_schedule_that_cannot_be_kept_says_why(client, owner, probe):
    JobSchedule.objects.filter(job=probe).update(schedule_type="CRON", cron_expression="nonsense")
    assert "It does not fire" in text(client, owner, probe)


def test_a_schedule_that_the_scheduler_gave_up_says_why(client, owner, probe):
    JobSchedule.objects.filter(job=probe).update(problem="Minute: 61 is not between 0 and 59.")
    told = text(client, owner, probe)
    assert "Minute: 61 is not between 0 and 59." in told
    assert "Edit the schedule" in told


def test_a_paused_job_says_until_when(client, owner, probe):
    actions.pause(probe, by=owner, at=timezone.now(), until=timezone.now() + timedelta(days=1))
    assert "Paused until" in text(client, owner, probe)


def test_a_paused_job_says_by_whom_and_why(client, owner, probe):
    actions.pause(probe, by=owner, at=timezone.now(), note="Earlier")
    actions.resume(probe, by=owner, at=timezone.now())
    assert "Earlier" not in text(client, owner, probe).split("job-banners", 1)[1].split("</h2>", 1)[0]
    actions.pause(probe, by=owner, at=timezone.now(), note="Ledger <moves>")
    banner = text(client, owner, probe).split('id="job-banners"', 1)[1].split("Run now works", 1)[0]
    assert f"By {owner.email}, " in banner
    assert "Ledger &lt;moves&gt;" in banner
    assert "Earlier" not in banner


def test_retries_are_told_in_words(client, owner):
    def retry(attempts, strategy, seconds=60):
        return {"max_attempts": attempts, "backoff_strategy": strategy, "backoff_seconds": seconds}

    told = {
        "1, never again": retry(1, "FIXED"),
        "3; waits 1 min 00 s each time": retry(3, "FIXED"),
        "3; waits 1 min 00 s, then 2 min 00 s": retry(3, "EXPONENTIAL"),
        "2; waits 1 min 00 s, each shortened at random by up to half": {**retry(2, "FIXED"), "jitter": True},
    }
    for words, policy in told.items():
        assert page(client, owner, job(owner, retry=policy)).context["retry"] == words


# what it does, what changed


def test_the_payload_hides_secrets(client, owner):
    payload = {
        "http_url": "https://a.example/?token=topsecret",
        "http_headers": {"Authorization": "Bearer topsecret"},
    }
    html = text(client, owner, job(owner, type="HTTP", payload=payload))
    assert "topsecret" not in html
    assert 'class="mask"' in html


def test_versions_tell_what_changed_who_and_why(client, owner, probe):
    edit(probe, owner, note="Shorter", name="renamed")
    shown = page(client, owner, probe)
    second, first = shown.context["versions"].shown
    assert (second.number, second.author, second.brief.label) == (2, owner.email, "Name")
    assert first.summary == "First version"
    assert "“Shorter”" in shown.content.decode()


def test_an_edit_is_when_the_definition_was_saved_and_not_when_the_job_last_ran(client, owner, probe):
    JobVersion.objects.filter(job=probe).update(created_at=NOON)
    run_actions.run_now(probe, by=owner, at=timezone.now())
    html = text(client, owner, probe)
    facts = html[html.index("<dt>Edited</dt>") :]
    assert 'datetime="2026-03-02T12:00:00Z"' in facts[: facts.index("</dd>")]


def test_a_secret_stays_hidden_in_what_changed(client, owner):
    payload = {"http_url": "https://a.example/", "http_method": "GET"}
    one = job(owner, type="HTTP", payload={**payload, "http_headers": {"Authorization": "Bearer oldsecret"}})
    edit(one, owner, payload={**payload, "http_headers": {"Authorization": "Bearer newsecret"}})
    html = text(client, owner, one)
    assert "Headers, Authorization" in html
    assert "oldsecret" not in html
    assert "newsecret" not in html


def test_the_trail_tells_who_did_what(client, owner, probe):
    actions.pause(probe, by=owner, at=timezone.now(), note="Ledger moves")
    paused, created = page(client, owner, probe).context["events"]
    assert (paused.words, paused.who, paused.note) == ("Paused", owner.email, "Ledger moves")
    assert created.words == "Job created"


def test_the_runbook_is_text_and_nothing_else(client, owner):
    html = text(client, owner, job(owner, description="First.\n\nThen <b>this</b>.\nAnd \x1b that."))
    assert "<p>First.</p>" in html
    assert "<p>Then &lt;b&gt;this&lt;/b&gt;.<br />\nAnd ␛ that.</p>" in html


# what it costs


def test_tags_and_promises_stand_among_the_facts(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "0 9 * * *", "end_by": "11:00"}
    shown = text(client, owner, job(owner, tags=["night"], schedule=schedule))
    assert f'href="{reverse("job_list")}?tag=night"' in shown
    assert "Ends by 11:00" in shown


def test_a_run_that_missed_its_promise_says_so_at_its_last_attempt(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "0 9 * * *", "end_by": "11:00"}
    one = job(owner, schedule=schedule)
    for hours, state, attempt, trigger in ((3, "FAILURE", 1, "SCHEDULE"), (3, "SUCCESS", 2, "RETRY")):
        start = NOON - timedelta(hours=hours)
        run(one, state, at=start, took=3 * 3600, attempt=attempt, trigger=trigger)
    run(one, at=NOON - timedelta(hours=27))
    run(one, at=NOON - timedelta(hours=28), took=6 * 3600, trigger="MANUAL")
    assert text(client, owner, one).count("Missed its promise: should have ended by 11:00 UTC") == 1


def test_the_page_costs_the_same_whatever_there_is(client, owner, probe):
    client.force_login(owner)
    costs = []
    for size in (1, 40):
        Run.objects.bulk_create(
            Run(
                job=probe,
                scheduled_time=NOON + n * MINUTE,
                outcome="FAILURE",
                attempt=size,
                error_message="x" * 4000,
            )
            for n in range(size)
        )
        for n in range(size // 10):
            edit(probe, owner, name=f"name-{n}")
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("job_detail", args=[probe.pk]))
        # What is stopped is asked for every few seconds only.
        costs.append(sum('FROM "stops"' not in query["sql"] for query in queries))
    assert costs[0] == costs[1] <= 15


NEXT_REFRESH_IS_PREVENTED = """
() => new Promise((tell) => document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "runs") { setTimeout(() => tell(event.defaultPrevented)); }
}, {capture: true}))
"""


@pytest.mark.browser
def test_an_open_page_notices_that_the_job_fails(visit, live_server):
    user = alice()
    probe = job(user, at=timezone.now())
    browser = visit(reverse("job_detail", args=[probe.pk]), user)
    expect(browser.locator("#job-banners")).to_be_hidden()
    failed = run(probe, "FAILURE", at=timezone.now() - MINUTE, error_message="503 from billing")
    expect(browser.locator("#job-banners .banner")).to_contain_text("503 from billing", timeout=15_000)
    expect(browser.locator(f"#run-{failed.pk}")).to_be_visible()


@pytest.mark.browser
def test_a_refresh_brings_new_dead_letters_and_leaves_the_keyboard_where_it_is(visit, live_server):
    user = alice()
    probe = job(user, at=timezone.now())
    browser = visit(reverse("job_detail", args=[probe.pk]), user)
    pause = browser.locator("#job-acts [data-open=dlg-pause]")
    pause.focus()
    DeadLetter.objects.create(job=probe, failure_reason="503 from billing")
    expect(browser.locator("#dead-letters")).to_contain_text("503 from billing", timeout=15_000)
    expect(browser.locator("#job-facts")).to_contain_text("1 pending")
    expect(pause).to_be_focused()


@pytest.mark.browser
def test_a_refresh_waits_for_a_note_and_escape_puts_the_note_away(visit, live_server):
    user = alice()
    probe = job(user, at=timezone.now())
    DeadLetter.objects.create(job=probe, failure_reason="503 from billing")
    browser = visit(reverse("job_detail", args=[probe.pk]), user)
    resolve = browser.locator("#dead-letters summary").first
    resolve.press("Enter")
    note = browser.get_by_label("What was done instead")
    note.fill("Booked by hand")
    assert browser.evaluate(NEXT_REFRESH_IS_PREVENTED)
    note.press("Escape")
    expect(note).to_be_hidden()
    expect(resolve).to_be_focused()


@pytest.mark.browser
def test_keys_pause_and_run_the_job_as_its_buttons_do(visit, live_server):
    user = alice()
    probe = job(user, at=timezone.now())
    browser = visit(reverse("job_detail", args=[probe.pk]), user)
    browser.keyboard.press("p")
    expect(browser.locator("#dlg-pause")).to_be_visible()
    browser.keyboard.press("Escape")
    expect(browser.locator("#dlg-pause")).to_be_hidden()
    browser.keyboard.press("r")
    browser.wait_for_url("**/runs/*/")
    assert Run.objects.get().trigger == "MANUAL"
