"""Views of lists that people have saved: read only, since they keep them themselves."""

from django.contrib import admin
from django.db.models import Q

from chronos_site.admin_lists import ReadOnlyAdmin
from dashboard.models import SavedView


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "page", "shared", "created_at"]
    list_filter = ["shared"]
    list_select_related = ["owner"]
    search_fields = []
    search_help_text = "A person's e-mail."
    fields = ["owner", "page", "name", "query", "shared", "created_at"]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower())
