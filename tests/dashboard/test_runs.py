"""The list of runs, the page of one run, and its log."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from dashboard import run_log, run_pages
from jobs import actions
from jobs import definition as definitions
from jobs.models import Job, JobTag
from runs.models import DeadLetter, Run, RunLog, Skip
from tests.factories import NEVER, NOON, alice, bob, charlie, job, log, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def listing(client, user, query: str = ""):
    client.force_login(user)
    response = client.get(reverse("run_list") + query)
    assert response.status_code == 200
    return response


def listed(client, user, query: str = "") -> list[Run]:
    return listing(client, user, query).context["page"].rows


def page(client, user, one: Run, query: str = ""):
    client.force_login(user)
    response = client.get(reverse("run_detail", args=[one.pk]) + query)
    assert response.status_code == 200
    return response


def text(client, user, one: Run, query: str = "") -> str:
    return page(client, user, one, query).content.decode()


def part(client, one: Run, query: str):
    return client.get(reverse("run_log", args=[one.pk]) + query)


# the list


def test_people_see_their_own_runs_and_operators_everyones(client, owner, probe):
    made = run(probe)
    assert listed(client, owner) == [made]
    assert listed(client, bob()) == [made]
    assert listed(client, charlie()) == []


def test_the_list_only_reads(client, owner):
    client.force_login(owner)
    assert client.post(reverse("run_list")).status_code == 405


@everywhere
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?outcome=SUCCESS", {"good"}),
        ("?outcome=FAILURE&outcome=TIMEOUT", {"bad", "slow"}),
        ("?outcome=CANCELLED", {"stopped"}),
        ("?outcome=SKIPPED", {"skipped"}),
        ("?state=RUNNING", {"running"}),
        ("?state=PENDING", {"waits", "later"}),
        ("?state=DUE", {"waits"}),
        ("?state=LATE", {"waits"}),
        ("?trigger=MANUAL", {"good"}),
        ("?state=RUNNING&outcome=FAILURE", {"running", "bad"}),
        ("?outcome=SUCCESS&outcome=FAILURE&trigger=MANUAL", {"good"}),
        ("", {"good", "bad", "slow", "stopped", "skipped", "running", "waits", "later"}),
    ],
)
def test_each_filter_finds_its_runs(client, owner, probe, query, wanted):
    now = timezone.now()
    made = {
        "good": run(probe, at=now - 9 * MINUTE, trigger="MANUAL"),
        "bad": run(probe, "FAILURE", at=now - 8 * MINUTE),
        "slow": run(probe, "TIMEOUT", at=now - 7 * MINUTE),
        "stopped": run(probe, "CANCELLED", at=now - 6 * MINUTE),
        "skipped": run(probe, "CANCELLED", at=now - 5 * MINUTE, skip_reason=Skip.OVERLAP),
        "running": run(probe, "RUNNING", at=now - 4 * MINUTE),
        "waits": run(probe, "PENDING", at=now - 3 * MINUTE),
        "later": run(probe, "PENDING", at=now + 9 * MINUTE),
    }
    names = {one.pk: name for name, one in made.items()}
    assert {names[one.pk] for one in listed(client, owner, query)} == wanted


@everywhere
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?q=POOL", {"bad"}),
        ("?error=HTTP_503", {"bad"}),
        (f"?signature={'a' * 64}", {"bad"}),
        ("?q=pool&outcome=SUCCESS", set()),
        ("?worker=far", {"slow"}),
        ("?tag=night", {"slow"}),
        ("?type=SCRIPT", set()),
        ("?type=DUMMY&priority=HIGH", {"slow"}),
        ("?took=1m", {"slow"}),
        ("?retried=1", {"again"}),
        ("?retried=1&trigger=MANUAL", set()),
        ("?took=10s&since=24h", {"slow"}),
    ],
)
def test_what_no_index_knows_is_found_too(client, owner, probe, query, wanted):
    night = job(owner, name="night", priority="HIGH")
    JobTag.objects.create(job=night, name="night")
    now = timezone.now()
    failed = {"error_class": "HTTP_503", "error_message": "Pool empty", "signature": "a" * 64}
    made = {
        "bad": run(probe, "FAILURE", at=now - 8 * MINUTE, **failed),
        "slow": run(night, at=now - 7 * MINUTE, took=90, worker_id="far:1", priority=1),
        "again": run(probe, at=now - 6 * MINUTE, attempt=2),
    }
    names = {one.pk: name for name, one in made.items()}
    assert {names[one.pk] for one in listed(client, owner, query)} == wanted


@pytest.mark.parametrize("query", ["?trigger=SCHEDULE", "?q=boom", "?job={job}&worker=w"])
def test_a_search_that_ends_somewhere_says_where(client, owner, probe, query, monkeypatch):
    for name in ("WINDOW", "JOB_WINDOW", "END_WINDOW"):
        monkeypatch.setattr(run_pages, name, 2)
    for n in range(4):
        run(probe, "FAILURE", at=NOON + n * MINUTE, error_message="boom")
    shown = listing(client, owner, query.format(job=probe.pk))
    assert len(shown.context["page"].rows) == 3
    assert "Only the newest 2 runs" in shown.content.decode()


@everywhere
def test_a_time_finds_what_ended_in_it(client, owner, probe):
    now = timezone.now()
    recent, older = run(probe, at=now - 10 * MINUTE), run(probe, at=now - 120 * MINUTE)
    run(probe, "RUNNING", at=now - MINUTE)
    assert listed(client, owner, "?since=1h") == [recent]
    assert listed(client, owner, "?since=24h") == [recent, older]
    until = (now - 60 * MINUTE).isoformat().replace("+", "%2B")
    assert listed(client, owner, f"?since=24h&until={until}") == [older]


def test_one_jobs_runs_come_by_their_ticks(client, owner, probe):
    later, earlier = run(probe, at=NOON + MINUTE), run(probe, at=NOON)
    run(job(owner, name="other"))
    assert listed(client, owner, f"?job={probe.pk}") == [later, earlier]
    assert f"<b>{probe.name}</b>" in listing(client, owner, f"?job={probe.pk}").content.decode()


def test_a_job_that_is_not_theirs_stays_unnamed(client, probe):
    html = listing(client, charlie(), f"?job={probe.pk}").content.decode()
    assert probe.name not in html
    assert "<b>unknown</b>" in html


@everywhere
@pytest.mark.parametrize("query", ["", "?outcome=SUCCESS", "?outcome=SUCCESS&outcome=FAILURE", "?job={job}"])
def test_pages_follow_each_other_forth_and_back_without_gaps(client, owner, probe, query):
    query = query.format(job=probe.pk)
    made = Run.objects.bulk_create(
        Run(
            job=probe,
            scheduled_time=NOON + n * MINUTE,
            end_time=NOON + n // 2 * MINUTE,
            outcome="FAILURE" if n % 3 == 0 and query.count("outcome") != 1 else "SUCCESS",
        )
        for n in range(120)
    )
    seen, address, pages = [], query, []
    while address is not None:
        found = listing(client, owner, address).context["page"]
        seen += found.rows
        pages.append(found)
        address = f"{query or '?'}&after={found.after}" if found.after else None
    assert len(seen) == len({one.pk for one in seen}) == len(made)
    back = listing(client, owner, f"{query or '?'}&before={pages[-1].before}").context["page"]
    assert back.rows == pages[-2].rows
    start = listing(client, owner, f"{query or '?'}&before={pages[1].before}").context["page"]
    assert (start.rows, start.before) == (pages[0].rows, None)


@pytest.mark.parametrize(
    "query",
    [
        "?after=nonsense",
        "?outcome=SUCCESS&outcome=FAILURE&after=bm9uc2Vuc2U",
        "?state=NOWHERE&outcome=WHO&trigger=%00&job=1&since=yesterday&until=9999-12-31T23:59:59%2B14:00",
        "?since=2026-03-02",
        "?job=%F0%9F%92%A5",
    ],
)
def test_an_address_that_makes_no_sense_is_read_with_patience(client, owner, probe, query):
    run(probe)
    assert len(listing(client, owner, query).context["page"].rows) == 1


def test_what_the_list_does_not_know_is_said(client, owner):
    assert "outcome “MAYBE”" in listing(client, owner, "?outcome=MAYBE").content.decode()


def test_every_condition_is_a_link_that_removes_it(client, owner, probe):
    chips = listing(client, owner, f"?outcome=FAILURE&since=24h&job={probe.pk}").context["chips"]
    assert [(chip.label, chip.value) for chip in chips] == [
        ("outcome", "Failed"),
        ("job", probe.name),
        ("ended", "in the last 24 hours"),
    ]
    assert chips[0].without == f"?job={probe.pk}&since=24h"


def test_an_empty_list_says_what_to_do(client, owner):
    assert "Nothing has run yet" in listing(client, owner).content.decode()
    assert "No run matches" in listing(client, owner, "?outcome=FAILURE").content.decode()


@pytest.mark.parametrize("query", ["", "?outcome=FAILURE", "?outcome=FAILURE&outcome=SUCCESS", "?state=LATE"])
def test_the_list_costs_the_same_whatever_there_is(client, owner, probe, query):
    client.force_login(owner)
    costs = []
    for size in (1, 30):
        for n in range(size):
            run(probe, "FAILURE", at=NOON + (100 * size + n) * MINUTE, error_message="x")
            run(job(owner, name=f"late-{size}-{n}"), "PENDING", at=NOON)
        # What every page shows is remembered for a few seconds.
        client.get(reverse("run_list"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("run_list") + query)
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 11


# one run


def test_owners_and_operators_see_a_run_others_do_not(client, owner, probe):
    made = run(probe)
    for user in (owner, bob()):
        assert made.pk in text(client, user, made)
    client.force_login(charlie())
    for name in ("run_detail", "run_log"):
        assert client.get(reverse(name, args=[made.pk])).status_code == 404


def test_a_failed_run_says_how_and_why_first(client, owner):
    flaky = job(owner, retry={"max_attempts": 2, "backoff_strategy": "FIXED", "backoff_seconds": 60})
    failed = run(flaky, "FAILURE", attempt=2, error_class="HTTP_503", error_message="pool exhausted\nsee log")
    html = text(client, owner, failed)
    banner = html[html.index('class="banner"') : html.index('id="log"')]
    assert "Failed after 2 of 2 attempts: HTTP_503" in banner
    assert "pool exhausted\nsee log" in banner


def test_a_failed_run_shows_the_runbook_and_a_good_one_does_not(client, owner):
    one = job(owner, description="**Call** bob")
    failed, good = run(one, "FAILURE"), run(one, at=NOON + timedelta(hours=1))
    assert "<strong>Call</strong> bob" in text(client, owner, failed)
    assert "<strong>Call</strong> bob" not in text(client, owner, good)


def test_a_run_is_held_to_what_its_version_promised(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "0 9 * * *", "start_within_seconds": 10}
    one = job(owner, schedule=schedule)
    late = run(one, start_time=NOON + timedelta(seconds=30))
    actions.edit(
        one, {**definitions.of(one), "schedule": schedule | {"start_within_seconds": 60}}, by=owner, at=NOON
    )
    assert "Missed its promise: should have started by 12:00:10 UTC" in text(client, owner, late)


def test_the_attempts_of_the_occurrence_stand_in_order_with_the_waits(client, owner):
    flaky = job(owner, retry={"max_attempts": 3, "backoff_strategy": "FIXED", "backoff_seconds": 60})
    first = run(flaky, "FAILURE", took=10)
    again = {"scheduled_time": NOON, "attempt": 2, "start_time": NOON + timedelta(seconds=70)}
    second = run(flaky, "FAILURE", took=80, **again)
    run(flaky, at=NOON + MINUTE)
    DeadLetter.objects.create(job=flaky, run=second, failure_reason="x")
    shown = page(client, owner, first).context["page"]
    assert [(each.run.pk, each.wait) for each in shown.attempts] == [
        (first.pk, ""),
        (second.pk, "1 min 00 s"),
    ]
    assert shown.next_attempt == second
    assert shown.letter is not None


def test_the_intended_fire_stands_in_the_jobs_zone_and_in_utc(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "0 21 * * *", "timezone": "Asia/Tokyo"}
    made = run(job(owner, schedule=schedule))
    assert page(client, owner, made).context["page"].intended == (
        "Mon 2 Mar 2026 21:00:00 JST",
        "12:00:00 UTC",
    )


def test_a_run_shows_the_payload_it_ran_with_and_no_secret(client, owner):
    payload = {"http_url": "https://a.example/?token=topsecret", "http_method": "GET"}
    one = job(owner, type="HTTP", payload=payload)
    made = run(one, "FAILURE")
    definition = {**definitions.of(one), "payload": {"http_url": "https://b.example/", "http_method": "GET"}}
    actions.edit(one, definition, by=owner, at=NOON)
    html = text(client, owner, made)
    assert "https://a.example/" in html
    assert "topsecret" not in html
    assert "b.example" not in html


def test_what_changed_since_the_last_good_run(client, owner, probe):
    good = run(probe, at=NOON - MINUTE, took=2)
    definition = definitions.of(Job.objects.get(pk=probe.pk))
    probe = actions.edit(probe, {**definition, "name": "renamed"}, by=owner, at=NOON)
    shown = page(client, owner, run(probe, "FAILURE")).context["page"]
    assert shown.since_good.good == good
    assert [(each.label, each.before, each.after) for each in shown.since_good.changes] == [
        ("Name", "smoke-probe", "renamed")
    ]


def test_without_a_change_it_says_that_nothing_changed(client, owner, probe):
    run(probe, at=NOON - MINUTE)
    assert "Same: definition, waited for a slot, worker" in text(client, owner, run(probe, "FAILURE"))


def test_a_good_run_is_compared_with_nothing(client, owner, probe):
    run(probe, at=NOON - MINUTE)
    assert page(client, owner, run(probe)).context["page"].since_good is None


def test_a_result_stands_in_a_line_with_its_data_beside(client, owner, probe):
    made = run(probe, result={"summary": "200 OK in 41 ms", "data": {"status": 200}})
    html = text(client, owner, made)
    assert "200 OK in 41 ms" in html
    assert "&quot;status&quot;: 200" in html


@pytest.mark.parametrize("result", [[], "text", 7, {"summary": None}, {"data": [1]}])
def test_a_result_of_another_shape_breaks_nothing(client, owner, probe, result):
    page(client, owner, run(probe, result=result))


@pytest.mark.parametrize(
    ("state", "fields", "word"),
    [
        ("RUNNING", {}, "Running"),
        ("RUNNING", {"lease_expires_at": NOON}, "Stuck"),
        ("PENDING", {}, "Late"),
        ("PENDING", {"available_at": NEVER}, "Pending"),
        ("PENDING", {"available_at": None}, "Pending"),
        ("CANCELLED", {"skip_reason": "MISFIRE", "skipped_count": 17}, "Skipped"),
        ("CANCELLED", {"error_message": "Cancelled before it started."}, "Cancelled"),
        ("TIMEOUT", {"error_message": "Took longer than 60 s."}, "Timed out"),
        ("SUCCESS", {}, "Succeeded"),
    ],
)
def test_every_state_has_its_page_and_its_word(client, owner, probe, state, fields, word):
    made = run(probe, state, **fields)
    assert f"<title>{word} · {probe.name} · Chronos</title>" in text(client, owner, made)


def test_what_may_be_done_follows_the_state(client, owner, probe):
    active, ended = run(probe, "RUNNING", at=NOON + MINUTE), run(probe)
    cancel, again = reverse("run_cancel", args=[active.pk]), reverse("job_run_now", args=[probe.pk])
    assert cancel in text(client, owner, active)
    assert again not in text(client, owner, active)
    assert again in text(client, owner, ended)
    assert "/cancel/" not in text(client, owner, ended)


def test_a_replay_that_failed_leads_to_the_dead_letter(client, owner, probe):
    first = run(probe, "FAILURE", at=NOON)
    DeadLetter.objects.create(job=probe, run=first, failure_reason="x")
    again = run(probe, "FAILURE", at=NOON + MINUTE, trigger="REPLAY", replay_of=first)
    shown = text(client, owner, again)
    assert "Its dead letter stays with" in shown
    assert shown.count(reverse("run_detail", args=[first.pk])) == 2


def test_a_running_run_refreshes_its_head_and_an_ended_one_does_not(client, owner, probe):
    active, ended = run(probe, "RUNNING", at=NOON + MINUTE), run(probe)
    url = reverse("run_detail", args=[active.pk])
    client.force_login(owner)
    fragment = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert f'hx-get="{url}"' in fragment
    rest = client.get(reverse("run_detail", args=[ended.pk])).content.decode()
    assert '<div id="run-state">' in rest


def test_a_run_whose_version_is_gone_still_has_its_page(client, owner, probe):
    made = run(probe, "FAILURE", version=99)
    run(probe, at=NOON - MINUTE)
    page(client, owner, made)


def test_a_run_costs_the_same_whatever_there_is(client, owner, probe):
    client.force_login(owner)
    costs = []
    for size in (1, 30):
        for n in range(size):
            run(probe, at=NOON - (size + n) * MINUTE)
        made = run(probe, "FAILURE", at=NOON + size * MINUTE)
        log(made, *map(str, range(size)))
        # What every page shows is remembered for a while.
        client.get(reverse("run_detail", args=[made.pk]))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("run_detail", args=[made.pk]))
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 15


# its log


def numbers(response) -> list[int]:
    return [line.number for line in response.context["log"].lines]


def test_the_first_paint_shows_the_end_of_the_log(client, owner, probe):
    made = run(probe)
    log(made, *(f"line {n}" for n in range(1, run_log.CHUNK + 101)))
    shown = page(client, owner, made)
    assert numbers(shown) == list(range(101, run_log.CHUNK + 101))
    assert "Show earlier lines" in shown.content.decode()


def test_earlier_lines_are_a_link_without_a_script_too(client, owner, probe):
    made = run(probe)
    lines = log(made, *(f"line {n}" for n in range(1, run_log.CHUNK + 101)))
    query = f"?last={lines[99].pk}&n=100"
    earlier = page(client, owner, made, query)
    assert numbers(earlier) == list(range(1, 101))
    assert "Show the last lines" in earlier.content.decode()
    assert numbers(part(client, made, f"{query}&earlier")) == list(range(1, 101))


def test_a_line_of_any_part_has_an_address(client, owner, probe):
    made = run(probe)
    log(made, *(f"line {n}" for n in range(1, 1201)))
    shown = page(client, owner, made, "?line=300")
    assert numbers(shown) == list(range(290, 290 + run_log.CHUNK))
    assert 'href="?line=300#L300"' in shown.content.decode()
    later = shown.context["log"].later
    following = part(client, made, f"?later&last={later.last}&n={later.number}")
    assert numbers(following)[0] == 290 + run_log.CHUNK


@pytest.mark.parametrize(("line", "first"), [(1, 1), (1190, 1180), (5000, 1190)])
def test_the_first_and_the_last_lines_have_one_too(client, owner, probe, line, first):
    made = run(probe)
    log(made, *(f"line {n}" for n in range(1, 1201)))
    assert numbers(page(client, owner, made, f"?line={line}"))[0] == first


@everywhere
def test_a_search_goes_on_where_it_stopped(client, owner, probe, monkeypatch):
    monkeypatch.setattr(run_log, "SEARCHED", 10)
    made = run(probe)
    log(made, "needle", *["hay"] * 25)
    shown = page(client, owner, made, "?q=needle")
    assert "Searched back to line 17." in shown.content.decode()
    steps = []
    while (earlier := shown.context["log"].earlier) is not None:
        shown = part(client, made, f"?earlier&last={earlier.last}&n={earlier.number}&q=needle")
        steps.append(numbers(shown))
    assert steps == [[], [1]]
    assert "All lines before these are searched." in shown.content.decode()


def test_the_size_of_a_long_log_is_remembered_and_grows_with_it(client, owner, probe, monkeypatch):
    monkeypatch.setattr(run_log, "LONG", 2)
    active = run(probe, "RUNNING")
    log(active, "one", "two", "three")
    assert run_log.size(active).lines == 3
    log(active, "four", level="ERROR")
    grown = run_log.size(active)
    assert (grown.lines, grown.errors, grown.first) == (4, None, active.logs.order_by("pk")[0].pk)
    ended = run(probe, at=NOON + MINUTE)
    log(ended, *"abc")
    run_log.size(ended)
    with CaptureQueriesContext(connection) as queries:
        assert run_log.size(ended).lines == 3
    assert not queries.captured_queries


@everywhere
def test_a_level_and_a_text_leave_lines_out_but_keep_their_numbers(client, owner, probe):
    made = run(probe)
    log(made, "start", "the POOL is low")
    log(made, "pool exhausted 100%", level="ERROR")
    log(made, "end")
    assert numbers(page(client, owner, made, "?level=WARN")) == [3]
    assert numbers(page(client, owner, made, "?q=pool")) == [2, 3]
    assert numbers(page(client, owner, made, "?q=0%25&level=ERROR")) == [3]
    assert numbers(page(client, owner, made, "?q=_ool")) == []


def test_hits_are_marked_and_everything_is_escaped(client, owner, probe):
    made = run(probe)
    log(made, "<b>Pool</b> \x1b[31mpool")
    assert "&lt;b&gt;<mark>Pool</mark>&lt;/b&gt; ␛[31m<mark>pool</mark>" in text(
        client, owner, made, "?q=pool"
    )


def test_hostile_lines_are_harmless(client, owner, probe):
    made = run(probe)
    log(made, "<script>alert(1)</script>\x00\x07\u202e\u2028 \ufeff".replace("\x00", ""), "x" * 8000, "")
    RunLog.objects.create(run=made, message="fields", context={"<i>": "\x1b", "n": [1, {"a": None}]})
    RunLog.objects.create(run=made, message="odd", context=["no", "object"])
    html = text(client, owner, made)
    assert "<script>alert" not in html
    assert not {"\x07", "\x1b", "\u202e", "\u2028"} & set(html)
    assert "&lt;i&gt;=␛" in html


def test_long_lines_end_a_part_early(client, owner, probe):
    made = run(probe)
    log(made, *["x" * 8000] * 40)
    shown = page(client, owner, made)
    assert numbers(shown)[-1] == 40
    assert len(shown.content) < 200_000
    following = part(client, made, "?following&last=0&n=0").context
    assert following["place"].number == len(following["log"].lines) == run_log.CHUNK_CHARACTERS // 8000


def test_a_running_log_gives_what_is_new_and_nothing_else(client, owner, probe):
    active = run(probe, "RUNNING")
    log(active, "one", "two")
    place = page(client, owner, active).context["place"]
    url = f"?following&last={place.last}&n={place.number}"
    assert part(client, active, url).status_code == 204
    log(active, "three")
    more = part(client, active, url)
    assert numbers(more) == [3]
    assert 'id="log-more"' in more.content.decode()


def test_following_counts_what_a_filter_leaves_out(client, owner, probe):
    active = run(probe, "RUNNING")
    client.force_login(owner)
    log(active, "one", "two")
    log(active, "three", level="ERROR")
    log(active, "four")
    more = part(client, active, "?following&last=0&n=0&level=ERROR")
    assert numbers(more) == [3]
    assert more.context["place"].number == 4


def test_following_ends_with_the_run(client, owner, probe):
    ended = run(probe)
    log(ended, "one")
    client.force_login(owner)
    rest = part(client, ended, "?following&last=0&n=0")
    assert numbers(rest) == [1]
    place = rest.context["place"]
    end = part(client, ended, f"?following&last={place.last}&n={place.number}").content.decode()
    assert 'id="log-more"' not in end


def test_following_goes_on_after_the_end_until_everything_is_read(client, owner, probe):
    ended = run(probe)
    log(ended, *map(str, range(run_log.CHUNK + 1)))
    client.force_login(owner)
    first = part(client, ended, "?following&last=0&n=0")
    assert 'id="log-more"' in first.content.decode()
    place = first.context["place"]
    assert numbers(part(client, ended, f"?following&last={place.last}&n={place.number}")) == [
        run_log.CHUNK + 1
    ]


def test_the_whole_log_comes_as_a_file(client, owner, probe):
    made = run(probe)
    log(made, "one", "two \x1b[31m")
    RunLog.objects.create(run=made, message="three", level="ERROR", context={"status": 503}, timestamp=NOON)
    client.force_login(owner)
    file = part(client, made, "?download")
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"] == f'attachment; filename="smoke-probe-{made.pk}.log"'
    lines = file.getvalue().decode().splitlines()
    assert lines[0] == "2026-03-02T12:00:00.000Z INFO  one"
    assert lines[1].endswith("two ␛[31m")
    assert lines[2].endswith("ERROR three  status=503")


@pytest.mark.parametrize(
    "query",
    [
        "?last=x&n=-1",
        "?line=x",
        "?line=" + "9" * 18,
        f"?last={'9' * 40}&n=9",
        "?level=LOUD&q=%00",
        "?q=" + "x" * 5000,
    ],
)
def test_an_odd_address_of_a_log_is_read_with_patience(client, owner, probe, query):
    made = run(probe)
    log(made, "one")
    page(client, owner, made, query)
    assert part(client, made, f"{query}&following").status_code == 200
    assert part(client, made, f"{query}&earlier").status_code == 200


def test_a_run_that_never_started_says_why_there_is_no_log(client, owner, probe):
    skipped = run(probe, "CANCELLED", skip_reason=Skip.OVERLAP, start_time=None)
    assert "It never started, so it left no log." in text(client, owner, skipped)


# in a browser

# How far the log could still be scrolled down.
BELOW = """
(({scrollHeight: all, scrollTop: top, clientHeight: seen}) => all - top - seen)(
  document.querySelector("[data-log]"))
"""


@pytest.mark.browser
def test_a_followed_log_grows_stays_at_its_end_and_stops_with_the_run(visit, live_server):
    user = alice()
    active = run(job(user), "RUNNING")
    log(active, *(f"line {n}" for n in range(1, 60)))
    browser = visit(reverse("run_detail", args=[active.pk]), user)
    log(active, "fresh")
    expect(browser.locator("#L60")).to_be_attached(timeout=10_000)
    assert browser.evaluate(BELOW) < 2
    log(active, "last words")
    Run.objects.filter(pk=active.pk).update(outcome="SUCCESS", end_time=timezone.now(), duration_ms=1)
    expect(browser.get_by_text("last words")).to_be_visible(timeout=10_000)
    expect(browser.locator("#run-state .st-succeeded")).to_be_visible(timeout=10_000)
    expect(browser.locator("#log-more")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("place", [0, 100])
def test_somebody_who_reads_further_up_is_left_in_peace(visit, live_server, place):
    user = alice()
    active = run(job(user), "RUNNING")
    log(active, *(f"line {n}" for n in range(1, 100)))
    browser = visit(reverse("run_detail", args=[active.pk]), user)
    browser.evaluate("place => { document.querySelector('[data-log]').scrollTop = place; }", place)
    log(active, "fresh")
    expect(browser.locator("#L100:not(.htmx-settling)")).to_be_attached(timeout=10_000)
    assert browser.evaluate("document.querySelector('[data-log]').scrollTop") == place


@pytest.mark.browser
def test_the_focus_stays_when_the_log_grows_before_what_had_the_focus_has_settled(visit, live_server):
    user, held = alice(), []
    active = run(job(user), "RUNNING")
    browser = visit(reverse("run_detail", args=[active.pk]), user)
    browser.evaluate("htmx.config.defaultSettleDelay = 1500")
    browser.route("**/log/**", lambda route: held.append(route))
    away = browser.get_by_role("link", name="Open the job")
    away.focus()
    log(active, "fresh")
    expect(browser.locator("#run-state.htmx-settling")).to_be_attached(timeout=10_000)
    held.pop().continue_()
    expect(browser.locator("#L1:not(.htmx-settling)")).to_be_attached(timeout=10_000)
    expect(away).to_be_focused()
