"""Nothing leaves to whom no agreement is in force with, nor abroad without its safeguard."""

from dataclasses import replace
from datetime import date

import pytest

from cases.agencies.directory import TERMS
from cases.fraud import messages
from cases.kernel import releases
from cases.kernel.exchange import agreements
from tests import factories
from tests.kernel.messages import AT, FILING, recipient

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def papers(db):
    """The documents of the notice, approved."""
    factories.office()


ABROAD = {"safeguard": "idta", "tra_reference": "TRA-7", "transfer_covers_home": True} | {
    "transfer_until_date": date(2026, 11, 16)
}
NOT_GIVEN = {
    "There is no data-sharing agreement with Test Register in the register.": [
        recipient(terms=None),
        recipient(terms=replace(TERMS, sharing_from_date=None)),
    ],
    "Test Register is proposed in the register.": [recipient(terms=replace(TERMS, state="proposed"))],
    "Test Register is suspended in the register.": [recipient(terms=replace(TERMS, state="suspended"))],
    "Test Register is ended in the register.": [recipient(terms=replace(TERMS, state="ended"))],
    "The data-sharing agreement with Test Register does not hold yet.": [
        recipient(terms=replace(TERMS, sharing_from_date=date(2026, 11, 17)))
    ],
    "The data-sharing agreement with Test Register has ended.": [
        recipient(terms=replace(TERMS, sharing_until_date=date(2026, 11, 15)))
    ],
    "The data-sharing agreement with Test Register is past its review.": [
        recipient(terms=replace(TERMS, sharing_review_date=date(2026, 11, 15))),
        recipient(terms=replace(TERMS, sharing_review_date=None)),
    ],
    "Test Register is outside the United Kingdom and no transfer to US is approved for it.": [
        recipient(country="US"),
        recipient(country="US", **{**ABROAD, "safeguard": "good_faith"}),
        recipient(country="US", **{**ABROAD, "transfer_until_date": None}),
        recipient(country="US", **{**ABROAD, "transfer_covers_home": False}),
    ],
    "The safeguard for Test Register has no transfer risk assessment.": [
        recipient(country="US", **{**ABROAD, "safeguard": each, "tra_reference": ""})
        for each in ("idta", "addendum", "binding_rules")
    ],
    "The approved transfer abroad of Test Register is past its review.": [
        recipient(country="US", **{**ABROAD, "transfer_until_date": date(2026, 11, 15)}),
        recipient(**{**ABROAD, "transfer_until_date": date(2026, 11, 15)}),
    ],
    "A transfer by Test Register to IN is proposed or has lapsed, and is not approved.": [
        recipient(transfer_waits_for="IN"),
        recipient(country="US", **ABROAD, transfer_waits_for="IN"),
    ],
}


@pytest.mark.parametrize(("sentence", "refused"), [(each, one) for each, many in NOT_GIVEN.items() for one in many])
def test_without_an_agreement_in_force_nothing_leaves(sentence, refused):
    with pytest.raises(releases.ReleaseRefused) as refusal:
        releases.check(messages.FPA_FILE, refused, FILING, at=AT)
    assert str(refusal.value) == sentence


def test_the_first_and_the_last_day_of_an_agreement_count():
    today = date(2026, 11, 16)
    edge = replace(TERMS, sharing_from_date=today, sharing_until_date=today, sharing_review_date=today)
    assert releases.check(messages.FPA_FILE, recipient(terms=edge), FILING, at=AT)


def test_a_recipient_abroad_gets_what_its_safeguard_covers():
    without = ("adequacy", "data_bridge", "public_interest", "legal_claims", "vital_interests", "treaty")
    for safeguard in agreements.SAFEGUARDS:
        said = {**ABROAD, "safeguard": safeguard, "tra_reference": "" if safeguard in without else "TRA-7"}
        assert releases.check(messages.FPA_FILE, recipient(country="US", **said), FILING, at=AT)
    assert {each.source for each in agreements.SAFEGUARDS.values()} >= {"UK GDPR Art 45", "UK GDPR Art 47"}
