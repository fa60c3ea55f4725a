"""The entries of the audit trail that match, as CSV or JSON, page by page."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from audit import chain
from audit.models import AuditEvent
from dashboard.audit_filters import AuditFilters, found
from jobs.executors.documents.tables import harmless

MOST, PAGE = 50_000, 1000
_TYPES = {"csv": "text/csv", "json": "application/json"}


@require_safe
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """A file of the newest entries that the person may see and that match."""
    user, at = person(request), timezone.now()
    file_format = request.GET.get("format", "")
    if file_format not in _TYPES:
        raise BadRequest
    rows = found(AuditFilters.read(request.GET, at), user).rows
    pieces = _as_csv if file_format == "csv" else _as_json
    content_type = f"{_TYPES[file_format]}; charset=utf-8"
    response = StreamingHttpResponse(pieces(rows), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="audit-{at:%Y%m%d-%H%M%S}.{file_format}"'
    return response


def _pages(rows: "QuerySet[AuditEvent]") -> Iterator[list[dict[str, Any]]]:
    newest = rows.order_by("-pk").values(*chain.COLUMNS)
    page = list(newest[:PAGE])
    for _ in range(MOST // PAGE):
        if not page:
            return
        yield [chain.plain(row) for row in page]
        page = list(newest.filter(pk__lt=page[-1]["id"])[:PAGE])


def _as_csv(rows: "QuerySet[AuditEvent]") -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow([name.replace("_", " ") for name in chain.COLUMNS])
    for page in _pages(rows):
        yield "".join(writer.writerow([_cell(row.get(name)) for name in chain.COLUMNS]) for row in page)


def _as_json(rows: "QuerySet[AuditEvent]") -> Iterator[str]:
    before = "["
    for page in _pages(rows):
        yield before + ",\n".join(map(json.dumps, page))
        before = ",\n"
    yield "]\n" if before != "[" else "[]\n"


def _cell(value: Any) -> Any:
    return harmless(value if isinstance(value, str) else json.dumps(value)) if value is not None else ""


class _Line:
    """What a csv.writer writes to, so that its rows come back as text."""

    def write(self, text: str) -> str:
        return text
