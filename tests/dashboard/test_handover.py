"""The handover: what a shift leaves behind, and nothing of others' jobs."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent, record
from dashboard.handover import Handover
from dashboard.shift import Shift
from jobs import actions
from runs import triage
from runs.acknowledgements import acknowledge_job
from runs.models import DeadLetter, RunStats, Skip
from tests.factories import NOON, alice, bob, charlie, definition, job, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


def shift(user, hours=8) -> Handover:
    return Handover(user, Shift(NOON - HOUR * hours, NOON, f"{hours}h"))


@everywhere
def test_what_began_to_fail_in_the_shift_is_new(owner, probe):
    run(probe, at=NOON - 9 * HOUR)
    run(probe, "FAILURE", at=NOON - HOUR)
    found = shift(owner)
    assert [each.job.name for each in found.new_failures] == [probe.name]
    assert found.still_failing == []


def test_jobs_that_fail_are_counted_beyond_those_that_are_listed(client, owner):
    for number in range(23):
        run(job(owner, name=f"probe-{number}"), "FAILURE", at=timezone.now() - HOUR)
    client.force_login(owner)
    page = client.get(reverse("handover")).text
    assert '<span class="count">20+</span>' in page
    assert page.count("and 3 more that fail") == 2
    text = client.get(reverse("handover"), {"format": "markdown"}).text
    assert "New failures (20+)" in text
    assert "and 3 more that fail: http://testserver/jobs/?failing=1" in text


@pytest.mark.parametrize("hours", [1, 20])
def test_a_failure_that_somebody_knows_of_says_so(client, owner, probe, hours):
    now = timezone.now()
    run(probe, "FAILURE", at=now - hours * HOUR)
    client.force_login(owner)
    assert "knows" not in client.get(reverse("handover")).text
    acknowledge_job(probe, by=owner, at=now)
    assert f"{owner.email} knows" in client.get(reverse("handover")).text
    told = client.get(reverse("handover"), {"format": "markdown"}).text
    assert re.search(rf"\* \*\*{probe.name}\*\*: .*{owner.email.partition('@')[0]}.* knows", told)


def test_what_failed_before_the_shift_is_still_failing(owner, probe):
    run(probe, "FAILURE", at=NOON - 9 * HOUR)
    run(probe, "TIMEOUT", at=NOON - HOUR)
    found = shift(owner)
    assert [each.job.name for each in found.still_failing] == [probe.name]
    assert found.new_failures == []


def test_a_job_that_is_well_again_has_recovered(owner, probe):
    failed = run(probe, "FAILURE", at=NOON - 9 * HOUR)
    good = run(probe, at=NOON - HOUR)
    run(probe, at=NOON - MINUTE)
    (row,) = shift(owner).recovered
    assert (row.failed, row.good) == (failed, good)


@everywhere
def test_a_job_that_has_fired_often_since_has_recovered_too(owner, probe):
    run(probe, "FAILURE", at=NOON - 3 * HOUR)
    failed = run(probe, "TIMEOUT", at=NOON - 2 * HOUR)
    good = run(probe, at=NOON - HOUR)
    for minute in range(25):
        run(probe, at=NOON - minute * MINUTE)
    (row,) = shift(owner).recovered
    assert (row.failed, row.good, row.name) == (failed, good, probe.name)
    assert row.good.end_time == good.end_time


def test_a_retry_that_went_well_hides_no_failure_before_it(owner, probe):
    failed = run(probe, "FAILURE", at=NOON - 3 * HOUR)
    good = run(probe, at=NOON - 2 * HOUR)
    run(probe, "FAILURE", at=NOON - HOUR)
    run(probe, at=NOON - HOUR, attempt=2)
    for minute in range(25):
        run(probe, at=NOON - minute * MINUTE)
    (row,) = shift(owner).recovered
    assert (row.failed, row.good) == (failed, good)


def test_what_fired_often_and_recovered_before_the_shift_is_no_news(owner, probe):
    run(probe, "FAILURE", at=NOON - 10 * HOUR)
    run(probe, at=NOON - 9 * HOUR)
    for minute in range(25):
        run(probe, at=NOON - minute * MINUTE)
    assert shift(owner).recovered == []


@pytest.mark.parametrize("hours", [9, 20])
def test_what_recovered_before_the_shift_is_no_news(owner, probe, hours):
    run(probe, "FAILURE", at=NOON - hours * HOUR)
    run(probe, at=NOON - 9 * HOUR + MINUTE)
    run(probe, at=NOON - MINUTE)
    assert shift(owner).recovered == []


def test_a_retry_that_went_well_is_no_failure_of_its_occurrence(owner, probe):
    run(probe, "FAILURE", at=NOON - HOUR)
    run(probe, at=NOON - HOUR, attempt=2)
    found = shift(owner)
    assert (found.new_failures, found.recovered) == ([], [])


@everywhere
def test_missed_fires_are_counted_a_job_and_reason(owner, probe):
    run(probe, "CANCELLED", at=NOON - HOUR, skip_reason=Skip.MISFIRE, skipped_count=7)
    run(probe, "CANCELLED", at=NOON - 2 * HOUR, skip_reason=Skip.MISFIRE)
    run(probe, "CANCELLED", at=NOON - 3 * HOUR, skip_reason=Skip.PAUSED)
    (row,) = shift(owner).missed
    assert (row.name, row.reason, row.count) == (probe.name, Skip.MISFIRE, 8)


def test_jobs_that_missed_fires_and_recovered_are_counted_beyond_those_that_are_listed(client, owner):
    now = timezone.now()
    for number in range(22):
        each = job(owner, name=f"probe-{number}")
        run(each, "CANCELLED", at=now - 3 * HOUR, skip_reason=Skip.MISFIRE)
        run(each, "FAILURE", at=now - 2 * HOUR)
        run(each, at=now - HOUR)
    client.force_login(owner)
    page = client.get(reverse("handover")).text
    assert '<span class="count">20+</span>' in page
    text = client.get(reverse("handover"), {"format": "markdown"}).text
    assert "Recovered (20+)" in text
    assert page.count("fire did not run") == text.count("fires did not run") == 20
    assert "and 2 more</a>" in page
    assert "and 2 more: http://testserver/runs/?outcome=SKIPPED" in text


@everywhere
def test_operators_read_how_many_runs_went_well_and_how_many_waited():
    common = {"hour": NOON - HOUR, "type": "DUMMY"}
    RunStats.objects.create(outcome="SUCCESS", count=90, waited_1m=88, **common)
    RunStats.objects.create(outcome="FAILURE", count=10, waited_1m=10, **common)
    RunStats.objects.create(outcome="CANCELLED", count=5, **common)
    found = shift(bob())
    assert (found.succeeded, found.ended, found.late_starts) == (90, 100, 2)


def test_dead_letters_are_told_opened_and_closed(owner, probe):
    failed = run(probe, "FAILURE", at=timezone.now() - HOUR)
    letter = DeadLetter.objects.create(job=probe, run=failed, failure_reason="503")
    triage.resolve(DeadLetter.objects.all(), by=owner, at=timezone.now(), notes="It was the proxy.")
    found = Handover(owner, Shift.read("2h", timezone.now() + MINUTE))
    assert [each.pk for each in found.opened] == [letter.pk]
    assert [each.pk for each in found.closed] == [letter.pk]


def letters(probe, count, **fields):
    """So many dead letters, opened just now."""
    DeadLetter.objects.bulk_create(
        DeadLetter(job=probe, failure_reason=f"reason {n}", **fields) for n in range(count)
    )


@everywhere
def test_dead_letters_are_counted_beyond_those_that_are_listed(owner, probe):
    letters(probe, 56)
    letters(probe, 110, status="IGNORED", resolved_at=timezone.now(), created_at=NOON)
    found = Handover(owner, Shift.read("2h", timezone.now() + MINUTE))
    assert (len(list(found.opened)), found.opened.count, found.opened.unlisted) == (20, "56", "36")
    assert (len(list(found.closed)), found.closed.count, found.closed.unlisted) == (20, "100+", "80+")
    assert {(each.job_name, each.reason[:6]) for each in found.opened} == {(probe.name, "reason")}


def test_the_page_and_the_text_say_how_many_dead_letters_there_are_and_where(client, owner, probe):
    letters(probe, 56)
    client.force_login(owner)
    for form in ("", "markdown"):
        told = client.get(reverse("handover"), {"format": form}).text
        assert "56 opened, 0 closed" in told
        assert "and 36 more opened" in told
        inbox = re.search(r"/dead-letters/\?since=[^\s\"]+", told)[0]
    assert client.get(inbox).context["filters"].matching.count() == 56


def test_opened_and_closed_dead_letters_are_one_query(owner, probe, django_assert_num_queries):
    letters(probe, 3)
    found = Handover(owner, Shift.read("2h", timezone.now() + MINUTE))
    with django_assert_num_queries(1):
        assert [each.job_name for each in found.opened] == [probe.name] * 3
        assert not found.closed


def test_what_people_did_is_told_with_the_job_and_the_reason(owner, probe):
    actions.pause(probe, by=owner, at=NOON, note="disk move")
    found = Handover(owner, Shift.read("2h", timezone.now() + MINUTE))
    (first,) = found.changes
    told = first.event.words, [each.job_name for each in first.jobs], first.event.note
    assert told == ("Paused", [probe.name], "disk move")


def since_just_now(user) -> Handover:
    return Handover(user, Shift.read("2h", timezone.now() + MINUTE))


@everywhere
def test_what_was_done_to_a_job_that_is_gone_names_it(client, owner, probe):
    actions.pause(probe, by=owner, at=NOON)
    actions.delete(probe, by=owner)
    deleted, paused = since_just_now(owner).changes
    assert [(each.job_name, each.job_id) for each in deleted.jobs] == [("smoke-probe", "")]
    assert [each.job_name for each in paused.jobs] == ["smoke-probe"]
    client.force_login(owner)
    assert "job deleted, **smoke-probe**" in client.get(reverse("handover"), {"format": "markdown"}).text
    assert "smoke-probe" in client.get(reverse("handover")).text


def test_what_was_written_at_one_time_is_told_in_its_order(owner, probe):
    common = {"entity_type": "Job", "entity_id": probe.pk, "user_email": owner.email}
    at = timezone.now() - MINUTE
    for number in (1, 3, 2):
        AuditEvent.objects.create(pk=f"{number:026}", action=f"DONE_{number}", timestamp=at, **common)
    told = [each.event.row.action for each in since_just_now(owner).changes]
    assert told == ["DONE_3", "DONE_2", "DONE_1"]


@everywhere
def test_what_one_person_did_to_many_jobs_in_a_row_is_one_line(client, owner):
    for number in range(7):
        each = job(owner, name=f"probe-{number}")
        letters(each, 5, status="RESOLVED", resolved_at=NOON)
    triage.reopen(DeadLetter.objects.all(), closed_at=NOON, by=owner)
    found = since_just_now(owner).changes
    (line,) = found
    assert (line.times, line.counted, len(line.jobs), line.more_jobs) == (7, "35 dead letters", 5, 2)
    assert (found.count, found.unlisted) == ("7", "")
    client.force_login(owner)
    assert "dead letters opened again (35 dead letters)" in client.get("/handover/?format=markdown").text
    assert client.get("/handover/").text.count("Dead letters opened again") == 1


def test_what_was_done_again_and_again_to_one_job_is_one_line(owner, probe):
    common = {"entity_type": "Job", "entity_id": probe.pk, "action": "JOB_TRIGGERED"}
    for minutes, note in ((3, ""), (2, ""), (1, "once more")):
        at = timezone.now() - minutes * MINUTE
        AuditEvent.objects.create(**common, user_email=owner.email, timestamp=at, details={"note": note})
    assert [each.counted for each in since_just_now(owner).changes] == ["", "2 times"]


def test_a_few_equal_deeds_about_different_jobs_stand_apart(owner, probe):
    for each in (probe, job(owner, name="other")):
        record(owner, "JOB_TRIGGERED", each)
    assert [each.times for each in since_just_now(owner).changes] == [1, 1]


def test_deeds_are_counted_beyond_those_that_are_listed(client, owner, probe):
    for number in range(75):
        record(owner, "JOB_TRIGGERED", probe, note=f"try {number}")
    found = since_just_now(owner).changes
    assert (len(list(found)), found.count, found.unlisted) == (60, "75", "15")
    client.force_login(owner)
    for form, listed, more in (("", 12, "and 63 more"), ("markdown", 60, "and 15 more")):
        told = client.get(reverse("handover"), {"format": form}).text
        assert told.count("try ") == listed
        assert more in told
        assert re.search(r"/audit/\?entity=Job&(amp;)?since=", told)


def test_a_coming_fire_of_a_failing_job_is_risky(owner, probe):
    run(probe, "FAILURE", at=NOON - HOUR)
    (risk,) = shift(owner).risky
    assert (risk.name, risk.reasons) == (probe.name, ["fails now"])


def test_a_shift_without_events_is_quiet(owner, probe):
    run(probe, at=NOON - HOUR)
    assert not shift(owner)


def test_nobody_reads_of_other_peoples_jobs(client, owner, probe):
    now = timezone.now()
    run(probe, "FAILURE", at=now - HOUR)
    run(probe, "CANCELLED", at=now - 2 * HOUR, skip_reason=Skip.MISFIRE)
    actions.pause(probe, by=owner, at=now)
    client.force_login(charlie())
    assert probe.name not in client.get(reverse("handover")).text


@pytest.mark.parametrize("asked", ["", "8h", "18:00", "2026-11-25T18:00"])
def test_a_start_is_read_in_each_of_its_forms(client, owner, asked):
    client.force_login(owner)
    answer = client.get(reverse("handover"), {"since": asked})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "asked", ["yesterday", "0h", "999h", "25:00", "2026-99-99T00:00", "9999-12-31T00:00", "\x00"]
)
def test_a_start_that_makes_no_sense_is_the_usual_one(asked):
    read = Shift.read(asked, NOON)
    assert (read.at - read.since, read.asked) == (12 * HOUR, "12h")


def test_a_time_of_day_is_the_last_one_of_the_viewers_clock():
    with timezone.override("Europe/Berlin"):
        evening = Shift.read("18:00", NOON)
        morning = Shift.read("06:00", NOON)
    assert evening.since.isoformat() == "2026-03-01T18:00:00+01:00"
    assert morning.since.isoformat() == "2026-03-02T06:00:00+01:00"


def test_the_text_escapes_what_markdown_would_read(client, owner):
    odd = actions.create(
        definition(name="[x](http://evil) <b> `c` | *d*"), owner=owner, by=owner, at=NOON, arm=False
    )
    run(odd, "FAILURE", at=timezone.now() - HOUR, error_message="# boom\n* two")
    client.force_login(owner)
    answer = client.get(reverse("handover"), {"format": "markdown"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert r"**\[x\](http://evil) \<b\> \`c\` \| \*d\***: \# boom" in answer.text


def test_the_page_costs_a_constant_number_of_queries(client):
    operator = bob()
    for number in range(12):
        each = job(operator, name=f"probe-{number}")
        run(each, at=timezone.now() - 20 * HOUR)
        run(each, "FAILURE", at=timezone.now() - HOUR)
    often = job(operator, name="often")
    run(often, "FAILURE", at=timezone.now() - 2 * HOUR)
    for minute in range(25):
        run(often, at=timezone.now() - minute * MINUTE)
    letters(often, 3)
    client.force_login(operator)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(reverse("handover"))
    assert answer.text.count("probe-11") >= 2
    assert 'id="recovered"' in answer.text
    assert len(queries) <= 15
