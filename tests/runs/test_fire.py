from datetime import timedelta

import pytest

from jobs import actions
from jobs.models import Job, JobSchedule, Status
from runs.fire import fire
from runs.models import Run, Skip
from tests import factories
from tests.factories import NOON

MINUTE = timedelta(minutes=1)


def shown(run):
    """The run's state, and whether it waits for another one or is asked to stop."""
    if run.state == "PENDING" and run.available_at is None:
        return "HELD"
    return "ASKED" if run.state == "RUNNING" and run.cancel_requested_at else run.state


@pytest.mark.django_db
@pytest.mark.databases
class TestFire:
    def test_a_due_tick_becomes_one_pending_run_of_the_current_version(self):
        job = factories.job(priority="HIGH")
        tick = NOON + timedelta(minutes=5)
        assert fire(tick) == 1
        run = Run.objects.get()
        assert (run.scheduled_time, run.available_at, run.version, run.priority) == (tick, tick, 1, 1)
        assert (run.job_id, run.state, run.trigger) == (job.pk, "PENDING", "SCHEDULE")

    def test_firing_again_at_the_same_instant_adds_nothing(self):
        factories.job()
        tick = NOON + timedelta(minutes=5)
        assert [fire(tick), fire(tick)] == [1, 0]
        assert Run.objects.count() == 1

    def test_a_tick_that_has_its_run_already_is_not_run_twice(self):
        job = factories.job()
        tick = NOON + timedelta(minutes=5)
        fire(tick)
        JobSchedule.objects.update(next_fire_at=tick)
        Run.objects.update(outcome="SUCCESS", end_time=tick)
        fire(tick)
        assert job.runs.count() == 1

    def test_nothing_fires_before_its_time(self):
        factories.job()
        assert fire(NOON + timedelta(minutes=4, seconds=59)) == 0

    def test_a_paused_job_does_not_fire(self):
        job = factories.job()
        actions.pause(job, by=None, at=NOON)
        assert fire(NOON + timedelta(hours=1)) == 0

    def test_ticks_missed_while_paused_say_so(self):
        job = factories.job(schedule={**factories.definition()["schedule"], "misfire_policy": "IGNORE"})
        actions.pause(job, by=None, at=NOON)
        resumed = NOON + timedelta(minutes=22)
        actions.resume(job, by=None, at=resumed)
        fire(resumed)
        row = Run.objects.get()
        assert (row.skip_reason, row.skipped_count, row.state) == (Skip.PAUSED, 4, "SKIPPED")

    def test_an_outage_never_floods(self):
        factories.job(schedule={"schedule_type": "INTERVAL", "interval_seconds": 5})
        fire(NOON + timedelta(hours=2))
        waiting = Run.objects.pending()
        skipped = Run.objects.exclude(skip_reason=None)
        assert waiting.count() == 1
        assert sum(skipped.values_list("skipped_count", flat=True)) + 1 == 2 * 720

    def test_a_year_of_seconds_is_caught_up_at_once_with_every_tick_counted(self):
        factories.job(schedule={"schedule_type": "CRON", "cron_expression": "* * * * * ?"})
        assert fire(NOON + timedelta(days=365)) == 1
        skipped = Run.objects.exclude(skip_reason=None).values_list("skipped_count", flat=True)
        assert sum(skipped) + Run.objects.filter(skip_reason=None).count() == 365 * 86400
        assert Run.objects.count() < 100

    def test_no_schedule_starts_more_runs_at_once_than_the_cap(self, settings):
        settings.CATCH_UP_CAP = 3
        factories.job(
            schedule={"schedule_type": "INTERVAL", "interval_seconds": 1, "overlap_policy": "ALLOW"}
        )
        fire(NOON + timedelta(seconds=10))
        assert Run.objects.pending().count() == 3
        assert Run.objects.get(skip_reason=Skip.CATCH_UP_CAP).skipped_count == 7

    def test_a_running_job_skips_its_next_tick_by_default(self):
        job = factories.job()
        Run.objects.create(job=job, scheduled_time=NOON, start_time=NOON)
        tick = NOON + timedelta(minutes=5)
        fire(tick)
        assert Run.objects.get(scheduled_time=tick).skip_reason == Skip.OVERLAP

    @pytest.mark.parametrize(
        ("policy", "busy", "fired", "before"),
        [
            ("SKIP", "RUNNING", "SKIPPED", "RUNNING"),
            ("SKIP", "PENDING", "SKIPPED", "PENDING"),
            ("SKIP", "RETRY", "SKIPPED", "PENDING"),
            ("SKIP", "SUCCESS", "PENDING", "SUCCESS"),
            ("QUEUE", "RUNNING", "HELD", "RUNNING"),
            ("QUEUE", "PENDING", "SKIPPED", "PENDING"),
            ("QUEUE", "RETRY", "SKIPPED", "PENDING"),
            ("QUEUE", "SUCCESS", "PENDING", "SUCCESS"),
            ("ALLOW", "RUNNING", "PENDING", "RUNNING"),
            ("ALLOW", "PENDING", "PENDING", "PENDING"),
            ("ALLOW", "RETRY", "PENDING", "PENDING"),
            ("ALLOW", "SUCCESS", "PENDING", "SUCCESS"),
            ("CANCEL_RUNNING", "RUNNING", "HELD", "ASKED"),
            ("CANCEL_RUNNING", "PENDING", "PENDING", "SKIPPED"),
            ("CANCEL_RUNNING", "RETRY", "PENDING", "SKIPPED"),
            ("CANCEL_RUNNING", "SUCCESS", "PENDING", "SUCCESS"),
        ],
    )
    def test_each_overlap_policy_does_what_it_says(self, policy, busy, fired, before):
        job = factories.job(schedule={**factories.definition()["schedule"], "overlap_policy": policy})
        retry = {"attempt": 2, "trigger": "RETRY", "available_at": NOON + timedelta(hours=1)}
        state, fields = ("PENDING", retry) if busy == "RETRY" else (busy, {})
        first = factories.run(job, state, **fields)
        tick = NOON + timedelta(minutes=5)
        fire(tick)
        assert shown(Run.objects.get(scheduled_time=tick)) == fired
        assert shown(Run.objects.get(pk=first.pk)) == before

    def test_queue_keeps_at_most_one_waiting(self):
        job = factories.job(schedule={**factories.definition()["schedule"], "overlap_policy": "QUEUE"})
        Run.objects.create(job=job, scheduled_time=NOON, start_time=NOON)
        for minutes in (5, 10, 15):
            fire(NOON + timedelta(minutes=minutes))
        assert Run.objects.pending().count() == 1
        assert Run.objects.filter(skip_reason=Skip.OVERLAP).count() == 2

    @pytest.mark.parametrize(("misfire", "status"), [("IGNORE", "CANCELLED"), ("RESCHEDULE", "PENDING")])
    def test_a_missed_single_run_ends_as_its_policy_says(self, misfire, status):
        schedule = {"schedule_type": "ONCE", "run_at": NOON + MINUTE, "misfire_policy": misfire}
        job = factories.job(schedule=schedule)
        fire(NOON + timedelta(hours=1))
        job.refresh_from_db()
        assert job.status == status
        assert Run.objects.get().skip_reason == Skip.MISFIRE

    def test_one_schedule_that_cannot_be_read_stops_no_other(self):
        alice = factories.alice()
        broken = factories.job(alice, schedule={"schedule_type": "CRON", "cron_expression": "*/5 * * * *"})
        factories.job(alice)
        JobSchedule.objects.filter(job=broken).update(cron_expression="61 * * * *")
        assert fire(NOON + timedelta(minutes=5)) == 2
        assert Run.objects.exclude(job=broken).count() == 1
        assert Job.objects.get(pk=broken.pk).status == Status.PENDING

    def test_the_number_of_queries_does_not_grow_with_what_is_due(self, django_assert_max_num_queries):
        alice = factories.alice()
        for _ in range(20):
            factories.job(alice)
        with django_assert_max_num_queries(12):
            fire(NOON + timedelta(minutes=5))

    def test_one_transaction_writes_only_so_many_rows(self, monkeypatch):
        monkeypatch.setattr("runs.fire.MOST_ROWS", 50)
        alice = factories.alice()
        for _ in range(3):
            factories.job(alice, schedule={"schedule_type": "INTERVAL", "interval_seconds": 1})
        assert [fire(NOON + MINUTE / 2) for _ in range(3)] == [2, 1, 0]

    def test_of_ticks_that_fire_together_cancel_running_keeps_the_last(self):
        schedule = {"schedule_type": "INTERVAL", "interval_seconds": 1, "overlap_policy": "CANCEL_RUNNING"}
        job = factories.job(schedule=schedule)
        Run.objects.create(job=job, scheduled_time=NOON, start_time=NOON)
        fire(NOON + timedelta(seconds=5))
        assert Run.objects.pending().get().scheduled_time == NOON + timedelta(seconds=5)
        assert Run.objects.filter(skip_reason=Skip.OVERLAP).count() == 4

    def test_a_plan_that_ends_without_a_single_run_waits_for_a_person(self):
        schedule = {"schedule_type": "INTERVAL", "interval_seconds": 60, "misfire_policy": "IGNORE"}
        job = factories.job(schedule={**schedule, "ends_at": NOON + 3 * MINUTE})
        fire(NOON + timedelta(hours=1))
        job.refresh_from_db()
        assert job.status == Status.PENDING
