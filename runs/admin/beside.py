"""What stands beside the runs, as administrators see it: read only, and without files and definitions."""

from django.contrib import admin
from django.db.models import Q

from chronos_site.admin_lists import ReadOnlyAdmin
from jobs.models import Job
from runs.acknowledgements import Acknowledgement
from runs.artefacts import Artefact
from runs.bulk import BulkItem, BulkOperation
from runs.days import JobDay
from runs.failure_signatures import FailureSignature
from runs.retention import RetentionRule
from runs.stops import Stop
from runs.trials import Trial


class OfJobs(ReadOnlyAdmin):
    """Rows that are found by their job."""

    list_select_related = ["job"]
    search_fields = ["job"]
    search_help_text = "A job's id, or part of its name."

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))


@admin.register(Acknowledgement)
class AcknowledgementAdmin(OfJobs):
    list_display = ["created_at", "job", "signature", "by", "until", "ended_at"]
    list_select_related = ["job", "by"]


@admin.register(JobDay)
class JobDayAdmin(OfJobs):
    list_display = ["day", "job", "succeeded", "failed", "timed_out", "cancelled", "skipped"]
    list_filter = ["day"]


@admin.register(Artefact)
class ArtefactAdmin(ReadOnlyAdmin):
    """Files of runs by their names; what they hold is on the run's page, for whom it is."""

    list_display = ["created_at", "name", "media_type", "size", "run"]
    list_select_related = ["run"]
    search_fields = ["id", "run"]
    search_help_text = "A file's or run's id."


@admin.register(FailureSignature)
class FailureSignatureAdmin(ReadOnlyAdmin):
    list_display = ["signature", "title", "error_class", "events", "last_seen_at", "decision"]
    list_filter = ["decision"]
    ordering = ["-signature"]
    sortable_by = ["signature"]
    search_fields = []
    search_help_text = "A whole signature or error class."

    def matching(self, term: str) -> Q:
        return Q(signature=term) | Q(error_class=term.upper())


@admin.register(BulkOperation)
class BulkOperationAdmin(ReadOnlyAdmin):
    """Without its parameters, which may be parts of definitions."""

    list_display = ["created_at", "action", "by", "state", "total", "done", "refused"]
    list_filter = ["state"]
    list_select_related = ["by"]
    fields = [
        "id",
        "action",
        "by",
        "conditions",
        "state",
        "total",
        "done",
        "refused",
        "created_at",
        "ended_at",
        "cancel_requested_at",
        "stopped_because",
        "undoes",
    ]


@admin.register(BulkItem)
class BulkItemAdmin(ReadOnlyAdmin):
    """Without what was before, which may be a definition."""

    list_display = ["target_id", "operation", "state", "message"]
    list_filter = ["state"]
    search_fields = ["operation"]
    search_help_text = "The id of a bulk change."
    fields = ["operation", "target_id", "state", "message"]


@admin.register(Stop)
class StopAdmin(ReadOnlyAdmin):
    list_display = ["since", "kind", "name", "by", "note"]
    list_select_related = ["by"]
    search_fields = []


@admin.register(RetentionRule)
class RetentionRuleAdmin(ReadOnlyAdmin):
    """Retention changes on its own page, which audits it."""

    list_display = ["subject", "days"]
    search_fields = []


@admin.register(Trial)
class TrialAdmin(ReadOnlyAdmin):
    """Who tried what and how it ended; what it said is the person's own."""

    list_display = ["created_at", "person", "job_id", "outcome", "error_class", "worker_id"]
    list_select_related = ["person"]
    search_help_text = "A trial's id, or a person's e-mail."
    fields = [
        "id",
        "person",
        "job_id",
        "created_at",
        "started_at",
        "ended_at",
        "outcome",
        "error_class",
        "worker_id",
    ]

    def matching(self, term: str) -> Q:
        return Q(person__email=term.lower())
