"""The root of all addresses: health, then everything the cases app offers."""

from django.urls import include, path

from backoffice import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("cases.urls")),
]

handler400 = "cases.web.refusals.unreadable"
handler403 = "cases.web.refusals.turned_away"
handler404 = "cases.web.refusals.not_found"
handler500 = "cases.web.refusals.broken"
