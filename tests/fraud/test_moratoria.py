"""Somebody of a referral is in a moratorium: it is held at once, and the adviser is asked to review it (K14)."""

from datetime import date

import pytest

from cases.kernel import edits, holds, intake
from cases.kernel.models import Hold
from cases.ledger import verify
from tests import factories
from tests import requests_of_people as rights

pytestmark = pytest.mark.django_db
AWAY = {
    "sct": {"town": "Edinburgh", "postcode": "EH1 0ZZ"},
    "nir": {"town": "Belfast", "postcode": "BT1 0ZZ"},
}


@pytest.mark.parametrize("kind", ["breathing_space", "mental_health_crisis"])
@pytest.mark.parametrize("part", sorted(AWAY))
def test_a_moratorium_of_somebody_whose_address_is_elsewhere_is_held_and_reviewed(part, kind):
    """The register's entry counts, and our address may be old: regulations of England and Wales say how long."""
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.add_address(1, "current", line_1="1 Drama Street", **AWAY[part])
    assert case.parties.get(number=1).addresses.filter(kind="current", jurisdiction=part).exists()
    said = {"source": "adviser", "reason": "Notice of the moratorium service.", "person": 1}
    holds.enter(case.pk, kind, actor=people["a.byrne"], at=factories.AT, **said)
    hold = Hold.objects.get(case=case)
    assert (hold.kind, hold.party.number, "contact" in hold.blocks) == (kind, 1, True)
    clock = case.clocks.get(rule="k14_ask_review")
    assert (clock.state, clock.due_date, clock.jurisdiction) == ("running", date(2026, 12, 3), "eaw")
    assert case.tasks.filter(kind="fraud_ask_review", closed_at=None).count() == 1


@pytest.mark.parametrize(
    ("role", "is_innocent", "is_asked"),
    [
        ("account_holder", False, True),
        ("third_party_fraudster", False, False),
        ("account_holder", True, False),
    ],
)
def test_a_moratorium_on_another_case_of_the_account_asks_only_where_its_holder_did_it(role, is_innocent, is_asked):
    """SI 2020/1311 reg 5(4)(c): the debtor's own fraud; what somebody else ran up in their name is eligible."""
    people = factories.office()
    case = factories.investigating(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=factories.AT) as edit:
        edit.party(1, role=role, is_innocent=is_innocent)
    values = {**rights.PERSON["values"], "account_reference": factories.FACTS["account_reference"]}
    elsewhere = intake.open_case(
        rights.REQUEST,
        actor=people[rights.OFFICER],
        at=factories.AT,
        facts={"right": "access", "came_by": "letter"},
        people=[{**rights.PERSON, "values": values}],
    )
    said = {"source": "adviser", "reason": "Notice of the moratorium service."}
    for _ in range(2):
        holds.enter(elsewhere.pk, "breathing_space", actor=people[rights.OFFICER], at=factories.AT, **said)
    found = [(row.kind, row.detail) for row in case.tasks.filter(closed_at=None, kind="fraud_ask_review")]
    assert found == [("fraud_ask_review", {})] * is_asked
    assert [clock.due_date for clock in case.clocks.filter(rule="k14_ask_review")] == [date(2026, 12, 3)] * is_asked
    assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}
