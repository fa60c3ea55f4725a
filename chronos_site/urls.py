"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from chronos_site import health, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
    path("time-zone/", views.time_zone, name="time_zone"),
    path("pulse/", views.pulse, name="pulse"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
