"""Every address of the app: API, sign-in, pages."""

from collections.abc import Sequence
from importlib import import_module

from django.urls import URLPattern, URLResolver, include, path

from cases.catalogue import ENDPOINTS, PAGES
from cases.web import urls as web

# The pages of the office, and those that a kind of case brings itself.
_STAFF = [*web.urlpatterns, *(each for name in PAGES for each in import_module(name).urlpatterns)]


def _under(patterns: Sequence[URLPattern | URLResolver], depth: int = 2) -> list[URLPattern | URLResolver]:
    """Return the same addresses, those that begin alike under one: what is asked for is held against each of a list in
    turn, and so against a few beginnings before the pages under its own."""
    alike: dict[object, list[URLPattern | URLResolver]] = {}
    for each in patterns:
        first, slash, rest = str(each.pattern).partition("/")
        if depth and slash and isinstance(each, URLPattern):
            alike.setdefault(first, []).append(path(rest, each.callback, each.default_args, name=each.name))
        else:
            alike[each] = [each]
    found: list[URLPattern | URLResolver] = []
    for word, several in alike.items():
        found += [path(f"{word}/", include(_under(several, depth - 1)))] if isinstance(word, str) else several
    return found


# The doors for machines come first: a call would be held against each of two hundred pages before it is let in.
urlpatterns = [
    *(path("api/v1/", include(name)) for name in (*ENDPOINTS, "cases.api.urls")),
    path("", include("cases.web.signin.urls")),
    path("", include((_under(_STAFF), web.app_name))),
    path("", include("cases.disclosure.pages")),
]
