"""The addresses where people change who is told of what."""

from django.urls import path

from notifications import views

urlpatterns = [
    path(
        "notifications/<int:notification_id>/resend/", views.notification_resend, name="notification_resend"
    ),
    path(
        "notifications/<int:notification_id>/cancel/", views.notification_cancel, name="notification_cancel"
    ),
    path("notifications/rules/new/", views.rule_create, name="rule_create"),
    path("notifications/rules/<ulid:rule_id>/", views.rule_edit, name="rule_edit"),
    path("notifications/rules/<ulid:rule_id>/mute/", views.rule_mute, name="rule_mute"),
    path("notifications/rules/<ulid:rule_id>/delete/", views.rule_delete, name="rule_delete"),
    path("notifications/contacts/new/", views.contact_create, name="contact_create"),
    path("notifications/contacts/<ulid:contact_id>/", views.contact_edit, name="contact_edit"),
    path("notifications/contacts/<ulid:contact_id>/delete/", views.contact_delete, name="contact_delete"),
    path("jobs/<ulid:job_id>/heartbeat/", views.job_heartbeat, name="job_heartbeat"),
]
