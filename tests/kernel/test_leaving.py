"""Leaving is one act: whoever leaves is out everywhere at once, and nothing of theirs is left waiting for them."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from cases.kernel.errors import NotAllowed
from cases.kernel.models import Case, RoleGrant, TeamMembership, User
from cases.kernel.office import grants, leaving, people, proposals
from cases.ledger.models import LedgerEvent
from cases.reports import requests
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.web import desk

AT = factories.APPROVED_AT
pytestmark = pytest.mark.django_db


@pytest.fixture
def office():
    return factories.office()


def leave(office, username="a.byrne", *, by="o.thackray"):
    payload = {"user": office[username].user_id}
    return proposals.propose("leaver", payload, actor=office[by], at=AT, reason="Last day.")


def test_next_request_of_whoever_left_is_turned_away_everywhere(office):
    case = factories.investigating(office)
    factories.scan()
    report = requests.request(case, actor=office["a.byrne"], at=AT)
    doors = {
        "page": reverse("web:case", args=[case.uid]),
        "fragment": reverse("web:counts"),
        "download": reverse("web:download", args=[case.uid, 1]),
        "report": reverse("web:report_file", args=[case.uid, report.uid]),
        "account": reverse("mfa_index"),
    }
    client = desk.client_of("a.byrne", is_stepped_up=True)
    assert client.get(doors["page"]).status_code == 200
    assert client.get(doors["download"]).status_code == 200

    leave(office)

    answers = {name: client.get(path) for name, path in doors.items()}
    answers["act"] = client.post(reverse("web:note", args=[case.uid]), {"text": "Still here."})
    assert {name: (answer.status_code, answer.get("location", "")[:9]) for name, answer in answers.items()} == (
        dict.fromkeys(answers, (302, "/sign-in/"))
    )
    assert not any(case.reference.encode() in answer.content for answer in answers.values())


def test_sessions_roles_and_teams_end_and_open_cases_go_back(office, settings):
    settings.DEMO = True
    case = factories.investigating(office)
    user = User.objects.get(username="a.byrne")
    client = Client()
    client.post("/sign-in/demo/a.byrne/")
    key = client.session.session_key
    assert client.get("/").status_code == 200

    row = leave(office)

    user.refresh_from_db()
    assert (row.state, row.about_id, user.is_active, user.has_usable_password()) == ("agreed", user.pk, False, False)
    assert not RoleGrant.objects.filter(user=user, revoked_at=None).exists()
    assert not TeamMembership.objects.filter(user=user, ended_at=None).exists()
    assert not Session.objects.filter(session_key=key).exists()
    assert not Case.objects.filter(assignee=user, is_closed=False).exists()
    last = LedgerEvent.objects.filter(stream=case.uid).latest("seq")
    assert (last.action, last.actor) == ("case.returned", office["o.thackray"].label)


def test_approval_asked_for_by_a_leaver_still_waits_for_its_deciders(office):
    case = factories.ready(office)

    leave(office)

    desk_of_decider = desk.client_of("d.osei").get(reverse("web:approvals"))
    assert case.reference.encode() in desk_of_decider.content


def test_one_time_link_of_a_leaver_is_dead(office):
    user, token = people.add_person("Sandy Vale", codes=[], actor=office["o.thackray"], at=AT)

    proposals.propose("leaver", {"user": user.pk}, actor=office["o.thackray"], at=AT, reason="Never came.")

    with pytest.raises(people.LinkRefused):
        people.find_link(token, at=AT)


def test_what_a_leaver_proposed_and_what_is_proposed_about_them_is_taken_back(office):
    grants.grant(office["m.achterberg"].user_id, "fraud_analyst", actor=factories.job(), at=AT)
    wanted = {"user": office["p.nair"].user_id, "role": "fraud_approver"}
    about = proposals.propose("role_grant", wanted, actor=office["o.thackray"], at=AT, reason="Promoted.")

    leave(office, "p.nair")

    about.refresh_from_db()
    assert about.state == "withdrawn"
    assert LedgerEvent.objects.filter(stream=about.uid).latest("seq").action == "office.dropped"


@pytest.mark.parametrize(
    ("username", "by", "error", "sentence"),
    [
        ("o.thackray", "o.thackray", proposals.ProposalRefused, "Nobody changes their own rights"),
        ("a.byrne", "j.merriweather", NotAllowed, "This needs the role system administrator."),
    ],
)
def test_leaving_is_refused_for_oneself_and_by_others(office, username, by, error, sentence):
    with nothing_written(), pytest.raises(error, match=sentence):
        leave(office, username, by=by)


def test_nobody_leaves_twice_and_no_staff_ends_access_without_a_proposal(office):
    leave(office)
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="There is no such person."):
        leave(office)
    with nothing_written(), pytest.raises(NotAllowed, match="which is proposed first"):
        leaving.leave(office["p.nair"].user_id, actor=office["o.thackray"], at=AT)


def seat(office, username, team, standing):
    payload = {"user": office[username].user_id, "team": team, "standing": standing}
    return proposals.propose("team_member", payload, actor=office["o.thackray"], at=AT, reason="Moves.")


@pytest.mark.parametrize(
    ("username", "team", "standing", "state"),
    [
        ("p.nair", "credit", "member", "agreed"),
        ("p.nair", "fraud", "lead", "agreed"),
        ("a.byrne", "fraud", "none", "agreed"),
        ("p.nair", "disclosure", "member", "open"),
        ("k.mistry", "disclosure", "lead", "agreed"),
        ("k.mistry", "disclosure", "none", "agreed"),
    ],
)
def test_who_is_in_a_team_changes_at_once_but_a_restricted_one_is_joined_by_two(
    office, username, team, standing, state
):
    factories.investigating(office)

    row = seat(office, username, team, standing)

    assert row.state == state
    if state == "open":
        proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=AT, reason="Cleared.")
    found = TeamMembership.objects.filter(user_id=office[username].user_id, team__code=team, ended_at=None)
    assert [each.is_lead for each in found] == ([] if standing == "none" else [standing == "lead"])
    assert not Case.objects.filter(assignee__username="a.byrne").exists() or standing != "none" or username != "a.byrne"


def test_team_is_made_renamed_and_its_mark_needs_two(office):
    def ask(kind, **payload):
        return proposals.propose(kind, payload, actor=office["o.thackray"], at=AT, reason="New work.")

    assert ask("team_add", code="sales", name="Sales", is_restricted=True).state == "agreed"
    assert ask("team_change", code="sales", name="Debt sales", is_restricted=True).state == "agreed"
    lifted = ask("team_change", code="sales", name="Debt sales", is_restricted=False)
    assert (lifted.state, lifted.needs) == ("open", ["data_protection_officer"])
    for kind, sentence in (("team_add", "There is a team with that code"), ("team_change", "waits for a decision")):
        with nothing_written(), pytest.raises(proposals.ProposalRefused, match=sentence):
            ask(kind, code="sales", name="Other", is_restricted=True)
