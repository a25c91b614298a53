"""One-click sign-in: there in demo mode, nowhere else."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from cases.kernel.models import User
from cases.kernel.office import demo_people
from cases.kernel.roles import HUMAN, ROLES
from cases.ledger.models import SecurityEvent
from tests import factories

AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


@pytest.fixture
def roster(db) -> list[User]:
    factories.office()
    return demo_people.ensure(AT)


@pytest.fixture
def demo(settings) -> None:
    settings.DEMO = True


def test_page_lists_everybody_and_what_they_may_do(client, roster, demo):
    page = client.get("/sign-in/").content.decode()

    assert all(person.display_name in page for person in roster)
    assert all(ROLES[code].label in page and ROLES[code].may in page for code in HUMAN)


def test_page_does_not_offer_whoever_has_left(client, roster, demo):
    User.objects.filter(username="d.osei").update(is_active=False)

    page = client.get("/sign-in/").content.decode()

    assert "/demo/d.osei/" not in page and "/demo/a.byrne/" in page


@pytest.mark.parametrize("person", demo_people.PEOPLE, ids=lambda person: person.username)
def test_one_click_opens_a_complete_session(client, roster, demo, person):
    answer = client.post(f"/sign-in/demo/{person.username}/")

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/account/").context["user"].username == person.username
    assert SecurityEvent.objects.filter(kind="sign_in").latest("pk").act == "demo"


def test_one_click_changes_person(client, roster, demo):
    client.post("/sign-in/demo/a.byrne/")
    before = client.session.session_key

    client.post("/sign-in/demo/d.osei/")

    assert client.get("/account/").context["user"].username == "d.osei"
    assert client.session.session_key != before


def test_it_is_a_guarded_post_and_knows_only_the_demo_people(roster, demo):
    stranger = User.objects.create(username="stranger", display_name="Stranger")
    member = User.objects.get(username="a.byrne")
    member.set_password("lantern orchard gravel tide")
    member.save()
    strict, client = Client(enforce_csrf_checks=True), Client()

    assert strict.post("/sign-in/demo/d.osei/").status_code == 403
    assert client.get("/sign-in/demo/d.osei/").status_code == 405
    assert client.post(f"/sign-in/demo/{stranger.username}/").status_code == 404
    assert client.post("/sign-in/demo/a.byrne/").status_code == 404
    assert [each for each in (strict, client) if "_auth_user_id" in each.session] == []


def test_outside_demo_mode_there_is_no_such_page(client, roster):
    assert client.post("/sign-in/demo/d.osei/").status_code == 404
    assert "d.osei" not in client.get("/sign-in/").content.decode()


def test_session_of_the_demo_is_worth_nothing_outside(client, roster, settings):
    settings.DEMO = True
    client.post("/sign-in/demo/d.osei/")
    client.post("/step-up/", {"demo": "1"})

    settings.DEMO = False

    assert client.get("/account/sessions/").url == "/account/"
    assert client.post("/step-up/", {"demo": "1"}).url == "/account/"
