"""Jobs that run once, most of them calls of the test's server, and one that fires each second."""

from datetime import timedelta

from django.db import transaction

from chronos_site.clock import database_now
from tests import factories

AGAIN = {"max_attempts": 10, "backoff_strategy": "FIXED", "backoff_seconds": 1}
# When a job is armed, so that its first tick is its own to fire, however long it takes to define them all.
EARLIER = timedelta(seconds=1)
# To define a job takes so long at the most, on a busy machine.
SECONDS_A_JOB = 0.06


def once(owner, name, *, at=None, **parts):
    """A job that runs once: at the given time, else now."""
    at = at or database_now()
    schedule = {"schedule_type": "ONCE", "run_at": at}
    return factories.job(owner, name=name, at=at - EARLIER, **{"schedule": schedule, "retry": AGAIN, **parts})


def call(owner, name, url, method="GET", *, at=None, **over):
    """A job that calls once."""
    payload = {"http_method": method, "http_url": url}
    return once(owner, name, at=at, **{"type": "HTTP", "payload": payload, **over})


@transaction.atomic
def load(owner, effects, *, seconds, each=10, under=""):
    """So many calls a second of what is under the path, by GET and by POST in turn, and a tick a second.

    Gives when the first is due.
    """
    begin = database_now() + timedelta(seconds=1 + SECONDS_A_JOB * seconds * each)
    for number in range(seconds * each):
        method = ("GET", "POST")[number % 2]
        name = f"{method.lower()}-{number}"
        call(owner, name, effects.url(f"{under}{name}"), method, at=begin + timedelta(seconds=number / each))
    every_second(owner, begin, begin + timedelta(seconds=seconds))
    return begin


def every_second(owner, begin, end):
    """A job that fires at each whole second of the stretch."""
    schedule = {
        "schedule_type": "CRON",
        "cron_expression": "* * * * * ?",
        "starts_at": begin,
        "ends_at": end,
        "overlap_policy": "ALLOW",
    }
    return factories.job(owner, name="ticks", at=begin - EARLIER, schedule=schedule, retry=AGAIN)
