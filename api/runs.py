"""Runs, their logs, and what people do with them."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Status

from accounts.access import person
from api import shown
from api.keys import Bearer
from api.models import Scope
from api.pages import After, Limit, Listed, asked, listed, refuse_unknown
from api.problems import ANSWERS
from api.shown import LogLine, RunShown, RunWhole
from chronos_site.clock import database_now
from dashboard import paging, run_pages
from dashboard.paging import Key, Order
from dashboard.run_filters import RunFilters
from runs import actions
from runs.models import Run, RunLog, RunQuerySet

router = Router(tags=["runs"])
RUN: dict[Any, Any] = {202: RunShown, **ANSWERS}
READ, OPERATE = Bearer(Scope.READ), Bearer(Scope.OPERATE)

IN_ORDER = Order((Key("pk", paging.whole),))
STREAMED = 2000


def of(request: HttpRequest, run_id: str) -> Run:
    """The run, when the person may see it."""
    runs: RunQuerySet = Run.objects.visible_to(person(request)).select_related("job")
    return get_object_or_404(runs, pk=run_id)


@router.get("", response={200: Listed[RunShown], **ANSWERS}, auth=READ, operation_id="list_runs")
def list_runs(
    request: HttpRequest,
    limit: Limit = 50,
    after: After = "",
    job: str = "",
    state: str = "",
    outcome: str = "",
) -> Any:
    """The runs that you may see, newest first. Every condition of the product's own list works here too."""
    filters = RunFilters.read(asked(request), timezone.now())
    refuse_unknown(filters.ignored)
    found = run_pages.listed(filters, person(request), asked(request), limit)
    return listed(request, found.page, shown.run, found.limit)


@router.get("/{ulid:run_id}", response={200: RunWhole, **ANSWERS}, auth=READ, operation_id="get_run")
def get_run(request: HttpRequest, run_id: str) -> Any:
    return shown.whole_run(of(request, run_id))


@router.get(
    "/{ulid:run_id}/log", response={200: Listed[LogLine], **ANSWERS}, auth=READ, operation_id="list_log_lines"
)
def list_log_lines(request: HttpRequest, run_id: str, limit: Limit = 200, after: After = "") -> Any:
    """The lines of the run's log, in their order."""
    lines = RunLog.objects.filter(run=of(request, run_id))
    return listed(request, paging.page(lines, IN_ORDER, asked(request), limit), _line)


@router.get(
    "/{ulid:run_id}/log.txt",
    response=ANSWERS,
    auth=READ,
    operation_id="get_log_text",
    openapi_extra={
        "responses": {
            200: {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}},
        }
    },
)
def get_log_text(request: HttpRequest, run_id: str) -> HttpResponse:
    """The whole log as text, a line each: time, level, message."""
    run = of(request, run_id)
    return StreamingHttpResponse(_text(run), content_type="text/plain; charset=utf-8")  # type: ignore[return-value]


@router.post("/{ulid:run_id}:cancel", response=RUN, auth=OPERATE, operation_id="cancel_run")
def cancel_run(request: HttpRequest, run_id: str) -> Any:
    """End a waiting run, or ask the worker of a running one to stop."""
    actions.cancel_run(of(request, run_id), by=person(request), at=database_now())
    return Status(202, shown.run(of(request, run_id)))


def _line(line: RunLog) -> dict[str, Any]:
    return {
        "id": line.pk,
        "level": line.level,
        "at": line.timestamp,
        "message": line.message,
        "fields": line.context,
    }


def _text(run: Run) -> Iterator[str]:
    last = 0
    while lines := list(RunLog.objects.filter(run=run, pk__gt=last).order_by("pk")[:STREAMED]):
        for line in lines:
            yield f"{line.timestamp.isoformat()} {line.level} {line.message}\n"
        last = lines[-1].pk
