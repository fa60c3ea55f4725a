"""What people keep of the dashboard for themselves."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from chronos_site.schema import cascade


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

    class Meta:
        db_table = "saved_views"
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="uniq_saved_views"),
        ]

    def __str__(self) -> str:
        return self.name
