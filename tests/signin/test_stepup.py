"""Confirming a grave act: what is asked, how long it holds, and that typed content comes back."""

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from cases.kernel.office import demo_people
from cases.ledger.models import SecurityEvent
from cases.web import stepup
from tests.signin.desk import sign_in

ACTS: list[tuple[str, dict[str, list[str]]]] = []
SECRET = 'He said: "it wasn\'t me" & <left>'


def grave(request) -> HttpResponse:
    """A view with a grave act."""
    if (answer := stepup.require(request)) is not None:
        return answer
    ACTS.append(
        (
            stepup.method(request),
            {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"},
        )
    )
    return HttpResponse("done")


urlpatterns = [path("", include("backoffice.urls")), path("grave/", grave)]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    ACTS.clear()


@pytest.fixture
def worker(member, clock) -> Client:
    client = sign_in(Client(), member, clock)
    clock.tick(30)
    return client


def test_act_waits_for_the_factor_and_typed_content_comes_back(worker, member, clock):
    asked = worker.post("/grave/?tab=2", {"reason": SECRET, "clause": ["a", "b"]})
    page = worker.get(asked.url)
    stored = [session.get_decoded() for session in Session.objects.all()]
    confirmed = worker.post("/step-up/", {"code": member.code(clock)})
    again = worker.get(confirmed.url)
    typed = again.context["draft"]

    assert (asked.status_code, asked.url, confirmed.url) == (302, "/step-up/", "/step-up/resume/")
    assert b"What you typed is kept" in page.content
    assert not any("wasn't me" in str(data) for data in stored)
    assert ACTS == []
    assert (typed["path"], typed["fields"]) == ("/grave/?tab=2", [["reason", SECRET], ["clause", "a"], ["clause", "b"]])
    assert b"&quot;it wasn&#x27;t me&quot; &amp; &lt;left&gt;" in again.content
    worker.post(typed["path"], {"reason": SECRET, "clause": ["a", "b"]})
    assert ACTS == [("totp", {"reason": [SECRET], "clause": ["a", "b"]})]
    assert [(event.act, event.actor) for event in SecurityEvent.objects.filter(kind="step_up")] == [
        ("totp", f"staff:{member.user.pk}")
    ]


def test_an_act_too_long_to_keep_is_not_answered_with_an_older_one(worker, member, clock):
    """After the second factor nobody agrees to something else than what they just sent (S8)."""
    worker.post("/grave/", {"reason": "The older act."})
    worker.post("/grave/", {"reason": "x" * 200_001})

    confirmed = worker.post("/step-up/", {"code": member.code(clock)}, follow=True)

    assert b"The older act." not in confirmed.content
    assert (ACTS, confirmed.redirect_chain[-1][0]) == ([], "/")


def test_confirmation_holds_for_five_minutes(worker, member, clock):
    worker.post("/step-up/", {"code": member.code(clock), "next": "/grave/"})
    clock.tick(299)
    within = worker.post("/grave/")
    clock.tick(1)
    after = worker.post("/grave/")

    assert (within.status_code, after.status_code, len(ACTS)) == (200, 302, 1)


def test_signing_in_does_not_count_as_confirmation(worker):
    assert worker.post("/grave/").status_code == 302
    assert ACTS == []


def test_session_key_changes_at_confirmation(worker, member, clock):
    before = worker.session.session_key

    worker.post("/step-up/", {"code": member.code(clock)})

    assert worker.session.session_key != before


def test_wrong_used_and_recovery_codes_do_not_confirm(worker, member, clock):
    worker.post("/grave/", {"reason": "x"})
    used = member.code(clock)
    worker.post("/step-up/", {"code": used})
    worker.post("/account/recovery-codes/new/")
    recovery = worker.get("/account/recovery-codes/").context["unused_codes"][0]
    clock.tick(400)

    answers = [worker.post("/step-up/", {"code": code}) for code in ("000000", used, recovery)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert all(b"The code is not right" in answer.content for answer in answers)
    assert worker.post("/grave/").status_code == 302
    assert SecurityEvent.objects.filter(kind="step_up_refused").count() == 3


def test_button_of_the_demo_is_recorded_as_demo(client, db, clock, settings):
    settings.DEMO = True
    demo_people.ensure(clock.at)
    client.post("/sign-in/demo/d.osei/")

    asked = client.get("/grave/")
    page = client.get(asked.url)
    client.post("/step-up/", {"demo": "1", "next": "/grave/"})
    client.post("/grave/")

    assert b"demonstration: no second factor is asked" in page.content
    assert ACTS == [("demo", {})]
    assert SecurityEvent.objects.get(kind="step_up").act == "demo"


def test_button_of_the_demo_does_not_exist_elsewhere(worker):
    page = worker.get("/step-up/")
    answer = worker.post("/step-up/", {"demo": "1"})

    assert b"demonstration" not in page.content
    assert answer.status_code == 200
    assert worker.post("/grave/").status_code == 302


@pytest.mark.parametrize("target", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"])
def test_confirmation_leads_nowhere_else(worker, member, clock, target):
    assert worker.post("/step-up/", {"code": member.code(clock), "next": target}).url == "/"


def test_draft_of_one_person_is_not_shown_to_another(client, db, clock, settings):
    settings.DEMO = True
    demo_people.ensure(clock.at)
    client.post("/sign-in/demo/d.osei/")
    client.post("/grave/", {"reason": SECRET})
    client.post("/sign-in/demo/a.byrne/")
    client.post("/step-up/", {"demo": "1"})

    assert client.get("/step-up/resume/").url == "/"


def test_confirmed_session_is_listed_and_can_be_ended_from_elsewhere(worker, member, clock):
    worker.post("/step-up/", {"code": member.code(clock)})
    clock.tick(30)
    other = sign_in(Client(), member, clock)

    listed = other.get("/account/sessions/").context["sessions"]
    other.post("/account/sessions/")

    assert {session.session_key for session in listed} >= {worker.session.session_key, other.session.session_key}
    assert (worker.get("/account/").status_code, other.get("/account/").status_code) == (302, 200)
