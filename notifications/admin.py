"""Messages, their texts, and who is told: read, never written."""

from typing import Any

from django.contrib import admin
from django.db.models import Q

from accounts.models import User
from chronos_site.admin_lists import ReadOnlyAdmin, ReadOnlyInline, pretty
from jobs import masking
from jobs.models import Job
from notifications.alerts import Alert
from notifications.contacts import Contact
from notifications.heartbeats import Heartbeat
from notifications.models import Notification
from notifications.rules import Rule, RuleContact
from notifications.templates import Template


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "status", "channel", "target", "template_code", "job", "user", "sent_at"]
    list_display_links = ["created_at"]
    list_filter = ["status", "channel", "created_at"]
    list_select_related = ["job", "user"]
    sortable_by = ["created_at"]
    search_fields = ["job"]
    search_help_text = "A job's id or part of its name, or a person's e-mail."
    fields = [
        "user",
        "job",
        "channel",
        "target",
        "template_code",
        "content",
        "status",
        "created_at",
        "sent_at",
    ]

    def matching(self, term: str) -> Q:
        people = list(User.objects.filter(email=term.lower()).values_list("pk", flat=True))
        return Q(user__in=people) | Q(job__in=Job.objects.ids_named(term))

    @admin.display(description="payload")
    def content(self, notification: Notification) -> Any:
        return pretty(masking.anything(notification.payload))


@admin.register(Template)
class TemplateAdmin(ReadOnlyAdmin):
    """Texts change on their own page, which checks and audits them."""

    list_display = ["code", "channel", "updated_at", "updated_by"]
    list_filter = ["channel"]
    list_select_related = ["updated_by"]
    fields = ["code", "channel", "subject", "text", "html", "updated_at", "updated_by"]


class RuleContactInline(ReadOnlyInline):
    model = RuleContact
    fields = ["contact"]


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    """Rules change on their own page, which checks and audits them."""

    list_display = ["name", "owner", "scope", "enabled", "muted_until", "updated_at"]
    list_filter = ["scope", "enabled"]
    list_select_related = ["owner"]
    search_fields = ["id", "job"]
    search_help_text = "A rule's or job's id, or a person's e-mail."
    inlines = [RuleContactInline]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower())


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    """Contact points without their secrets."""

    list_display = ["name", "owner", "channel", "whereto", "shared", "enabled", "last_ok_at"]
    list_filter = ["channel", "enabled"]
    list_select_related = ["owner"]
    search_help_text = "An id, or a person's e-mail."
    fields = [
        "id",
        "owner",
        "name",
        "channel",
        "whereto",
        "shared",
        "enabled",
        "created_at",
        "updated_at",
        "verified_at",
        "last_ok_at",
        "last_error_at",
        "failures_in_a_row",
        "open_until",
    ]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower())

    @admin.display(description="address")
    def whereto(self, contact: Contact) -> str:
        return masking.text(contact.address)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """Of the addresses that are called only the host is shown: who knows the rest speaks for the job."""

    list_display = ["job", "host", "last_sent_at", "last_error_at"]
    list_select_related = ["job"]
    ordering = ["-key"]
    sortable_by = []
    search_fields = ["job"]
    search_help_text = "A job's id, or part of its name."
    fields = ["job", "host", "due_at", "last_sent_at", "last_error_at"]

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "kind", "rule", "job", "count", "closed_at"]
    list_display_links = ["opened_at"]
    list_filter = ["kind"]
    list_select_related = ["rule", "job"]
    search_fields = ["job", "run", "rule"]
    search_help_text = "A job's, run's or rule's id, or part of a job's name."

    def matching(self, term: str) -> Q:
        return Q(job__in=Job.objects.ids_named(term))
