"""The pages of the audit trail."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.actions import BACKEND, NOBODY
from audit.models import AuditEvent, record
from audit.origin import coming_from
from audit.sealing import seal
from dashboard import audit_filters, entries
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

LIST = "/audit/"


@pytest.fixture
def alice(client):
    alice = factories.alice()
    client.force_login(alice, BACKEND)
    return alice


@pytest.fixture
def bob(client):
    bob = factories.bob()
    client.force_login(bob, BACKEND)
    return bob


def listed(client, **query):
    return [entry.row for entry in client.get(LIST, query).context["entries"]]


def test_operators_see_what_everyone_did_and_others_what_they_did(client, alice):
    record(None, "SIGNED_IN", alice)
    own = record(alice, "SIGNED_OUT", alice)
    assert listed(client) == [own]
    client.force_login(factories.bob(), BACKEND)
    assert len(listed(client)) == 2


def test_the_history_of_ones_own_job_tells_who_else_did_something_to_it(client, alice):
    job, other = factories.job(alice), factories.job(factories.charlie())
    entry = record(factories.bob(), "JOB_PAUSED", job)
    record(None, "JOB_PAUSED", other)
    assert entry in listed(client, entity="Job", id=job.pk)
    assert listed(client, entity="Job", id=other.pk) == []


def test_filters_narrow_the_list(client, bob):
    job = factories.job(bob)
    paused = record(bob, "JOB_PAUSED", job, note="The ledger moves")
    system = record(None, "JOB_MISSED", job)
    assert listed(client, action="JOB_PAUSED") == [paused]
    assert listed(client, who="system", action="JOB_MISSED") == [system]
    assert listed(client, q="LEDGER") == [paused]
    assert listed(client, entity="Run") == []
    assert paused in listed(client, who="BOB@example.com", entity="Job", id=job.pk)


def test_a_day_is_the_whole_day(client, bob):
    entry = record(bob, "SIGNED_IN", bob)
    today = timezone.localdate()
    assert entry in listed(client, since=str(today), until=str(today))
    assert listed(client, until=str(today - timedelta(days=1))) == []
    assert listed(client, since=str(today + timedelta(days=1))) == []


@pytest.mark.parametrize(
    "query",
    ["since=0001-01-01", "since=9999-12-31", "since=2026-13-01", "entity=a%00b", "until=x", "action=a-b"],
)
def test_what_makes_no_sense_is_left_out_and_said(client, bob, query):
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert answer.context["filters"].ignored


def test_a_text_in_the_note_is_looked_for_among_the_newest(client, bob, monkeypatch):
    monkeypatch.setattr(audit_filters, "WINDOW", 2)
    for _ in range(4):
        record(bob, "SIGNED_IN", bob, note="here")
    answer = client.get(LIST, {"q": "here"})
    assert len(answer.context["entries"]) == 2
    assert "newest 2 entries" in answer.content.decode()


def test_pages_follow_one_another(client, bob):
    for _ in range(27):
        record(bob, "SIGNED_IN", bob)
    first = client.get(LIST)
    rest = listed(client, after=first.context["page"].after)
    assert len(first.context["entries"]) == 25
    assert len(rest) == 2


def test_an_entry_tells_all_that_was_recorded(client, bob):
    job = factories.job(bob)
    with coming_from("10.0.0.9", "SESSION"):
        entry = record(bob, "JOB_PAUSED", job, changes={"status": ("SCHEDULED", "PAUSED")}, note="<b>so</b>")
    page = client.get(f"{LIST}{entry.pk}/").content.decode()
    for told in ("<del>SCHEDULED</del>", "<ins>PAUSED</ins>", "10.0.0.9", job.name, "&lt;b&gt;so&lt;/b&gt;"):
        assert told in page
    assert "Not in a block yet" in page


def test_an_entry_tells_its_block(client, bob):
    entry = record(bob, "SIGNED_IN", bob)
    seal(timezone.now() + timedelta(minutes=1))
    assert "Not in a block yet" not in client.get(f"{LIST}{entry.pk}/").content.decode()


def test_anothers_entry_is_not_there(client, alice):
    entry = record(None, "SIGN_IN_FAILED", factories.charlie())
    assert client.get(f"{LIST}{entry.pk}/").status_code == 404


def test_an_entry_about_ones_own_job_is_there(client, alice):
    entry = record(None, "JOB_MISSED", factories.job(alice))
    assert client.get(f"{LIST}{entry.pk}/").status_code == 200


def test_what_was_recorded_oddly_breaks_no_page(client, bob):
    for details in (None, [], "text", 5, {"changes": 5}, {"changes": {"a": [1]}}, {"note": {"x": [1]}}):
        entry = AuditEvent.objects.create(
            entity_type="Thing", entity_id="\u202e<i>", action="odd", details=details
        )
        assert client.get(f"{LIST}{entry.pk}/").status_code == 200
    assert "<i>" not in client.get(LIST).content.decode().partition('aria-label="Entries"')[2][:5000]


def test_the_export_holds_what_matches_and_no_formulas(client, bob):
    job = factories.job(bob)
    record(bob, "JOB_PAUSED", job, note="=1+1")
    AuditEvent.objects.create(entity_type="Job", entity_id="=HYPERLINK(1)", action="ODD")
    answer = client.get(f"{LIST}export/", {"format": "csv", "action": ["ODD", "JOB_PAUSED"]})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["entity id"] for row in rows] == ["'=HYPERLINK(1)", job.pk]


def test_the_export_as_json_can_be_read_back(client, bob, monkeypatch):
    monkeypatch.setattr("dashboard.audit_export.PAGE", 2)
    made = [record(bob, "SIGNED_IN", bob).pk for _ in range(5)]
    answer = client.get(f"{LIST}export/", {"format": "json", "action": "SIGNED_IN"})
    told = json.loads(b"".join(answer.streaming_content))
    assert [row["id"] for row in told] == sorted(made, reverse=True)


def test_no_other_format_is_exported(client, bob):
    assert client.get(f"{LIST}export/", {"format": "exe"}).status_code == 400


@pytest.mark.parametrize(
    "query", ["", "?entity=Job", "?who=system", "?q=a", "?since=7d&action=JOB_CREATED", "?entity=Job&id=x"]
)
def test_the_page_costs_few_queries(client, alice, query, django_assert_max_num_queries):
    for _ in range(12):
        job = factories.job(alice)
        record(alice, "JOB_PAUSED", job)
    seal(timezone.now() + timedelta(minutes=1))
    with django_assert_max_num_queries(15):
        client.get(f"{LIST}{query}")


@pytest.mark.parametrize(
    ("action", "details"),
    [
        ("RULE_CHANGED", {"tag": {"from": "a", "to": "b"}}),
        ("TEMPLATE_CHANGED", {"changed": {"tag": ["a", "b"]}}),
        ("JOB_UPDATED", {"changes": {"tag": ["a", "b"]}}),
    ],
)
def test_a_change_is_shown_as_one_wherever_it_was_recorded(bob, action, details):
    [entry] = entries.told([record(bob, action, bob, details=details)], bob)
    assert [(change.label, change.before, change.after) for change in entry.changes] == [("tag", "a", "b")]
    assert entry.facts == []


def test_every_action_that_the_code_names_has_words():
    apps = ("accounts", "api", "audit", "dashboard", "jobs", "notifications", "runs")
    sources = [path.read_text() for app in apps for path in (settings.BASE_DIR / app).rglob("*.py")]
    calls = r'\brecord(?:_all|_about)?\(\s*[^"()]*?,\s*"([A-Z_]+)"'
    named = {action for source in sources for action in re.findall(calls, source)}
    assert len(named) > 50
    assert named - set(entries.ACTIONS) == set()


def test_a_thing_whose_name_was_changed_is_called_by_its_new_name(bob):
    entry = record(bob, "CONTACT_CREATED", factories.job(bob), changes={"name": (None, "on-call")})
    assert entries.Entry(entry).entity == "on-call"


def test_who_tried_to_sign_in_without_an_account_is_unknown(client, bob):
    record(None, "SIGN_IN_FAILED", NOBODY)
    assert 'account <b class="strong break">unknown</b>' in client.get(LIST).content.decode()
