"""How many statements a page of the office takes, all told, at one row and at three."""

import pytest
from allauth.usersessions.models import UserSession
from django.urls import reverse

from cases.kernel.models import AccessReview, User
from cases.kernel.office import access, people, proposals
from tests import factories
from tests.web import desk
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
ROLES = ("fraud_analyst", "credit_officer", "collections_analyst")
TEAMS = ("fraud", "credit", "rights")


@pytest.fixture
def office():
    return factories.office()


def newcomers(office, count: int) -> list[User]:
    """So many people with a role each, in the team of credit."""
    found = []
    for number in range(count):
        user, _ = people.add_person(f"N. Comer-{number}", codes=ROLES[:1], actor=office["o.thackray"], at=factories.AT)
        seat(office, user, "credit")
        found.append(user)
    return found


def seat(office, user, team: str) -> None:
    payload = {"user": user.pk, "team": team, "standing": "member"}
    proposals.propose("team_member", payload, actor=office["o.thackray"], at=factories.AT, reason="New.")


def ask_for(office, user, role: str):
    payload = {"user": user.pk, "role": role}
    return proposals.propose("role_grant", payload, actor=office["o.thackray"], at=factories.AT, reason="Needed.")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("view", "expected"), [("open", 4), ("mine", 4), ("past", 4), ("waiting", 4)])
def test_changes(office, view, expected, count):
    for user in newcomers(office, count):
        ask_for(office, user, "fraud_approver")
    found = statements(desk.client_of("j.merriweather"), f"/office/changes/?view={view}")
    assert len(found) == expected, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_one_change(office, count):
    (user,) = newcomers(office, 1)
    rows = [ask_for(office, user, role) for role in ("fraud_approver", "credit_reviewer", "legal_counsel")[:count]]
    found = statements(desk.client_of("j.merriweather"), reverse("web:change", args=[rows[0].uid]))
    assert len(found) == 9, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_people(office, count):
    User.objects.filter(pk__in=[each.user_id for each in office.values()]).exclude(username="o.thackray").update(
        is_active=False
    )
    newcomers(office, count)
    found = statements(desk.client_of("o.thackray"), "/people/")
    assert len(found) == 6, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_person(office, count):
    (user,) = newcomers(office, 1)
    for role, team in list(zip(ROLES, TEAMS, strict=True))[1:count]:
        ask_for(office, user, role)
        seat(office, user, "audit" if team == "credit" else team)
    for number in range(count):
        UserSession.objects.create(user=user, session_key=f"key-{number}", ip="192.0.2.1", user_agent="Browser")
    found = statements(desk.client_of("o.thackray"), reverse("person", args=[user.pk]))
    assert len(found) == 15, shortly(found)


@pytest.mark.parametrize("count", [1, 3])
def test_teams_and_one_team(office, count):
    for number in range(count):
        payload = {"code": f"shift_{number}", "name": f"Shift {number}", "is_restricted": False}
        proposals.propose("team_add", payload, actor=office["o.thackray"], at=factories.AT, reason="Shifts.")
    newcomers(office, count)
    client = desk.client_of("o.thackray")
    found = [statements(client, "/office/teams/"), statements(client, "/office/teams/credit/")]
    assert [len(each) for each in found] == [4, 5], "\n\n".join(map(shortly, found))


@pytest.mark.parametrize("count", [1, 3])
def test_access_reviews_and_one_review(office, count):
    newcomers(office, count)
    access.open_month(now=factories.AT)
    review = AccessReview.objects.get(team__code="credit")
    client = desk.client_of("p.lindqvist")
    found = [statements(client, "/office/access/"), statements(client, reverse("web:access_review", args=[review.uid]))]
    assert [len(each) for each in found] == [4, 9], "\n\n".join(map(shortly, found))


@pytest.mark.parametrize("count", [1, 3])
def test_code_lists(office, count):
    for number in range(count):
        payload = {
            "list_code": "fraud_product",
            "code": f"product_{number}",
            "label": f"Product {number}",
            "position": 9,
            "active_from": None,
            "active_until": None,
        }
        row = proposals.propose("code_new", payload, actor=office["o.thackray"], at=factories.AT, reason="Sold now.")
        proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=factories.AT, reason="Read.")
    client = desk.client_of("o.thackray")
    client.get("/office/codes/")
    found = [statements(client, "/office/codes/"), statements(client, "/office/codes/fraud_product/")]
    assert [len(each) for each in found] == [3, 3], "\n\n".join(map(shortly, found))
