"""What no run's end tells: late starts, silent workers, slow runs, trouble of Chronos itself, reminders."""

from datetime import timedelta

import pytest

from chronos_site.clock import database_now
from jobs.actions import hand_over
from jobs.models import JobSchedule
from notifications import known, watch
from notifications.alerts import Alert
from notifications.models import Notification
from notifications.rules import Event, Rule
from runs import signals
from runs.housekeeping import House
from runs.models import Outcome, Process, Run
from runs.processes import beat
from runs.stops import Stop
from tests import factories
from tests.notifications.alerting import FAILURES, MINUTE, SECOND, end, rule

pytestmark = [pytest.mark.django_db, pytest.mark.databases, pytest.mark.usefixtures("valkey")]


@pytest.fixture(autouse=True)
def nothing_seen():
    watch._seen.clear()


@pytest.fixture
def alice():
    return factories.alice()


def told():
    return list(Notification.objects.order_by("pk").values_list("template_code", flat=True))


def test_a_run_that_is_due_for_a_minute_is_told_once(alice):
    rule(alice, Event.LATE)
    job = factories.job(alice)
    run = factories.run(job, "PENDING", at=database_now() - 59 * SECOND)
    watch.watch()
    assert told() == []
    Run.objects.filter(pk=run.pk).update(available_at=database_now() - 2 * MINUTE)
    watch.watch()
    watch.watch()
    assert told() == ["LATE"]
    assert Notification.objects.get().payload["first"]["run"]["id"] == run.pk


@pytest.mark.parametrize(("state", "found"), [("PENDING", 1), ("RUNNING", 0)])
def test_a_run_that_starts_later_than_promised_is_told(alice, state, found):
    rule(alice, Event.LATE)
    job = factories.job(alice)
    JobSchedule.objects.filter(job=job).update(start_within_seconds=10)
    at = database_now() - 20 * SECOND
    factories.run(job, state, at=at, available_at=at + 15 * SECOND)
    watch.watch()
    assert len(told()) == found


def test_once_it_has_started_the_next_late_start_is_told_anew(alice):
    rule(alice, Event.LATE)
    job = factories.job(alice)
    run = factories.run(job, "PENDING", at=database_now() - 2 * MINUTE)
    watch.watch()
    Run.objects.filter(pk=run.pk).update(outcome=Outcome.SUCCESS)
    watch.watch()
    assert not Alert.objects.open().exists()
    factories.run(job, "PENDING", at=database_now() - 3 * MINUTE)
    watch.watch()
    assert sum(Notification.objects.values_list("count", flat=True)) == 2


def test_a_run_that_started_late_and_ends_late_is_told_of_both(alice):
    rule(alice, Event.LATE)
    job = factories.job(alice)
    run = factories.run(job, "PENDING", at=database_now() - 2 * MINUTE)
    watch.watch()
    Run.objects.filter(pk=run.pk).update(start_time=database_now(), lease_expires_at=factories.NEVER)
    watch.watch()
    assert not Alert.objects.open().exists()
    JobSchedule.objects.filter(job=job).update(start_within_seconds=1)
    Run.objects.filter(pk=run.pk).update(start_time=None, lease_expires_at=None)
    Notification.objects.update(status="SENT", open_key=None)
    watch.watch()
    assert told() == ["LATE", "LATE"]


def test_a_run_whose_worker_is_silent_is_told(alice):
    rule(alice, Event.STUCK)
    now = database_now()
    factories.run(factories.job(alice), "RUNNING", at=now, lease_expires_at=now - MINUTE)
    factories.run(factories.job(alice), "RUNNING", at=now, lease_expires_at=now + MINUTE)
    watch.watch()
    assert told() == ["STUCK"]


def test_a_run_far_over_its_usual_is_told_and_an_ordinary_one_is_not(alice):
    rule(alice, Event.SLOW)
    now = database_now()
    slow, ordinary = factories.job(alice, name="slow"), factories.job(alice, name="ordinary")
    for job, usual in ((slow, 60), (ordinary, 600)):
        for number in range(1, 4):
            factories.run(job, at=now - number * 60 * MINUTE, took=usual)
        factories.run(job, "RUNNING", at=now - 10 * MINUTE)
    watch.watch()
    message = Notification.objects.get()
    assert (message.template_code, message.job) == ("SLOW", slow)
    assert message.payload["first"]["run"]["usual"] == 60


def test_who_may_not_see_a_job_is_not_told_that_it_is_late(alice):
    rule(factories.charlie(), Event.LATE)
    factories.run(factories.job(alice), "PENDING", at=database_now() - 2 * MINUTE)
    watch.watch()
    assert told() == []


# Chronos itself


def lived(kind, *, for_=10 * MINUTE, silent=timedelta()):
    now = database_now()
    name = f"{kind}-1"
    beat(name, kind)
    Process.objects.filter(pk=name).update(started_at=now - for_, beat_at=now - silent)


@pytest.mark.parametrize(
    ("silent", "found"),
    [({}, set()), ({"SCHEDULER": MINUTE}, {"SCHEDULER"}), ({"WORKER": MINUTE}, {"WORKER"})],
)
def test_processes_that_are_silent_are_trouble(silent, found):
    for kind in Process.Kind:
        lived(kind, silent=silent.get(kind.value, timedelta()))
    assert set(watch.troubles(database_now(), redis=True)) == found


def test_what_is_stopped_for_long_is_trouble_and_for_minutes_is_not():
    for kind in Process.Kind:
        lived(kind)
    at = database_now()
    Stop.objects.create(kind=Stop.Kind.FIRING, since=at - 20 * MINUTE)
    Stop.objects.create(kind=Stop.Kind.QUEUE, name="low", since=at - 20 * MINUTE)
    Stop.objects.create(kind=Stop.Kind.QUEUE, name="high", since=at - 5 * MINUTE)
    assert set(watch.troubles(at, redis=True)) == {"FIRING", "QUEUE:low"}


def test_redis_that_is_away_is_trouble(monkeypatch, settings):
    for kind in Process.Kind:
        lived(kind)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert set(watch.troubles(database_now(), redis=True)) == {"REDIS"}


def test_only_trouble_that_lasts_is_told():
    at, seen = database_now(), {}
    assert watch.lasting({"WORKER": "gone"}, seen, at) == {}
    assert watch.lasting({"WORKER": "gone"}, seen, at + 20 * SECOND) == {}
    assert watch.lasting({"WORKER": "gone"}, seen, at + 30 * SECOND) == {"WORKER": "gone"}
    assert watch.lasting({}, seen, at + 40 * SECOND) == {}
    assert watch.lasting({"WORKER": "gone"}, seen, at + 50 * SECOND) == {}


def test_a_worker_tells_that_no_scheduler_lives_and_the_next_scheduler_that_one_does():
    rule(factories.bob(), Event.SCHEDULER, Event.RECOVERY)
    lived(Process.Kind.WORKER)
    watch.watch_from_a_worker(idle=False)
    watch._seen["SCHEDULER"] -= MINUTE
    watch.watch_from_a_worker(idle=False)
    watch.watch_from_a_worker(idle=False)
    assert told() == ["SCHEDULER"]
    lived(Process.Kind.SCHEDULER)
    watch.watch()
    assert told() == ["SCHEDULER", "RECOVERED"]


def test_a_worker_leaves_trouble_to_the_scheduler_while_one_lives():
    rule(factories.bob(), Event.SCHEDULER)
    lived(Process.Kind.SCHEDULER)
    watch.watch_from_a_worker(idle=False)
    assert watch._seen == {}


def test_people_without_everyones_jobs_are_not_told_of_chronos_itself(alice):
    rule(alice, Event.SCHEDULER)
    for _ in range(2):
        watch.watch()
        watch._seen = {name: at - MINUTE for name, at in watch._seen.items()}
    assert told() == []


# Reminders


def test_what_lasts_is_told_again_as_often_as_the_rule_says(alice):
    rule(alice, *FAILURES, remind_seconds=3600)
    end(factories.job(alice))
    start = Alert.objects.get().told_at
    Notification.objects.update(status="SENT", open_key=None)
    assert watch.remind(start + 59 * MINUTE) == 0
    assert watch.remind(start + 61 * MINUTE) == 1
    assert watch.remind(start + 62 * MINUTE) == 0
    assert watch.remind(start + 122 * MINUTE) == 1
    reminder = Notification.objects.order_by("pk").last().payload["first"]
    assert (reminder["reminder"], reminder["run"]["error_class"]) == (True, "HTTP_503")


def test_nobody_is_reminded_of_what_is_over(alice):
    rule(alice, *FAILURES, remind_seconds=3600)
    job = factories.job(alice)
    end(job)
    end(job, Outcome.SUCCESS, at=factories.NOON + MINUTE)
    assert watch.remind(database_now()) == 0


@pytest.mark.parametrize("change", [{"scope": "TAG", "tag": "billing"}, {"events": ["LATE"]}])
def test_nobody_is_reminded_of_what_the_rule_no_longer_tells(alice, change):
    made = rule(alice, *FAILURES, remind_seconds=3600)
    end(factories.job(alice))
    Rule.objects.filter(pk=made.pk).update(**change)
    known.forget()
    assert watch.remind(database_now()) == 0
    assert not Alert.objects.open().exists()


def test_a_rule_that_reminds_no_more_does_not_do_it_once_more(alice):
    made = rule(alice, *FAILURES, remind_seconds=3600)
    end(factories.job(alice))
    Rule.objects.filter(pk=made.pk).update(remind_seconds=None)
    known.forget()
    assert watch.remind(database_now()) == 0


def test_nobody_is_reminded_of_a_job_that_they_may_no_longer_see(alice):
    rule(alice, *FAILURES, remind_seconds=3600)
    job = factories.job(alice)
    end(job)
    hand_over(job, factories.charlie(), by=None)
    assert watch.remind(database_now()) == 0


def test_the_scheduler_that_keeps_house_watches(alice):
    rule(alice, Event.LATE)
    factories.run(factories.job(alice), "PENDING", at=database_now() - 2 * MINUTE)
    beat("s-1", Process.Kind.SCHEDULER)
    House("s-1").keep()
    assert told() == ["LATE"]


def test_without_rules_a_round_costs_next_to_nothing(django_assert_max_num_queries):
    known.rules()
    # What is done every few minutes only, it does the first time.
    signals.upkeep.send(House)
    with django_assert_max_num_queries(3):
        signals.upkeep.send(House)
