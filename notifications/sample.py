"""Facts of a run that really was, for whoever looks at a template."""

from typing import Any

from django.db.models import F
from django.db.models.functions import Left

from accounts.models import User
from chronos_site.logs import first_line
from jobs.models import Job
from notifications import vocabulary
from runs.models import Outcome, Run

# How far back a run is looked for that such a message could be about.
LOOKED_AT = 50
_BAD = (Outcome.FAILURE, Outcome.TIMEOUT)
_WANTED = {
    "JOB_FAILURE": _BAD,
    "JOB_RETRY": _BAD,
    "DLQ_OPENED": _BAD,
    "JOB_SUCCESS": (Outcome.SUCCESS,),
    "RECOVERED": (Outcome.SUCCESS,),
}


def job_named(text: str, user: User) -> Job | None:
    """The job with this id or name that the person may see; the newest where several have the name."""
    jobs = Job.objects.visible_to(user).select_related("owner")
    return jobs.filter(pk=text).first() or jobs.filter(name=text).order_by("-pk").first()


def facts(code: str, job: Job) -> dict[str, Any]:
    """What a message says of the job's last run that it could be about; the rest is of the example."""
    found = vocabulary.example(code)
    run = _run(code, job)
    if "job" not in found or run is None:
        return found
    at = run.end_time or run.start_time or run.scheduled_time
    found |= {"at": at.isoformat(), "since": at.isoformat(), "failures_in_a_row": 1}
    return {**found, "job": about(job), "run": told(run, getattr(run, "error_start", None))}


def about(job: Job) -> dict[str, Any]:
    """What a message says of the job."""
    _, _, runbook = job.description.partition("\n")
    return {
        "id": job.pk,
        "name": job.name,
        "owner": job.owner.email,
        "url": f"/jobs/{job.pk}/",
        "runbook": runbook.strip(),
    }


def _run(code: str, job: Job) -> Run | None:
    runs = Run.objects.filter(job=job, skip_reason=None).order_by("-scheduled_time")
    # Errors may be long, and only the first line is told.
    short = runs.defer("error_message", "result", "parameters").annotate(
        error_start=Left(F("error_message"), 4 * vocabulary.LONGEST_LINE)
    )
    latest = list(short[:LOOKED_AT])
    fitting = [run for run in latest if run.outcome in _WANTED.get(code, (run.outcome,))]
    return next(iter([*fitting, *latest]), None)


def told(run: Run, error: str | None) -> dict[str, Any]:
    """What a message says of the run, whose error begins like this."""
    return {
        "id": run.pk,
        "url": f"/runs/{run.pk}/",
        "attempt": run.attempt,
        **{
            name: at.isoformat() if at else None
            for name, at in (
                ("scheduled_time", run.scheduled_time),
                ("started", run.start_time),
                ("ended", run.end_time),
            )
        },
        "duration": None if run.duration_ms is None else run.duration_ms / 1000,
        "outcome": run.outcome,
        "error_class": run.error_class,
        "error_line": first_line(error or ""),
    }
