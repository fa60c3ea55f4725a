"""What a refused move looks like."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import page_of
from jobs.models import Job, JobSchedule
from jobs.moves import IllegalMove


class RefusedMoves:
    """Answer a move that the job's status does not allow with 409 and why, one of a gone job with 404."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Job.DoesNotExist | JobSchedule.DoesNotExist):
            # The job was deleted between finding it and locking it.
            return render(request, "404.html", status=404)
        if not isinstance(exception, IllegalMove):
            return None
        return render(request, "409.html", {"sentence": str(exception), "back": page_of(request)}, status=409)
