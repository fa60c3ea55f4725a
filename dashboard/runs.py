"""The list of runs, one run, and its log."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import person
from accounts.models import User
from dashboard import offered_views, run_log
from dashboard.run_export import MOST
from dashboard.run_filters import CHOICES, TEXTS, WINDOWS, RunFilters, Took
from dashboard.run_log import Place, Size, Sought
from dashboard.run_page import LIVE_SECONDS, RunPage
from dashboard.run_pages import listed
from jobs.models import Job
from runs.models import Run

LIST_SECONDS = 10
LEVELS = (("", "All"), ("INFO", "Info"), ("WARN", "Warn"), ("ERROR", "Error"))

VIEWS: tuple[tuple[str, str], ...] = (
    (_("All"), ""),
    (_("Running"), "?state=RUNNING"),
    (_("Failed"), "?outcome=FAILURE&outcome=TIMEOUT"),
    (_("Late or stuck"), "?state=LATE"),
    (_("Skipped"), "?outcome=SKIPPED"),
    (_("By hand"), "?trigger=MANUAL"),
)


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """A page of the runs that the person may see and that match."""
    user, at = person(request), timezone.now()
    filters = RunFilters.read(request.GET, at)
    found = listed(filters, user, request.GET)
    context = {
        "now": at,
        "filters": filters,
        "chips": filters.chips(job_name(filters, user)),
        "offered": offered_views.of_runs(VIEWS, filters.address(), user),
        "choices": [
            (name, name.capitalize(), kind.choices, filters.values(name)) for name, kind in CHOICES.items()
        ],
        "since": filters.value("since"),
        "windows": [(value, words) for value, (words, _) in WINDOWS.items()],
        "page": found.page,
        "limit": found.limit,
        "texts": [(name, words, filters.value(name)) for name, words in TEXTS.items()],
        "took": filters.value("took"),
        "durations": Took.choices,
        "retried": filters.value("retried"),
        "most_exported": MOST,
        "live_seconds": LIST_SECONDS,
    }
    return render(request, "dashboard/runs/list.html", context)


def job_name(filters: RunFilters, user: User) -> str:
    """The name of the job that the list is narrowed to; empty where it is not."""
    if not filters.job:
        return ""
    named = Job.objects.visible_to(user).filter(pk=filters.job).values_list("name", flat=True)
    return named.first() or "unknown"


@require_safe
@vary_on_headers("HX-Request")
def run_detail(request: HttpRequest, run_id: str) -> HttpResponse:
    """One run; for htmx only what changes while it runs, the log apart."""
    run = _run(request, run_id)
    refresh = bool(request.headers.get("HX-Request"))
    page = RunPage.read(run, timezone.now(), person(request), logs=not refresh)
    if page.size is None:
        return render(request, "dashboard/runs/_refresh.html", page.context)
    return render(request, "dashboard/runs/run.html", {**page.context, **_log(request, run, page.size)})


def _run(request: HttpRequest, run_id: str) -> Run:
    runs = Run.objects.visible_to(person(request)).select_related(
        "job__schedule", "job__owner", "job__retry_policy"
    )
    return get_object_or_404(runs.defer("job__owner__password"), pk=run_id)


def _log(request: HttpRequest, run: Run, size: Size) -> dict[str, Any]:
    """The end of the log, or the part of it that the address asks for; only the end is followed."""
    sought, asked, line = Sought.read(request.GET), _place(request), run_log.number(request.GET.get("line"))
    at_end = not line and not 0 < asked.last < size.place.last
    if line:
        sought, part = Sought(), run_log.around(run, line, size)
    else:
        part = run_log.before(run, sought, size.place if at_end else asked, size)
    return {
        "log": part,
        "size": size,
        "place": size.place,
        "at_end": at_end,
        "sought": sought,
        "levels": LEVELS,
        "following": at_end and not run.outcome,
    }


def _place(request: HttpRequest) -> Place:
    return Place(run_log.number(request.GET.get("last")), run_log.number(request.GET.get("n")))


@require_safe
def run_log_part(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """The whole log as a file, the lines before or after a place, or the news while the run goes on."""
    run = _run(request, run_id)
    if "download" in request.GET:
        return _download(run)
    if "following" in request.GET:
        return _news(request, run)
    sought, place = Sought.read(request.GET), _place(request)
    if "earlier" in request.GET:
        part = run_log.before(run, sought, place, run_log.size(run))
    elif "later" in request.GET:
        sought, part = Sought(), run_log.after(run, place, run_log.size(run))
    else:
        return redirect("run_detail", run.pk)
    context = {"run": run, "log": part, "sought": sought, "fragment": True}
    return render(request, "dashboard/runs/_lines.html", context)


def _news(request: HttpRequest, run: Run) -> HttpResponse:
    sought, place = Sought.read(request.GET), _place(request)
    part, reached = run_log.news(run, sought, place)
    following = not run.outcome or reached != place
    if following and reached == place:
        # Nothing new: nothing to swap, and the element that asks stays.
        return HttpResponse(status=204)
    context = {
        "run": run,
        "log": part,
        "sought": sought,
        "place": reached,
        "following": following,
        "live_seconds": LIVE_SECONDS,
    }
    return render(request, "dashboard/runs/_more_lines.html", context)


def _download(run: Run) -> StreamingHttpResponse:
    response = StreamingHttpResponse(run_log.as_text(run), content_type="text/plain; charset=utf-8")
    name = slugify(run.job.name)[:60] or "run"
    response["Content-Disposition"] = f'attachment; filename="{name}-{run.pk}.log"'
    return response
