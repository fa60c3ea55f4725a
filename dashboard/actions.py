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
    action = "VIEW_SAVED" if view._state.adding else "VIEW_CHANGED"
    view.save()
    told = {"name": view.name, "query": view.query, "shared": view.shared}
    audit.record(by, action, view, details=told)


@transaction.atomic
def delete_view(view: SavedView, *, by: User) -> None:
    """Forget a view; what is in it stays as it is."""
    audit.record(by, "VIEW_DELETED", view, details={"name": view.name, "query": view.query})
    view.delete()
