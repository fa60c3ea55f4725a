"""From the job list to a bulk operation: what it would do, and then the deed."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import is_ours, person
from dashboard.bulk_asking import Asked, shown_or_done
from dashboard.bulk_preview import JobSelection
from runs.bulk_actions import ACTIONS
from runs.bulk_actions.steering import OfJobs
from runs.views import told_when_refused


@require_POST
@told_when_refused
def job_bulk(request: HttpRequest) -> HttpResponse:
    """Show what would become of the jobs; with `confirmed`, do it, if they are as many as were shown.

    Raises Http404 for an action that there is not, PermissionDenied for one that is not theirs.
    """
    user = person(request)
    action = ACTIONS.get(request.POST.get("do", ""))
    if not isinstance(action, OfJobs):
        raise Http404
    if not action.offered_to(user):
        raise PermissionDenied
    said = "given" in request.POST or not action.asks
    form = action.form(request.POST if said else None)
    asked = Asked(action, user, JobSelection.read(request.POST), form)
    page = "dashboard/bulk/preview.html"
    return shown_or_done(request, asked, page=page, back=back_to_list(request), name="list")


def back_to_list(request: HttpRequest) -> str:
    """The list as it was when the jobs were selected."""
    address = request.POST.get("next", "")
    return address if is_ours(request, address) else reverse("job_list")
