"""What people do with the views that they keep."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

import audit.models as audit
from accounts.models import User
from dashboard.models import SavedView


@transaction.atomic
def keep_view(view: SavedView, *, by: User) -> None:
    """Save a new view or a changed one; only operators share.

    Raises PermissionDenied, and IntegrityError where its owner has another view of that name.
    """
    if view.shared and not by.is_operator:
        raise PermissionDenied("Only operators share views.")
    before = SavedView.objects.filter(pk=view.pk).first() if view.pk else None
    view.save()
    changes = {
        name: (getattr(before, name, None), getattr(view, name))
        for name in ("name", "query", "shared")
        if getattr(before, name, None) != getattr(view, name)
    }
    audit.record(by, "VIEW_CHANGED" if before else "VIEW_SAVED", view, changes=changes)


@transaction.atomic
def delete_view(view: SavedView, *, by: User) -> None:
    """Forget a view; what is in it stays as it is."""
    audit.record(by, "VIEW_DELETED", view, details={"name": view.name, "query": view.query})
    view.delete()
