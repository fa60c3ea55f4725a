from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def import_models(self) -> None:
        super().import_models()
        # Models that live beside the functions that read and write them.
        from jobs import memories, vault  # noqa: F401
