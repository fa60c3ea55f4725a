"""Jobs: the definitions, and what people do with them."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from accounts.access import person
from api import shown
from api.given import Text, Until, taken
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed, refuse_unknown
from api.problems import ANSWERS, Invalid
from api.shown import JobLine, JobShown, RunShown
from audit import denials
from chronos_site.clock import database_now
from dashboard import paging
from dashboard.filters import JobFilters
from dashboard.jobs import SORTS
from jobs import actions
from jobs import definition as definitions
from jobs.actions import Stale
from jobs.executors.kept_secrets import ELSEWHERE, carried_off
from jobs.models import Job
from jobs.schedules import BadSchedule, next_fire
from jobs.transfer import described, exporting, requests
from jobs.transfer.importing import Entry, Import
from runs import actions as run_actions
from runs.forms import ParametersForm, asked_by

router = Router(tags=["jobs"])
JOB: dict[Any, Any] = {200: JobShown, **ANSWERS}
RUN: dict[Any, Any] = {202: RunShown, **ANSWERS}
READ, OPERATE, WRITE = Bearer(Scope.READ), Bearer(Scope.OPERATE), Bearer(Scope.WRITE)

# How often a patch is made anew for a job that others save meanwhile.
TRIES = 5
# Definitions are read by the forms of the product, whose fields depend on the type.
REQUEST = taken(described.REQUEST)
CHANGE = taken(described.CHANGE)


class Note(Schema):
    note: Text = Field(default="", max_length=255, description="Why; the audit trail keeps it.")


class Pause(Note):
    until: Until | None = Field(default=None, description="When it resumes by itself.")


class RunNow(Schema):
    parameters: dict[str, str] = Field(
        default={}, description="What the payload's {{ param:name }} stand for."
    )


def of(request: HttpRequest, job_id: str) -> Job:
    """The job, when the person may see it."""
    jobs = Job.objects.visible_to(person(request)).select_related("schedule", "payload", "owner")
    return get_object_or_404(jobs.defer("owner__password"), pk=job_id)


@router.get("", response={200: Listed[JobLine], **ANSWERS}, auth=READ, operation_id="list_jobs")
def list_jobs(
    request: HttpRequest,
    limit: Limit = 50,
    after: After = "",
    sort: str = "name",
    q: str = "",
    status: str = "",
) -> Any:
    """The jobs that you may see. Every condition of the product's own list works here too, by its name."""
    user, at = person(request), timezone.now()
    filters = JobFilters.read(asked(request), tuple(SORTS))
    refuse_unknown(filters.ignored)
    jobs = filters.matching(user, at).select_related("schedule", "owner").prefetch_related("tags")
    order = SORTS[filters.sort or "name"].order
    return listed(
        request, paging.page(jobs.defer("owner__password"), order, asked(request), limit), shown.job_line
    )


@router.post(
    "", response={201: JobShown, **ANSWERS}, auth=WRITE, operation_id="create_job", openapi_extra=REQUEST
)
def create_job(request: HttpRequest, response: HttpResponse) -> Any:
    """Define a job; it is yours, and armed."""
    user = person(request)
    asked_for = Import(user, by=user, at=database_now())
    [verdict] = asked_for.carry_out([Entry("", _body(request))])
    if verdict.reading.is_denied:
        denials.note(request)
    if verdict.job is None:
        raise Invalid.by_request(verdict.problems)
    response["Location"] = reverse("api:get_job", args=[verdict.job.pk])
    return Status(201, shown.job(of(request, verdict.job.pk), verdict.warnings))


@router.get(
    "/{ulid:job_id}",
    response=JOB,
    auth=READ,
    url_name="get_job",
    operation_id="get_job",
)
def get_job(request: HttpRequest, job_id: str) -> Any:
    return shown.job(of(request, job_id))


@router.put(
    "/{ulid:job_id}",
    response=JOB,
    auth=WRITE,
    operation_id="replace_job",
    openapi_extra=REQUEST,
)
def replace_job(request: HttpRequest, job_id: str) -> Any:
    """Put another definition in its place. `If-Match: 3` refuses unless the job is still at version 3."""
    return _changed(request, of(request, job_id), _body(request))


@router.patch(
    "/{ulid:job_id}",
    response=JOB,
    auth=WRITE,
    operation_id="change_job",
    openapi_extra=CHANGE,
)
def change_job(request: HttpRequest, job_id: str) -> Any:
    """Change what is named, as a JSON merge patch (RFC 7396) of the definition; null takes a field away."""
    tries = TRIES if _version(request) is None else 1
    while True:
        tries -= 1
        try:
            return _patched(request, of(request, job_id), _body(request))
        except Stale:
            # Somebody has saved it since it was read: the patch is for what they have made of it.
            if not tries:
                raise


def _patched(request: HttpRequest, job: Job, patch: Any) -> Any:
    whole = exporting.document([job], with_secrets=True)["jobs"][0]
    changed = merged(whole, patch)
    _refuse_to_carry_off(job, changed, patch)
    return _changed(request, job, changed, read=job.version)


def _refuse_to_carry_off(job: Job, changed: Any, patch: Any) -> None:
    """Who may change a job may not have its secrets sent to themselves."""
    before, reading = definitions.of(job)["payload"], requests.read(changed)
    after = reading.definition["payload"] if reading.definition else {}
    if carried_off(before, after, typed=json.dumps(patch, ensure_ascii=False)):
        raise Invalid([("payload", ELSEWHERE)])


@router.delete("/{ulid:job_id}", response={204: None, **ANSWERS}, auth=WRITE, operation_id="delete_job")
def delete_job(request: HttpRequest, job_id: str) -> Any:
    """Remove the job with all its runs, logs and dead letters."""
    actions.delete(of(request, job_id), by=person(request))
    return Status(204, None)


@router.post("/{ulid:job_id}:pause", response=JOB, auth=OPERATE, operation_id="pause_job")
def pause_job(request: HttpRequest, job_id: str, said: Pause | None = None) -> Any:
    """Stop firing until resumed, or until the given time."""
    told = said or Pause()
    job, at = of(request, job_id), database_now()
    if told.until and told.until <= at:
        raise Invalid([("until", "Give a time that is still to come.")])
    actions.pause(job, by=person(request), at=at, note=told.note, until=told.until)
    return shown.job(of(request, job_id))


@router.post("/{ulid:job_id}:resume", response=JOB, auth=OPERATE, operation_id="resume_job")
def resume_job(request: HttpRequest, job_id: str) -> Any:
    """Fire again; ticks missed meanwhile follow the misfire policy."""
    actions.resume(of(request, job_id), by=person(request), at=database_now())
    return shown.job(of(request, job_id))


@router.post("/{ulid:job_id}:cancel", response=JOB, auth=OPERATE, operation_id="cancel_job")
def cancel_job(request: HttpRequest, job_id: str, said: Note | None = None) -> Any:
    """Stop the job for good: what waits ends CANCELLED, what runs is asked to stop."""
    note = said.note if said else ""
    run_actions.cancel_job(of(request, job_id), by=person(request), at=database_now(), note=note)
    return shown.job(of(request, job_id))


@router.post("/{ulid:job_id}:run-now", response=RUN, auth=OPERATE, operation_id="run_job_now")
def run_job_now(request: HttpRequest, job_id: str, said: RunNow | None = None) -> Any:
    """Start a run by hand; one with these parameters that still waits is given back instead of a second."""
    job = of(request, job_id)
    given = _parameters(job, said.parameters if said else {})
    run = run_actions.run_now(job, by=person(request), at=database_now(), parameters=given)
    return Status(202, shown.run(run))


def _parameters(job: Job, said: dict[str, str]) -> dict[str, str] | None:
    """The payload's parameters as they were given, or their defaults. Raises Invalid."""
    wanted = asked_by(definitions.of(job)["payload"])
    if strange := sorted(set(said) - set(wanted)):
        raise Invalid((f"parameters.{name}", "The payload asks for no such parameter.") for name in strange)
    given = {name: said.get(name, default) for name, default in wanted.items()}
    prefix = ParametersForm.PREFIX
    form = ParametersForm({f"{prefix}{name}": value for name, value in given.items()}, asked=wanted)
    if not form.is_valid():
        named = ((name.removeprefix(prefix), why) for name, all_ in form.errors.items() for why in all_)
        raise Invalid((f"parameters.{name}", str(why)) for name, why in named)
    return form.parameters if wanted else None


class FirePreview(Schema):
    fires: list[datetime]


@router.get(
    "/{ulid:job_id}/fires", response={200: FirePreview, **ANSWERS}, auth=READ, operation_id="list_job_fires"
)
def list_job_fires(request: HttpRequest, job_id: str, count: Limit = 10) -> Any:
    """When the job fires next, in UTC."""
    plan, at = of(request, job_id).schedule.plan, timezone.now()
    found: list[datetime] = []
    try:
        while len(found) < count and (tick := next_fire(plan, found[-1] if found else at)):
            found.append(tick)
    except BadSchedule:
        return {"fires": []}
    return {"fires": found}


def merged(whole: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(whole) if isinstance(whole, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _body(request: HttpRequest) -> Any:
    return request.json  # type: ignore[attr-defined]


def _changed(request: HttpRequest, job: Job, asked_for: Any, *, read: int | None = None) -> Any:
    """Save it; what was made from the version that was `read` is for that one alone. Raises Stale."""
    reading = requests.read(asked_for)
    if reading.definition is None or reading.problems:
        raise Invalid.by_request(reading.problems)
    asked_version = _version(request)
    version = read if asked_version is None else asked_version
    actions.edit(job, reading.definition, by=person(request), at=database_now(), version=version)
    return shown.job(of(request, job.pk), reading.warnings)


def _version(request: HttpRequest) -> int | None:
    given = request.headers.get("If-Match", "").strip().strip('"')
    if not given or given == "*":
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Invalid([("If-Match", "Give the number of a version.")])
    return int(given)
