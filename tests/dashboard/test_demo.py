from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db.models import Count, F, Sum

from dashboard import demo
from jobs.models import Job, JobSchedule, Status
from notifications.models import Delivery, Notification
from notifications.rules import Rule
from runs.doctor import invariants
from runs.models import DeadLetter, Run, RunLog, RunStats

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 28, 3, 12, tzinfo=UTC)


@pytest.fixture
def made(monkeypatch):
    """Two days instead of two weeks: the same story, told faster."""
    monkeypatch.setattr(demo, "DAYS", 2)
    return demo.make(NOW, "http://127.0.0.1:8000/")


def test_every_job_is_armed_or_paused(made):
    assert set(Job.objects.values_list("status", flat=True)) == {Status.SCHEDULED, Status.PAUSED}


def test_the_past_is_past_and_ended(made):
    assert Run.objects.count() == made.runs > 300
    assert not Run.objects.filter(outcome=None).exists()
    assert not Run.objects.exclude(end_time__lte=NOW, start_time__gte=F("scheduled_time")).exists()


def test_every_run_has_a_log(made):
    assert RunLog.objects.values("run").annotate(lines=Count("id")).count() == made.runs


def test_each_occurrence_that_gave_up_has_one_dead_letter(made):
    letters = DeadLetter.objects.values("job", "run__scheduled_time").annotate(n=Count("id"))
    assert letters
    assert {row["n"] for row in letters} == {1}


def test_the_statistics_count_every_run(made):
    assert RunStats.objects.aggregate(total=Sum("count"))["total"] == made.runs


def test_the_future_begins_after_the_past(made):
    planned = JobSchedule.objects.exclude(next_fire_at=None)
    assert (
        planned.count()
        == planned.filter(next_fire_at__gt=NOW, next_fire_at__lt=NOW + timedelta(days=8)).count()
    )


def test_messages_tell_of_dead_letters_and_none_of_them_waits(made):
    statuses = set(Notification.objects.values_list("status", flat=True))
    assert statuses == {Delivery.SENT, Delivery.FAILED}
    assert Notification.objects.filter(subject__startswith="Gave up: ").exists()
    assert not Rule.objects.speaking(NOW).exists()


def test_a_second_demo_adds_nothing(made):
    assert demo.make(NOW, "http://127.0.0.1:8000/") is None
    assert Run.objects.count() == made.runs


def test_the_demo_calls_nothing_but_this_product(made):
    urls = set(Job.objects.filter(type="HTTP").values_list("payload__http_url", flat=True))
    assert urls == {"http://127.0.0.1:8000/healthz", "http://127.0.0.1:8000/readyz"}


def test_the_command_says_what_it_added(made, capsys):
    call_command("demo")
    assert capsys.readouterr().out == "The demo is there already.\n"


def test_the_history_breaks_no_invariant(made):
    assert {found.name: found.ids[:3] for found in invariants(5000, apart=0) if found.ids} == {}
