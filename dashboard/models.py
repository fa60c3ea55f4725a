"""What people keep of the dashboard for themselves."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import User
from chronos_site.schema import cascade

MOST_OFFERED = 30


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> Self:
        """Their own and those that others share."""
        return self.filter(Q(owner=user) | Q(shared=True))

    def offered_to(self, user: User, page: str) -> Self:
        """Their own views of the page and those that others share, their own first; so many at most."""
        offered = self.visible_to(user).filter(page=page).select_related("owner")
        own = models.Case(models.When(owner=user, then=0), default=1)
        return offered.defer("owner__password").order_by(own, "name", "pk")[:MOST_OFFERED]

    def changeable_by(self, user: User) -> Self:
        """Their own; for administrators also those that others share."""
        return self.visible_to(user) if user.is_administrator else self.filter(owner=user)


class SavedView(models.Model):
    """A list with its conditions and order under a name; a shared one is offered to everybody."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="saved_views", db_index=False
    )
    page = models.CharField(max_length=20, help_text="The name of the list's address: job_list, run_list.")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, default="")
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        db_table = "saved_views"
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="uniq_saved_views"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """The list as the view shows it."""
        return f"{reverse(self.page)}?{self.query}"

    def may_be_changed_by(self, user: User) -> bool:
        """Whether it is among those that `changeable_by` finds."""
        return self.owner_id == user.pk or (self.shared and user.is_administrator)
