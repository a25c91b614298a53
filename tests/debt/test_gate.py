"""What stops an account from being placed: every rule of domain 5A.2, in words; a hidden hold says only that."""

import csv
from datetime import date
from pathlib import Path

import pytest

from cases.accounts import storing, uploads
from cases.accounts.models import Account
from cases.debt import gate, limitation
from cases.kernel import holds
from cases.kernel.background import jobrun
from cases.kernel.models import QuietHold, Team
from cases.kernel.restricted import moving, quietholds
from cases.ledger import api as ledger
from cases.ledger.models import AccessEvent
from cases.ledger.reads import Reader
from tests import factories
from tests.accounts import portfolio
from tests.factories import AT

NAMED = Path(__file__).parents[1] / "data" / "gate.csv"
TODAY = date(2026, 11, 22)
YEARS = {"eaw": 6, "nir": 6, "sct": 5}


def candidate(*, jurisdiction="eaw", of=None, **known) -> gate.Candidate:
    # Domain 5A.10: £312.46 on 22 Nov 2026.
    columns = {
        "balance_pence": 31246,
        "final_bill_date": date(2026, 6, 30),
        "oldest_unpaid_date": date(2026, 4, 30),
    }
    account = Account(jurisdiction=jurisdiction, **columns | (of or {}))
    return gate.Candidate(account=account, today=TODAY, years=YEARS[jurisdiction], **known)


def codes(of: gate.Candidate) -> list[str]:
    return [each.code for each in gate.judge(of)]


STOPPED = [
    ("policy_hold", candidate(holds=frozenset({"policy"}))),
    ("hold_dispute", candidate(holds=frozenset({"dispute"}))),
    ("hold_complaint", candidate(holds=frozenset({"complaint"}))),
    ("hold_breathing_space", candidate(holds=frozenset({"breathing_space"}))),
    ("hold_mental_health_crisis", candidate(holds=frozenset({"mental_health_crisis"}))),
    ("hold_scottish_moratorium", candidate(holds=frozenset({"scottish_moratorium"}))),
    ("hold_insolvency", candidate(holds=frozenset({"insolvency"}))),
    ("hold_deceased", candidate(holds=frozenset({"deceased"}))),
    ("hold_vulnerable", candidate(holds=frozenset({"vulnerable"}))),
    ("hold_fraud_victim", candidate(holds=frozenset({"fraud_victim"}))),
    ("hold_other", candidate(holds=frozenset({"other"}))),
    ("balance_too_small", candidate(of={"balance_pence": 999})),
    ("balance_too_small", candidate(of={"balance_pence": -1})),
    ("bill_too_recent", candidate(of={"final_bill_date": date(2026, 10, 24)})),
    ("bill_too_recent", candidate(of={"final_bill_date": None})),
    ("complaint", candidate(flags=frozenset({"complaint"}))),
    ("dispute", candidate(flags=frozenset({"dispute"}))),
    ("adr", candidate(flags=frozenset({"adr"}))),
    ("arrangement", candidate(flags=frozenset({"payment_arrangement"}))),
    ("arrangement", candidate(flags=frozenset({"debt_plan"}))),
    ("promise", candidate(flags=frozenset({"promise"}))),
    ("due_date_unknown", candidate(of={"oldest_unpaid_date": None})),
    ("out_of_time", candidate(of={"oldest_unpaid_date": date(2020, 11, 21)})),
    ("deceased", candidate(flags=frozenset({"deceased"}))),
    *(
        ("insolvent", candidate(flags=frozenset({flag})))
        for flag in ("bankruptcy", "iva", "debt_relief_order", "sequestration", "protected_trust_deed")
    ),
    ("fraud_victim", candidate(flags=frozenset({"fraud_victim"}))),
    ("vulnerable", candidate(flags=frozenset({"vulnerable"}))),
    ("minor", candidate(flags=frozenset({"minor"}))),
    ("minor", candidate(births=(date(1980, 1, 1), date(2008, 11, 23)))),
    ("gone_away", candidate(flags=frozenset({"gone_away"}))),
    ("confined", candidate(flags=frozenset({"prison"}))),
    ("confined", candidate(flags=frozenset({"hospital"}))),
    *(
        (what, candidate(said=frozenset({what})))
        for what in (
            *("deceased", "insolvent", "dispute", "gone_away", "settled", "moratorium", "not_proved", "collected"),
            *("fraud_victim", "out_of_time", "minor", "vulnerable", "complaint"),
        )
    ),
    ("balance_too_small", candidate(owed_pence=999)),
    ("sold", candidate(is_sold=True)),
    ("in_sale", candidate(is_promised=True)),
    ("placed_already", candidate(is_placed=True)),
]


def test_every_exclusion_is_a_named_rule_and_stops_alone():
    with NAMED.open(encoding="utf-8") as file:
        named = [row["code"] for row in csv.DictReader(file)]
    assert [rule.code for rule in gate.RULES] == named
    assert {code for code, _ in STOPPED} == set(named)
    assert codes(candidate()) == []
    for code, each in STOPPED:
        assert codes(each) == [code]
        assert gate.judge(each)[0].sentence.endswith(".")
    # The day itself: eighteen today, thirty days after the bill, ten pounds, the last day of six years.
    assert codes(candidate(births=(date(2008, 11, 22),))) == []
    assert codes(candidate(of={"final_bill_date": date(2026, 10, 23)})) == []
    assert codes(candidate(of={"balance_pence": 1000})) == []
    assert codes(candidate(of={"oldest_unpaid_date": date(2020, 11, 22)})) == []


@pytest.mark.parametrize(
    ("place", "due", "paid", "acknowledged", "ends", "over", "near"),
    [
        # Domain 5A.10: Aberdeen, last payment 2 Oct 2021, no acknowledgement: prescribed.
        ("sct", date(2021, 6, 1), date(2021, 10, 2), None, date(2026, 10, 2), True, False),
        ("eaw", date(2021, 6, 1), date(2021, 10, 2), None, date(2027, 10, 2), False, False),
        ("eaw", date(2021, 5, 22), None, None, date(2027, 5, 22), False, True),
        ("eaw", date(2021, 5, 23), None, None, date(2027, 5, 23), False, False),
        ("nir", date(2020, 11, 21), None, None, date(2026, 11, 21), True, False),
        ("nir", date(2020, 11, 21), None, date(2026, 11, 21), date(2032, 11, 21), False, False),
        # What comes after the end begins nothing anew.
        ("nir", date(2020, 11, 20), None, date(2026, 11, 21), date(2026, 11, 20), True, False),
        ("eaw", date(2014, 1, 1), date(2019, 1, 1), date(2024, 1, 1), date(2030, 1, 1), False, False),
        # 29 Feb has no anniversary in 2029.
        ("sct", date(2024, 2, 29), None, None, date(2029, 2, 28), False, False),
    ],
)
def test_until_when_a_debt_can_be_enforced(place, due, paid, acknowledged, ends, over, near):
    found = limitation.period(place, years=YEARS[place], due=due, last_payment=paid, acknowledged=acknowledged)
    assert (found.ends, found.is_over(TODAY), found.is_near(TODAY)) == (ends, over, near)


def test_limitation_is_said_in_words():
    aberdeen = candidate(
        jurisdiction="sct",
        of={"oldest_unpaid_date": date(2021, 6, 1), "last_payment_date": date(2021, 10, 2)},
    )
    assert [each.sentence for each in gate.judge(aberdeen)] == [
        "Prescribed in Scotland: no payment or acknowledgement for 5 years; it ended on 2 October 2026."
    ]
    near = candidate(of={"oldest_unpaid_date": date(2021, 5, 22)})
    assert gate.judge(near) == []
    assert [each.sentence for each in gate.warn(near)] == ["A court may be asked until 22 May 2027."]
    assert gate.warn(candidate()) == []


@pytest.mark.django_db
def test_flags_holds_and_hidden_holds_are_found_and_a_hidden_one_says_only_that(django_assert_num_queries):
    people = factories.office()
    analyst = next(each for each in people.values() if "collections_analyst" in each.roles)
    rows = [
        portfolio.row(1),
        portfolio.row(2, account="NM-4471"),
        portfolio.row(3, flags="complaint:2026-02-10"),
        portfolio.row(4),
        portfolio.row(5, holder_1_date_of_birth="2010-05-05"),
    ]
    uploads.take([portfolio.file(rows)], actor=analyst, at=AT)
    jobrun.work(clock=lambda: AT, seconds=60)
    referral = factories.referred(people, account_reference="80 0000 0004")
    holds.enter(referral.pk, "deceased", actor=people["a.byrne"], at=AT, source="customer")
    secret = factories.referred(people)
    with ledger.action(secret.uid, "test.held", actor="staff:1", at=AT):
        quietholds.place(secret, [quietholds.account_token("nm 4471")], blocks=["place"], at=AT)

    accounts = list(Account.objects.order_by("pk").prefetch_related("holders", "flags"))
    reader = Reader(actor=analyst.label, verb="view", purpose="gate")
    before = AccessEvent.objects.count()
    found = gate.candidates(accounts, reader=reader, at=AT, placed={accounts[0].pk})
    assert AccessEvent.objects.count() == before + 2

    assert [[each.code for each in gate.judge(one)] for one in found] == [
        ["placed_already"],
        ["policy_hold"],
        ["complaint"],
        ["hold_deceased"],
        ["minor"],
    ]
    assert gate.judge(found[1])[0].sentence == "A policy hold stops this."
    assert QuietHold.objects.count() == 1
    assert storing.find("nm4471") == accounts[1]

    with ledger.action(referral.uid, "test.moved", actor="staff:1", at=AT):
        moving.move(referral, Team.objects.filter(is_restricted=True).first(), at=AT)
    (again,) = gate.candidates(accounts[3:4], reader=reader, at=AT)
    assert [each.code for each in gate.judge(again)] == ["policy_hold"]  # it still stops, and tells no more
