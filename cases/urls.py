"""Every address of the app: sign-in, pages, API."""

from django.urls import include, path

urlpatterns = [
    path("", include("cases.web.signin.urls")),
    path("", include("cases.web.urls")),
    path("", include("cases.disclosure.pages")),
    path("api/v1/", include("cases.api.urls")),
]
