from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from api import keeping
        from runs import signals

        signals.upkeep.connect(keeping.forget, dispatch_uid="api.keeping")
