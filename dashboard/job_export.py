"""All jobs that match, as a file: CSV to look at, JSON and YAML that import back."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import person
from dashboard import job_row
from dashboard.bulk_jobs import back_to_list
from dashboard.bulk_preview import JobSelection
from dashboard.filters import JobFilters
from dashboard.job_row import Row
from dashboard.jobs import SORTS
from jobs.executors.documents.tables import harmless
from jobs.models import Job, JobQuerySet
from jobs.transfer import exporting

# As many last runs as one query can look up.
CHUNK = 100
# Those that have not ended or were skipped tell nothing of how it went.
LAST = 5
TYPES = {"csv": "text/csv", "json": "application/json", "yaml": "application/yaml"}
HEADINGS = (
    "id",
    "name",
    "type",
    "status",
    "priority",
    "owner",
    "tags",
    "schedule",
    "time zone",
    "next fire",
    "last outcome",
    "last end",
    "last duration ms",
    "last error",
    "created",
    "last activity",
)


@require_http_methods(["GET", "HEAD", "POST"])
def job_export(request: HttpRequest) -> HttpResponseBase:
    """A file of the jobs that the person may see and that match, in the order in which they were made.

    Those that were selected in the list are posted, as for a bulk operation.
    """
    user, at = person(request), timezone.now()
    asked = request.POST if request.method == "POST" else request.GET
    file_format = asked.get("format", "")
    if file_format not in TYPES:
        raise BadRequest
    if request.method == "POST":
        jobs = JobSelection.read(asked).of(Job.objects.visible_to(user), user)
        if not jobs.exists():
            messages.warning(request, _("No job is selected, or those that were are gone."))
            return redirect(back_to_list(request))
    else:
        jobs = JobFilters.read(asked, tuple(SORTS)).matching(user, at)
    pieces = as_csv(jobs, at) if file_format == "csv" else _definitions(jobs, file_format)
    response = StreamingHttpResponse(pieces, content_type=f"{TYPES[file_format]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="jobs-{at:%Y%m%d-%H%M%S}.{file_format}"'
    return response


def _definitions(jobs: JobQuerySet, file_format: Any) -> Iterator[str]:
    whole = jobs.select_related("schedule", "payload", "retry_policy").prefetch_related("tags")
    return exporting.pieces(_each(whole), file_format)


def as_csv(jobs: JobQuerySet, at: datetime) -> Iterator[str]:
    """Lines as RFC 4180 has them, in which no text is a formula to a spreadsheet; instants are in UTC."""
    writer = csv.writer(_Line())
    yield writer.writerow(HEADINGS)
    for chunk in _chunks(jobs.select_related("schedule", "owner")):
        for row in job_row.rows(chunk, at, runs=LAST):
            yield writer.writerow(map(_cell, _values(row)))


def _values(row: Row) -> tuple[Any, ...]:
    job, last = row.job, row.last
    return (
        job.pk,
        job.name,
        job.type,
        job.status,
        job.priority,
        job.owner.email,
        ", ".join(row.tags),
        row.reading,
        job.schedule.timezone,
        job.schedule.next_fire_at,
        last and last.outcome,
        last and last.end_time,
        last and last.duration_ms,
        row.error,
        job.created_at,
        job.updated_at,
    )


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return harmless(value) if isinstance(value, str) else value


class _Line:
    """What a csv.writer writes to, so that its rows come back as text."""

    def write(self, text: str) -> str:
        return text


def _each(jobs: JobQuerySet) -> Iterable[Job]:
    return (job for chunk in _chunks(jobs) for job in chunk)


def _chunks(jobs: JobQuerySet) -> Iterator[list[Job]]:
    # By key and not by a cursor: a slow reader holds no transaction open, and no driver reads all at once.
    last = ""
    while chunk := list(jobs.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk
