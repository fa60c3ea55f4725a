"""Whether everything that was due is accounted for, by our own books, by the checker and by the doctor."""

from collections import Counter
from datetime import timedelta

from django.db import connection

from jobs.models import Job, Status
from jobs.schedules import fires
from runs.models import DeadLetter, Outcome, Run, Trigger
from tests.faults import checker
from tests.faults.histories import History
from tests.faults.installation import until

BAD = (Outcome.FAILURE, Outcome.TIMEOUT)
MOST_TICKS = 100_000
LONGEST_OUTAGE_SECONDS = 120


def are_closed():
    """Whether nothing is due, waiting or running any more, and nothing ahead."""
    busy = Job.objects.filter(status__in=[Status.SCHEDULED, Status.RUNNING])
    return not Run.objects.active().exists() and not busy.exists()


def close(chronos, effects):
    """Wait until all is done, and check it against what was due and what the world saw."""
    until(are_closed, "all done")
    check()
    check_effects(effects)
    verdict = judge(effects)
    assert verdict.word == checker.VALID, verdict
    found = chronos.manage("doctor")
    assert found.returncode == 0, found.stdout + found.stderr


def check():
    """Every tick has its run or skip, every run one end, every failed occurrence one dead letter."""
    for job in Job.objects.select_related("schedule"):
        ticks_of_rows = sorted(each for run in _fired(job) for each in _ticks(job, run))
        assert ticks_of_rows == owed(job), job.name
    assert not Run.objects.active().exists()
    assert letters() == given_up()
    assert is_whole()


def is_whole():
    """Whether the file of the database is in order, where it is one."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        return cursor.fetchall() == [("ok",)]


def check_effects(effects):
    """What a run says that it did was done, and what must not be repeated was done once at the most."""
    assert effects.doubled() == set()
    ended_well = Run.objects.filter(outcome=Outcome.SUCCESS, job__type="HTTP")
    said = set(ended_well.values_list("job__name", flat=True))
    assert said - {name for _, name in effects.seen} == set()
    assert not Run.objects.filter(attempt__gt=1, job__payload__http_method="POST").exists()


def judge(effects, patience=LONGEST_OUTAGE_SECONDS):
    """The checker's verdict on the jobs whose ticks it can reckon itself."""
    jobs = Job.objects.filter(type__in=["HTTP", "DUMMY"], schedule__schedule_type__in=["ONCE", "CRON"])
    plans = [_plan(job, patience) for job in jobs.select_related("schedule")]
    return History(effects, {plan.job for plan in plans}).verdict(plans)


def _plan(job, patience):
    schedule, called = job.schedule, job.type == "HTTP"
    if schedule.schedule_type == "ONCE":
        ticks = (schedule.run_at.timestamp(),)
    else:
        begin, end = schedule.starts_at.timestamp(), schedule.ends_at.timestamp()
        ticks = checker.crons(schedule.cron_expression, schedule.timezone, begin - 0.001, end)
    repeatable = job.payload.http_method != "POST"
    return checker.Plan(job.name, ticks, patience, repeatable=repeatable, alone=called, seen=called)


def owed(job):
    """The ticks of a job whose plan has ended."""
    schedule = job.schedule
    assert schedule.next_fire_at is None, job.name
    return fires(schedule.plan, job.created_at - timedelta(days=1), MOST_TICKS)


def _fired(job):
    return Run.objects.filter(job=job, trigger=Trigger.SCHEDULE, attempt=1)


def _ticks(job, run):
    """The ticks that one row stands for."""
    count = run.skipped_count or 1
    return fires(job.schedule.plan, run.scheduled_time - timedelta(microseconds=1), count)


def letters():
    return Counter(DeadLetter.objects.values_list("job_id", "run_id"))


def given_up():
    """The last attempts of the occurrences that failed for good."""
    last = {}
    for run in Run.objects.order_by("attempt"):
        last[run.job_id, run.scheduled_time] = run
    return Counter((run.job_id, run.pk) for run in last.values() if run.outcome in BAD)
