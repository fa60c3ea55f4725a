"""A secret that a job holds, is given or uses is found nowhere in the clear."""

import base64
import json
import logging
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs import actions
from jobs.models import Job
from jobs.vault import Secret
from notifications.contacts import Contact
from runs import actions as run_actions
from runs import drain as drains
from runs.drain import Drainer
from runs.models import Run
from tests import factories
from tests.api.calling import Caller
from tests.jobs.transfer.requests import of_type

MARK = "m4rk3d-s3cr3t-0f-n0b0dy"
CLOSED = "127.0.0.1:9"
JOBS = {
    "HTTP": {
        "http_url": f"http://SITE/hook?token={MARK}-a",
        "http_method": "POST",
        "http_headers": {"X-Api-Key": f"{MARK}-b", "X-Named": "{{ secret:named }}"},
        "http_body": f"password={MARK}-c",
        "metadata": {"authentication": "BASIC", "auth_user": "robot", "auth_password": f"{MARK}-d"},
    },
    "DATABASE": {"database_url": f"postgresql://reader:{MARK}-e@{CLOSED}/orders", "query": "SELECT 1"},
    "DUMMY": {"metadata": {"token": f"{MARK}-f"}},
    "MESSAGE_QUEUE": {
        "queue_name": "orders",
        "operation_type": "PRODUCE",
        "message_body": f'{{"password": "{MARK}-g"}}',
        "queue_config": {"type": "REDIS", "url": f"redis://:{MARK}-h@{CLOSED}/0"},
    },
}
# As requests say them.
REQUESTS = {
    "FILE_SYSTEM": {
        "operation": "COPY",
        "path": "/srv/orders/{{ param:password }}.csv",
        "targetPath": "/srv/archive/orders.csv",
        "metadata": {"api_token": f"{MARK}-l"},
    },
    "CACHE": {
        "operation": "STATS",
        "region": "orders",
        "cacheConfig": {"type": "REDIS", "url": f"redis://:{MARK}-m@{CLOSED}/0"},
    },
    "EMAIL": {
        "to": ["ops@example.com"],
        "subject": "Orders, {{ secret:named }}",
        "text": f"password: {MARK}-n, {{{{ secret:named }}}}",
    },
    "REPORT": {
        "reportType": "QUERY",
        "format": "CSV",
        "databaseUrl": f"postgresql://reader:{MARK}-o@{CLOSED}/orders",
        "query": "SELECT 1",
        "title": "Of {{ param:password }}",
    },
    "SCRIPT": {
        "script": f'echo "$API_TOKEN {{{{ secret:named }}}} password={MARK}-p"; exit 3',
        "environment": {"API_TOKEN": f"{MARK}-q"},
    },
    "DB_TO_KAFKA": {
        "databaseUrl": f"postgresql://reader:{MARK}-r@{CLOSED}/orders",
        "query": "SELECT 1",
        "kafkaTopic": "orders",
        "bootstrapServers": CLOSED,
    },
}
PLAN = {"schedule_type": "INTERVAL", "interval_seconds": 86_400}
PAGES = ("job_list", "run_list", "dead_letter_list", "audit_list", "audit_export", "run_export", "diagnosis")


class Echo(BaseHTTPRequestHandler):
    """Fails, and says again all that it was told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = f"{self.path}\n{self.headers}\n{body.decode()}".encode()
        self.send_response(500, "no")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *args):
        """Its own log is no affair of ours."""


@pytest.fixture
def site():
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def everything(transactional_db, site, settings, monkeypatch, caplog):
    """A job of each kind with marked secrets in all its places, run until it has failed."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.SCRIPT_ENABLED = True
    monkeypatch.setattr(drains, "IDLE_SECONDS", 0.1)
    caplog.set_level(logging.DEBUG)
    alice = factories.alice()
    named = Secret(name="named")
    named.hide(f"{MARK}-i")
    named.save()
    to = Contact(owner=alice, name="Ops", channel="WEBHOOK", address="https://example.com/hook")
    to.hide(f"{MARK}-j")
    to.save()
    at = timezone.now()
    made = [
        actions.create(
            factories.definition(name=code, type=code, payload=payload, schedule=PLAN),
            owner=alice,
            by=alice,
            at=at,
        )
        for code, payload in json.loads(json.dumps(JOBS).replace("SITE", site)).items()
    ]
    ada = factories.ada()
    made += [asked(ada, code, payload) for code, payload in REQUESTS.items()]
    for job in made:
        run_actions.run_now(job, by=alice, at=at, parameters={"password": f"{MARK}-k"})
    Drainer("w-01").run()
    return made


def asked(person, code, payload):
    """A job as the API makes it of a request."""
    answer = Caller(person).post("/jobs", of_type(code, payload))
    assert answer.status_code == 201, answer.content
    return Job.objects.get(pk=answer.json()["id"])


def whole_database():
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.managed:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
                yield model._meta.db_table, repr(cursor.fetchall())


def forms():
    encoded = base64.b64encode(MARK.encode()).decode()
    return MARK, encoded[4:24]


def test_it_is_in_no_table_page_export_or_log(everything, client, caplog, capsys):
    jobs = everything
    assert Run.objects.filter(outcome="FAILURE").count() == len(JOBS) - 1 + len(REQUESTS)
    told = dict(whole_database())
    client.force_login(User.objects.get(email="ada@example.com"))
    for name in PAGES:
        answer = client.get(reverse(name))
        told[name] = b"".join(answer).decode(errors="replace")
    for job in jobs:
        for name in ("job_detail", "job_edit", "job_versions", "job_file"):
            told[f"{name} {job.type}"] = client.get(reverse(name, args=[job.pk])).content.decode()
    for run in Run.objects.all():
        told[f"run {run.pk}"] = client.get(reverse("run_detail", args=[run.pk])).content.decode()
    call_command("export_jobs")
    with suppress(SystemExit):
        call_command("doctor")
    told |= {"log": caplog.text, "printed": "".join(capsys.readouterr())}
    told["metrics"] = client.get("/metrics").content.decode()
    assert [place for place, text in told.items() if any(form in text for form in forms())] == []
