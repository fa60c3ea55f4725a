from django.apps import AppConfig


class ChronosSite(AppConfig):
    name = "chronos_site"

    def ready(self) -> None:
        from chronos_site import checks, collector  # noqa: F401 (checks registers them)

        collector.settle()
