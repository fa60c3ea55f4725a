"""The addresses of the pages that look."""

from django.urls import path

from dashboard import (
    bulk,
    bulk_jobs,
    calendar,
    columns,
    handover,
    job_detail,
    job_export,
    job_versions,
    jobs,
    overview,
    run_compare,
    run_export,
    runs,
    saved_views,
    system,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/spread/", calendar.calendar_spread, name="calendar_spread"),
    path("calendar/ran/", calendar.calendar_ran, name="calendar_ran"),
    path("calendar/upcoming/", calendar.calendar_upcoming, name="calendar_upcoming"),
    path("calendar/upcoming.ics", calendar.calendar_file, name="calendar_file"),
    path("handover/", handover.handover, name="handover"),
    path("jobs/", jobs.job_list, name="job_list"),
    path("jobs/columns/", columns.job_columns, name="job_columns"),
    path("jobs/export/", job_export.job_export, name="job_export"),
    path("jobs/views/new/", saved_views.view_save, name="view_save"),
    path("jobs/views/<int:view_id>/", saved_views.view_change, name="view_change"),
    path("jobs/views/<int:view_id>/delete/", saved_views.view_delete, name="view_delete"),
    path("jobs/bulk/", bulk_jobs.job_bulk, name="job_bulk"),
    path("bulk/", bulk.bulk_list, name="bulk_list"),
    path("bulk/<ulid:operation_id>/", bulk.bulk_detail, name="bulk_detail"),
    path("jobs/<ulid:job_id>/", job_detail.job_detail, name="job_detail"),
    path("jobs/<ulid:job_id>/versions/", job_versions.job_versions, name="job_versions"),
    path("runs/", runs.run_list, name="run_list"),
    path("runs/export.csv", run_export.run_export, name="run_export"),
    path("runs/compare/", run_compare.run_compare, name="run_compare"),
    path("runs/<ulid:run_id>/", runs.run_detail, name="run_detail"),
    path("runs/<ulid:run_id>/log/", runs.run_log_part, name="run_log"),
    path("system/", system.system, name="system"),
]
