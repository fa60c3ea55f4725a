"""The audit trail: who did what, and whether it is still what was recorded."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from audit.models import AuditEvent, Seal, Verification
from dashboard import entries, paging
from dashboard.audit_export import MOST
from dashboard.audit_filters import SYSTEM, WINDOWS, AuditFilters, found, sees
from dashboard.entries import ACTIONS, ENTITIES

SIZE = 25

VIEWS: tuple[tuple[str, str], ...] = (
    ("All", ""),
    ("Jobs", "?entity=Job"),
    ("Runs", "?entity=Run"),
    ("Accounts", "?entity=User"),
    ("Denied", "?action=DENIED"),
    ("By the system", f"?who={SYSTEM}"),
)


@dataclass(frozen=True)
class Chain:
    """The last block, and how the last look at the whole chain ended; None where there was none yet."""

    last: Seal | None
    verified: Verification | None

    @classmethod
    def read(cls) -> "Chain":
        return cls(Seal.objects.order_by("-number").first(), Verification.objects.filter(pk=1).first())


@require_safe
def audit_list(request: HttpRequest) -> HttpResponse:
    """A page of the entries that the person may see and that match."""
    user, at = person(request), timezone.now()
    filters = AuditFilters.read(request.GET, at)
    matching = found(filters, user)
    page = paging.page(matching.rows, paging.NEWEST, request.GET, SIZE)
    context = {
        "now": at,
        "filters": filters,
        "views": [
            (words, address, address.lstrip("?") == filters.address().lstrip("?"))
            for words, address in (VIEWS if user.is_operator else VIEWS[:4])
        ],
        "actions": [(code, entries.action(code)) for code in ACTIONS],
        "entity_types": [(code, entries.kind(code)) for code in ENTITIES],
        "windows": [(value, words) for value, (words, _) in WINDOWS.items()],
        "page": page,
        "entries": entries.told(page.rows, user),
        "limit": matching.limit,
        "chain": Chain.read(),
        "most_exported": MOST,
    }
    return render(request, "dashboard/audit/list.html", context)


@require_safe
def audit_detail(request: HttpRequest, event_id: str) -> HttpResponse:
    """One entry with all that was recorded."""
    user = person(request)
    row = get_object_or_404(AuditEvent, pk=event_id)
    if not (user.is_operator or row.user_email == user.email or sees(user, row.entity_type, row.entity_id)):
        raise Http404
    [entry] = entries.told([row], user)
    context = {"now": timezone.now(), "entry": entry, "chain": Chain.read()}
    return render(request, "dashboard/audit/entry.html", context)
