"""What Django's admin needs over tables that only grow: bounded counts, searches by index, no writes."""

import json
import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db import DataError, models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)


class AtLeast(int):
    """A count that stopped: 10,000+."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than a bound; older rows are reached by filter or search."""

    most = 10_000
    object_list: models.QuerySet[Any]

    @cached_property
    def count(self) -> int:
        found = self.object_list.order_by()[: self.most + 1].count()
        return AtLeast(self.most) if found > self.most else found

    def page(self, number: int | str) -> Page[Any]:
        """First the ids, then the rows: what the offset passes over stays narrow and unjoined."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        ids = list(self.object_list.values_list("pk", flat=True)[start : start + self.per_page])
        found = self.fetched(ids)
        return Page([found[pk] for pk in ids if pk in found], number, self)

    def fetched(self, ids: list[Any]) -> dict[Any, Any]:
        """The rows with these ids, by id."""
        return self.object_list.in_bulk(ids)


class PatientChangeList(ChangeList):
    """Shows the list when the address filters by what the database, or the calendar, does not know."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error


class BoundedChangeList(PatientChangeList):
    """Reads by the paginator alone, and sorts by sortable columns only, whatever the address says."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if isinstance(self.result_list, models.QuerySet):  # it all fits on one page
            self.result_list = self.paginator.page(1).object_list
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count  # or the page offers to show all, which it does

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


class BoundedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A change list whose cost does not grow with its table.

    `search_fields` hold ids, found exactly; what is not an id goes to `matching`. Columns sort only
    where `sortable_by` names them, which an index must back.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["id"]
    search_help_text = "An id."

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if _ULID.fullmatch(term):
            found = Q.create([(name, term.upper()) for name in self.search_fields], connector=Q.OR)
        else:
            found = self.matching(term)
        return queryset.filter(found), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def matching(self, term: str) -> Q:
        """The rows that a word which is not an id stands for."""
        return Q(pk__in=())


class ReadOnlyAdmin(BoundedAdmin):
    """Rows that only the product itself writes."""

    actions = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.StackedInline):  # type: ignore[type-arg]
    """A part of the object above it that is changed elsewhere."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def pretty(value: Any) -> SafeString | str:
    """JSON over several lines, text as it is, a dash for nothing."""
    if value in (None, "", {}, []):
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html("<pre>{}</pre>", text)


def milliseconds(value: float | None) -> str:
    """1,234 ms, a dash for nothing."""
    return "-" if value is None else f"{value:,.0f} ms"
