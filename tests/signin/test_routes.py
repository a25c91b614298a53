"""Every address of the site, asked for by nobody: only those named below answer."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Written by hand. An address that is not here must send an anonymous visitor to the sign-in page.
OPEN = {
    "healthz",
    "readyz",
    "sign-in/",
    "sign-in/key/",
    "sign-in/code/",
    "sign-in/demo/<str:username>/",
    "sign-in/inactive/",
    "sign-out/",
    "welcome/<str:token>/",
    "api/v1/agencies/<slug:code>/callbacks/",  # signed
    "api/v1/intake/<slug:path>/",  # signed
    "api/v1/policy-holds/",  # signed
    "api/v1/fee-reversals/",  # signed
    "api/v1/intake/accounts/",  # signed
    "api/v1/intake/checks/",  # signed
    "api/v1/intake/checks/status",  # signed
    "api/v1/intake/sim-events/",  # signed
    "api/v1/partners/<slug:code>/feedback",  # signed
    "api/v1/partners/<slug:code>/may-contact",  # signed
    "api/v1/partners/<slug:code>/records/check",  # signed
    "api/v1/partners/<slug:code>/sim-swap/check",  # signed
    "api/v1/partners/<slug:code>/sim-swap/retrieve-date",  # signed
    "api/v1/partners/<slug:code>/transactions/verify",  # signed
    "api/v1/schema/",  # what agencies read
    "api/v1/docs/",
}
SAMPLES = {"uuid": str(UUID(int=7)), "int": "7", "slug": "x", "str": "x", "path": "x"}


def _walk(patterns: list, prefix: str = "") -> Iterator[str]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


def _address(route: str) -> str:
    parts = route.replace(">", "<").split("<")
    filled = [SAMPLES[part.partition(":")[0]] if index % 2 else part for index, part in enumerate(parts)]
    return "/" + "".join(filled)


ROUTES = sorted(_walk(get_resolver("backoffice.urls").url_patterns))


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN])
@pytest.mark.parametrize("method", ["get", "post"])
def test_anonymous_visitor_is_sent_to_sign_in(db, route, method):
    answer = getattr(Client(), method)(_address(route))

    assert answer.status_code == 302, (route, answer.status_code)
    assert answer.url.startswith("/sign-in/?next="), (route, answer.url)


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN and not route.startswith("api/")])
def test_half_signed_in_person_gets_no_further_than_enrolment(db, django_user_model, route):
    user = django_user_model.objects.create(username="half", display_name="Half")
    client = Client()
    client.force_login(user, factor="")
    allowed = {"account/", "account/app/", "account/app/code.svg", "account/keys/add/", "account/confirm/"}

    answer = client.get(_address(route))

    if route in allowed:
        assert answer.status_code in {200, 302, 404}
    else:
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/"), route


def test_open_addresses_exist():
    known = set(ROUTES)

    assert known >= OPEN


@pytest.mark.parametrize("address", ["/admin/", "/accounts/signup/", "/sign-up/", "/accounts/password/reset/"])
def test_there_is_no_such_page(db, address):
    assert Client().get(address).status_code == 404
