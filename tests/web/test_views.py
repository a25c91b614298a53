"""Views of the queue that somebody keeps, in a cookie of theirs."""

import pytest
from django.utils.http import urlsafe_base64_encode

from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def save(client, name, query, **more):
    return client.post("/cases/views/", {"name": name, "query": query, **more})


def test_a_view_is_kept_stands_in_the_rail_and_is_removed(people):
    client = desk.client_of("a.byrne")
    with nothing_written():
        answer = save(client, " Large  ones ", "amount=500000-&view=unassigned&after=2026~1&zip=1")
    assert answer["location"] == "/cases/?view=unassigned&amount=500000-"

    page = client.get(answer["location"])

    (place,) = page.context["shell"].views
    assert (place.label, place.url, place.is_current) == ("Large ones", answer["location"], True)
    assert "Remove view “Large ones”" in page.content.decode()
    save(client, "Large ones", "view=unassigned&amount=500000-", drop="yes")
    assert client.get("/cases/").context["shell"].views == ()


def test_the_bare_queue_and_a_view_without_a_name_are_not_kept(people):
    client = desk.client_of("a.byrne")
    for name, query in (("", "view=overdue"), ("Mine", ""), ("Mine", "q=FRD-2026"), ("Mine", "//evil.example.org")):
        assert save(client, name, query)["location"].startswith("/cases/")
        assert client.get("/cases/").context["shell"].views == ()
    assert "Save view" not in client.get("/cases/").content.decode()


def test_at_most_eight_are_kept_and_one_of_the_same_name_is_replaced(people):
    client = desk.client_of("a.byrne")
    for number in range(9):
        save(client, f"View {number}", f"assignee={number}")
    save(client, "View 7", "view=overdue")
    shown = client.get("/cases/").context["shell"].views
    assert [place.label for place in shown] == [f"View {number}" for number in range(8)]
    assert shown[-1].url == "/cases/?view=overdue"


def test_a_view_is_of_one_person_and_a_mangled_cookie_is_none(people):
    client = desk.client_of("a.byrne")
    save(client, "Late", "view=overdue")
    other = desk.client_of("d.osei")
    name = f"views-{people['a.byrne'].user_id}"
    other.cookies[name] = client.cookies[name].value
    assert other.get("/cases/").context["shell"].views == ()
    for mangled in (
        "x",
        urlsafe_base64_encode(b"[1]"),
        urlsafe_base64_encode(b"[" * 3000),
        urlsafe_base64_encode(rb'[["\ud800", "view=overdue"], ["a", "view=\ud800"], ["a"], [1, 2]]'),
        urlsafe_base64_encode(b'[["<x-y>", "view=overdue&x=//y"], ["", ""]]'),
    ):
        client.cookies[name] = mangled
        page = client.get("/cases/")
        assert page.status_code == 200
        assert [place.url for place in page.context["shell"].views] in ([], ["/cases/?view=overdue"])
        assert b"<x-y>" not in page.content


def test_eight_views_with_long_names_in_any_script_fit_into_a_cookie(people):
    """A browser drops a cookie of more than 4,096 bytes without a word."""
    client = desk.client_of("a.byrne")
    for number in range(8):
        save(client, f"{number}{'質' * 29}", f"view=open&state={'x' * 225}")
    name = f"views-{people['a.byrne'].user_id}"
    assert len(name) + len(client.cookies[name].value) < 4096
    assert len(client.get("/cases/").context["shell"].views) == 8
