"""Every address of the app: sign-in, pages, API."""

from django.urls import include, path

urlpatterns = [
    path("", include("cases.web.signin.urls")),
]
