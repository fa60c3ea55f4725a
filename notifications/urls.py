"""The addresses of messages and what they say."""

from django.urls import path

from notifications import template_views

urlpatterns = [
    path("notifications/templates/", template_views.template_list, name="template_list"),
    path(
        "notifications/templates/<slug:code>/<slug:channel>/",
        template_views.template_edit,
        name="template_edit",
    ),
]
