"""Tokens and kept answers as administrators see them: read only, and without what opens anything."""

from django.contrib import admin
from django.db.models import Q

from api.models import Answer, ApiToken
from chronos_site.admin_lists import ReadOnlyAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens are revoked on their own page, which audits it."""

    list_display = ["name", "owner", "scope", "prefix", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["scope"]
    list_select_related = ["owner"]
    search_fields = ["id"]
    search_help_text = "An id, a person's e-mail, or how a token begins."
    fields = [
        "id",
        "owner",
        "name",
        "scope",
        "prefix",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    ]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower()) | Q(prefix=term[:12])


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """What a request with an Idempotency-Key was answered; not the answer's body, which is its sender's."""

    list_display = ["created_at", "owner", "key", "status", "location"]
    list_display_links = ["created_at"]
    list_select_related = ["owner"]
    search_fields = []
    search_help_text = "A key, or a person's e-mail."
    fields = ["owner", "key", "status", "location", "created_at"]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower()) | Q(key=term)
