"""A storm of failures: few messages, and each event in exactly one of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import Sum

from chronos_site.clock import database_now
from notifications import known
from notifications.alerts import Alert
from notifications.deliver import claim
from notifications.models import Notification
from notifications.rules import Event
from runs.models import DeadLetter, Run
from runs.settle import settle_apart
from tests import factories
from tests.notifications.alerting import FAILURES, contact, ended, rule

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

# Ten thousand failures where the product is at home in such sizes, a fifth of them elsewhere.
JOBS, EACH, GROUP = 100, 100 if connection.vendor == "postgresql" else 20, 200
# Together: SQLite lets one write at a time in any case.
WORKERS = 1 if connection.vendor == "sqlite" else 4


def storm(jobs):
    """The runs of all jobs that are about to fail, in the groups in which workers settle them."""
    at = database_now()
    runs = [
        Run(
            job=job,
            scheduled_time=at - timedelta(seconds=number),
            start_time=at,
            available_at=at,
            claim_token="01J0TOKEN",
            lease_expires_at=factories.NEVER,
        )
        for number in range(EACH)
        for job in jobs
    ]
    Run.objects.bulk_create(runs, batch_size=1000)
    groups = (runs[first : first + GROUP] for first in range(0, len(runs), GROUP))
    return [[ended(run, at=at) for run in group] for group in groups]


def settled(group):
    try:
        known.forget()
        return settle_apart(group)
    finally:
        connections.close_all()


def test_thousands_of_failures_make_a_known_number_of_messages_with_each_event_in_one():
    bob = factories.bob()
    rule(bob, *FAILURES, contacts=[contact(bob, f"{name}@example.com") for name in "ab"])
    rule(bob, Event.DEAD_LETTER, contacts=[contact(bob, "c@example.com")])
    groups = storm([factories.job(bob, name=f"job-{number:03}") for number in range(JOBS)])
    taken = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for number, group in enumerate(pool.map(settled, groups)):
            assert len(group) == GROUP
            if number % 10 == 0:
                # Workers take what is due meanwhile, as they would after the window.
                taken += len(claim(database_now() + timedelta(minutes=2)))
    counted = Notification.objects.values("template_code").annotate(events=Sum("count"))
    assert DeadLetter.objects.count() == JOBS * EACH
    assert {row["template_code"]: row["events"] for row in counted} == {
        # Each job's first failure, to two contact points; and each of its dead letters.
        "JOB_FAILURE": 2 * JOBS,
        "DLQ_OPENED": JOBS * EACH,
    }
    assert Alert.objects.open().aggregate(seen=Sum("count"))["seen"] == 2 * JOBS * EACH
    # What was taken, and one that waits for each rule, contact point and kind.
    assert Notification.objects.count() <= taken + 3
