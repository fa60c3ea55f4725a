"""The addresses of what messages say, and of trying whether they arrive."""

from django.urls import path

from notifications import template_views, trying_views

urlpatterns = [
    path("notifications/contacts/<ulid:contact_id>/test/", trying_views.contact_test, name="contact_test"),
    path("notifications/templates/", template_views.template_list, name="template_list"),
    path(
        "notifications/templates/<slug:code>/<slug:channel>/",
        template_views.template_edit,
        name="template_edit",
    ),
]
