"""The addresses where people start and stop runs."""

from django.urls import path

from runs import (
    artefact_views,
    bulk_views,
    letter_views,
    replay_views,
    retention_views,
    stop_views,
    trial_views,
    views,
)

urlpatterns = [
    path("jobs/<ulid:job_id>/run-now/", views.job_run_now, name="job_run_now"),
    path("jobs/<ulid:job_id>/cancel/", views.job_cancel, name="job_cancel"),
    path("jobs/<ulid:job_id>/skip/", views.job_skip, name="job_skip"),
    path("jobs/<ulid:job_id>/backfill/", views.job_backfill, name="job_backfill"),
    path("jobs/<ulid:job_id>/backfill/cancel/", views.job_backfill_cancel, name="job_backfill_cancel"),
    path("runs/<ulid:run_id>/cancel/", views.run_cancel, name="run_cancel"),
    path("runs/artefacts/<ulid:artefact_id>/", artefact_views.artefact_download, name="artefact_download"),
    path("jobs/test/", trial_views.job_test, name="job_test"),
    path("trials/<ulid:trial_id>/", trial_views.trial_detail, name="trial_detail"),
    path("trials/<ulid:trial_id>/cancel/", trial_views.trial_cancel, name="trial_cancel"),
    path("dead-letters/<ulid:letter_id>/replay/", letter_views.letter_replay, name="letter_replay"),
    path(
        "dead-letters/<ulid:letter_id>/replay/changed/",
        replay_views.letter_replay_changed,
        name="letter_replay_changed",
    ),
    path("dead-letters/<ulid:letter_id>/resolve/", letter_views.letter_resolve, name="letter_resolve"),
    path("dead-letters/<ulid:letter_id>/ignore/", letter_views.letter_ignore, name="letter_ignore"),
    path("dead-letters/<ulid:letter_id>/assign/", letter_views.letter_assign, name="letter_assign"),
    path("jobs/<ulid:job_id>/acknowledge/", letter_views.job_acknowledge, name="job_acknowledge"),
    path(
        "dead-letters/alike/<slug:signature>/acknowledge/",
        letter_views.signature_acknowledge,
        name="signature_acknowledge",
    ),
    path(
        "acknowledgements/<ulid:acknowledgement_id>/take-back/",
        letter_views.acknowledgement_take_back,
        name="acknowledgement_take_back",
    ),
    path("system/firing/stop/", stop_views.firing_stop, name="firing_stop"),
    path("system/firing/resume/", stop_views.firing_resume, name="firing_resume"),
    path("system/queues/<slug:name>/stop/", stop_views.queue_stop, name="queue_stop"),
    path("system/queues/<slug:name>/resume/", stop_views.queue_resume, name="queue_resume"),
    path("system/workers/<path:name>/drain/", stop_views.worker_drain, name="worker_drain"),
    path("system/workers/<path:name>/undrain/", stop_views.worker_undrain, name="worker_undrain"),
    path("system/workers/<path:name>/forget/", stop_views.worker_forget, name="worker_forget"),
    path("system/retention/", retention_views.retention_rules, name="retention"),
    path("bulk/<ulid:operation_id>/cancel/", bulk_views.bulk_cancel, name="bulk_cancel"),
    path("bulk/<ulid:operation_id>/undo/", bulk_views.bulk_undo, name="bulk_undo"),
]
