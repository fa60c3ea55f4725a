import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.actions import BACKEND
from chronos_site import __version__, clock
from chronos_site.context import Shell
from chronos_site.counting import counted
from jobs.models import Job
from runs import stops
from runs.models import Process, Run
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def signed_in(client, user):
    client.force_login(user, BACKEND)
    return client


def shell(rf, user, path="/"):
    request = rf.get(path)
    request.user = user
    return Shell(request)


def beat(ago, **fields):
    at = clock.database_now() - ago
    Process.objects.create(
        name=f"scheduler-{ago}", kind=Process.Kind.SCHEDULER, host="here", pid=1, beat_at=at, **fields
    )


def test_the_pulse_ticks_while_a_scheduler_beats(client):
    beat(timedelta(minutes=4))
    beat(timedelta(seconds=2))
    page = signed_in(client, factories.alice()).get("/account/password/").content.decode()
    assert "<b>Ticking</b>" in page
    # On a busy machine the page comes a little later.
    assert re.search(r">(?:[2-9]|[12]\d) s ago</time>", page)


def test_the_pulse_says_how_long_the_scheduler_is_silent(client):
    beat(timedelta(minutes=4, seconds=10))
    page = signed_in(client, factories.alice()).get("/account/password/").content.decode()
    assert "Scheduler silent for 4 min" in page


def test_a_scheduler_that_said_goodbye_does_not_tick(rf):
    beat(timedelta(seconds=2), stopped_at=NOON)
    assert shell(rf, factories.alice()).pulse.sentence == "Scheduler not running"


def test_a_worker_is_no_scheduler(rf):
    Process.objects.create(name="w", kind=Process.Kind.WORKER, host="here", pid=1)
    assert not shell(rf, factories.alice()).pulse.ticking


def test_people_count_their_own_jobs_and_operators_all(rf):
    alice = factories.alice()
    factories.job(alice)
    factories.job(factories.charlie())
    assert (shell(rf, alice).jobs, shell(rf, factories.bob()).jobs) == ("1", "2")


def test_live_runs_are_those_that_run(rf):
    alice = factories.alice()
    job = factories.job(alice)
    Run.objects.create(job=job, scheduled_time=NOON)
    Run.objects.create(job=job, scheduled_time=NOON + timedelta(hours=1), start_time=NOON)
    assert shell(rf, alice).live_runs == "1"
    assert shell(rf, factories.charlie()).live_runs == ""


def test_counts_stop_counting():
    alice = factories.alice()
    for _ in range(3):
        factories.job(alice)
    assert (counted(Job.objects.all(), 2), counted(Job.objects.all(), 3)) == ("2+", "3")


def test_the_shell_costs_three_queries_on_top_of_session_and_user(client, django_assert_max_num_queries):
    alice = factories.alice()
    signed_in(client, alice)
    for _ in range(5):
        factories.job(alice)
    with django_assert_max_num_queries(5):
        client.get("/account/password/")


def test_what_another_process_stops_is_told_of_at_once(client):
    signed_in(client, factories.bob())
    kind = stops.Stop.Kind
    for address in ("/account/password/", "/pulse/"):

        def told(address=address):
            page = client.get(address).content
            return b"All firing is paused." in page, b"The queue low is paused." in page

        assert told() == (False, False)
        firing = stops.Stop.objects.create(kind=kind.FIRING)
        assert told() == (True, False)
        low = stops.Stop.objects.create(kind=kind.QUEUE, name="low")
        assert told() == (True, True)
        firing.delete()
        assert told() == (False, True)
        low.delete()


def test_nobody_who_is_not_signed_in_costs_a_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/sign-in/")
        client.get("/nowhere/")


def test_the_shell_of_nobody_counts_nothing(rf, django_assert_num_queries):
    with django_assert_num_queries(0):
        nobody = shell(rf, AnonymousUser())
        assert (nobody.jobs, nobody.live_runs) == ("", "")


def test_the_version_is_the_projects():
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert __version__ == project["version"]


@pytest.mark.parametrize(("name", "shown"), [("alice", False), ("bob", False), ("ada", True)])
def test_administration_is_offered_to_administrators(client, name, shown):
    page = signed_in(client, getattr(factories, name)()).get("/account/password/").content.decode()
    assert ('href="/admin/"' in page) == shown


def test_the_account_menu_says_who_one_is(client):
    page = signed_in(client, factories.bob()).get("/account/password/").content.decode()
    assert "<b>bob@example.com</b><span>Operator</span>" in page


@pytest.mark.parametrize("name", [None, "alice"])
def test_what_is_not_there_is_a_404_in_our_look(client, name):
    if name:
        signed_in(client, getattr(factories, name)())
    response = client.get("/nowhere/<script>/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()
    assert ("Sign out" in response.content.decode()) == bool(name)
    assert "<script>" not in response.content.decode().replace("<script src", "")


def test_a_host_we_do_not_know_is_a_400_in_our_look(client):
    response = client.get("/sign-in/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert "Not understood" in response.content.decode()


def test_sheets_and_scripts_are_files_of_this_origin(client):
    page = client.get("/sign-in/").content.decode()
    assert page.count("<script") == page.count('<script src="/static/')
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
