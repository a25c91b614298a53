"""Pages of what cannot be shown: plain words, a way back, a reference; no stack trace, no query when all is broken."""

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.kernel.models import Case
from cases.ledger.models import LedgerEvent
from cases.web import refusals
from tests import factories
from tests.web import desk


@pytest.mark.django_db
def test_unknown_address_has_a_page_for_everybody():
    response = Client().get("/nowhere/")
    assert response.status_code == 404
    assert b"There is nothing here" in response.content
    assert b'id="side"' not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RequestDataTooBig("too big"), 413, b"That is too large"),
        (SuspiciousOperation("odd"), 400, b"This could not be read"),
    ],
)
def test_unreadable_request_has_a_page(error, status, words):
    factories.office()
    request = desk.client_of("a.byrne").get("/").wsgi_request
    response = refusals.unreadable(request, error)
    assert response.status_code == status
    assert words in response.content


@pytest.mark.django_db
def test_form_without_its_token_is_told_what_to_do():
    factories.office()
    client = Client(enforce_csrf_checks=True)
    client.cookies.update(desk.client_of("a.byrne").cookies)
    response = client.post("/preferences/", {"theme": "dark"})
    assert response.status_code == 403
    assert b"what you typed is still there" in response.content


@pytest.mark.django_db
def test_broken_page_asks_the_database_for_nothing():
    request = RequestFactory().get("/")
    with CaptureQueriesContext(connection) as captured:
        response = refusals.broken(request)
    assert response.status_code == 500
    assert b"Something went wrong" in response.content
    assert len(captured) == 0


@pytest.mark.django_db
def test_what_is_not_filled_in_is_said_before_the_second_factor_is_asked_for():
    people = factories.office()
    case = factories.ready(people)
    checker = desk.client_of("d.osei", is_stepped_up=False)
    before = LedgerEvent.objects.count()

    refused = checker.post(reverse("web:step", args=[case.uid, "approve"]), {"reason": "I read it."})

    assert refused.status_code == 422
    assert all(text in refused.content.decode() for text in ("Answer yes or no.", "then tick this.", "I read it."))
    assert Case.objects.get(pk=case.pk).state == "ready"
    assert LedgerEvent.objects.count() == before
