"""What is different since the last good run, and any two runs side by side."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard import log_differences
from dashboard.log_differences import Parting, Row, Told
from jobs import actions
from jobs import definition as definitions
from jobs.models import Job
from runs.models import Run
from tests.factories import NOON, alice, charlie, job, log, run

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.databases

MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner():
    return alice()


@pytest.fixture
def probe(owner):
    return job(owner)


@pytest.fixture
def pair(probe):
    good = run(probe, at=NOON, took=2)
    bad = run(probe, "FAILURE", at=NOON + MINUTE, took=9, error_message="boom", signature="a" * 64)
    log(good, "Attempt 1 at 12:00:00", "Page 1: 500 rows in 31 ms", "done")
    log(bad, "Attempt 1 at 12:01:00", "Page 1: 500 rows in 17 ms", "pool is empty")
    return good, bad


def told(*texts: str) -> list[Told]:
    return [Told(number, text) for number, text in enumerate(texts, start=1)]


def since_good(client, user, one: Run):
    client.force_login(user)
    return client.get(reverse("run_detail", args=[one.pk])).context["page"].since_good


def comparing(client, user, **query: str):
    client.force_login(user)
    return client.get(reverse("run_compare"), query)


# where logs part


@pytest.mark.parametrize(
    ("before", "after", "parting"),
    [
        (told("took 3 ms", "ok"), told("took 9 ms", "ok"), None),
        (told("a", "b"), told("a", "c"), Parting(Told(2, "b"), Told(2, "c"))),
        (told("a", "b"), told("a"), Parting(Told(2, "b"), None)),
        (told(), told("a"), Parting(None, Told(1, "a"))),
    ],
)
def test_logs_part_at_the_first_line_that_says_something_else(before, after, parting):
    assert log_differences.parting(before, after) == parting


def test_a_diff_shows_both_sides_and_some_lines_around(pair):
    shown = log_differences.diff(*pair)
    assert shown.rows == [
        Row("ctx", 1, 1, "Attempt 1 at 12:01:00"),
        Row("ctx", 2, 2, "Page 1: 500 rows in 17 ms"),
        Row("del", 3, None, "done"),
        Row("add", None, 3, "pool is empty"),
    ]


def test_of_long_logs_beginning_and_end_are_compared(probe, monkeypatch):
    monkeypatch.setattr(log_differences, "FIRST", 3)
    monkeypatch.setattr(log_differences, "LAST", 2)
    one, other = run(probe), run(probe, at=NOON + MINUTE)
    log(one, *"abcdefgh")
    log(other, *"abcdXfXh")
    shown = log_differences.diff(one, other)
    assert shown.partial
    assert [row for row in shown.rows if row.kind in ("del", "add")] == [
        Row("del", 7, None, "g"),
        Row("add", None, 7, "X"),
    ]


# since the last good run


def test_the_first_line_that_differs_is_named_with_its_number(client, owner, pair):
    shown = since_good(client, owner, pair[1])
    assert shown.parting == Parting(Told(3, "done"), Told(3, "pool is empty"))
    html = client.get(reverse("run_detail", args=[pair[1].pk])).content.decode()
    assert f"{reverse('run_detail', args=[pair[1].pk])}?line=3#L3" in html


def test_what_differs_is_told_apart_from_what_is_the_same(client, owner, probe):
    run(probe, took=2, worker_id="here:1:ab")
    bad = run(probe, "FAILURE", at=NOON + MINUTE, took=9, worker_id="there:1:ab", trigger="MANUAL")
    shown = since_good(client, owner, bad)
    different = {fact.label: (fact.before, fact.after, fact.note) for fact in shown.different}
    assert different["Host"] == ("here", "there", "")
    assert different["Took"][2].startswith("4.5 times as long; usually")
    assert set(different) == {"Took", "Worker", "Host", "Started by"}
    assert shown.same == "definition, waited for a slot, priority"


def test_a_change_names_its_version_and_who_made_it(client, owner, probe):
    run(probe)
    definition = definitions.of(Job.objects.get(pk=probe.pk))
    probe = actions.edit(probe, {**definition, "name": "renamed"}, by=owner, at=NOON)
    client.force_login(owner)
    html = client.get(reverse("run_detail", args=[run(probe, "FAILURE", at=NOON + MINUTE).pk])).content
    assert "version 2, alice@example.com" in html.decode()


def test_parameters_that_differ_are_shown_and_secret_ones_are_not(client, owner, probe):
    run(probe, parameters={"day": "1", "password": "geheim"})
    bad = run(probe, "FAILURE", at=NOON + MINUTE, parameters={"day": "2", "password": "anders"})
    shown = since_good(client, owner, bad)
    different = {fact.label: fact for fact in shown.different}
    assert (different["Parameter day"].before, different["Parameter day"].after) == ("1", "2")
    assert "geheim" not in str(different["Parameter password"])


@everywhere
def test_others_with_the_same_signature_are_counted_and_listed(client, owner, probe):
    failed = {"signature": "a" * 64}
    first = run(probe, "FAILURE", at=NOON, **failed)
    other = run(job(owner, name="other"), "FAILURE", at=NOON + MINUTE, **failed)
    run(job(charlie(), name="hers"), "FAILURE", at=NOON, **failed)
    run(probe, "FAILURE", at=NOON + 2 * MINUTE, signature="b" * 64)
    last = run(probe, "FAILURE", at=NOON + 3 * MINUTE, **failed)
    client.force_login(owner)
    alike = client.get(reverse("run_detail", args=[last.pk])).context["page"].alike
    assert (alike.runs, alike.jobs, alike.since) == (2, 2, first.end_time)
    listed = client.get(reverse("run_list"), {"signature": "a" * 64}).context["page"].rows
    assert listed == [last, other, first]


# any two runs


def test_two_runs_stand_side_by_side(client, owner, pair):
    shown = comparing(client, owner, a=pair[0].pk, b=pair[1].pk)
    facts = {fact.label: (fact.before, fact.after) for fact in shown.context["facts"]}
    assert (facts["Error"], facts["Took"]) == (("", "boom"), ("2.0 s", "9.0 s"))
    html = shown.content.decode()
    assert "Both ran with the same definition." in html
    assert "pool is empty" in html


def test_runs_of_two_jobs_are_compared_by_their_definitions(client, owner, probe):
    there = run(job(owner, name="other", priority="HIGH"))
    labels = [
        change.label for change in comparing(client, owner, a=run(probe).pk, b=there.pk).context["changes"]
    ]
    assert labels == ["Name", "Priority"]


@pytest.mark.parametrize("earlier", ["previous", "good"])
def test_an_earlier_run_is_found_for_the_second(client, owner, pair, earlier):
    found = comparing(client, owner, a=earlier, b=pair[1].pk)
    assert found.url == f"{reverse('run_compare')}?a={pair[0].pk}&b={pair[1].pk}"


def test_without_an_earlier_run_it_says_so(client, owner, pair):
    shown = comparing(client, owner, a="good", b=pair[0].pk)
    assert shown.status_code == 400
    assert "No run of this job succeeded before it." in shown.content.decode()


def test_two_ticked_runs_are_compared_the_older_first(client, owner, pair):
    client.force_login(owner)
    found = client.get(f"{reverse('run_compare')}?run={pair[1].pk}&run={pair[0].pk}")
    assert found.url == f"{reverse('run_compare')}?a={pair[0].pk}&b={pair[1].pk}"


@pytest.mark.parametrize("count", [0, 1])
def test_other_than_two_ticked_are_asked_for_again(client, owner, pair, count):
    client.force_login(owner)
    shown = client.get(reverse("run_compare"), {"run": [one.pk for one in pair[:count]]})
    assert shown.status_code == 200
    assert 'name="a"' in shown.content.decode()


def test_a_run_that_is_not_theirs_is_not_found(client, pair):
    shown = comparing(client, charlie(), a=pair[0].pk, b=pair[1].pk)
    assert shown.status_code == 404
    assert "smoke-probe" not in shown.content.decode()


@pytest.mark.parametrize("told", ["", "nonsense", "\x00", "x" * 5000, "<b>"])
def test_an_id_that_makes_no_sense_has_its_error_at_the_field(client, owner, pair, told):
    shown = comparing(client, owner, a=told, b=pair[1].pk)
    assert shown.status_code in (400, 404)
    assert shown.context["form"].errors.keys() == {"a"}


def test_a_run_is_not_compared_with_itself(client, owner, pair):
    shown = comparing(client, owner, a=pair[0].pk, b=pair[0].pk)
    assert shown.context["form"].errors.keys() == {"b"}


def test_a_comparison_costs_the_same_whatever_there_is(client, owner, pair):
    log(pair[0], *map(str, range(300)))
    comparing(client, owner, a=pair[0].pk, b=pair[1].pk)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("run_compare"), {"a": pair[0].pk, "b": pair[1].pk})
    assert len(queries) <= 15
