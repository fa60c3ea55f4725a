"""How Django's admin is installed; not in `apps.py`, where Django would take it for this package's own."""

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    """Django's admin on our site, without what has no use here or opens a side door."""

    default_site = "accounts.administration.Administration"

    def ready(self) -> None:
        super().ready()
        from django.contrib.admin import site

        # Roles are a column of the user, and RQ's dashboard reads what lies in Redis inside the web process.
        unwanted = [model for model in site._registry if model._meta.app_label in ("auth", "django_rq")]
        site.unregister(unwanted)
