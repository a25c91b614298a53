"""A restricted team lets people of oversight read, for a while and for a reason; nobody lets themselves in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.kernel import actors, policy, transitions, verdicts
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import CompartmentGrant, Team
from cases.kernel.restricted import compartments
from cases.ledger.models import AccessEvent, LedgerEvent, SecurityEvent
from tests import factories, suspicions
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
WHY = "Yearly audit of the nominated officer's decisions."


def anew(username):
    return actors.staff(factories.user(username))


def let_in(people, reader="b.lacombe", *, by="h.castellan", days=30, at=None, team="financial_crime", reason=WHY):
    at = at or timezone.now()
    return compartments.grant(
        Team.objects.get(code=team).pk,
        people[reader].user_id,
        reason=reason,
        ends_at=at + timedelta(days=days),
        actor=people[by],
        at=at,
    )


def test_an_auditor_reads_only_while_a_grant_lasts(people):
    report = suspicions.submitted(people)
    assert not policy.visible_to(anew("b.lacombe")).filter(pk=report.pk).exists()

    row = let_in(people)
    auditor = anew("b.lacombe")
    assert policy.visible_to(auditor).filter(pk=report.pk).exists()
    assert policy.can(auditor, "view", case=report).needs_reason
    assert not policy.can(auditor, "reveal", case=report).is_allowed
    assert not policy.visible_to(anew("j.merriweather")).filter(pk=report.pk).exists()

    compartments.revoke(row.uid, actor=people["w.strake"], at=timezone.now())
    assert not policy.visible_to(anew("b.lacombe")).filter(pk=report.pk).exists()
    let_in(people, at=timezone.now() - timedelta(days=40))
    assert not policy.visible_to(anew("b.lacombe")).filter(pk=report.pk).exists()


def test_a_grant_for_one_compartment_opens_no_other(people):
    report = suspicions.submitted(people)
    let_in(people, by="e.hallam", team="disclosure")
    assert not policy.visible_to(anew("b.lacombe")).filter(pk=report.pk).exists()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"by": "d.osei"}, NotAllowed),
        ({"by": "o.thackray"}, NotAllowed),
        ({"by": "j.merriweather"}, NotVisible),
        ({"team": "disclosure"}, NotVisible),
        ({"reader": "a.byrne"}, compartments.CompartmentRefused),
        ({"reader": "h.castellan"}, compartments.CompartmentRefused),
        ({"reason": "Because."}, compartments.CompartmentRefused),
        ({"days": 91}, compartments.CompartmentRefused),
        ({"days": -1}, compartments.CompartmentRefused),
    ],
)
def test_other_grants_are_refused_without_a_trace(people, given, error):
    with nothing_written(), pytest.raises(error):
        let_in(people, **given)


def test_a_grant_is_on_the_teams_own_record_and_its_reason_is_sealed(people):
    row = let_in(people)
    event = LedgerEvent.objects.get(stream=row.team.uid, action="compartment.granted")
    assert event.actor == people["h.castellan"].label
    assert WHY not in event.body
    with pytest.raises(compartments.CompartmentRefused, match="This person may read here already."):
        let_in(people)


def test_what_a_compartment_looks_at_outside_is_seen_inside_alone(people):
    case = factories.investigating(people)
    officer = client_of("h.castellan")
    assert officer.get(f"/cases/{case.uid}/").status_code == 200
    officer.post(f"/cases/{case.uid}/reveal/person-1-alias/", {"purpose": "verify_identity"})
    mine = AccessEvent.objects.filter(streams__contains=[case.uid], actor=people["h.castellan"].label)
    team = Team.objects.get(code="financial_crime")
    assert {each.purpose for each in mine} == {f"compartment:{team.pk}"}

    for username in ("a.byrne", "d.osei", "b.lacombe"):
        client = client_of(username)
        client.post(f"/cases/{case.uid}/purpose/", {"purpose": "oversight"})
        assert "H. Castellan" not in client.get(f"/cases/{case.uid}/audit/").content.decode()
    inside = client_of("w.strake").get("/compartment/").content.decode()
    assert "H. Castellan" in inside and case.reference in inside
    assert client_of("e.hallam").get("/compartment/").content.decode().count("H. Castellan") == 0
    assert client_of("a.byrne").get("/compartment/").status_code == 403


def test_showing_all_of_a_person_is_seen_inside_alone_too(people):
    factories.referred(people)
    case = factories.investigating(people)
    shown = client_of("h.castellan").post(f"/cases/{case.uid}/people/2/reveal/", {"purpose": "verify_identity"})
    assert "Penzance" in shown.content.decode()
    row = AccessEvent.objects.get(streams__contains=[case.uid], verb="reveal")
    assert row.purpose == f"compartment:{Team.objects.get(code='financial_crime').pk}"
    assert [each for each in row.fields if each.startswith("address-")] == [
        "address-2-line_1",
        "address-2-town",
        "address-2-postcode",
    ]
    for path in ("audit/", "people/2/"):
        client = client_of("a.byrne")
        assert "H. Castellan" not in client.get(f"/cases/{case.uid}/{path}").content.decode()


def test_looking_at_a_case_where_something_is_proposed_is_seen_inside_alone_too(people):
    case, other = factories.investigating(people), factories.referred(people)
    at = factories.AT
    inputs = {"into": str(other.uid), "reference": other.reference}
    transitions.apply(case.pk, "merge", actor=people["a.byrne"], at=at, reason="Twice.", inputs=inputs)
    officer = client_of("h.castellan")
    for path in ("", "merge/"):
        assert other.reference in officer.get(f"/cases/{case.uid}/{path}").content.decode()
    rows = AccessEvent.objects.filter(streams__contains=[case.uid], actor=people["h.castellan"].label)
    assert {each.purpose for each in rows} == {f"compartment:{Team.objects.get(code='financial_crime').pk}"}
    assert rows.filter(fields=["typed"]).count() == 2
    assert "H. Castellan" not in client_of("a.byrne").get(f"/cases/{case.uid}/audit/").content.decode()


def test_what_is_refused_inside_is_in_the_security_log_for_whom_it_lets_read_alone(people):
    report = suspicions.written(people)
    officer = people["h.castellan"]
    at = timezone.now()
    with pytest.raises(transitions.TransitionRefused):
        transitions.apply(report.pk, "close", actor=officer, at=at, reason="Too early.")
    transitions.apply(report.pk, "void", actor=officer, at=at, reason="Twice.")
    approval = report.approvals.get(act="void")
    with pytest.raises(transitions.TransitionRefused):
        verdicts.decide(approval.uid, "agreed", actor=officer, at=at)
    verdicts.decide(approval.uid, "withdrawn", actor=officer, at=at)
    with pytest.raises(transitions.TransitionRefused):
        verdicts.decide(approval.uid, "agreed", actor=officer, at=at)
    assert SecurityEvent.objects.filter(kind="transition_refused").count() == 3

    def seen():
        client = client_of("b.lacombe")
        page = client.get(f"/people/{officer.user_id}/").content.decode()
        return client.get("/security-log/").content.decode().count("H. Castellan"), "Transition refused" in page

    assert seen() == (0, False)
    let_in(people)
    assert seen() == (4, False)


def test_the_page_grants_and_takes_back(people):
    client = client_of("h.castellan", is_stepped_up=True)
    team = Team.objects.get(code="financial_crime")
    until = (timezone.now() + timedelta(days=20)).date().isoformat()
    form = {"team": team.pk, "reader": people["b.lacombe"].user_id, "until": until, "reason": WHY}
    assert client.post("/compartment/", {**form, "reason": "No."}).status_code == 422
    assert client_of("h.castellan").post("/compartment/", form).url == "/step-up/"
    assert not CompartmentGrant.objects.exists()
    assert client.post("/compartment/", form).url == "/compartment/"
    row = CompartmentGrant.objects.get()
    assert "B. Lacombe" in client.get("/compartment/").content.decode()
    assert client_of("e.hallam").post(f"/compartment/{row.uid}/revoke/").status_code == 404
    client.post(f"/compartment/{row.uid}/revoke/")
    row.refresh_from_db()
    assert row.revoked_at is not None
