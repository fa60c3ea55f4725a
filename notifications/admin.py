"""Messages and their texts: read, never written."""

from typing import Any

from django.contrib import admin
from django.db.models import Q

from accounts.models import User
from chronos_site.admin_lists import ReadOnlyAdmin, pretty
from jobs import masking
from jobs.models import Job
from notifications.models import Notification
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
