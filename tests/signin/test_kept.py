"""What was posted to a session that had ended: it comes back to whoever typed it, once they have signed in again."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from cases.kernel.office import demo_people
from cases.web.signin import kept
from tests.signin.desk import PASSWORD, sign_in

ACTS: list[dict[str, list[str]]] = []
TYPED = {"note": 'She said: "it wasn\'t me" & <left>', "tags": ["a", "b"]}


def act(request) -> HttpResponse:
    """A page of the office on which something is done."""
    ACTS.append({name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"})
    return HttpResponse("done")


urlpatterns = [path("", include("backoffice.urls")), path("", include(([path("note/", act, name="note")], "office")))]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    ACTS.clear()


@pytest.fixture
def away(client, member, clock, settings) -> Client:
    """Somebody who was signed in and then away for longer than a session lasts."""
    sign_in(client, member, clock)
    client.get("/account/")
    clock.tick(settings.SESSION_IDLE_SECONDS + 1)
    return client


@pytest.fixture
def roster(db, clock, settings) -> None:
    settings.DEMO = True
    demo_people.ensure(clock.at)


def _typed(answer) -> tuple[str, list[list[str]]]:
    draft = answer.context["draft"]
    return draft["path"], draft["fields"]


def _is_kept(client) -> bool:
    return kept.SIGN_IN in client.session


def test_what_was_typed_comes_back_after_signing_in_again_and_is_done_only_then(away, member, clock):
    refused = away.post("/note/?tab=2", TYPED)
    stored = str([session.get_decoded() for session in Session.objects.all()])
    page = away.get(refused.url).content.decode()
    away.post("/sign-in/", {"login": "wren", "password": PASSWORD})
    back = away.post("/sign-in/code/", {"code": member.code(clock)}, follow=True)

    assert (refused.status_code, ACTS) == (302, [])
    assert "wasn't me" not in stored + page and "What you typed is kept" in page
    assert _typed(back) == ("/note/?tab=2", [["note", TYPED["note"]], ["tags", "a"], ["tags", "b"]])
    assert (
        b"&quot;it wasn&#x27;t me&quot; &amp; &lt;left&gt;" in back.content
        and b"no-store" in back["Cache-Control"].encode()
    )
    away.post("/note/?tab=2", TYPED)
    assert len(ACTS) == 1 and ACTS[0] == {"note": [TYPED["note"]], "tags": ["a", "b"]}
    assert away.get("/step-up/resume/").url == "/"  # it is never offered a second time


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/cases/1/?tab=2", "/cases/1/?tab=2"),
        ("http://testserver//elsewhere.example.org/", "/"),
        ("http://elsewhere.example.org/cases/1/", "/"),
        ("", "/"),
    ],
)
def test_who_posts_without_a_session_comes_back_to_the_page_of_the_form_and_nowhere_else(client, db, referer, page):
    refused = client.post("/note/", TYPED, headers={"Referer": referer})
    assert refused.status_code == 302
    assert parse_qs(urlsplit(refused.url).query)["next"] == [page]
    assert ACTS == []


def test_it_comes_back_too_where_what_the_page_asked_for_by_itself_ended_the_session(away, member, clock):
    away.get("/counts/", headers={"X-Background": "1", "HX-Request": "true"})
    away.post("/note/", TYPED)
    sign_in(away, member, clock)

    assert _typed(away.get("/step-up/resume/"))[0] == "/note/"
    assert ACTS == []


def test_somebody_else_who_signs_in_never_gets_it_nor_does_anything_of_it_stay(client, roster, clock, settings):
    client.post("/sign-in/demo/a.byrne/")
    client.get("/account/")
    clock.tick(settings.SESSION_IDLE_SECONDS + 1)
    client.post("/note/", TYPED)
    was_kept = _is_kept(client)
    other = client.post("/sign-in/demo/d.osei/")
    shown = client.get("/step-up/resume/")
    client.post("/sign-in/demo/a.byrne/")

    assert was_kept and not _is_kept(client)
    assert (other.url, shown.url, client.get("/step-up/resume/").url) == ("/", "/", "/")
    assert ACTS == []


def test_it_is_kept_for_an_hour(away, member, clock):
    away.post("/note/", TYPED)
    clock.tick(3601)
    page = away.get("/sign-in/").content.decode()
    sign_in(away, member, clock)

    assert "What you typed is kept" not in page
    assert away.get("/step-up/resume/").url == "/"


def test_what_was_signed_out_of_keeps_nothing(client, member, clock):
    sign_in(client, member, clock)
    client.get("/account/")
    client.post("/sign-out/")
    client.post("/note/", TYPED)

    assert not _is_kept(client) and ACTS == []


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/account/password/", {}),
        ("/step-up/", {}),
        ("/sign-out/", {}),
        ("/note/", {"HX-Request": "true"}),
    ],
    ids=["a password", "a code", "signing out", "a part of a page"],
)
def test_no_secret_of_sign_in_is_kept_and_nothing_that_a_page_asks_for(away, address, headers):
    away.post(address, {"oldpassword": PASSWORD, "code": "123456"}, headers=headers)

    assert not _is_kept(away)


def test_what_another_site_sends_is_not_kept(member, clock, settings):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member.user)
    client.get("/account/")
    clock.tick(settings.SESSION_IDLE_SECONDS + 1)
    answer = client.post("/note/", TYPED)

    assert (answer.status_code, _is_kept(client), ACTS) == (403, False, [])


def test_what_was_typed_into_a_page_left_open_overnight_is_kept_and_the_session_is_over(client, member, clock):
    """The machine slept: no page of it ended the session meanwhile, and nobody is signed in by it any more."""
    sign_in(client, member, clock)
    client.get("/account/")
    clock.tick(16 * 3600)

    refused = client.post("/note/", TYPED)

    assert (refused.status_code, ACTS, _is_kept(client)) == (302, [], True)
    assert "_auth_user_id" not in client.session
