"""Leaving is one act: whoever leaves is out everywhere at once, and nothing of theirs is left waiting for them. One
person stops an access; that of whoever holds a privileged role ends for good by two."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from cases.kernel import actors, transitions, verdicts
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Approval, Case, OnCallAlert, RoleGrant, Task, TeamMembership, User
from cases.kernel.office import grants, leaving, people, proposals, shutout
from cases.kernel.oncall import alerts, reading
from cases.ledger import verify
from cases.ledger.models import LedgerEvent, SecurityEvent
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


def agree(office, row, verdict="agreed", *, by="j.merriweather"):
    return proposals.decide(row.uid, verdict, actor=office[by], at=AT, reason="I asked their manager.")


def standing(username):
    """Return whether a person has access, how many roles, seats and sessions."""
    user = User.objects.get(username=username)
    roles, seats = RoleGrant.objects.filter(user=user, revoked_at=None), user.memberships.filter(ended_at=None)
    return user.is_active, roles.count(), seats.count(), Session.objects.count()


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
    assert (row.state, standing("a.byrne")) == ("open", (False, 2, 1, 0))
    row = agree(office, row)

    user.refresh_from_db()
    assert (row.state, row.about_id, user.is_active, user.has_usable_password()) == ("agreed", user.pk, False, False)
    assert not RoleGrant.objects.filter(user=user, revoked_at=None).exists()
    assert not TeamMembership.objects.filter(user=user, ended_at=None).exists()
    assert not Session.objects.filter(session_key=key).exists()
    assert not Case.objects.filter(assignee=user, is_closed=False).exists()
    last = LedgerEvent.objects.filter(stream=case.uid).latest("seq")
    assert (last.action, last.actor) == ("case.returned", office["j.merriweather"].label)


def test_whoever_holds_a_privileged_role_is_shut_out_by_one_and_ended_or_let_in_by_another(office):
    """A privileged role is given and taken by two people (threat-model); a leaver is out at the next request (T2)."""
    client = desk.client_of("e.hallam")
    assert client.get("/").status_code == 200

    row = leave(office, "e.hallam")

    assert (row.state, row.needs) == ("open", ["data_protection_officer"])
    assert standing("e.hallam")[:3] == (False, 1, 1)
    assert client.get("/").status_code == 302
    (task,) = Task.objects.filter(kind="access_shut_out", closed_at=None)
    assert (task.due_at, task.detail["user"]) == (AT + timedelta(days=1), row.about_id)
    shown = desk.client_of("j.merriweather").get(reverse("web:tasks"), {"view": "all"}).content.decode()
    assert reverse("web:change", args=[row.uid]) in shown
    page = desk.client_of("j.merriweather").get(reverse("web:change", args=[row.uid])).content.decode()
    assert "They are shut out already: signed out everywhere, and not let in unless this is refused." in page
    with nothing_written(), pytest.raises(NotAllowed, match="You proposed it"):
        agree(office, row, by="o.thackray")
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="waits for a decision"):
        leave(office, "e.hallam")

    agree(office, row, "refused")

    assert standing("e.hallam")[:3] == (True, 1, 1)
    assert not Task.objects.filter(kind="access_shut_out", closed_at=None).exists()
    assert desk.client_of("e.hallam").get("/").status_code == 200
    assert SecurityEvent.objects.filter(kind__in=("person_shut_out", "person_let_in")).count() == 2

    agree(office, leave(office, "e.hallam"))
    assert standing("e.hallam")[:3] == (False, 0, 0)
    assert not Task.objects.filter(kind="access_shut_out", closed_at=None).exists()


def test_whoever_proposed_it_may_take_it_back_and_the_person_is_in_again(office):
    row = leave(office, "n.okonjo")
    proposals.withdraw(row.uid, actor=office["o.thackray"], at=AT, reason="It was somebody else.")
    assert standing("n.okonjo")[:3] == (True, 1, 1)


def second_administrator():
    user, _ = people.add_person("T. Quill", codes=["system_administrator"], actor=factories.job(), at=AT)
    return actors.staff(User.objects.get(pk=user.pk))


def test_one_administrator_does_not_become_the_one_who_decides(office):
    """An administrator is not trusted with their own rights, nor with the officer's who looks at them (B13)."""
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="Nobody else could agree"):
        leave(office, "j.merriweather")

    office["t.quill"] = second_administrator()
    row = leave(office, "j.merriweather")

    assert (row.needs, standing("j.merriweather")[0]) == (["system_administrator"], False)
    assert grants.second_hand(None) == frozenset({"data_protection_officer"})
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="Nobody else could agree"):
        leave(office, "t.quill")
    agree(office, row, "refused", by="t.quill")
    assert standing("j.merriweather")[0]


def test_whom_a_leaver_shut_out_stays_out_until_somebody_decides(office):
    office["t.quill"] = second_administrator()
    row = leave(office, "e.hallam", by="t.quill")

    agree(office, leave(office, "t.quill"))

    row.refresh_from_db()
    assert (row.state, standing("e.hallam")[:2]) == ("open", (False, 1))
    agree(office, row)
    assert standing("e.hallam")[:2] == (False, 0)


def test_approval_asked_for_by_a_leaver_still_waits_for_its_deciders(office):
    case = factories.ready(office)

    leave(office)

    desk_of_decider = desk.client_of("d.osei").get(reverse("web:approvals"))
    assert case.reference.encode() in desk_of_decider.content


def test_what_a_leaver_proposed_of_a_case_is_taken_back_and_its_team_is_asked(office):
    """Nobody else takes a proposal back, and who would decide might not: it would wait for ever."""
    case, other = factories.filed(office), factories.referred(office)
    transitions.apply(other.pk, "void", actor=office["a.byrne"], at=AT, reason="In error.")
    transitions.apply(case.pk, "detach", actor=office["a.byrne"], at=AT, reason="Another.", inputs={"person": "1"})
    before = Case.objects.get(pk=case.pk).version
    row = leave(office)
    assert Approval.objects.filter(closed_at=None, mode="before", typed__isnull=False).count() == 2  # shut out, no more

    agree(office, row)

    for each, act in ((case, "detach"), (other, "void")):
        approval = Approval.objects.get(case=each, act=act)
        assert (approval.outcome, approval.closed_at, approval.voided_at) == ("withdrawn", AT, None)
        task = Task.objects.get(case=each, kind="proposal_of_leaver", closed_at=None)
        assert (task.team_id, task.assignee_id, task.detail) == (each.team_id, None, {"act": act})
        event = LedgerEvent.objects.get(stream=each.uid, action="act.dropped")
        assert (event.actor, event.content()["detail"]) == (office["j.merriweather"].label, {"act": act})
        assert {found.level for found in verify.verify_stream(each.uid)} <= {"recorded late"}
    assert Case.objects.get(pk=case.pk).version > before
    page = desk.client_of("d.osei").get(reverse("web:case", args=[case.uid])).content.decode()
    assert "What somebody who left had proposed was taken back: propose it anew, or say why not: " in page
    transitions.apply(case.pk, "detach", actor=office["p.nair"], at=AT, reason="Another.", inputs={"person": "1"})
    assert Approval.objects.filter(case=case, act="detach", closed_at=None).exists()


def test_what_is_declined_of_somebody_who_cannot_sign_in_comes_to_their_team(office):
    case = factories.filed(office)
    transitions.apply(case.pk, "detach", actor=office["a.byrne"], at=AT, reason="Another.", inputs={"person": "1"})
    leave(office)
    approval = Approval.objects.get(case=case, act="detach")

    verdicts.decide(approval.uid, "refused", actor=office["d.osei"], at=AT, reason="It is them.")

    task = Task.objects.get(case=case, kind="proposal_declined", closed_at=None)
    assert (task.assignee_id, task.team_id) == (None, case.team_id)


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
    leave(office, "p.nair")
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="There is no such person."):
        leave(office, "p.nair")
    with nothing_written(), pytest.raises(NotAllowed, match="which is proposed first"):
        leaving.leave(office["a.byrne"].user_id, actor=office["o.thackray"], at=AT)


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


def test_a_day_in_which_nobody_decided_is_told_to_oversight_and_rings_for_who_may_decide_once(office):
    """Whoever was shut out by mistake, or by somebody who meant harm, cannot ask for it themselves."""
    said = {"team": "data_protection", "position": 1, "label": "Officer on call", "method": "e_mail"}
    route = {**said, "address": "officer@example.org", "is_rung": True}
    row = proposals.propose("on_call_route", route, actor=office["o.thackray"], at=AT, reason="The rota.")
    proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=AT, reason="As in the rota.")
    row = leave(office, "e.hallam")
    due_at = AT + timedelta(days=1)
    with nothing_written():
        assert shutout.ask_again(now=due_at) == 0

    later = due_at + timedelta(minutes=1)
    assert [shutout.ask_again(now=later), shutout.ask_again(now=later + timedelta(days=1))] == [1, 0]

    (task,) = Task.objects.filter(kind="access_undecided", closed_at=None)
    assert task.detail == {"user": row.about_id, "change": str(row.uid)}
    alert = OnCallAlert.objects.get(why="shut_out")
    assert (alert.case, alert.team.code, alert.rings.count()) == (None, "data_protection", 1)
    assert SecurityEvent.objects.filter(kind="person_shut_out_undecided").count() == 1
    for who in ("j.merriweather", "b.lacombe"):
        assert reverse("web:change", args=[row.uid]) in desk.client_of(who).get("/").content.decode()
    officer = desk.client_of("j.merriweather")
    assert "A colleague was shut out for a day" in officer.get("/on-call/").content.decode()
    assert alerts.escalate(now=later + timedelta(minutes=5)) == 1
    counsel = office["v.tranter"]
    beside = replace(counsel, team_ids=counsel.team_ids | {alert.team_id})
    with nothing_written(), pytest.raises(NotAllowed):  # of the team, and cannot decide: it goes on ringing
        alerts.acknowledge(alert.uid, actor=beside, at=later)
    assert [each.may_answer for each in reading.waiting(beside)] == [False]
    officer.post(reverse("web:on_call_acknowledge", args=[alert.uid]))
    assert alerts.escalate(now=later + timedelta(minutes=10)) == 0

    agree(office, row, "refused")
    assert not Task.objects.filter(kind__startswith="access_", closed_at=None).exists()
    assert OnCallAlert.objects.get(pk=alert.pk).acknowledged_by == factories.user("j.merriweather")


def test_what_rings_for_a_shut_out_is_silent_once_somebody_has_decided(office):
    said = {"team": "data_protection", "position": 1, "label": "Officer on call", "method": "e_mail"}
    route = {**said, "address": "officer@example.org", "is_rung": True}
    row = proposals.propose("on_call_route", route, actor=office["o.thackray"], at=AT, reason="The rota.")
    proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=AT, reason="As in the rota.")
    row = leave(office, "e.hallam")
    later = AT + timedelta(days=1, minutes=1)
    shutout.ask_again(now=later)
    agree(office, row)
    assert alerts.escalate(now=later + timedelta(hours=1)) == 0
    assert not Task.objects.filter(kind="access_undecided", closed_at=None).exists()
    with nothing_written():
        assert shutout.ask_again(now=later + timedelta(days=9)) == 0
