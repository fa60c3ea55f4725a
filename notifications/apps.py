from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def import_models(self) -> None:
        super().import_models()
        # Models that live beside the functions that read and write them.
        from notifications import alerts, heartbeats, templates  # noqa: F401

    def ready(self) -> None:
        # Models are there only now.
        from notifications.deliver import DUTY
        from notifications.hear import hear
        from notifications.invariants import know
        from notifications.keeping import keep
        from notifications.watch import watch, watch_from_a_worker
        from runs import signals
        from runs.carrying import DUTIES

        signals.settled.connect(hear)
        signals.upkeep.connect(watch)
        signals.worker_beat.connect(watch_from_a_worker)
        DUTIES.append(DUTY)
        keep()
        know()
