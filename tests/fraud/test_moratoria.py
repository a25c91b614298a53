"""Somebody of a referral is in a moratorium: it is held at once, and the adviser is asked to review it (K14)."""

from datetime import date

import pytest

from cases.kernel import edits, holds
from cases.kernel.models import Hold
from tests import factories

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
