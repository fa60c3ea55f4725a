"""Files of runs, as people download them."""

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.access import person
from runs.artefacts import Artefact

# What a browser may take as it is; the rest it gets as bytes, so that it opens nothing by itself.
HARMLESS = {"text/csv", "text/plain", "application/json", "application/pdf", "application/zip"}


@require_safe
def artefact_download(request: HttpRequest, artefact_id: str) -> StreamingHttpResponse:
    """The file, always as an attachment: it holds whatever the work put into it."""
    file = get_object_or_404(Artefact.objects.visible_to(person(request)), pk=artefact_id)
    kind = file.media_type.partition(";")[0]
    answer = StreamingHttpResponse(
        file.read(), content_type=kind if kind in HARMLESS else "application/octet-stream"
    )
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file.name)
    answer["Content-Length"] = str(file.size)
    return answer
