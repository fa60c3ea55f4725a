"""Every address, by every method, as everybody: what the rules say is what happens."""

from collections import Counter
from copy import copy
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone

from accounts import links, permissions
from accounts.actions import BACKEND
from accounts.checks import addresses, addresses_have_rules
from accounts.models import SignIn, User
from accounts.permissions import RULES, Rule, Who, Whose
from api import actions as tokens
from api.models import Scope
from audit.models import record
from dashboard.models import SavedView
from notifications.contacts import Contact
from notifications.models import Notification
from notifications.rules import Rule as AlertRule
from runs import acknowledgements, trials
from runs.artefacts import Artefact
from runs.models import DeadLetter, Process
from tests import factories
from tests.browser import bulk_operation
from tests.factories import NEVER, NOON
from tests.notifications import alerting

pytestmark = pytest.mark.django_db

CAST = {"owner": "alice", "another user": "charlie", "operator": "bob", "administrator": "ada"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Not there, not for them, not by this method; anything else below 500 is an answer of the page's own.
SHUT = {401: "sign in", 403: "refused", 404: "not there", 405: "no such method"}


# What a form must say before the page asks whose things it is about.
BODIES = {"job_bulk": "do=PAUSE", "letter_bulk": "do=REPLAY", "letter_decide": "do=RESOLVE"}


def world(owner: User) -> dict[str, object]:
    """One of everything of one person, by the names that addresses give to ids."""
    job = factories.job(owner)
    failed = factories.run(factories.job(owner, name="other"), at=NOON + timedelta(hours=1))
    alerting.rule(owner, *alerting.FAILURES)
    run = alerting.end(job)
    trial = trials.Trial.objects.create(
        person=owner, owner_id=owner.pk, definition=factories.definition(), created_at=NOON
    )
    known = acknowledgements.acknowledge_job(job, by=owner, at=NOON, note="", until=None)
    return {
        "job_id": job.pk,
        "run_id": failed.pk,
        "letter_id": DeadLetter.objects.get(run=run).pk,
        "event_id": record(owner, "PASSWORD_CHANGED", owner).pk,
        "view_id": SavedView.objects.create(owner=owner, page="job_list", name="Mine").pk,
        "operation_id": bulk_operation(owner),
        "trial_id": trial.pk,
        "artefact_id": artefact(failed).pk,
        "acknowledgement_id": known.pk,
        "contact_id": Contact.objects.get(owner=owner).pk,
        "rule_id": AlertRule.objects.get(owner=owner).pk,
        "notification_id": Notification.objects.filter(user=owner).latest("pk").pk,
        "number": 1,
        "signature": run.signature,
        "code": "JOB_FAILURE",
        "channel": "EMAIL",
        "person_id": owner.pk,
        "sign_in_id": SignIn.objects.create(owner=owner, session_key=f"other-{owner.pk}").pk,
        "token_id": tokens.create(by=owner, name="mine", scope=Scope.READ, expires_at=NEVER)[0].pk,
    }


def artefact(run):
    return Artefact.objects.create(run=run, name="a.txt", media_type="text/plain", size=0, sha256="")


def address(name: str, pattern: URLPattern, ids: dict[str, object]) -> str:
    """The address with an id of the world in each place of it."""
    wanted = dict(ids)
    if name.startswith("worker_"):
        wanted["name"] = Process.objects.get(kind=Process.Kind.WORKER).pk
    elif name.startswith("queue_"):
        wanted["name"] = "high"
    if name == "password_set":
        return links.link(User.objects.get(pk=ids["person_id"])).removeprefix(settings.BASE_URL.rstrip("/"))
    if name.startswith("run_view_"):
        shown = SavedView.objects.get(pk=ids["view_id"])
        wanted["view_id"] = SavedView.objects.create(owner=shown.owner, page="run_list", name=name).pk
    return reverse(name, kwargs={key: wanted[key] for key in pattern.pattern.converters})


def expected(rule: Rule, person: str, user: User | None, method: str, *, names_thing: bool) -> str:
    """The word for what the rule makes of the request; empty for an answer of the page's own."""
    if rule.who(method) is not Who.ANYBODY:
        if user is None:
            return "sign in"
        if not rule.who(method).includes(user):
            return "refused"
    if not {"GET": rule.read, "HEAD": rule.read, "POST": rule.change}.get(method):
        return "no such method"
    visible = {
        Whose.OWN: person != "another user",
        Whose.MINE: person == "owner",
        Whose.SHARED: person == "owner",
        Whose.ADMINISTRATED: person in ("owner", "administrator"),
    }.get(rule.whose, True)
    return "" if visible or not names_thing else "not there"


def answered(client: Client, method: str, path: str, body: str = "") -> str:
    """What became of a request with nothing in it, in the words of `expected`; nothing is kept of it."""
    cookies = copy(client.cookies)
    with transaction.atomic():
        response = client.generic(method, path, body, "application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    client.cookies = cookies  # one of the addresses signs out
    if response.status_code == 302 and response.headers["Location"].startswith("/sign-in/?next="):
        return "sign in"
    if response.status_code == 500:
        return f"broken: {response.status_code}"
    return SHUT.get(response.status_code, "")


@pytest.fixture
def ids():
    Process.objects.create(
        name="host:1:ab",
        kind=Process.Kind.WORKER,
        host="host",
        pid=1,
        started_at=NOON,
        beat_at=timezone.now(),
    )
    return world(factories.alice())


def somebody(client: Client, person: str) -> User | None:
    if person not in CAST:
        return None
    name = CAST[person]
    user = User.objects.filter(email=f"{name}@example.com").first() or getattr(factories, name)()
    client.force_login(user, BACKEND)
    return user


@pytest.mark.parametrize("person", [*CAST, "nobody"])
def test_every_address_is_open_to_whom_its_rule_names_and_to_nobody_else(person, ids):
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    user = somebody(client, person)
    differing = {}
    for name, pattern in addresses():
        if name.partition(":")[0] in permissions.NAMESPACES:
            continue
        path = address(name, pattern, ids)
        for method in METHODS:
            said = answered(client, method, path, BODIES.get(name, ""))
            wanted = expected(RULES[name], person, user, method, names_thing=bool(pattern.pattern.converters))
            if said != wanted:
                differing[method, name] = f"{said or 'open'} instead of {wanted or 'open'}"
    assert differing == {}


@pytest.mark.parametrize("person", [*CAST, "nobody"])
def test_the_administration_is_for_administrators(person, ids, client):
    client.raise_request_exception = False
    user = somebody(client, person)
    kinds = Counter()
    for name, pattern in addresses():
        if name.startswith("admin:"):
            kinds[answered(client, "GET", admin_address(name, pattern))] += 1
    wanted = {"nobody": {"sign in"}, "administrator": {"", "not there", "no such method", "refused"}}
    assert set(kinds) <= wanted.get(person, {"refused"})
    assert user is None or person != "administrator" or kinds[""] > 20


def admin_address(name: str, pattern: URLPattern) -> str:
    for given in ({}, {"object_id": "1"}, {"app_label": "jobs"}, {"content_type_id": 1, "object_id": "1"}):
        try:
            return reverse(name, kwargs=given)
        except NoReverseMatch:
            continue
    return "/admin/nowhere/"


def test_every_address_has_a_rule_and_every_rule_an_address():
    assert addresses_have_rules() == []


def test_an_address_without_a_rule_and_a_rule_without_an_address_are_told_at_start(monkeypatch):
    monkeypatch.setitem(RULES, "nowhere", RULES["overview"])
    monkeypatch.delitem(RULES, "overview")
    assert [error.id for error in addresses_have_rules()] == ["chronos.E010", "chronos.E011"]


def test_an_address_without_a_rule_is_shut(client, monkeypatch):
    monkeypatch.delitem(RULES, "job_list")
    client.raise_request_exception = False
    client.force_login(factories.ada(), BACKEND)
    assert client.get("/jobs/").status_code == 500


def test_a_role_that_is_lowered_counts_at_the_next_request(client):
    bob = factories.bob()
    client.force_login(bob, BACKEND)
    assert client.get("/system/").status_code == 200
    User.objects.filter(pk=bob.pk).update(roles="USER")
    assert client.get("/system/").status_code == 403


def test_who_is_deactivated_is_out_at_the_next_request(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get("/").headers["Location"].startswith("/sign-in/")


def test_a_refusal_says_who_may(client):
    client.force_login(factories.alice(), BACKEND)
    shown = client.get("/system/retention/").content.decode()
    assert "Only operators and administrators may do this." in shown


def test_methods_that_no_rule_names_are_judged_by_the_other():
    assert permissions.rule("system").who("POST") is Who.OPERATORS
    assert permissions.rule("firing_resume").who("GET") is Who.OPERATORS


def test_the_documentation_shows_the_rules_as_they_are():
    assert permissions.table() in (settings.BASE_DIR / "docs/permissions.md").read_text()
