"""The runs of a list as CSV: the same runs in the same order, page by page."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import User
from dashboard import wording
from dashboard.run_filters import RunFilters
from dashboard.run_pages import listed
from jobs.executors.documents.tables import harmless
from jobs.models import Priority
from runs.models import Run

MOST, PAGE = 10_000, 500
HEADINGS = (
    "id",
    "job",
    "job id",
    "type",
    "state",
    "due",
    "started",
    "ended",
    "duration ms",
    "waited ms",
    "attempt",
    "started by",
    "priority",
    "version",
    "worker",
    "error class",
    "error",
    "signature",
)
_PRIORITIES = {priority.rank: priority.value for priority in Priority}


@require_safe
def run_export(request: HttpRequest) -> StreamingHttpResponse:
    """A file of the first runs that the person may see and that match."""
    user, at = person(request), timezone.now()
    filters = RunFilters.read(request.GET, at)
    response = StreamingHttpResponse(_lines(filters, user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="runs-{at:%Y%m%d-%H%M%S}.csv"'
    return response


def _lines(filters: RunFilters, user: User) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(HEADINGS)
    for page in _pages(filters, user):
        yield "".join(writer.writerow(map(_cell, _values(run))) for run in page)


def _pages(filters: RunFilters, user: User) -> Iterator[list[Run]]:
    query = QueryDict(mutable=True)
    for _ in range(MOST // PAGE):
        page = listed(filters, user, query, PAGE).page
        yield page.rows
        if page.after is None:
            return
        query["after"] = page.after


def _values(run: Run) -> tuple[Any, ...]:
    return (
        run.pk,
        run.job.name,
        run.job_id,
        run.job.type,
        run.state,
        run.scheduled_time,
        run.start_time,
        run.end_time,
        run.duration_ms,
        None if run.waited is None else round(run.waited.total_seconds() * 1000),
        run.attempt,
        run.trigger,
        _PRIORITIES.get(run.priority, run.priority),
        run.version,
        run.worker_id,
        run.error_class,
        wording.first_line(run.error_message or ""),
        run.signature,
    )


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return wording.iso(value.astimezone(UTC))
    return harmless(value) if isinstance(value, str) else value


class _Line:
    """What a csv.writer writes to, so that its rows come back as text."""

    def write(self, text: str) -> str:
        return text
