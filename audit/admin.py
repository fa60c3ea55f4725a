"""The audit trail: read, never written."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from audit.models import AuditEvent, Seal, SealedEvent, Verification
from chronos_site.admin_lists import ReadOnlyAdmin, pretty


def _entity_types() -> list[str]:
    """Every name that an event's entity may have; asking the table would read all of it."""
    ours = ("accounts", "jobs", "runs", "notifications", "audit")
    return sorted(model.__name__ for model in apps.get_models() if model._meta.app_label in ours)


class EntityTypeFilter(admin.SimpleListFilter):
    title = "entity type"
    parameter_name = "entity_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in _entity_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(entity_type=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["timestamp", "action", "entity_type", "entity_id", "user_email"]
    list_filter = ["timestamp", EntityTypeFilter]
    sortable_by = ["timestamp"]
    search_help_text = "An event's or an entity's id, a person's e-mail, or an action such as JOB_UPDATED."
    fields = ["id", "timestamp", "action", "entity_type", "entity_id", "user_email", "told"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(self.matching(term)) if term else queryset), False

    def matching(self, term: str) -> Q:
        # The index on entities begins with their type.
        of_entity = Q(entity_type__in=_entity_types(), entity_id__in={term, term.upper()})
        return of_entity | Q(id=term.upper()) | Q(user_email=term.lower()) | Q(action=term.upper())

    @admin.display(description="details")
    def told(self, event: AuditEvent) -> str:
        return pretty(event.details)


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ["number", "events", "sealed_at", "hash"]
    ordering = ["-number"]
    sortable_by = ["number"]
    search_fields = []
    fields = ["number", "previous", "events", "content", "hash", "sealed_at"]


@admin.register(SealedEvent)
class SealedEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "seal", "hash"]
    ordering = ["-event_id"]
    sortable_by = ["event_id"]
    search_fields = ["event_id"]
    search_help_text = "An event's id."


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["ended_at", "seal", "events", "problem"]
    search_fields = []
