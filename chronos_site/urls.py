"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, register_converter

from chronos_site import health, views
from chronos_site.converters import UlidConverter
from chronos_site.metrics import metrics

register_converter(UlidConverter, "ulid")

handler404 = "chronos_site.views.not_found"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("dashboard.urls")),
    path("", include("jobs.urls")),
    path("", include("runs.urls")),
    path("", include("notifications.template_urls")),
    path("", include("notifications.urls")),
    path("", include("accounts.urls")),
    path("", include("api.urls")),
    path("time-zone/", views.time_zone, name="time_zone"),
    path("pulse/", views.pulse, name="pulse"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
