from django.apps import AppConfig


class ChronosSite(AppConfig):
    name = "chronos_site"

    def ready(self) -> None:
        from chronos_site import checks  # noqa: F401 (registers them)
