"""The rate of VAT on commission and what an agency settles for by itself: entered by two people, each from a day on
(domain 5A.3: the authority to settle is part of what was agreed with an agency)."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from cases.debt import figures
from cases.debt.models import DebtFigure
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Agency
from cases.kernel.office import proposals
from cases.kernel.office.proposals import ProposalRefused, ProposalStale
from cases.ledger import api as ledger
from cases.web import asking
from tests import factories, placements
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
TODAY = AT.date()
VAT = {"rate": 2250, "effective_from": TODAY + timedelta(days=1), "source": "Finance Act 2027 s. 1"}
AGREED = {
    "agency": placements.CODE,
    "percent": 95,
    "effective_from": TODAY,
    "source": "Agreement DR-2026 clause 7",
}


def finance(people) -> str:
    return next(name for name, actor in people.items() if "finance_approver" in actor.roles)


def propose(people, kind: str, payload, *, by: str = placements.MANAGER):
    return proposals.propose(kind, payload, actor=people[by], at=AT, reason="As agreed.")


def agree(people, row, *, by: str = ""):
    who = people[by or finance(people)]
    return proposals.decide(row.uid, "agreed", actor=who, at=AT, reason="Read.")


def test_a_rate_of_vat_that_two_people_entered_counts_from_its_day(people):
    row = propose(people, "vat_rate", VAT)
    assert figures.vat_rate(on=TODAY + timedelta(days=9)) == 2000
    with nothing_written(), pytest.raises(NotAllowed):
        agree(people, row, by=placements.MANAGER)  # who proposed it does not agree to it
    agree(people, row)
    rates = [figures.vat_rate(on=TODAY + timedelta(days=days)) for days in (0, 1, 400)]
    assert rates == [2000, 2250, 2250]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"effective_from": date(2011, 1, 4)}, "after the one before it"),
        ({"effective_from": TODAY - timedelta(days=93)}, "at most three months ago"),
        ({"effective_from": TODAY + timedelta(days=367)}, "at most three months ago, or a year ahead"),
    ],
)
def test_a_rate_that_follows_nothing_or_is_of_a_wrong_year_is_refused(people, changes, sentence):
    with nothing_written(), pytest.raises(ProposalRefused) as refused:
        propose(people, "vat_rate", VAT | changes)
    assert sentence in refused.value.errors["effective_from"]


def test_of_two_rates_that_were_proposed_at_once_one_counts(people):
    first = propose(people, "vat_rate", VAT)
    with nothing_written(), pytest.raises(ProposalRefused):
        propose(people, "vat_rate", VAT | {"rate": 1750}, by=finance(people))
    with ledger.action(first.uid, "test.rate", actor="tests", at=AT):
        DebtFigure.objects.create(code=figures.VAT, value=1750, effective_from=TODAY, source="Another way.")
    with pytest.raises(ProposalStale):
        agree(people, first)
    assert figures.vat_rate(on=TODAY + timedelta(days=1)) == 1750


def test_what_an_agency_settles_for_by_itself_is_what_was_agreed_with_it(people):
    """At 80 % for all, £45.00 of £50.00 needed nobody; this agency was given less."""
    assert placements.settled(people).state == "settled"
    agree(people, propose(people, "settlement_authority", AGREED, by=placements.ANALYST))
    case = placements.said(placements.active(people), "placement.remitted", amount_pence=4500, is_settlement=True)
    assert (case.state, case.approvals.get(closed_at=None).needs) == ("active", ["collections_manager"])
    case = placements.said(placements.active(people), "placement.remitted", amount_pence=4750, is_settlement=True)
    assert case.state == "settled"
    other = Agency.objects.exclude(code=placements.CODE).first()
    assert figures.settlement_authority(other.pk, on=TODAY) == 80


def test_who_has_no_part_in_money_enters_no_number_and_of_a_buyer_none_is_entered(people):
    for kind, payload in (("vat_rate", VAT), ("settlement_authority", AGREED)):
        with nothing_written(), pytest.raises(NotAllowed):
            propose(people, kind, payload, by="a.byrne")
    with nothing_written(), pytest.raises(NotAllowed):
        propose(people, "vat_rate", VAT, by=placements.ANALYST)
    with nothing_written(), pytest.raises(ProposalRefused):
        propose(people, "settlement_authority", AGREED | {"agency": "nobody"})


def test_a_number_stands_once_for_a_day_and_is_of_its_kind(people):
    placements.enter()
    with ledger.action(factories.submitted(people).uid, "test.rate", actor="tests", at=AT):
        for wrong in (
            {"code": "vat_standard", "value": 5001, "source": "S"},
            {"code": "vat_standard", "value": 1750, "source": ""},
            {"code": "settlement_authority", "value": 80, "source": "S"},
            {"code": "settlement_authority", "value": 101, "source": "S", "agency": Agency.objects.first()},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                DebtFigure.objects.create(effective_from=TODAY, **wrong)
        DebtFigure.objects.create(code="vat_standard", value=1750, source="S", effective_from=TODAY)
        with pytest.raises(IntegrityError), transaction.atomic():
            DebtFigure.objects.create(code="vat_standard", value=1850, source="S", effective_from=TODAY)


def test_the_page_of_batches_says_what_counts_what_comes_and_by_which_source(people, monkeypatch):
    monkeypatch.setattr(asking, "now", lambda: AT)
    placements.enter()
    agree(people, propose(people, "vat_rate", VAT))
    agree(people, propose(people, "settlement_authority", AGREED))
    page = client_of(placements.MANAGER).get("/debt/batches/").text
    day = TODAY + timedelta(days=1)
    assert f"22.5 % from {day:%-d %B %Y}" in page and "95 % of what is owed" in page
    assert "Agreement DR-2026 clause 7; since" in page
    assert f"/office/changes/new/settlement_authority/?agency={placements.CODE}" in page
    assert "/office/changes/new/vat_rate/" in page
    assert "/office/changes/new/" not in client_of("o.thackray").get("/debt/batches/").text


def test_a_wrong_number_whose_day_is_to_come_gives_way_to_another_and_one_that_counts_does_not(people):
    agree(people, propose(people, "vat_rate", VAT))
    day = VAT["effective_from"]
    agree(people, propose(people, "vat_rate", VAT | {"rate": 2200, "source": "Finance Act 2027 s. 2"}))
    row = DebtFigure.objects.get(code=figures.VAT)
    assert (row.value, row.effective_from, row.source) == (2200, day, "Finance Act 2027 s. 2")
    assert [each.value for each in row.history.order_by("history_id")] == [2250, 2200]
    for wrong in (AT + timedelta(days=1), AT + timedelta(days=9)):
        with nothing_written(), pytest.raises(ProposalRefused, match="after the one before it"):
            proposals.propose("vat_rate", VAT, actor=people[placements.MANAGER], at=wrong, reason="Too late.")


def test_a_number_that_was_proposed_for_a_day_to_come_is_not_agreed_to_once_that_day_is_there(people):
    agree(people, propose(people, "vat_rate", VAT))
    row = propose(people, "vat_rate", VAT | {"rate": 2200})
    with nothing_written(), pytest.raises((ProposalRefused, ProposalStale)):
        proposals.decide(row.uid, "agreed", actor=people[finance(people)], at=AT + timedelta(days=2), reason="Read.")
    assert DebtFigure.objects.get(code=figures.VAT).value == 2250
