"""Hostile values of what every job has, by each way in: the form, the API and an import.

The numbers are those of the table of hostile inputs that the product was checked against.
"""

import pytest

from accounts.actions import BACKEND
from accounts.models import User
from jobs.models import Job
from jobs.transfer import requests
from tests import factories
from tests.api.calling import Caller, errors

pytestmark = pytest.mark.django_db

# Of each value: where a request has it, and the form's field.
PLACES = {
    "name": (("name",), "name"),
    "priority": (("priority",), "priority"),
    "cron": (("schedule", "cronExpression"), "cron_expression"),
    "zone": (("schedule", "timezone"), "timezone"),
    "interval": (("schedule", "intervalSeconds"), "interval_seconds"),
    "run at": (("schedule", "runAt"), "run_at"),
    "attempts": (("retryPolicy", "maxAttempts"), "max_attempts"),
}
STORED = {
    1: ["<script>alert(1)</script>"],
    2: ['"><img src=x onerror=alert(1)>'],
    3: ["{{7*7}} {% debug %} ${7*7}"],
    4: ['=HYPERLINK("http://evil","x")', "+1+1", "@SUM(1)"],
    11: ["\U0001f642" * 200, "\uff21"],
    12: ["' OR 1=1 --", "%", "_", "\\"],
}
REFUSED = {
    (5, "name"): ["x" * 256, "x" * 200_000],
    (6, "name"): ["", "   ", "\u200b"],
    (7, "name"): ["a\r\nSet-Cookie: x=1"],
    (8, "name"): ["abc\u202egpj.exe"],
    (9, "name"): ["a\x00b"],
    (13, "cron"): ["60 * * * *", "*/0 * * * *", "0 0 * * 8", "@nonsense", "\u0660 \u0660 * * *", ""],
    (14, "cron"): ["0 0 30 2 *", "0 0 31 2,4,6 *", "0 0 0 30 2 ? 2099"],
    (16, "cron"): ["R * * * *", "H * * * *"],
    (17, "cron"): ["*/7 * * * *\n* * * * *", "1," * 5000 + "1 * * * *"],
    (19, "zone"): ["../../etc/passwd", "/etc/passwd", "Europe", "Europe/Berlin\0", "a" * 5000],
    (20, "interval"): ["0", "-1", "0.5", "1e309", "NaN", "99999999999999999999"],
    (21, "run at"): ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00", "2026-02-30T00:00", "23:59:60"],
    (23, "attempts"): ["1000000000", "0", "-1"],
    (24, "priority"): ["HIGH'; DROP", "99"],
}
SCHEDULES = {
    "cron": {"scheduleType": "CRON", "cronExpression": "0 3 * * *", "timezone": "UTC"},
    "run at": {"scheduleType": "ONCE", "runAt": "2100-01-01T00:00:00Z", "timezone": "UTC"},
    "interval": {"scheduleType": "INTERVAL", "intervalSeconds": 300},
}
_FORM = {"scheduleType": "schedule_type", "cronExpression": "cron_expression", "runAt": "run_at"}
_FORM |= {"intervalSeconds": "interval_seconds", "timezone": "timezone"}


def request(what, value):
    plan = SCHEDULES.get(what, SCHEDULES["cron"])
    whole = {"name": "plain", "type": "DUMMY", "schedule": dict(plan), "payload": {"type": "DUMMY"}}
    *parents, last = PLACES[what][0]
    inside = whole
    for name in parents:
        inside = inside.setdefault(name, {})
    inside[last] = value
    return whole


def typed(what, value):
    plan = {_FORM[name]: said for name, said in SCHEDULES.get(what, SCHEDULES["cron"]).items()}
    plain = {"do": "save", "shown": "DUMMY", "name": "plain", "type": "DUMMY", "priority": "MEDIUM"}
    return {**plain, **plan, PLACES[what][1]: value}


def by_api(user: User, client, what, value):
    """The fields that are refused."""
    answer = Caller(user).post("/jobs", request(what, value))
    assert answer.status_code in (201, 400, 413, 422)
    if answer.status_code in (400, 413):
        return {what}
    return {".".join(PLACES[what][0])} & set(errors(answer)) if answer.status_code == 422 else set()


def by_form(user: User, client, what, value):
    client.force_login(user, BACKEND)
    answer = client.post("/jobs/new/", typed(what, value))
    assert answer.status_code in (200, 302, 400, 413)
    if answer.status_code == 413:
        return {what}
    if answer.status_code == 302:
        return set()
    draft = answer.context["draft"]
    wrong = {*draft.basics.errors, *draft.schedule.errors, *draft.retry.errors}
    return {PLACES[what][1]} & wrong


def by_import(user: User, client, what, value):
    problems = requests.read(request(what, value)).problems
    return {".".join(PLACES[what][0])} & {problem.field for problem in problems}


WAYS = pytest.mark.parametrize("way", [by_form, by_api, by_import])


@WAYS
@pytest.mark.parametrize(
    ("what", "value"),
    [
        pytest.param(what, value, id=f"{number}-{what}-{place}")
        for (number, what), values in REFUSED.items()
        for place, value in enumerate(values)
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(way, client, what, value):
    assert way(factories.alice(), client, what, value)
    assert not Job.objects.exists()


@pytest.mark.parametrize("way", [by_form, by_api])
@pytest.mark.parametrize("name", [name for names in STORED.values() for name in names])
def test_a_strange_name_is_stored_as_it_is_and_shown_as_text(way, client, name):
    alice = factories.alice()
    assert way(alice, client, "name", name) == set()
    assert Job.objects.get().name == name
    client.force_login(alice, BACKEND)
    for page in ("/jobs/", f"/jobs/{Job.objects.get().pk}/", "/", f"/search/?q={name[:20]}"):
        shown = client.get(page).content
        assert b"<script>alert" not in shown
        assert b"<img src=x" not in shown


@pytest.mark.parametrize("way", [by_api, by_import])
def test_half_a_character_is_refused_at_its_field(way, client):
    assert way(factories.alice(), client, "name", "a\ud800b")
    assert not Job.objects.exists()


def test_a_day_of_the_month_or_of_the_week_is_taken_and_said(client):
    assert by_form(factories.alice(), client, "cron", "0 9 13 * 5") == set()
    shown = client.get(f"/jobs/{Job.objects.get().pk}/").content.decode()
    assert "13th of the month and also Fridays at 09:00" in shown


@pytest.mark.parametrize("size", [5, 6, 7])
def test_six_and_seven_fields_are_quartz_and_others_unix(size, client):
    expression = " ".join(["0", "30", "2", "*", "*", "?", "2099"][:size]) if size > 5 else "30 2 * * *"
    assert by_api(factories.alice(), client, "cron", expression) == set()
