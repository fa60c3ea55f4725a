"""The overview: what it finds, who sees what, what it costs."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actions import BACKEND
from dashboard import late
from dashboard.overview import panels
from dashboard.vitals import Processes, Scheduler
from jobs import actions
from jobs.models import JobSchedule
from runs import days, stats
from runs.models import DeadLetter, Process, Run, Skip
from runs.processes import farewell
from tests.factories import NOON, ada, alice, bob, charlie, definition, job, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def failing(user, at=NOON) -> list[str]:
    return [each.name for each in panels(user, at)["failing"].jobs]


def process(name: str, kind: str, *, silent: float = 0, **fields) -> Process:
    now = timezone.now()
    beat = now - timedelta(seconds=silent)
    return Process.objects.create(
        name=name, kind=kind, host="here", pid=1, started_at=now - timedelta(hours=1), beat_at=beat, **fields
    )


# failing now


def test_a_job_whose_last_run_failed_is_failing(owner, probe):
    run(probe, at=NOON - 2 * MINUTE)
    run(probe, "FAILURE", at=NOON - MINUTE, error_message="503 Service Unavailable\nat line 1")
    (row,) = panels(owner, NOON)["failing_rows"]
    assert row.job.name == probe.name
    assert row.error.startswith("503")
    assert row.streak == "First failed fire of 2"


def test_a_job_that_has_recovered_is_not(owner, probe):
    run(probe, "FAILURE", at=NOON - 2 * MINUTE)
    run(probe, at=NOON - MINUTE)
    assert failing(owner) == []


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
def test_a_run_that_has_not_ended_changes_nothing(owner, probe, state):
    run(probe, "TIMEOUT", at=NOON - 2 * MINUTE)
    run(probe, state, at=NOON - MINUTE)
    assert failing(owner) == [probe.name]


def test_a_skipped_tick_changes_nothing(owner, probe):
    run(probe, "FAILURE", at=NOON - 2 * MINUTE)
    run(probe, "CANCELLED", at=NOON - MINUTE, skip_reason=Skip.OVERLAP)
    assert failing(owner) == [probe.name]


@everywhere
def test_the_job_that_failed_last_comes_first(owner, probe):
    other = job(owner, name="other")
    run(probe, "FAILURE", at=NOON - 3 * MINUTE)
    run(other, "FAILURE", at=NOON - 2 * MINUTE)
    operator = bob()
    assert failing(operator) == failing(owner) == ["other", probe.name]


def test_a_failure_that_will_be_tried_again_says_so(owner):
    flaky = job(owner, retry={"max_attempts": 3, "backoff_strategy": "FIXED", "backoff_seconds": 60})
    run(flaky, "FAILURE", at=NOON - MINUTE)
    run(flaky, "PENDING", at=NOON - MINUTE, attempt=2, trigger="RETRY")
    (row,) = panels(owner, NOON)["failing_rows"]
    assert row.what == "attempt 1 of 3 failed, another follows"


def test_attempts_of_one_occurrence_are_one_failure(owner):
    flaky = job(owner, retry={"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 60})
    run(flaky, at=NOON - 3 * MINUTE)
    for attempt in (1, 2):
        run(flaky, "FAILURE", at=NOON - MINUTE, attempt=attempt)
    (row,) = panels(owner, NOON)["failing_rows"]
    assert (row.streak, row.what) == ("First failed fire of 2", "gave up after 2 of 2 attempts")


def test_skipped_ticks_between_failures_do_not_end_the_row(owner, probe):
    run(probe, at=NOON - 4 * MINUTE)
    run(probe, "FAILURE", at=NOON - 3 * MINUTE)
    run(probe, "CANCELLED", at=NOON - 2 * MINUTE, skip_reason=Skip.OVERLAP)
    run(probe, "FAILURE", at=NOON - MINUTE)
    (row,) = panels(owner, NOON)["failing_rows"]
    assert row.streak == "2 fires failed in a row"


@everywhere
def test_an_edit_after_the_last_good_run_is_told(owner, probe):
    at = timezone.now()
    run(probe, at=at - MINUTE)
    actions.edit(probe, definition(payload={"metadata": {"simulatedDelaySeconds": 1}}), by=owner, at=at)
    run(probe, "FAILURE", at=at + MINUTE)
    (row,) = panels(owner, at + 2 * MINUTE)["failing_rows"]
    assert row.edited_at is not None


def test_nothing_failing_says_when_the_last_failure_was(client, owner, probe):
    now = timezone.now()
    run(probe, "FAILURE", at=now - timedelta(hours=6, minutes=1))
    run(probe, at=now - MINUTE)
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert "Nothing failing." in page
    assert "6 h ago" in page


# late, running, due


@everywhere
def test_a_run_that_could_have_started_a_minute_ago_is_late(owner, probe):
    late_run = run(probe, "PENDING", at=NOON - 2 * MINUTE)
    run(job(owner, name="in time"), "PENDING", at=NOON - timedelta(seconds=30))
    run(job(owner, name="queued"), "PENDING", at=NOON - 2 * MINUTE, available_at=None)
    found = panels(owner, NOON)
    assert found["late"].count == "1"
    assert found["late"].rows == [late_run]
    assert late.late_ids(owner, NOON) == [late_run.pk]


def test_a_run_whose_lease_has_ended_is_stuck(owner, probe):
    stuck = run(probe, "RUNNING", at=NOON - MINUTE, lease_expires_at=NOON - timedelta(seconds=5))
    run(job(owner, name="held"), "RUNNING", at=NOON - MINUTE)
    (row,) = panels(owner, NOON)["late"].running
    assert (row.run.pk, row.stuck) == (stuck.pk, True)
    assert late.late_ids(owner, NOON) == [stuck.pk]


@everywhere
def test_a_run_far_over_its_usual_is_slow(owner, probe):
    for minute in range(10, 14):
        run(probe, at=NOON - minute * MINUTE, took=20)
    slow = run(probe, "RUNNING", at=NOON - 2 * MINUTE)
    (row,) = panels(owner, NOON)["late"].running
    assert (row.run.pk, row.slow, row.times) == (slow.pk, True, 6.0)


PROMISED = {"schedule_type": "CRON", "cron_expression": "0 9 * * *", "timezone": "UTC"}


@everywhere
def test_what_misses_its_promise_is_late_with_the_words_for_it(owner):
    promised = job(owner, schedule={**PROMISED, "start_within_seconds": 10, "end_by": "11:00"})
    over = run(promised, "RUNNING", at=NOON - 180 * MINUTE)
    slow_start = run(promised, "PENDING", at=NOON - timedelta(seconds=20))
    run(promised, "PENDING", at=NOON - timedelta(seconds=5))
    found = panels(owner, NOON)["late"]
    assert [(each.run.pk, each.words) for each in found.missed_shown] == [
        (over.pk, "should have ended by 11:00 UTC"),
        (slow_start.pk, "should have started by 11:59:50 UTC"),
    ]
    assert (found.count, set(late.late_ids(owner, NOON))) == ("2", {over.pk, slow_start.pk})


@everywhere
def test_nothing_was_promised_of_runs_by_hand_and_their_retries(owner):
    promised = job(owner, schedule={**PROMISED, "end_by": "11:00"})
    for state, attempt, trigger in (("FAILURE", 1, "MANUAL"), ("RUNNING", 2, "RETRY")):
        run(promised, state, at=NOON - 180 * MINUTE, attempt=attempt, trigger=trigger)
    assert not panels(owner, NOON)["late"].missed


def test_a_retry_that_waits_beyond_the_promised_end_has_missed_it(owner):
    promised = job(owner, schedule={**PROMISED, "start_within_seconds": 10, "end_by": "11:00"})
    begun = NOON - 180 * MINUTE
    run(promised, "FAILURE", at=begun)
    run(promised, "PENDING", at=begun, attempt=2, trigger="RETRY", available_at=NOON + MINUTE)
    assert [each.words for each in late.missed(owner, NOON)] == ["should have ended by 11:00 UTC"]
    assert late.missed(owner, NOON - 120 * MINUTE) == []


def test_a_run_that_is_late_in_two_ways_is_counted_and_shown_once(owner):
    promised = job(owner, schedule={**PROMISED, "start_within_seconds": 10})
    run(promised, "PENDING", at=NOON - 5 * MINUTE)
    found = panels(owner, NOON)["late"]
    shown = (len(found.missed_shown), len(found.waiting_shown), found.others)
    assert (found.count, shown) == ("1", (1, 0, 0))


def test_too_few_runs_make_nothing_usual(owner, probe):
    for minute in (10, 11):
        run(probe, at=NOON - minute * MINUTE, took=1)
    run(probe, "RUNNING", at=NOON - 5 * MINUTE)
    assert not panels(owner, NOON)["late"]


def test_a_tick_that_nobody_fired_is_overdue(owner, probe):
    JobSchedule.objects.filter(job=probe).update(next_fire_at=NOON - 5 * MINUTE)
    found = panels(owner, NOON)
    assert [each.job_name for each in found["late"].overdue] == [probe.name]
    assert found["due"].ahead == []


@everywhere
def test_the_soonest_fires_come_first_with_their_reading(owner, probe):
    job(owner, name="later", schedule={"schedule_type": "INTERVAL", "interval_seconds": 1800})
    found = panels(owner, NOON)["due"]
    assert [each.job_name for each in found.shown] == [probe.name, "later"]
    assert found.shown[0].reading == "every 5 min"
    assert found.count == "2"


def test_what_fires_after_an_hour_is_not_due(owner):
    job(owner, schedule={"schedule_type": "INTERVAL", "interval_seconds": 7200})
    assert panels(owner, NOON)["due"].ahead == []


def test_running_runs_are_set_against_their_usual(owner, probe):
    for minute in range(10, 14):
        run(probe, at=NOON - minute * MINUTE, took=60)
    run(probe, "RUNNING", at=NOON - timedelta(seconds=30))
    found = panels(owner, NOON)
    assert found["running_count"] == "1"
    assert found["running"][0].bar.width == 50


# the day


@everywhere
def test_the_day_counts_runs_by_hour_and_outcome(owner, probe):
    run(probe, at=NOON - timedelta(hours=2))
    run(probe, "FAILURE", at=NOON - timedelta(hours=2, minutes=-1))
    run(probe, "CANCELLED", at=NOON - timedelta(hours=1))
    run(probe, "CANCELLED", at=NOON - timedelta(minutes=59), skip_reason=Skip.MISFIRE)
    run(probe, at=NOON - timedelta(hours=24))
    today = panels(owner, NOON)["day"]
    assert len(today.hours) == 24
    assert (today.succeeded, today.total, today.share) == (1, 3, "50.0%")
    assert today.hours[-3].counts == {"SUCCESS": 1, "FAILURE": 1, "TIMEOUT": 0, "CANCELLED": 0}


def test_closed_hours_are_counted_once_and_the_current_one_each_time(owner, probe):
    at = NOON + timedelta(minutes=30)
    run(probe, at=NOON - timedelta(hours=2))
    panels(owner, at)
    run(probe, at=NOON - timedelta(hours=3))
    run(probe, at=NOON + timedelta(minutes=10))
    assert panels(owner, at)["day"].total == 2


def test_an_hour_is_remembered_only_when_its_runs_are_all_written(owner, probe):
    panels(owner, NOON + timedelta(seconds=5))
    run(probe, at=NOON - timedelta(seconds=2))
    assert panels(owner, NOON + timedelta(seconds=10))["day"].total == 1


def test_hundred_percent_means_every_run(owner, probe):
    Run.objects.bulk_create(
        Run(job=probe, scheduled_time=NOON - n * MINUTE / 60, end_time=NOON - MINUTE, outcome="SUCCESS")
        for n in range(2000)
    )
    assert panels(owner, NOON)["day"].share == "100%"
    run(probe, "FAILURE", at=NOON - MINUTE / 7)
    assert panels(owner, NOON + MINUTE)["day"].share == "99.9%"


def test_each_hour_leads_to_the_runs_that_it_counts(client, owner, probe):
    now = timezone.now()
    run(probe, at=now - timedelta(hours=3))
    client.force_login(owner)
    hours = client.get("/").context["hours"]
    (hour,) = [each for each in hours if each.hour.total]
    assert len(client.get(hour.address).context["page"].rows) == 1
    empty = next(each for each in hours if not each.hour.total)
    assert client.get(empty.address).context["page"].rows == []


# dead letters, health


@everywhere
def test_pending_dead_letters_are_counted_and_the_newest_shown(client, owner, probe):
    for n in range(5):
        at = NOON + n * MINUTE
        failed = run(probe, "FAILURE", at=at)
        DeadLetter.objects.create(job=probe, run=failed, failure_reason=f"reason {n}", created_at=at)
    DeadLetter.objects.create(job=probe, failure_reason="done", status="RESOLVED")
    letters = panels(owner, NOON)["letters"]
    assert [each.reason for each in letters] == ["reason 4", "reason 3", "reason 2"]
    client.force_login(owner, BACKEND)
    assert "5 pending</span>" in client.get("/").content.decode()


def test_a_scheduler_that_beats_ticks_and_a_silent_one_is_missed(owner):
    process("s", "SCHEDULER", silent=2)
    assert panels(owner, timezone.now())["vitals"].scheduler.ticking
    Process.objects.update(beat_at=timezone.now() - timedelta(minutes=4, seconds=20))
    scheduler = panels(owner, timezone.now())["vitals"].scheduler
    assert (scheduler.ticking, scheduler.silence) == (False, "4 min")


def test_workers_alive_are_told_of_those_known(owner, probe):
    process("w-01", "WORKER", slots=128)
    process("w-02", "WORKER", slots=128, silent=140)
    process("w-03", "WORKER", slots=128, silent=90_000)
    process("w-04", "WORKER", slots=128, stopped_at=timezone.now())
    run(probe, "RUNNING", at=timezone.now())
    workers = panels(owner, timezone.now())["vitals"].workers
    assert ([each.name for each in workers.alive], len(workers.known), workers.slots) == (["w-01"], 2, 128)
    assert workers.note == "w-02 silent 2 min"


@everywhere
def test_what_waits_is_counted_by_priority(owner, probe):
    for priority in (1, 1, 3):
        run(job(owner, name="waits"), "PENDING", at=NOON - MINUTE / 2, priority=priority)
    run(probe, "PENDING", at=NOON + MINUTE)
    waiting = panels(owner, NOON)["vitals"].waiting
    assert (waiting.high, waiting.medium, waiting.low, waiting.count) == (2, 0, 1, "3")


def test_the_lag_is_the_wait_of_the_slowest_starts(owner, probe):
    for second in range(50):
        run(probe, at=NOON - timedelta(seconds=second + 10), took=0.1)
    run(probe, at=NOON - MINUTE * 2, available_at=NOON - MINUTE * 2 - timedelta(seconds=7))
    lag = panels(owner, NOON)["vitals"].lag
    assert lag.p99 == 7000
    assert not lag.well


# the page


@everywhere
def test_people_see_their_own_and_operators_everyones(owner, probe):
    run(probe, "FAILURE", at=NOON - MINUTE)
    run(job(owner, name="waits"), "PENDING", at=NOON - 2 * MINUTE)
    run(job(owner, name="runs"), "RUNNING", at=NOON - MINUTE)
    DeadLetter.objects.create(job=probe, failure_reason="x")
    for user, sees in ((charlie(), False), (bob(), True), (ada(), True)):
        found = panels(user, NOON)
        shown = [found[name] for name in ("failing", "late", "running")]
        assert [bool(each) for each in [*shown, found["due"].ahead, found["letters"]]] == [sees] * 5
        assert found["day"].total == int(sees)
        assert (bool(found["last_failure"]), bool(found["timeline"].failed)) == (sees, sees)
        assert (bool(found["late"].rows), bool(late.late_ids(user, NOON))) == (sees, sees)


def test_the_first_start_has_one_clear_action(client, owner):
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert "Nothing is scheduled yet" in page
    assert page.count(f'href="{reverse("job_create")}"') == 3  # the button, and the shell's two lists


def test_the_page_without_a_job_comes_anew_when_there_is_one(client, owner):
    client.force_login(owner)
    first = {"path": "/?first", "headers": {"HX-Request": "true"}}
    assert "Nothing is scheduled yet" in client.get(**first).content.decode()
    job(owner)
    assert client.get(**first)["HX-Refresh"] == "true"


def test_something_failing_shows_in_title_and_icon(client, owner, probe):
    client.force_login(owner)
    assert "<title>Overview" in client.get("/").content.decode()
    run(probe, "FAILURE", at=timezone.now() - MINUTE)
    page = client.get("/").content.decode()
    assert "<title>1 failing · Overview · Chronos</title>" in page
    assert "favicon-alert" in page


def test_a_refresh_brings_the_panels_alone(client, owner, probe):
    client.force_login(owner)
    fragment = client.get("/", headers={"HX-Request": "true"})
    text = fragment.content.decode()
    assert "<html" not in text
    assert 'id="panels"' in text
    assert "HX-Request" in fragment["Vary"]


def test_boxes_without_content_are_not_there_except_what_fails(client, owner):
    job(owner, at=timezone.now())
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert 'id="failing"' in page
    for box in ("late", "running", "dead-letters", "hours"):
        assert f'id="{box}"' not in page


def test_hostile_names_and_errors_are_harmless(client, owner):
    evil = job(owner, name="<script>\u202ealert</script>")
    run(evil, "FAILURE", at=timezone.now() - MINUTE, error_message="\x1b[31m<img src=x>")
    client.force_login(owner)
    page = client.get("/").content.decode()
    assert "<script>\u202e" not in page
    assert "\x1b" not in page
    assert "␛[31m&lt;img src=x&gt;" in page


def populate(user, jobs: int) -> None:
    now = timezone.now()
    for n in range(jobs):
        each = job(user, name=f"job-{n}", at=now)
        run(each, at=now - 3 * MINUTE)
        run(each, "FAILURE", at=now - 2 * MINUTE)
        run(each, "RUNNING", at=now - MINUTE)
        run(each, "PENDING", at=now - 90 * MINUTE / 60)
        DeadLetter.objects.create(job=each, failure_reason="x")
        for days_ago in (1, 2):
            run(each, at=now - timedelta(days=days_ago))
    while days.roll_up(now):
        pass


def test_schedules_that_the_scheduler_gave_up_are_told_beside_it(client):
    owner = alice()
    broken, _ = job(owner), job(owner)
    JobSchedule.objects.filter(job=broken).update(problem="Minute: 61 is not between 0 and 59.")
    client.force_login(owner)
    assert "1 schedule does not fire" in client.get("/").content.decode()
    client.force_login(charlie())
    assert "not fire" not in client.get("/").content.decode()


@pytest.mark.parametrize("address", ["/", "/?window=30d"])
@pytest.mark.parametrize("who", [alice, bob])
def test_the_page_costs_fifteen_queries_whatever_there_is(client, who, address):
    user = who()
    owner = user if who is alice else alice()
    client.force_login(user)
    costs = []
    for jobs in (0, 1, 12):
        populate(owner, jobs)
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        costs.append(len(queries))
    assert max(costs) <= 15
    assert costs[1] == costs[2]


def test_what_is_due_in_the_next_hour_leads_to_these_jobs(client):
    owner, now = alice(), timezone.now()
    for name, minutes in (("soon", 20), ("later", 90)):
        JobSchedule.objects.filter(job=job(owner, name=name)).update(next_fire_at=now + minutes * MINUTE)
    JobSchedule.objects.filter(job=job(owner, name="paused")).update(next_fire_at=None)
    client.force_login(owner)
    page = client.get("/").text
    assert page.count('href="/jobs/?fires=1h&amp;sort=next"') == 2
    listed = client.get("/jobs/?fires=1h&sort=next").context["rows"]
    assert [row.job.name for row in listed] == ["soon"]


# the chart


@everywhere
@pytest.mark.parametrize("window", ["7d", "30d"])
def test_weeks_are_told_by_totals_also_of_runs_that_are_gone(owner, probe, window):
    run(probe, at=NOON - timedelta(days=2))
    run(probe, "FAILURE", at=NOON)
    stats.write(
        [stats.End(probe.pk, "SUCCESS", NOON - timedelta(days=2)), stats.End(probe.pk, "FAILURE", NOON)],
        {probe.pk: "DUMMY"},
    )
    while days.roll_up(NOON):
        pass
    Run.objects.all().delete()
    run(probe, "FAILURE", at=NOON)
    for user in (owner, bob()):
        chart = panels(user, NOON, window)["chart"]
        told = [(hour.start.day, hour.counts["SUCCESS"], hour.counts["FAILURE"]) for hour in chart.hours]
        assert [each for each in told if each[1] or each[2]] == [(28, 1, 0), (2, 0, 1)]


@everywhere
@pytest.mark.parametrize("hour", [0, 1, 3])
def test_a_day_that_is_not_added_up_yet_is_told_by_its_hours(owner, probe, hour):
    midnight = NOON.replace(hour=0)
    for ended in (
        midnight - timedelta(hours=47),
        midnight - timedelta(hours=23.5),
        midnight - MINUTE,
        midnight,
    ):
        run(probe, at=ended)
    at = midnight + timedelta(hours=hour, minutes=30)
    with CaptureQueriesContext(connection) as day:
        panels(owner, at, "24h")
    while days.roll_up(at - timedelta(hours=5)):
        pass
    with CaptureQueriesContext(connection) as weeks:
        chart = panels(owner, at, "7d")["chart"]
    assert [each.counts["SUCCESS"] for each in chart.hours][-3:] == [1, 2, 1]
    # What the first hours of a day leave out is asked for, and that may be: a day is added up by then.
    assert len(weeks) - len(day) == (2 if hour == 3 else 1)


def test_a_day_of_the_chart_leads_to_its_runs(owner, probe):
    run(probe, at=NOON)
    last = panels(owner, NOON, "7d")["hours"][-1]
    assert "since=2026-03-02T00%3A00%3A00Z&until=2026-03-03T00%3A00%3A00Z" in last.address


def test_a_refresh_keeps_the_window(client, owner, probe):
    run(probe, at=timezone.now() - MINUTE)
    client.force_login(owner)
    page = client.get("/?window=7d").content.decode()
    assert 'hx-get="/?window=7d"' in page
    assert "Runs per hour" in client.get("/?window=nonsense").content.decode()


NEXT_REFRESH_IS_PREVENTED = """
() => new Promise((tell) => document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.id === "panels") { setTimeout(() => tell(event.defaultPrevented)); }
}, {capture: true}))
"""


@pytest.mark.browser
def test_an_open_page_notices_what_fails_but_not_while_a_menu_is_open(visit, live_server):
    user = alice()
    probe = job(user, at=timezone.now())
    browser = visit("/", user)
    browser.click("summary[title*=alice]")
    run(probe, "FAILURE", at=timezone.now() - MINUTE)
    assert browser.evaluate(NEXT_REFRESH_IS_PREVENTED)
    assert browser.title() == "Overview · Chronos"
    browser.keyboard.press("Escape")
    expect(browser).to_have_title("1 failing · Overview · Chronos", timeout=15_000)
    expect(browser.locator("#favicon")).to_have_attribute("href", re.compile("favicon-alert"))
    expect(browser.locator("#failing")).to_contain_text(probe.name)


@pytest.mark.browser
def test_one_key_takes_note_of_a_failure(visit, live_server):
    user = alice()
    probe = job(user)
    run(probe, "FAILURE")
    browser = visit("/", user)
    button = browser.locator(f"#acknowledge-{probe.pk}")
    expect(button).to_be_visible()
    browser.keyboard.press("j")
    browser.keyboard.press("a")
    expect(browser.get_by_text("You have acknowledged the failures of")).to_be_visible()
    expect(button).to_have_count(0)


def test_the_beats_of_a_scheduler_that_was_restarted_stay_on_the_strip():
    process("old", "SCHEDULER")
    farewell("old")
    process("new", "SCHEDULER")
    Process.objects.filter(name="new").update(started_at=timezone.now())
    processes = Processes.read(timezone.now())
    assert [each.name for each in processes.known] == ["new"]
    assert {mark.style for mark in Scheduler(processes).marks} == {"f-ok", "f-now"}
