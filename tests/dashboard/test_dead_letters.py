"""The inbox: who sees what, in which group, at what cost; and the page of one event."""

from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard import dead_letters, letter_groups
from jobs.models import JobTag
from runs import acknowledgements, triage
from runs.failure_signatures import FailureSignature, seen
from runs.models import DeadLetter
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db

INBOX = "/dead-letters/"
EARLIER = timedelta(hours=2)


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def bob():
    return factories.bob()


def letter(job, kind="a", *, ago=timedelta(), reason="TIMEOUT: took 9 s", **fields):
    """An event of a job, as a settled failure leaves it."""
    at = timezone.now() - ago
    run = factories.run(job, "FAILURE", at=at, error_class="TIMEOUT", error_message="took 9 s")
    made = DeadLetter.objects.create(
        job=job, run=run, failure_reason=reason, signature=kind * 64, created_at=at, **fields
    )
    seen([made])
    return made


def groups(client, user, query=""):
    client.force_login(user)
    response = client.get(INBOX + query)
    return [(group.signature[0], group.count, group.jobs) for group in response.context["groups"].rows]


def text(client, address, user, **headers):
    client.force_login(user)
    return unescape(client.get(address, headers=headers).content.decode())


@pytest.mark.databases
def test_events_alike_are_one_group_newest_first(client, bob, alice):
    one, other = factories.job(alice), factories.job(alice)
    letter(one, "a", ago=EARLIER)
    letter(one, "b", ago=EARLIER / 2)
    letter(other, "a")
    assert groups(client, bob) == [("a", 2, 2), ("b", 1, 1)]


def test_people_see_their_own_jobs_events_and_operators_all(client, bob, alice):
    letter(factories.job(alice))
    charlie = factories.charlie()
    letter(factories.job(charlie))
    assert groups(client, charlie) == [("a", 1, 1)]
    assert groups(client, bob) == [("a", 2, 2)]


def test_what_nobodys_engine_made_is_not_lost(client, bob, alice):
    DeadLetter.objects.create(job=factories.job(alice), failure_reason="?", created_at=NOON)
    assert "Failures without a signature" in text(client, INBOX, bob)
    client.force_login(bob)
    shown = client.get(f"{INBOX}?signature=none").context["events"].rows
    assert [each.failure_reason for each in shown] == ["?"]


@pytest.mark.databases
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?show=RESOLVED", ["r"]),
        ("?show=IGNORED", []),
        ("?show=MINE", ["m"]),
        ("?error=OTHER", ["o"]),
        ("?q=disk", ["o"]),
        ("?tag=night", ["t"]),
        ("?owner=charlie", ["t"]),
        ("?assignee=me", ["m"]),
        ("?since=1h", ["o", "m"]),
        ("?acknowledged=1", ["t"]),
        ("?acknowledged=0", ["o", "m"]),
        ("?job=none-such", ["o", "m", "t"]),
    ],
)
def test_each_condition_finds_its_events(client, bob, alice, query, wanted):
    job, theirs = factories.job(alice), factories.job(factories.charlie())
    JobTag.objects.create(job=theirs, name="night")
    letter(theirs, "t", ago=EARLIER)
    acknowledgements.acknowledge_job(theirs, by=bob, at=NOON)
    letter(job, "m", assignee=bob, ago=EARLIER / 4)
    letter(job, "o", reason="OTHER: disk 7 is full")
    letter(job, "r", status="RESOLVED", resolved_at=timezone.now())
    assert [kind for kind, *_ in groups(client, bob, query)] == wanted


def test_a_condition_that_makes_no_sense_is_left_out_and_said(client, bob, alice):
    letter(factories.job(alice))
    shown = text(client, f"{INBOX}?since=yesterday&show=ALL&signature=x%00", bob)
    assert "the inbox does not know it: show “ALL”, since “yesterday”" in shown


@pytest.mark.databases
def test_groups_page_by_key(client, bob, alice, monkeypatch):
    monkeypatch.setattr(letter_groups, "SIZE", 2)
    job = factories.job(alice)
    for n, kind in enumerate("abcde"):
        letter(job, kind, ago=timedelta(minutes=n))
    client.force_login(bob)
    first = client.get(INBOX).context["groups"]
    second = client.get(INBOX, {"groups_after": first.after}).context["groups"]
    back = client.get(INBOX, {"groups_before": second.before}).context["groups"]
    assert [[group.signature[0] for group in page.rows] for page in (first, second, back)] == [
        ["a", "b"],
        ["c", "d"],
        ["a", "b"],
    ]


def test_a_group_knows_how_it_was_resolved_before(client, bob, alice):
    job = factories.job(alice)
    letter(job)
    triage.resolve(DeadLetter.objects.all(), by=bob, at=NOON, notes="The proxy.")
    FailureSignature.objects.update(first_seen_at=NOON)
    again = letter(job)
    assert "Resolved once" in text(client, INBOX, bob)
    shown = text(client, f"{INBOX}{again.pk}/", bob)
    assert "Resolved by bob@example.com" in shown
    assert "The proxy." in shown


def test_what_others_decided_is_not_for_people_who_see_their_own(client, bob, alice):
    letter(factories.job(alice))
    triage.resolve(DeadLetter.objects.all(), by=bob, at=NOON, notes="Alice's secret.")
    charlie = factories.charlie()
    mine = letter(factories.job(charlie))
    shown = text(client, f"{INBOX}{mine.pk}/", charlie) + text(client, INBOX, charlie)
    assert "secret" not in shown
    assert "bob@" not in shown


@pytest.mark.parametrize(
    ("target", "shown", "hidden"), [("groups", "Groups", "<html"), ("events", "smoke-probe", "Groups")]
)
def test_each_pane_can_be_asked_for_alone(client, bob, alice, target, shown, hidden):
    letter(factories.job(alice))
    headers = {"HX-Request": "true", "HX-Target": target}
    page = text(client, f"{INBOX}?signature={'a' * 64}", bob, **headers)
    assert shown in page
    assert hidden not in page


def test_an_event_tells_why_it_gave_up_and_what_can_be_done(client, bob, alice):
    event = letter(factories.job(alice))
    factories.log(event.run, "Asking 14 partners")
    shown = text(client, f"{INBOX}{event.pk}/", bob)
    assert "took 9 s" in shown
    assert "Asking 14 partners" in shown
    assert reverse("letter_decide", args=[event.pk]) in shown
    assert reverse("letter_replay_changed", args=[event.pk]) in shown


def test_an_event_of_a_run_that_is_gone_is_shown(client, bob, alice):
    event = letter(factories.job(alice))
    event.run.delete()
    shown = text(client, f"{INBOX}{event.pk}/", bob)
    assert "Its run is gone" in shown
    assert 'value="REPLAY" data-key="r"' not in shown


def test_others_events_are_not_there(client, alice):
    event = letter(factories.job(alice))
    client.force_login(factories.charlie())
    assert client.get(f"{INBOX}{event.pk}/").status_code == 404


def test_who_knows_of_it_shows_in_the_inbox_on_the_event_and_on_the_job(client, bob, alice):
    event = letter(factories.job(alice))
    acknowledgements.acknowledge_signature(event.signature, by=bob, at=NOON, note="On it.")
    acknowledgements.acknowledge_job(event.job, by=bob, at=NOON, note="On it too.")
    assert "bob@example.com knows" in text(client, INBOX, alice)
    assert "On it too." in text(client, f"{INBOX}{event.pk}/", alice)
    assert "On it too." in text(client, f"/jobs/{event.job_id}/", alice)
    assert "bob@example.com knows" in text(client, "/", alice)


HOSTILE = "<script>alert(1)</script>\u202e"


def test_hostile_words_stay_words(client, bob, alice):
    job = factories.job(alice, name="‮<b>evil</b>")
    event = letter(job, reason=f"X: {HOSTILE}", resolution_notes=HOSTILE)
    client.force_login(bob)
    for address in (INBOX, f"{INBOX}{event.pk}/"):
        shown = client.get(address).content.decode()
        assert "<script>alert" not in shown
        assert "<b>evil" not in shown
        assert "\u202e" not in shown


QUERIES = [
    "",
    f"?signature={'a' * 64}",
    "?show=RESOLVED",
    "?show=MINE",
    "?q=took&error=TIMEOUT&tag=x&owner=a&assignee=b&since=24h&acknowledged=0",
]


@pytest.mark.parametrize("query", [*QUERIES, "event"])
def test_a_page_costs_the_same_whatever_there_is(client, bob, alice, query, django_assert_max_num_queries):
    job = factories.job(alice)
    for n in range(8):
        event = letter(job, "a" if n % 2 else "b", ago=timedelta(minutes=n))
    factories.run(job, at=NOON)
    factories.log(event.run, "one")
    triage.replay(DeadLetter.objects.filter(pk=event.pk), by=bob, at=timezone.now())
    acknowledgements.acknowledge_job(job, by=bob, at=NOON)
    client.force_login(bob)
    with django_assert_max_num_queries(15):
        client.get(f"{INBOX}{event.pk}/" if query == "event" else INBOX + query)


def test_when_the_last_of_a_group_is_decided_the_next_group_is_open(client, bob, alice):
    event = letter(factories.job(alice), "b")
    client.force_login(bob)
    shown = client.get(f"{INBOX}?signature={'a' * 64}")
    assert shown.context["events"].rows == [event]
    assert shown.context["filters"].signature == ""


@pytest.mark.databases
def test_events_page_by_key(client, bob, alice, monkeypatch):
    monkeypatch.setattr(dead_letters, "SIZE", 2)
    job = factories.job(alice)
    made = [letter(job, ago=timedelta(minutes=n)).pk for n in range(5)]
    client.force_login(bob)
    address = f"{INBOX}?signature={'a' * 64}"
    first = client.get(address).context["events"]
    second = client.get(address, {"events_after": first.after, "signature": "a" * 64}).context["events"]
    assert [row.pk for row in (*first.rows, *second.rows)] == made[:4]
