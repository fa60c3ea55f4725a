"""The addresses where jobs are defined and steered."""

from django.urls import path

from jobs import import_page, views

urlpatterns = [
    path("jobs/new/", views.job_create, name="job_create"),
    path("jobs/import/", import_page.job_import, name="job_import"),
    path("jobs/preview/", views.schedule_preview, name="schedule_preview"),
    path("jobs/tags/", views.tag_suggestions, name="tag_suggestions"),
    path("jobs/spread/", views.jobs_spread, name="jobs_spread"),
    path("jobs/<ulid:job_id>/edit/", views.job_edit, name="job_edit"),
    path("jobs/<ulid:job_id>/pause/", views.job_pause, name="job_pause"),
    path("jobs/<ulid:job_id>/resume/", views.job_resume, name="job_resume"),
    path("jobs/<ulid:job_id>/versions/<int:number>/restore/", views.job_restore, name="job_restore"),
    path("jobs/<ulid:job_id>/export/", views.job_file, name="job_file"),
    path("jobs/<ulid:job_id>/delete/", views.job_delete, name="job_delete"),
]
