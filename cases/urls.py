"""Every address of the app: API, sign-in, pages."""

from importlib import import_module

from django.urls import include, path

from cases.catalogue import ENDPOINTS, PAGES
from cases.web import urls as web

# The pages of the office, and those that a kind of case brings itself.
_STAFF = [*web.urlpatterns, *(each for name in PAGES for each in import_module(name).urlpatterns)]

# The doors for machines come first: a call would be held against each of two hundred pages before it is let in.
urlpatterns = [
    *(path("api/v1/", include(name)) for name in (*ENDPOINTS, "cases.api.urls")),
    path("", include("cases.web.signin.urls")),
    path("", include((_STAFF, web.app_name))),
    path("", include("cases.disclosure.pages")),
]
