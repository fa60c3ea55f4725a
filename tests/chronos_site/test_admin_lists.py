"""Every table in the admin: who may see it, what it costs, what cannot be done."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions import BACKEND
from accounts.models import User
from api.models import Answer
from audit.models import AuditEvent, Seal, SealedEvent, Verification
from chronos_site.admin_lists import AtLeast, BoundedPaginator, ReadOnlyAdmin
from chronos_site.schema import new_ulid
from jobs.memories import Memory
from jobs.models import Job
from notifications.heartbeats import Heartbeat
from notifications.templates import Template
from runs.bulk import BulkOperation
from runs.days import JobDay
from runs.models import ExecutionStats, Run, RunLog, RunStats
from runs.retention import RetentionRule
from runs.stops import Stop
from tests import factories
from tests.accounts.test_permissions import world
from tests.schema import rows

pytestmark = pytest.mark.django_db

OURS = ("accounts", "api", "audit", "dashboard", "jobs", "notifications", "runs")
MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]
READ_ONLY = [
    model
    for model in MODELS
    if isinstance(admin.site._registry[model], ReadOnlyAdmin) and model is not ExecutionStats
]


def address(model) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return ada


@pytest.mark.databases
def test_every_list_shows_its_rows(client, ada):
    _one_of_everything()
    answers = {model.__name__: client.get(address(model)).status_code for model in MODELS}
    assert answers == dict.fromkeys(answers, 200)


def test_a_list_costs_the_same_whatever_its_table_holds(client, ada):
    _one_of_everything()
    for model in MODELS:
        client.get(address(model))
    few = {model.__name__: _queries(client, model) for model in MODELS}
    for number in range(20):
        _another_of_everything(number)
    assert {model.__name__: _queries(client, model) for model in MODELS} == few
    assert max(few.values()) <= 6


def _one_of_everything() -> None:
    rows.one_everywhere()
    rows.sql("INSERT INTO processes (name, kind, host, pid) VALUES ('w1', 'WORKER', 'here', 1)")
    Job.objects.get().versions.create(version=1, definition={"name": "nightly"})
    Job.objects.get().tags.create(name="night")
    RunStats.objects.create(hour=factories.NOON, type="HTTP", outcome="SUCCESS", count=3, took_ms=1500)
    Template.objects.create(code="TEST", channel="SMS", text="Hello", updated_by=User.objects.first())
    _one_of_the_rest(factories.bob())


def _one_of_the_rest(owner: User) -> None:
    ids = world(owner)
    job = Job.objects.get(pk=ids["job_id"])
    Answer.objects.create(owner=owner, key="deploy-1", digest="x")
    seal = Seal.objects.create(number=1, previous="", events=1, content="x", hash="y")
    SealedEvent.objects.create(event_id=ids["event_id"], seal=seal.number, hash="z")
    Verification.objects.create(id=1, ended_at=factories.NOON, seal=1, events=1)
    Memory.objects.create(job=job, state={"etag": "x"}, changed_at=factories.NOON)
    Heartbeat.objects.create(key=job.pk, job=job, host="beats.example.com")
    JobDay.objects.update_or_create(job=job, day=factories.NOON.date())
    RetentionRule.objects.update_or_create(subject="LOGS", defaults={"days": 30})
    Stop.objects.create(kind="QUEUE", name="high", by=owner)
    BulkOperation.objects.get(pk=ids["operation_id"]).items.get_or_create(target_id=job.pk)


def _queries(client, model) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(address(model))
    statements = [query["sql"] for query in queries]
    assert not [sql for sql in statements if "DISTINCT" in sql]
    assert not [sql for sql in statements if "COUNT(*)" in sql and not _bounded(sql)]
    return len(queries)


def _bounded(sql: str) -> bool:
    """Whether a count ends; the statistics count one day, and people are few."""
    return any(part in sql for part in ("LIMIT 10001", "GROUP BY", 'FROM "users"'))


def _another_of_everything(number: int) -> None:
    owner = User.objects.create_user(f"user{number}@example.com", "!")
    job = factories.job(owner, name=f"job {number}")
    run = Run.objects.create(job=job, scheduled_time=factories.NOON)
    run.logs.create(message="done")
    run.dead_letters.create(job=job, failure_reason="no")
    RunStats.objects.create(hour=factories.NOON, type="DUMMY", outcome=f"{number}")
    Template.objects.create(code=f"T{number}", channel="SMS", text="Hello", updated_by=owner)
    job.notifications.create(user=owner, channel="EMAIL", target="x@example.com", template_code="x")


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_only_administrators_see_a_list(client, name):
    client.force_login(getattr(factories, name)(), BACKEND)
    answers = {model.__name__: client.get(address(model), follow=True).status_code for model in MODELS}
    assert answers == dict.fromkeys(answers, 403)


def test_what_the_product_writes_is_only_read(client, ada):
    _one_of_everything()
    answers = {model.__name__: _looked_at_and_changed(client, model) for model in READ_ONLY}
    assert answers == dict.fromkeys(answers, (200, 403, 403, 403))


def _looked_at_and_changed(client, model) -> tuple[int, ...]:
    page = f"{address(model)}{model.objects.first().pk}"
    return (
        client.get(f"{page}/change/").status_code,
        client.post(f"{page}/change/", {}).status_code,
        client.get(f"{page}/delete/").status_code,
        client.get(f"{address(model)}add/").status_code,
    )


def test_a_count_ends_at_its_bound():
    job = factories.job()
    Run.objects.bulk_create(
        Run(id=new_ulid(), job=job, scheduled_time=factories.NOON, attempt=number) for number in range(1, 6)
    )

    class FewPaginator(BoundedPaginator):
        most = 3

    paginator = FewPaginator(Run.objects.order_by("-id"), 2)
    assert (paginator.count, str(paginator.count), paginator.num_pages) == (3, "3+", 2)
    assert str(FewPaginator(Run.objects.filter(attempt__lte=3).order_by("-id"), 2).count) == "3"


def test_a_count_that_stopped_says_so():
    assert str(AtLeast(10_000)) == "10,000+"


def test_a_page_keeps_the_order():
    job = factories.job()
    for attempt in range(1, 6):
        Run.objects.create(job=job, scheduled_time=factories.NOON, attempt=attempt)
    page = BoundedPaginator(Run.objects.order_by("-attempt"), 2).page(2)
    assert [run.attempt for run in page.object_list] == [3, 2]


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Run, "scheduled_time__gte=0001-01-01T00:00:00%2b14:00"),
        (RunLog, "timestamp__year=0"),
        (AuditEvent, "timestamp__year=99999999999999999999"),
        (AuditEvent, "entity_type=%00"),
        (Job, "status__exact=%00"),
        (User, "created_at__gte=9999-12-31T23:59:59-12:00"),
        (User, "email=%00"),
    ],
)
def test_a_filter_that_makes_no_sense_is_no_error(client, ada, model, query):
    assert client.get(f"{address(model)}?{query}", follow=True).status_code == 200


def test_an_address_cannot_sort_by_what_has_no_index(client, ada):
    rows.one_everywhere()
    columns = admin.site._registry[Run].list_display
    response = client.get(address(Run), {"o": columns.index("worker_id")})
    assert "worker_id" not in str(response.context["cl"].queryset.query.order_by)


@pytest.mark.parametrize(
    "path",
    [
        "django_rq/dashboard/",
        "django_rq/queue/",
        "django_rq/dashboard/queues/0/",
        "django_rq/dashboard/stats.json",
        "django_rq/dashboard/metrics",
        "django_rq/dashboard/workers/0/",
    ],
)
def test_nothing_of_rqs_dashboard_is_reachable(client, ada, path):
    assert client.get(f"/admin/{path}").status_code == 404
    assert client.get(f"/{path}").status_code == 404
