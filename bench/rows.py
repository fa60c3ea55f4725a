"""Rows by the thousand, as the product itself would have written them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

BATCH = 2000
OWNER = "bench@example.com"
YEARLY = {"schedule_type": "CRON", "cron_expression": "0 0 1 1 *"}


def jobs(
    count: int,
    *,
    type: str = "DUMMY",
    schedules: Sequence[dict[str, Any]] = (YEARLY,),
    next_fire_at: datetime | None = None,
    payload: dict[str, Any] | None = None,
) -> list[str]:
    """Armed jobs of one kind, the schedules taken in turn, each as its first version; gives their ids."""
    from accounts.models import User
    from jobs.models import Job, JobPayload, JobSchedule, JobVersion, Status

    owner = User.objects.filter(email=OWNER).first() or User.objects.create_superuser(OWNER, "!")
    payload = payload or {}
    made = [
        Job(owner=owner, name=f"bench {number}", type=type, status=Status.SCHEDULED)
        for number in range(count)
    ]
    planned = list(zip(made, cycle(schedules), strict=False))
    Job.objects.bulk_create(made, BATCH)
    JobSchedule.objects.bulk_create(
        (JobSchedule(job=job, next_fire_at=next_fire_at, **plan) for job, plan in planned), BATCH
    )
    JobPayload.objects.bulk_create((JobPayload(job=job, type=type, **payload) for job in made), BATCH)
    JobVersion.objects.bulk_create(
        (
            JobVersion(
                job=job,
                version=1,
                definition={"name": job.name, "type": type, "schedule": plan, "payload": payload},
            )
            for job, plan in planned
        ),
        BATCH,
    )
    return [job.pk for job in made]


def due_runs(count: int, job_ids: Sequence[str], at: datetime) -> list[str]:
    """Runs that may start at once, spread over the jobs; gives their ids."""
    from runs.models import Run

    made = [
        Run(
            job_id=job_ids[number % len(job_ids)],
            scheduled_time=at - timedelta(seconds=number // len(job_ids)),
            available_at=at,
        )
        for number in range(count)
    ]
    Run.objects.bulk_create(made, BATCH)
    settle_down()
    return [run.pk for run in made]


def remove_runs() -> None:
    """Take all runs and log lines away, and what they occupied."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE job_runs, job_run_logs CASCADE")
            return
        for table in ("job_run_logs", "job_runs"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608


def settle_down() -> None:
    """Let the database know its rows, as it would after a while by itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        elif connection.vendor == "sqlite":
            cursor.execute("ANALYZE")


def rules(count: int) -> None:
    """So many rules that tell of all jobs' failures, recoveries and late starts."""
    from accounts.models import Role, User
    from notifications import actions
    from notifications.contacts import Contact
    from notifications.rules import Event, Rule

    if not count:
        return
    owner = User.objects.create_user("rules@example.com", roles=Role.OPERATOR.value)
    contact = Contact(owner=owner, name="mail", channel="EMAIL", address=owner.email)
    actions.save_contact(contact, secret=None, by=owner)
    for number in range(count):
        events = [each.value for each in (Event.FAILURE, Event.DEAD_LETTER, Event.RECOVERY, Event.LATE)]
        actions.save_rule(
            Rule(owner=owner, name=f"rule-{number}", events=events), contacts=[contact], by=owner
        )
