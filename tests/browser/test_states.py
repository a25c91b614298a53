"""What a page says when it is forbidden and when a form is refused: axe finds nothing there either.

The forbidden pages come from the table of routes: each address that somebody is kept out of is opened by them.
"""

import time

import pytest
from django.urls import reverse

from cases.kernel.models import User
from tests import factories
from tests.browser import crawl
from tests.signin import desk as signing_in
from tests.web import desk
from tests.web import test_routes_by_role as routes
from tests.web.test_routes_by_role import standing  # noqa: F401 -- the case, report and people the addresses name

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SOMEBODY = {
    "analyst": "fraud_analyst",
    "approver": "fraud_approver",
    "auditor": "auditor",
    "protection": "data_protection_officer",
    "administrator": "system_administrator",
    "others": "credit_officer",
}


def _username(people: dict, column: str) -> str:
    return next(name for name, each in people.items() if SOMEBODY[column] in each.roles and _is_of(each, column))


def _is_of(each, column: str) -> bool:
    return routes.column(each) == column


def _forbidden() -> dict[str, str]:
    """Return one group of people that is kept out, for each route that draws a page."""
    found = {}
    for row in routes.ROWS:
        out = [column for column in SOMEBODY if row[column] == "out"]
        if row["method"] == "GET" and out:
            found[row["route"]] = out[-1]
    return found


@pytest.mark.timeout(900)  # every forbidden address
def test_forbidden_pages_have_no_axe_violation(browser, live_server, standing):  # noqa: F811 -- the fixture
    _, places = standing
    people = {each.username: each for each in routes.demo_people.PEOPLE}
    found = crawl.Findings()
    wanted = _forbidden()
    for column in sorted(set(wanted.values())):
        with crawl.person(browser, live_server.url, _username(people, column), found) as somebody:
            for route in (name for name, kept_out in wanted.items() if kept_out == column):
                somebody.visit(route, routes.address(route, places), status=403, is_like_others=True)

    assert not found.complaints, "\n".join(found.complaints)
    assert found.routes == set(wanted) and len(wanted) >= 10


@pytest.mark.timeout(900)  # a dozen refused forms
def test_refused_forms_of_one_case_have_no_axe_violation(browser, live_server):
    people = factories.office()
    case = factories.investigating(people)
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        page = worker.page
        page.goto(live_server.url + reverse("web:assign", args=[case.uid]))
        page.locator("select[name=assignee]").evaluate(
            "each => { each.options[0].value = '999999'; each.selectedIndex = 0; }"
        )
        worker.send("assign", "main form")
        address = reverse("web:reveal", args=[case.uid, "person-1-alias"])
        page.goto(live_server.url + address)
        page.locator("main form:has([name=purpose])").evaluate(crawl.SUBMIT)
        page.locator("main [role=alert], main .error").first.wait_for()
        worker.judge()
    auditor = next(name for name, each in people.items() if "auditor" in each.roles)
    with crawl.person(browser, live_server.url, auditor, found) as reader:
        reader.refuse("purpose", reverse("web:case", args=[case.uid]), "main form[action*='/purpose/']")

    assert not found.complaints, "\n".join(found.complaints)


@pytest.mark.timeout(900)  # a dozen refused forms
def test_refused_forms_of_ones_own_access_have_no_axe_violation(browser, live_server, monkeypatch):
    factories.office()
    user = User.objects.get(username="a.byrne")
    user.set_password(signing_in.PASSWORD)
    user.save()
    now = time.time()
    with monkeypatch.context() as held:  # the half minute of a code may not end between page and answer
        held.setattr(time, "time", lambda: now)
        signing_in.enrol(desk.client_of("a.byrne", is_stepped_up=True), signing_in.Clock(now))
    found = crawl.Findings()
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        worker.refuse("password", "/account/password/", "main form:has([name=oldpassword])")
    with crawl.person(browser, live_server.url, "p.nair", found) as worker:
        worker.refuse("app", "/account/app/", "main form:has([name=code])", typed={"code": "000000"})
    with crawl.person(browser, live_server.url, "a.byrne", found) as worker:
        worker.refuse("step_up", "/step-up/?next=/", "main form:has([name=code])", typed={"code": "000000"})

    assert not found.complaints, "\n".join(found.complaints)
