"""What messages can tell: the facts as the outbox gives them, and the values that texts use.

The outbox gives one dictionary of plain JSON; whatever is not known is left out or None:

    event              a template's code, such as JOB_FAILURE
    at, since          ISO instants: of the event, and when it began
    rule               the name of the rule
    count              how many events the message stands for
    failures_in_a_row  of the job
    job                id, name, owner (e-mail), url, runbook (first lines)
    run                id, url, attempt, scheduled_time, started, ended (ISO), duration (seconds), usual
                       (seconds), outcome, error_class, error_line
    dead_letter        id, url
    jobs               for a message of several events: name, count, event, error_class, error_line, url of
                       up to ten jobs
    more_jobs          how many jobs are not among those
    problem            a sentence: what is wrong with the scheduler
    reminder           true where it has been told before
    period             of a digest, such as "the last hour"
    mute_url           where to mute or leave the rule

Addresses that begin with / are Chronos's own and become whole ones by CHRONOS_BASE_URL.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from django.conf import settings

from chronos_site import hostile, own_address
from jobs import masking

Facts = Mapping[str, Any]

LONGEST_LINE = 300
LONGEST_RUNBOOK = 2_000
MOST_JOBS = 10

EVENTS = MappingProxyType(
    {
        "JOB_SUCCESS": "Succeeded",
        "JOB_FAILURE": "Failed",
        "JOB_RETRY": "Failed, will be retried",
        "DLQ_OPENED": "Gave up",
        "RECOVERED": "Recovered",
        "LATE": "Late",
        "STUCK": "Stuck",
        "SLOW": "Slow",
        "SCHEDULER": "Scheduler",
        "DIGEST": "Digest",
        "TEST": "Test",
    }
)

# When each is sent, for whoever writes its text.
OCCASIONS = MappingProxyType(
    {
        "JOB_SUCCESS": "A run succeeded.",
        "JOB_FAILURE": "A job has failed, as many times in a row as the rule says; also to remind of it.",
        "JOB_RETRY": "An attempt failed, and another one will be made.",
        "DLQ_OPENED": "An occurrence gave up: a dead letter waits for a decision.",
        "RECOVERED": "A job works again whose failure was told.",
        "LATE": "A run has not started when it should have.",
        "STUCK": "A run goes on, but its worker is silent.",
        "SLOW": "A run takes much longer than usual.",
        "SCHEDULER": "Chronos itself is in trouble: nothing ticks, no workers, a queue is stopped.",
        "DIGEST": "Several events that were held back, as one message.",
        "TEST": "Somebody pressed “Send a test”.",
    }
)

NAMES = MappingProxyType(
    {
        "event": "what happened, in a word or two: Failed",
        "at": "when it happened",
        "since": "when it began",
        "rule": "the rule that sends the message",
        "count": "how many events the message stands for",
        "failures_in_a_row": "how often the job has failed since it last succeeded",
        "in_a_row": "the same in words from the second time on: 3rd time in a row",
        "job.id": "the job's id",
        "job.name": "the job's name",
        "job.owner": "the e-mail of the job's owner",
        "job.url": "the job's page",
        "job.runbook": "the first lines of what its description says behind the first line",
        "run.id": "the run's id",
        "run.url": "the run's page",
        "run.attempt": "which attempt it was",
        "run.scheduled_time": "when the run was due",
        "run.started": "when it started",
        "run.ended": "when it ended",
        "run.duration": "how long it took, or has taken so far",
        "run.usual": "how long its runs usually take",
        "run.outcome": "how it ended",
        "run.error_class": "the class of its error: HTTP_503",
        "run.error_line": "the first line of its error",
        "dead_letter.id": "the dead letter's id",
        "dead_letter.url": "the dead letter's page",
        "jobs": "the jobs of a message that stands for several events, for {% for each in jobs %}",
        "each.name": "one job's name",
        "each.count": "how many events are of it",
        "each.times": "the same in words: 7 times",
        "each.event": "what happened to it",
        "each.error_class": "the class of its last error",
        "each.error_line": "the first line of its last error",
        "each.url": "its page",
        "which_jobs": "the job's name, or how many jobs: 3 jobs",
        "more_jobs": "how many jobs are not listed",
        "problem": "what is wrong with the scheduler, as a sentence",
        "reminder": "there when it has been told before",
        "period": "what a digest is about: the last hour",
        "link": "the page to look at first: the dead letter, else the run, else the job",
        "mute_url": "where to mute or leave the rule",
        "environment": "the name of this installation",
    }
)
# What a webhook's own body may use besides: the message as its template wrote it.
OF_BODIES = MappingProxyType({"id": "the message's id", "subject": "its subject", "text": "its text"})

EXAMPLE: Facts = MappingProxyType(
    {
        "event": "JOB_FAILURE",
        "at": "2026-03-02T02:51:50+00:00",
        "since": "2026-02-28T02:50:11+00:00",
        "rule": "Failures of billing",
        "count": 1,
        "failures_in_a_row": 3,
        "job": {
            "id": "01M8C494FZMK7XV1ZD2571RCVG",
            "name": "nightly-invoice-export",
            "owner": "billing-ops@example.com",
            "url": "/jobs/01M8C494FZMK7XV1ZD2571RCVG/",
            "runbook": "Ask whether billing is in maintenance.\nIf not, replay it after ten minutes.",
        },
        "run": {
            "id": "01M8C4BHB2V5T1Q3H6N8W7E9RX",
            "url": "/runs/01M8C4BHB2V5T1Q3H6N8W7E9RX/",
            "attempt": 3,
            "scheduled_time": "2026-03-02T02:45:00+00:00",
            "started": "2026-03-02T02:51:38+00:00",
            "ended": "2026-03-02T02:51:50+00:00",
            "duration": 12.4,
            "usual": 4.1,
            "outcome": "FAILURE",
            "error_class": "HTTP_503",
            "error_line": "503 Service Unavailable from billing.example.com",
        },
        "dead_letter": {"id": "01M8C4BJ0Z6Y4X2W0V8T6R4P2N", "url": "/dead-letters/"},
        "problem": "No scheduler has ticked for 2 minutes.",
        "period": "the last hour",
        "mute_url": "/notifications/",
    }
)
EXAMPLE_JOBS: Sequence[Facts] = (
    {
        "name": "nightly-invoice-export",
        "count": 7,
        "event": "JOB_FAILURE",
        "error_class": "HTTP_503",
        "error_line": "503 Service Unavailable from billing.example.com",
        "url": "/jobs/01M8C494FZMK7XV1ZD2571RCVG/",
    },
    {
        "name": "stale-upload-sweep",
        "count": 3,
        "event": "JOB_FAILURE",
        "error_class": "TIMEOUT",
        "error_line": "Not done within 300 seconds",
        "url": "/jobs/01M8C494G0D9Q8R7S6T5V4W3X2/",
    },
    {
        "name": "tax-archive-copy",
        "count": 1,
        "event": "LATE",
        "error_class": "",
        "error_line": "",
        "url": "/jobs/01M8C494G1A1B2C3D4E5F6G7H8/",
    },
)
EXAMPLE_OF_MANY: Facts = MappingProxyType(
    {**EXAMPLE, "count": 11, "jobs": EXAMPLE_JOBS, "more_jobs": 0, "run": {}, "dead_letter": {}, "job": {}}
)

# Events at which nothing is wrong with the run itself.
_WITHOUT_ERROR = {"JOB_SUCCESS", "RECOVERED", "LATE", "STUCK", "SLOW"}


def example(code: str, *, many: bool = False) -> dict[str, Any]:
    """Facts as such a message could have them, for whoever looks at its template."""
    if code in ("TEST", "SCHEDULER"):
        return {name: EXAMPLE[name] for name in ("at", "since", "rule", "problem", "mute_url")}
    if many or code == "DIGEST":
        return dict(EXAMPLE_OF_MANY)
    facts = {**EXAMPLE}
    if code in _WITHOUT_ERROR:
        facts["run"] = {**EXAMPLE["run"], "error_class": None, "error_line": None}
    if code != "DLQ_OPENED":
        del facts["dead_letter"]
    return facts


def safe(facts: Facts) -> dict[str, Any]:
    """The facts without secrets, with marks for what would not be seen, and with whole addresses."""
    told = {name: _safe(name, value) for name, value in facts.items()}
    told["jobs"] = list(told.get("jobs") or [])[:MOST_JOBS]
    return told


def _safe(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {inner: _safe(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(name, each) for each in value]
    if not isinstance(value, str):
        return value
    if name == "url" or name.endswith("_url"):
        return _whole(value)
    if name == "runbook":
        return _seen(value, LONGEST_RUNBOOK)
    return _seen(" ".join(value.split()), LONGEST_LINE)


def _seen(text: str, most: int) -> str:
    shown = hostile.visible(masking.text(text[: 4 * most]))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _whole(address: str) -> str:
    """The address with our own name before it; none where it leads anywhere but to the web."""
    whole = own_address.whole(hostile.visible(address))
    return whole if whole.startswith(("https://", "http://")) else ""


# Where to look at several at once.
_LISTS = {"JOB_FAILURE": "jobs/?failing=1", "DLQ_OPENED": "dead-letters/", "SCHEDULER": "system/"}


def link(facts: Facts) -> str:
    """The page to look at first; of several events, the list that they are on."""
    jobs = facts.get("jobs") or []
    if len(jobs) == 1 and jobs[0].get("url"):
        return str(jobs[0]["url"])
    if jobs or facts.get("event") == "SCHEDULER":
        return own_address.whole(_LISTS.get(str(facts.get("event")), "runs/"))
    for name in ("dead_letter", "run", "job"):
        if url := (facts.get(name) or {}).get("url"):
            return str(url)
    return str(settings.BASE_URL)


def values(facts: Facts) -> dict[str, Any]:
    """The facts as texts by the names that templates use; what is not known is empty."""
    jobs = facts.get("jobs") or []
    found = {name: facts.get(name) for name in (*NAMES, *OF_BODIES) if "." not in name}
    for part in ("job", "run", "dead_letter"):
        found |= {f"{part}.{name}": value for name, value in (facts.get(part) or {}).items()}
    for name in ("at", "since", "run.scheduled_time", "run.started", "run.ended"):
        found[name] = _instant(found.get(name))
    for name in ("run.duration", "run.usual"):
        found[name] = _span(found.get(name))
    return {
        **found,
        "event": _event(facts.get("event")),
        "run.outcome": str(found.get("run.outcome") or "").capitalize(),
        "in_a_row": _in_a_row(facts.get("failures_in_a_row") or 0),
        "jobs": [_each(each) for each in jobs],
        "which_jobs": _which(facts, jobs),
        "link": link(facts),
        "environment": settings.ENVIRONMENT,
    }


def _event(code: Any) -> str:
    return EVENTS.get(str(code or ""), str(code or ""))


def _each(job: Facts) -> dict[str, Any]:
    count = int(job.get("count") or 0)
    times = f"{count:,} times" if count > 1 else ""
    return {**job, "event": _event(job.get("event")), "times": times}


def _which(facts: Facts, jobs: Sequence[Facts]) -> str:
    count = len(jobs) + int(facts.get("more_jobs") or 0)
    if count > 1:
        return f"{count:,} jobs"
    name = (jobs[0] if jobs else facts.get("job") or {}).get("name")
    return str(name or "a job")


def _in_a_row(count: int) -> str:
    if count < 2:
        return ""
    teen = count % 100 in (11, 12, 13)
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count:,}{ending} time in a row"


def _instant(value: Any) -> str:
    """The instant as people write it, in UTC, for nobody knows who reads a message where."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return ""
    at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def _span(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
