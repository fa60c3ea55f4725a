"""What ran, as administrators see it: read only, since the engine alone writes it."""

from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chronos_site.admin_lists import ReadOnlyAdmin, milliseconds, pretty
from jobs.models import Job
from runs.models import DeadLetter, ExecutionStats, Outcome, Process, Run, RunLog, RunStats

_SHOWN = 200
_STATES = [("PENDING", "Pending"), ("RUNNING", "Running"), *Outcome.choices, ("SKIPPED", "Skipped")]


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return _STATES

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run] | None:
        conditions = {
            "PENDING": Q(outcome=None, start_time=None),
            "RUNNING": Q(outcome=None, start_time__isnull=False),
            "CANCELLED": Q(outcome=Outcome.CANCELLED, skip_reason=None),
            "SKIPPED": Q(outcome=Outcome.CANCELLED, skip_reason__isnull=False),
            **{value: Q(outcome=value) for value in ("SUCCESS", "FAILURE", "TIMEOUT")},
        }
        condition = conditions.get(self.value() or "")
        return queryset.filter(condition) if condition else None


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = [
        "scheduled_time",
        "job",
        "state_word",
        "duration",
        "trigger",
        "attempt",
        "worker_id",
    ]
    list_filter = [StateFilter, "scheduled_time"]
    list_select_related = ["job"]
    sortable_by = ["scheduled_time"]
    search_fields = ["id", "job"]
    search_help_text = "A run's or job's id, part of a job's name, or a whole worker id."
    fieldsets = [
        (None, {"fields": ["id", "job", "state_word", "logs"]}),
        ("Why", {"fields": ["trigger", "scheduled_time", "attempt", "version", "replay_of"]}),
        (
            "What happened",
            {
                "fields": [
                    "start_time",
                    "end_time",
                    "duration",
                    "outcome",
                    "exit_code",
                    "error_class",
                    "error_message",
                    "signature",
                    "told",
                    "skip_reason",
                    "skipped_count",
                ]
            },
        ),
        (
            "Engine",
            {
                "fields": [
                    "priority",
                    "available_at",
                    "worker_id",
                    "lease_expires_at",
                    "cancel_requested_at",
                ]
            },
        ),
    ]

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term)) | Q(worker_id=term)

    @admin.display(description="state")
    def state_word(self, run: Run) -> str:
        return dict(_STATES)[run.state]

    @admin.display(description="duration")
    def duration(self, run: Run) -> str:
        return milliseconds(run.duration_ms)

    @admin.display(description="log lines")
    def logs(self, run: Run) -> SafeString:
        return format_html('<a href="{}?q={}">Show them</a>', reverse("admin:runs_runlog_changelist"), run.pk)

    @admin.display(description="result")
    def told(self, run: Run) -> SafeString | str:
        return pretty(run.result)


@admin.register(RunLog)
class RunLogAdmin(ReadOnlyAdmin):
    list_display = ["timestamp", "level", "beginning", "run"]
    list_filter = ["level", "timestamp"]
    list_select_related = ["run"]
    sortable_by = ["timestamp"]
    search_fields = ["run"]
    search_help_text = "A run's id."
    fields = ["run", "timestamp", "level", "message", "fields_told"]

    @admin.display(description="message")
    def beginning(self, log: RunLog) -> str:
        return log.message if len(log.message) <= _SHOWN else f"{log.message[:_SHOWN]}…"

    @admin.display(description="context")
    def fields_told(self, log: RunLog) -> SafeString | str:
        return pretty(log.context)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "status", "job", "beginning", "run", "resolved_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["job", "run"]
    sortable_by = ["created_at"]
    search_fields = ["id", "job", "run"]
    search_help_text = "An event's, job's or run's id, or part of a job's name."

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))

    @admin.display(description="failure reason")
    def beginning(self, letter: DeadLetter) -> str:
        reason = letter.failure_reason
        return reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"


@admin.register(Process)
class ProcessAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "host", "pid", "slots", "busy", "started_at", "beat_at", "stopped_at"]
    list_filter = ["kind"]
    ordering = ["-beat_at"]
    sortable_by = []
    search_fields = ["name"]
    search_help_text = "Part of a name or host."

    def matching(self, term: str) -> Q:
        return Q(name__icontains=term) | Q(host__icontains=term)


@admin.register(RunStats)
class RunStatsAdmin(ReadOnlyAdmin):
    list_display = ["hour", "type", "outcome", "count", "took", "waited"]
    list_filter = ["type", "hour"]
    ordering = ["-hour", "-type", "-outcome"]
    sortable_by = []
    search_fields = []

    @admin.display(description="duration, mean")
    def took(self, stats: RunStats) -> str:
        return milliseconds(stats.took_ms / stats.count if stats.count else None)

    @admin.display(description="wait, mean")
    def waited(self, stats: RunStats) -> str:
        return milliseconds(stats.waited_ms / stats.count if stats.count else None)


class ExecutionStatsAdmin(ReadOnlyAdmin):
    """The view a day at a time: its list as a whole would add up every run there is."""

    ordering = ["-execution_date"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="runs_executionstats_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.now().date()
        day = _day(request.GET.get("day", "")) or today
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Execution statistics",
            "day": day,
            "days": [today - timedelta(days=back) for back in range(14)],
            "rows": ExecutionStats.objects.of_day(day),
        }
        return TemplateResponse(request, "admin/runs/executionstats/change_list.html", context)


# `register` refuses a composite key, for want of an address of one row: here there are no pages of one row.
admin.site._registry[ExecutionStats] = ExecutionStatsAdmin(ExecutionStats, admin.site)


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
