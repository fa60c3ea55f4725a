"""Jobs and their parts as administrators see them: definitions change only through the product's own forms.

There a change becomes a version, is checked by its type, is audited and plans the schedule anew; the one
thing that belongs here is to give a job to another owner.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from chronos_site import sealing
from chronos_site.admin_lists import (
    BoundedAdmin,
    BoundedPaginator,
    ReadOnlyAdmin,
    ReadOnlyInline,
    milliseconds,
    pretty,
)
from chronos_site.counting import counted
from jobs import actions, masking, vault
from jobs.definition import PAYLOAD_FIELDS
from jobs.memories import Memory
from jobs.models import Job, JobPayload, JobSchedule, JobSummary, JobTag, JobVersion, Kind, RetryPolicy
from jobs.vault import Secret

_MOST_COUNTED = 100_000
_DEFAULTS = {field.name: field.get_default() for field in JobPayload._meta.concrete_fields}


def _contents(payload: JobPayload) -> SafeString | str:
    given = {name: value for name in PAYLOAD_FIELDS if (value := getattr(payload, name)) != _DEFAULTS[name]}
    rows = ((name, pretty(value)) for name, value in masking.payload(given).items())
    return format_html("<dl>{}</dl>", format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows) or "-")


_JOB = (
    "id",
    "owner",
    "in_chronos",
    "name",
    "description",
    "type",
    "status",
    "priority",
    "safe_to_repeat",
    "version",
    "created_at",
    "updated_at",
)
_SCHEDULE = (
    "schedule_type",
    "run_at",
    "cron_expression",
    "interval_seconds",
    "timezone",
    "misfire_policy",
    "overlap_policy",
    "starts_at",
    "ends_at",
    "jitter_seconds",
    "start_within_seconds",
    "end_by",
    "next_fire_at",
    "paused_until",
    "problem",
)


class ScheduleInline(ReadOnlyInline):
    model = JobSchedule
    fields = _SCHEDULE
    readonly_fields = _SCHEDULE


class PayloadInline(ReadOnlyInline):
    model = JobPayload
    fields = ["contents"]
    readonly_fields = ["contents"]

    @admin.display(description="payload, secrets masked")
    def contents(self, payload: JobPayload) -> SafeString | str:
        return _contents(payload)


class RetryPolicyInline(ReadOnlyInline):
    model = RetryPolicy
    fields = ["max_attempts", "backoff_strategy", "backoff_seconds", "jitter", "retry_on"]


class TagInline(ReadOnlyInline):
    model = JobTag
    fields = ["name"]


@admin.register(Job)
class JobAdmin(BoundedAdmin):
    list_display = ["name", "type", "status", "priority", "owner", "plan", "next_fire"]
    list_filter = ["status", "type", "priority", "created_at"]
    list_select_related = ["owner", "schedule"]
    sortable_by = ["name"]
    search_help_text = "An id or part of a name."
    autocomplete_fields = ["owner"]
    inlines = [TagInline, ScheduleInline, PayloadInline, RetryPolicyInline]
    fields = _JOB
    readonly_fields = [name for name in _JOB if name != "owner"]

    def matching(self, term: str) -> Q:
        return Q(name__icontains=term)

    @admin.display(description="schedule")
    def plan(self, job: Job) -> str:
        schedule = job.schedule
        if schedule.schedule_type == Kind.ONCE:
            return f"once at {schedule.run_at:%Y-%m-%d %H:%M} UTC"
        if schedule.schedule_type == Kind.INTERVAL:
            return f"every {schedule.interval_seconds} s"
        return f"{schedule.cron_expression} ({schedule.timezone})"

    @admin.display(description="next fire")
    def next_fire(self, job: Job) -> Any:
        return job.schedule.next_fire_at

    @admin.display(description="definition")
    def in_chronos(self, job: Job) -> SafeString:
        return format_html(
            '<a href="{}">Change it in Chronos</a>, where changes are checked, versioned and planned; '
            '<a href="{}">its runs</a>, <a href="{}">its versions</a>',
            reverse("job_edit", args=[job.pk]),
            f"{reverse('admin:runs_run_changelist')}?q={job.pk}",
            f"{reverse('admin:jobs_jobversion_changelist')}?q={job.pk}",
        )

    def add_view(  # type: ignore[override]
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponseBase:
        return redirect("job_create")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return super().render_change_form(
            request, {**context, "show_save_and_add_another": False}, *args, **kwargs
        )

    def save_model(self, request: HttpRequest, obj: Job, form: forms.ModelForm, change: bool) -> None:  # type: ignore[type-arg]
        if "owner" in form.changed_data:
            # The form has put the new owner into its own object already.
            job = Job.objects.select_related("owner").get(pk=obj.pk)
            actions.hand_over(job, obj.owner, by=cast(User, request.user))

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        actions.delete(obj, by=cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            self.delete_model(request, job)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, Any], set[str], list[str]]:
        """The jobs by name and how many rows go with them; Django would list every one of them."""
        ids = [job.pk for job in objs]
        counts: dict[str, Any] = {"jobs": len(ids)}
        for relation in Job._meta.related_objects:
            model = relation.related_model
            rows = model._default_manager.filter(**{f"{relation.field.name}__in": ids})
            kept = " (kept without their job)" if relation.field.null else ""
            if (found := counted(rows, _MOST_COUNTED)) != "0":
                counts[f"{model._meta.verbose_name_plural}{kept}"] = found
        return [str(job) for job in objs], counts, set(), []


class _PartAdmin(ReadOnlyAdmin):
    """A part of a job, by the job's id or name."""

    list_select_related = ["job"]
    search_fields = ["job"]
    search_help_text = "A job's id or part of its name."

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))


@admin.register(JobSchedule)
class JobScheduleAdmin(_PartAdmin):
    list_display = [
        "job",
        "schedule_type",
        "cron_expression",
        "interval_seconds",
        "run_at",
        "timezone",
        "next_fire_at",
    ]
    list_filter = ["schedule_type", "next_fire_at"]
    sortable_by = ["next_fire_at", "run_at"]


@admin.register(JobPayload)
class JobPayloadAdmin(_PartAdmin):
    list_display = ["job", "type"]
    list_filter = ["type"]
    sortable_by = []
    fields = ["job", "type", "contents"]

    @admin.display(description="payload, secrets masked")
    def contents(self, payload: JobPayload) -> SafeString | str:
        return _contents(payload)


@admin.register(RetryPolicy)
class RetryPolicyAdmin(_PartAdmin):
    list_display = ["job", "max_attempts", "backoff_strategy", "backoff_seconds", "jitter", "retry_on"]
    sortable_by = []


@admin.register(JobTag)
class JobTagAdmin(_PartAdmin):
    list_display = ["name", "job"]
    sortable_by = ["name"]
    search_help_text = "A tag, a job's id or part of its name."

    def matching(self, term: str) -> Q:
        return Q(name=term.lower()) | super().matching(term)


@admin.register(JobVersion)
class JobVersionAdmin(_PartAdmin):
    list_display = ["job", "version", "author", "created_at", "note"]
    list_select_related = ["job", "author"]
    sortable_by = []
    fields = ["job", "version", "author", "created_at", "note", "defined"]

    @admin.display(description="definition, secrets masked")
    def defined(self, version: JobVersion) -> SafeString | str:
        return pretty(masking.definition(version.definition))


class SecretForm(forms.ModelForm):  # type: ignore[type-arg]
    """A secret's value is typed in and never shown again."""

    value = forms.CharField(
        max_length=vault.LONGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = Secret
        fields = ["name", "owner", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["value"].required = False
            self.fields["value"].help_text = "Empty: it stays as it is."

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"].replace("\r\n", "\n")
        if value:
            try:
                self.instance.hide(value)
            except sealing.NoKey as missing:
                raise forms.ValidationError(str(missing)) from missing
        return value


@admin.register(Secret)
class SecretAdmin(BoundedAdmin):
    form = SecretForm
    list_display = ["name", "owner", "description", "changed_at"]
    list_select_related = ["owner"]
    sortable_by = ["name"]
    autocomplete_fields = ["owner"]
    fields = ["name", "value", "owner", "description"]
    search_help_text = "Part of a name."

    def matching(self, term: str) -> Q:
        return Q(name__icontains=term)

    def save_model(self, request: HttpRequest, obj: Secret, form: SecretForm, change: bool) -> None:
        actions.save_secret(obj, changed=form.changed_data, by=cast(User, request.user), at=timezone.now())

    def delete_model(self, request: HttpRequest, obj: Secret) -> None:
        actions.delete_secret(obj, by=cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Secret]) -> None:
        for secret in queryset:
            self.delete_model(request, secret)


class SummaryPaginator(BoundedPaginator):
    """Pages of jobs, turned into their rows of the view, which itself adds up all runs to give a page."""

    def fetched(self, ids: list[Any]) -> dict[Any, Any]:
        return JobSummary.objects.in_bulk(ids)


@admin.register(JobSummary)
class JobSummaryAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "type",
        "status",
        "owner_email",
        "total_runs",
        "last_run_time",
        "average",
    ]
    list_filter = ["status", "type", "priority"]
    paginator = SummaryPaginator
    sortable_by = ["name"]
    search_help_text = "An id or part of a name."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Job.objects.only("pk")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> JobSummary | None:
        return JobSummary.objects.filter(pk=object_id).first()

    def matching(self, term: str) -> Q:
        return Q(name__icontains=term)

    @admin.display(description="average duration")
    def average(self, summary: JobSummary) -> str:
        return milliseconds(summary.avg_duration_ms)


@admin.register(Memory)
class MemoryAdmin(ReadOnlyAdmin):
    """What runs of a job remember for the next: written by them alone."""

    list_display = ["job", "changed_at"]
    list_select_related = ["job"]
    ordering = ["-job"]
    sortable_by = []
    search_fields = ["job"]
    search_help_text = "A job's id, or part of its name."
    fields = ["job", "told", "changed_at"]

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))

    @admin.display(description="state, secrets masked")
    def told(self, memory: Memory) -> SafeString | str:
        return pretty(masking.anything(memory.state))
