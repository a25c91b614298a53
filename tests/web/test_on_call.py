"""The page of who is on call: one click by somebody of the team, nothing of it for others, its failures on /status."""

import pytest
from django.core.cache import caches

from cases.agencies import oncall
from cases.kernel.models import OnCallAlert
from cases.kernel.oncall import alerts
from tests import factories
from tests.agencies.test_on_call import route, urgent
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    caches["default"].delete("swept_at")
    return factories.office()


def test_one_click_of_somebody_of_the_team_ends_the_ringing(people, settings):
    settings.EMAIL_HOST = ""
    route(people)
    case = urgent(people)
    oncall.ring_due()
    alert = OnCallAlert.objects.get()
    officer = client_of("k.mistry")
    page = officer.get("/on-call/").content.decode()
    for shown in (alert.code, case.reference, "A request of the first grade", "0 of 1 delivered", "duty@example.org"):
        assert shown in page
    assert "No mail server" in page
    for outsider, status in (("a.byrne", 403), ("h.castellan", 200), ("o.thackray", 200)):
        said = client_of(outsider).get("/on-call/")
        assert said.status_code == status
        assert case.reference not in said.content.decode() and "first grade" not in said.content.decode()
        assert client_of(outsider).post(f"/on-call/{alert.uid}/acknowledge/").status_code in (403, 404)
    answer = officer.post(f"/on-call/{alert.uid}/acknowledge/")
    assert answer.url == f"/cases/{case.uid}/"
    assert "Nothing urgent waits" in client_of("n.okonjo").get("/on-call/").content.decode()
    again = client_of("n.okonjo").post(f"/on-call/{alert.uid}/acknowledge/", follow=True)
    assert f"{alert.code} was answered already" in again.content.decode()


def test_a_test_page_that_did_not_arrive_is_on_the_status_page(people):
    assert "Not set up" in client_of("a.byrne").get("/status/").content.decode()
    route(people)
    assert "No test page came" in client_of("a.byrne").get("/status/").content.decode()


def test_the_page_takes_as_many_queries_with_one_item_as_with_three(people, django_assert_num_queries):
    urgent(people)
    alerts.ring_tests(now=factories.AT)
    officer = client_of("k.mistry")
    officer.get("/on-call/waiting/")
    for more in (0, 2):
        for _ in range(more):
            urgent(people)
        with django_assert_num_queries(4):
            officer.get("/on-call/waiting/")
