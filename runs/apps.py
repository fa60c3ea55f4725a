from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"

    def import_models(self) -> None:
        super().import_models()
        # Models that live beside the functions that read and write them.
        from runs import (  # noqa: F401
            acknowledgements,
            artefacts,
            bulk,
            days,
            failure_signatures,
            retention,
            stops,
            trials,
        )

    def ready(self) -> None:
        # Models are there only now.
        from jobs.actions import plan_changes
        from runs.fire import fire_before_change

        plan_changes.connect(lambda schedule, at, **_: fire_before_change(schedule, at), weak=False)
