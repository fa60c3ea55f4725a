from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def import_models(self) -> None:
        super().import_models()
        # Models that live beside the functions that read and write them.
        from notifications import alerts, heartbeats, templates  # noqa: F401
