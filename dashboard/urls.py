"""The addresses of the pages that look."""

from django.urls import path

from dashboard import handover, job_detail, jobs, overview, runs, system

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("handover/", handover.handover, name="handover"),
    path("jobs/", jobs.job_list, name="job_list"),
    path("jobs/<ulid:job_id>/", job_detail.job_detail, name="job_detail"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/<ulid:run_id>/", runs.run_detail, name="run_detail"),
    path("runs/<ulid:run_id>/log/", runs.run_log_part, name="run_log"),
    path("system/", system.system, name="system"),
]
