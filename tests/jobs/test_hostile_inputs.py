"""Hostile inputs for jobs, put through every way in: page, trial, import, API, and real runs."""

import json
import os
import re
import socket
import sqlite3
from itertools import groupby

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from chronos_site.clock import database_now
from jobs.executors import TYPES
from jobs.models import Job
from jobs.transfer.importing import Import, entries_of
from jobs.vault import Secret
from runs import actions
from runs import drain as drains
from runs.drain import Drainer
from runs.models import RunLog
from runs.trials import Trial
from tests import factories
from tests.api.calling import Caller, errors
from tests.jobs.executors.http_peers import serving
from tests.jobs.executors.payloads import SMALL
from tests.jobs.hostile_inputs import NUMBERS, ROWS, SECRET, Elsewhere, Ends, Refused, is_tested
from tests.jobs.transfer.requests import of_type

pytestmark = pytest.mark.django_db


def those(kind):
    """The rows of the kind, each under its number."""
    found = sorted((row for row in ROWS if isinstance(row, kind)), key=lambda row: row.number)
    return [
        pytest.param(row, id=f"{number}-{place}")
        for number, rows in groupby(found, key=lambda row: row.number)
        for place, row in enumerate(rows, 1)
    ]


def test_every_number_has_its_row():
    assert {row.number for row in ROWS} == set(NUMBERS)


@pytest.mark.parametrize("row", those(Elsewhere))
def test_what_is_tested_elsewhere_is_tested_there(row):
    assert is_tested(row.where)


# Refused


def request(row):
    return of_type(row.code, {**SMALL[row.code], **row.payload})


def typed(row):
    """What a browser sends for the request."""
    said = {TYPES[row.code].aliases[key]: value for key, value in {**SMALL[row.code], **row.payload}.items()}
    flat = TYPES[row.code].form.initial_from(said)
    page = {"do": "save", "shown": row.code, "type": row.code, "name": "hostile"}
    plan = {"schedule_type": "INTERVAL", "interval_seconds": "300", "timezone": "UTC"}
    return {
        **page,
        **plan,
        **{f"payload-{name}": as_text(value) for name, value in flat.items() if value not in (None, "")},
    }


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def field_of(row):
    name = TYPES[row.code].aliases[row.key]
    inside = list(row.payload[row.key]) if name == TYPES[row.code].form.options_column else []
    return inside[0] if inside else name


@pytest.mark.parametrize("row", those(Refused))
def test_the_page_refuses_it_at_its_field_saved_or_tried(client, row):
    client.force_login(factories.alice())
    for address in ("/jobs/new/", "/jobs/test/"):
        response = client.post(address, typed(row))
        assert response.status_code == 200
        assert row.sentence in " ".join(response.context["draft"].payload.errors[field_of(row)])
    assert not Job.objects.exists()
    assert not Trial.objects.exists()


@pytest.mark.parametrize("row", those(Refused))
def test_the_import_refuses_it_at_its_key(row, tmp_path, capsys):
    factories.alice()
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps([request(row)]))
    with pytest.raises(SystemExit):
        call_command("import_jobs", str(file), "--owner", "alice@example.com")
    told = capsys.readouterr().out
    assert f"payload.{row.key}" in told
    assert (row.by_import or row.sentence) in told
    assert not Job.objects.exists()


@pytest.mark.parametrize("row", those(Refused))
def test_the_api_refuses_it_at_its_key(row):
    answer = Caller(factories.alice()).post("/jobs", request(row))
    assert answer.status_code == 422
    told = {field: sentence for field, sentence in errors(answer).items() if f"payload.{row.key}" in field}
    assert (row.by_import or row.sentence) in " ".join(told.values())
    assert not Job.objects.exists()


# Stored, and harmless when it runs


@pytest.fixture(autouse=True)
def short_of_patience(monkeypatch):
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.1)


@pytest.fixture
def site(settings):
    """A server that jobs may call, at the one address that is open to them."""
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with serving() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def rebound(site, monkeypatch):
    """A name that led to a public address when it was typed, and leads inside now."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, flags=0, **kwargs: real(
            "127.0.0.2" if host == "rebound.example" and not flags else host, *args, flags=flags, **kwargs
        ),
    )
    return site.replace("127.0.0.1", "rebound.example")


@pytest.fixture
def root(tmp_path, settings):
    """The folder that jobs may use, with what must not be followed out of it."""
    settings.FILE_ROOTS = [tmp_path]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "shadow").symlink_to("/etc/shadow")
    return str(tmp_path)


@pytest.fixture
def orders(root):
    with sqlite3.connect(f"{root}/orders.db") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, name text)")
    connection.close()
    return f"sqlite:///{root}/orders.db"


@pytest.fixture
def postgresql(postgresql_server, settings):
    settings.ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (id int PRIMARY KEY, name text)")
        connection.execute("ALTER TABLE t OWNER TO writer")
    return postgresql_server.replace("//chronos@", "//writer@")


@pytest.fixture
def own(settings):
    """Chronos's own database, even where its folder is open to jobs."""
    name = settings.DATABASES["default"]["NAME"]
    settings.FILE_ROOTS = [os.path.dirname(name)]
    return f"sqlite:///{name}"


@pytest.fixture
def data(settings):
    return str(settings.DATA_DIR)


@pytest.fixture
def key(settings):
    return settings.SECRET_KEY


@pytest.fixture
def owner(settings):
    """An administrator, who may do all of it, with a secret of her own."""
    settings.SCRIPT_ENABLED = True
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    ada = factories.ada()
    secret = Secret(name="token", owner=ada)
    secret.hide(SECRET)
    secret.save()
    return ada


@pytest.fixture
def placed(request):
    """Puts places where texts hold marks for them, such as <root>."""
    return lambda text: re.sub(r"<([a-z]+)>", lambda mark: request.getfixturevalue(mark[1]), text)


def finished(row, owner, placed):
    """The run of the row's job, and all that it shows to people."""
    asked = of_type(row.code, json.loads(placed(json.dumps({**SMALL[row.code], **row.payload}))))
    (verdict,) = Import(owner, None, database_now()).carry_out(entries_of([asked]))
    assert verdict.problems == []
    run = actions.run_now(verdict.job, by=owner, at=database_now(), parameters=dict(row.parameters))
    Drainer("w-1", slots=2).run()
    run.refresh_from_db()
    lines = RunLog.objects.filter(run=run).values_list("message", "context")
    return run, json.dumps([*lines, run.result, run.error_message], default=str)


@pytest.mark.parametrize("row", those(Ends))
def test_its_run_ends_as_it_must_and_shows_nothing(row, owner, placed):
    error_class, _, sentence = row.ending.partition(" ")
    run, shown = finished(row, owner, placed)
    assert (run.error_class or run.outcome) == error_class
    assert sentence in (run.error_message or "")
    assert [text for text in map(placed, row.never) if text in shown] == []
