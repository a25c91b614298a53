"""A pool of accounts for sale: chosen by a selection, each exclusion a named rule, one account in one open sale."""

import csv
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.accounts import storing
from cases.debt import gate
from cases.debt.sale import exclusions, looking
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import holds, intake, transitions
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Case
from cases.kernel.restricted import quietholds
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent
from cases.ledger.verify import verify_stream
from tests import factories, sales
from tests.accounts import portfolio
from tests.debt.test_gate import candidate
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

NAMED = Path(__file__).parents[1] / "data" / "sale_exclusions.csv"
pytestmark = pytest.mark.django_db


def sellable(*, of=None, is_elsewhere=False, is_named=True, ended_lately=frozenset(), **known):
    one = candidate(of=of, **known)
    same = {each.name: getattr(one, each.name) for each in fields(gate.Candidate)}
    more = {"is_elsewhere": is_elsewhere, "is_named": is_named, "ended_lately": ended_lately}
    return exclusions.Sellable(**same, **more)


STOPPED = [
    ("policy_hold", sellable(holds=frozenset({"policy"}))),
    *(
        (f"hold_{kind}", sellable(holds=frozenset({kind})))
        for kind in (
            *("dispute", "complaint", "breathing_space", "mental_health_crisis", "scottish_moratorium"),
            *("insolvency", "deceased", "vulnerable", "fraud_victim", "other"),
        )
    ),
    ("complaint", sellable(flags=frozenset({"complaint"}))),
    ("dispute", sellable(flags=frozenset({"dispute"}))),
    ("adr", sellable(flags=frozenset({"adr"}))),
    ("arrangement", sellable(flags=frozenset({"payment_arrangement"}))),
    ("arrangement", sellable(flags=frozenset({"debt_plan"}))),
    ("due_date_unknown", sellable(of={"oldest_unpaid_date": None})),
    ("out_of_time", sellable(of={"oldest_unpaid_date": date(2020, 11, 21)})),
    ("deceased", sellable(flags=frozenset({"deceased"}))),
    ("insolvent", sellable(flags=frozenset({"iva"}))),
    ("fraud_victim", sellable(flags=frozenset({"fraud_victim"}))),
    ("vulnerable", sellable(flags=frozenset({"vulnerable"}))),
    ("minor", sellable(births=(date(2008, 11, 23),))),
    ("confined", sellable(flags=frozenset({"prison"}))),
    *(
        (what, sellable(said=frozenset({what})))
        for what in (
            *("deceased", "insolvent", "dispute", "settled", "moratorium", "not_proved", "collected"),
            *("fraud_victim", "out_of_time", "minor", "vulnerable", "complaint"),
        )
    ),
    ("too_little_owed", sellable(owed_pence=2499)),
    ("fraud_suspect", sellable(flags=frozenset({"fraud_suspect"}))),
    ("complaint_closed", sellable(ended_lately=frozenset({"complaint"}))),
    ("complaint_closed", sellable(ended_lately=frozenset({"adr"}))),
    ("too_little_owed", sellable(of={"balance_pence": 2499})),
    ("too_little_owed", sellable(of={"balance_pence": -1})),
    ("service_live", sellable(of={"final_bill_date": None})),
    ("judgment", sellable(flags=frozenset({"judgment"}))),
    ("forces", sellable(flags=frozenset({"forces"}))),
    ("not_ours", sellable(is_elsewhere=True)),
    ("nobody_named", sellable(is_named=False)),
]
# What keeps an account from an agency and not from a buyer.
FREE = [
    sellable(),
    sellable(of={"balance_pence": 2500}),
    sellable(is_placed=True),
    sellable(flags=frozenset({"promise", "gone_away"})),
    sellable(ended_lately=frozenset({"dispute"})),
]


def test_every_exclusion_is_a_named_rule_and_stops_alone():
    with NAMED.open(encoding="utf-8") as file:
        named = [row["code"] for row in csv.DictReader(file)]
    assert [rule.code for rule in exclusions.RULES] == named
    assert {code for code, _ in STOPPED} == set(named)
    for code, one in STOPPED:
        assert exclusions.judge(one) == [code]
        assert exclusions.in_words([code]).endswith(".")
    assert [exclusions.judge(one) for one in FREE] == [[] for _ in FREE]


def lines(case: Case) -> list[tuple[int, str, list[str]]]:
    rows = DebtSaleAccount.objects.filter(sale=case.pk).order_by("number")
    return [(row.number, row.state, row.stopped_by) for row in rows]


def test_a_pool_is_chosen_and_each_account_is_kept_out_by_name(people):
    sales.take_in(
        people,
        portfolio.row(1),
        portfolio.row(2, account="NM-4471"),
        portfolio.row(3, flags="complaint:2026-02-10"),
        portfolio.row(4),
        portfolio.row(5, holder_1_line_1=""),
        portfolio.row(6, balance_pence="2400"),
        portfolio.row(7, balance_pence="900000"),
    )
    referral = factories.referred(people, account_reference="80 0000 0004")
    holds.enter(referral.pk, "deceased", actor=people["a.byrne"], at=AT, source="customer")
    secret = factories.referred(people)
    with ledger.action(secret.uid, "test.held", actor="staff:1", at=AT):
        quietholds.place(secret, [quietholds.account_token("nm 4471")], blocks=["sell"], at=AT)

    case = sales.pool_of(people, balance_to=10_000)
    case = sales.looked(case, people)
    assert lines(case) == [
        (1, "in_pool", []),
        (2, "excluded", ["policy_hold"]),
        (3, "excluded", ["complaint"]),
        (4, "excluded", ["hold_deceased"]),
        (5, "excluded", ["nobody_named"]),
        (6, "excluded", ["too_little_owed"]),
    ]
    look = looking.newest(case.debt_sale)
    assert (look.left, look.left_pence) == (1, 5001)
    assert looking.by_rule(case.debt_sale)["policy_hold"] == 1
    with pytest.raises(looking.LookRefused, match="settled"):
        looking.ask(sales.abandoned(people), actor=people[sales.MANAGER], at=AT)
    assert {each.level for each in verify_stream(case.uid)} <= {"recorded late"}


def test_another_look_takes_over_what_is_so_today_and_writes_only_what_changed(people):
    sales.take_in(people, *(portfolio.row(number) for number in (1, 2, 3)))
    case = sales.looked(sales.pool_of(people), people)
    before = looking.digest_of(case.debt_sale)
    history = DebtSaleAccount.history.count()
    case = sales.looked(case, people, at=AT + timedelta(hours=1))
    assert (looking.digest_of(case.debt_sale), DebtSaleAccount.history.count()) == (before, history)

    later = AT + timedelta(days=1)
    sales.take_in(
        people,
        portfolio.row(2, as_of="2026-03-02", flags="deceased:2026-03-01"),
        portfolio.row(3, as_of="2026-03-02", balance_pence="4000"),
        at=later,
    )
    case = sales.looked(case, people, at=later)
    assert lines(case) == [(1, "in_pool", []), (2, "excluded", ["deceased"]), (3, "in_pool", [])]
    assert DebtSaleAccount.objects.get(sale=case.pk, number=3).balance_pence == 4000
    assert DebtSaleAccount.history.count() == history + 2
    told = [
        event.content()["detail"] for event in LedgerEvent.objects.filter(action="debt_sale.looked_at").order_by("pk")
    ]
    assert told[-1] == {"look": 3, "lines": 3, "changed": 2, "excluded": {"deceased": 1}}


def test_one_account_stands_in_one_open_sale_whoever_asks(people):
    sales.take_in(people, portfolio.row(1))
    first = sales.looked(sales.pool_of(people), people)
    second = sales.looked(sales.pool_of(people), people)
    assert lines(second) == [(1, "excluded", ["not_ours"])]
    row = DebtSaleAccount.objects.get(sale=second.pk)
    row.state = "in_pool"
    with pytest.raises(IntegrityError), transaction.atomic(), ledger.action(second.uid, "test", actor="staff:1", at=AT):
        row.save()
    with pytest.raises(TransitionRefused, match="No account is left"):
        transitions.apply(second.pk, "run_exclusions", actor=people[sales.MANAGER], at=AT)

    transitions.apply(first.pk, "abandon", actor=people[sales.MANAGER], at=AT, reason="No buyer.")
    sales.work()
    third = sales.looked(sales.pool_of(people), people)
    assert lines(third) == [(1, "in_pool", [])]


@pytest.mark.parametrize("how", ["void", "merge"])
def test_a_pool_that_was_opened_in_error_keeps_no_account_from_another_sale(people, how):
    sales.take_in(people, portfolio.row(1))
    first, other = sales.looked(sales.pool_of(people), people), sales.pool_of(people, balance_from=900_000)
    inputs = {"into": str(other.uid)} if how == "merge" else {}
    case = sales.moved(first, how, people[sales.MANAGER], **inputs)
    assert lines(first) == [(1, "in_pool", [])]  # nothing follows before the second person agrees
    sales.agreed_to(case, people, sales.FINANCE)
    sales.work()
    assert lines(first) == [(1, "excluded", [])]
    again = sales.looked(sales.pool_of(people), people)
    assert lines(again) == [(1, "in_pool", [])]


def test_a_pool_that_is_given_up_twice_lets_go_of_its_accounts_twice(people):
    case = sales.pool_of(people)
    for turn in range(2):
        case = sales.agreed_to(sales.moved(case, "void", people[sales.MANAGER]), people, sales.FINANCE)
        sales.work()
        if turn == 0:
            case = sales.agreed_to(sales.moved(case, "reopen", people[sales.MANAGER]), people, sales.FINANCE)
            sales.take_in(people, portfolio.row(1))
            case = sales.looked(case, people)
            assert lines(case) == [(1, "in_pool", [])]
    assert (case.state, lines(case)) == ("void", [(1, "excluded", [])])


def test_a_pool_that_is_reopened_asks_again_of_what_it_let_go_and_of_nobody_whom_a_rule_keeps_out(people):
    sales.take_in(
        people, portfolio.row(1), portfolio.row(2), portfolio.row(3, flags="deceased:2026-02-10"), portfolio.row(4)
    )
    case = sales.looked(sales.pool_of(people), people)
    kept = [(1, "in_pool", []), (2, "in_pool", []), (3, "excluded", ["deceased"]), (4, "in_pool", [])]
    assert lines(case) == kept
    case = sales.agreed_to(sales.moved(case, "void", people[sales.MANAGER]), people, sales.FINANCE)
    sales.work()
    second = DebtSaleAccount.objects.get(sale=case.pk, number=2).account
    sales.looked(sales.pool_of(people, balance_from=second.balance_pence, balance_to=second.balance_pence), people)
    sales.take_in(people, portfolio.row(3), portfolio.row(4, flags="dispute:2026-02-10"), at=AT + timedelta(minutes=1))

    case = sales.agreed_to(sales.moved(case, "reopen", people[sales.MANAGER]), people, sales.FINANCE)
    with nothing_written(counted=1), pytest.raises(TransitionRefused, match="look at the accounts again"):
        transitions.apply(case.pk, "run_exclusions", actor=people[sales.MANAGER], at=AT)
    case = sales.looked(case, people)
    again = [(1, "in_pool", []), (2, "excluded", ["not_ours"])]
    assert lines(case) == [*again, (3, "excluded", ["deceased"]), (4, "excluded", ["dispute"])]
    look = looking.newest(case.debt_sale)
    assert (look.left, look.left_pence) == (1, DebtSaleAccount.objects.get(sale=case.pk, number=1).balance_pence)
    case = transitions.apply(case.pk, "run_exclusions", actor=people[sales.MANAGER], at=AT)
    assert case.state == "exclusions_run"


def test_nobody_goes_on_before_every_exclusion_was_asked_lately(people):
    case = sales.not_looked_at(people)
    manager = people[sales.MANAGER]
    for at, why in ((AT, "were not looked at yet"), (AT + timedelta(hours=25), "within the last 24 hours")):
        with nothing_written(counted=1), pytest.raises(TransitionRefused, match=why):
            transitions.apply(case.pk, "run_exclusions", actor=manager, at=at)
        sales.looked(case, people) if at == AT else None
    looking.ask(case, actor=manager, at=AT)
    with nothing_written(counted=1), pytest.raises(TransitionRefused, match="has not ended"):
        transitions.apply(case.pk, "run_exclusions", actor=manager, at=AT)
    with pytest.raises(looking.LookRefused, match="already"):
        looking.ask(case, actor=manager, at=AT)
    with pytest.raises(NotAllowed):
        looking.ask(case, actor=people[sales.FINANCE], at=AT)


def test_a_look_asks_the_same_number_of_questions_for_three_accounts_as_for_one(people):
    counts = []
    for first, many in ((1, 1), (11, 3)):
        same = {"balance_pence": str(20_000 + first), "jurisdiction": "eaw"}
        rows = [portfolio.row(first + each, **same) for each in range(many)]
        sales.take_in(people, *rows)
        case = sales.pool_of(people, balance_from=20_000 + first, balance_to=20_000 + first)
        looking.ask(case, actor=people[sales.MANAGER], at=AT)
        with CaptureQueriesContext(connection) as seen:
            sales.work()
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(("many", "statements"), [(1, 12), (3, 12)])
def test_the_page_of_the_accounts_asks_as_much_for_three_as_for_one(people, many, statements):
    sales.take_in(people, *(portfolio.row(number) for number in range(1, many + 1)))
    case = sales.looked(sales.pool_of(people), people)
    client = client_of(sales.MANAGER)
    address = f"/debt/sales/{case.uid}/accounts/"
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        page = client.get(address)
    assert page.status_code == 200
    assert storing.find("8000000001") is not None
    assert "8000000001" in page.text
    assert len(seen) == statements


def test_the_page_drills_down_and_starts_a_look(people):
    sales.take_in(people, portfolio.row(1), portfolio.row(2, flags="dispute:2026-02-10"))
    case = sales.pool_of(people)
    client = client_of(sales.MANAGER)
    address = f"/debt/sales/{case.uid}/"
    assert client.post(f"{address}look/").status_code == 302
    again = client.post(f"{address}look/")
    assert (again.status_code, "being looked at already" in again.text) == (422, True)
    sales.work()
    whole = client.get(f"{address}accounts/").text
    assert "The bill is in dispute." in whole
    one = client.get(f"{address}accounts/?rule=dispute").text
    assert ("8000000002" in one, "8000000001" in one) == (True, False)
    assert "8000000001" in client.get(f"{address}accounts/?state=in_pool&after=0&rule=nothing").text
    # Whoever agrees sees the lines, and no account.
    seen = client_of(sales.PROTECTION).get(f"{address}accounts/").text
    assert ("Not shown" in seen, "8000000001" in seen) == (True, False)
    assert client_of(sales.ANALYST).get(f"{address}accounts/").status_code == 404


def test_a_sale_opens_without_a_person_and_takes_none(people):
    client = client_of(sales.MANAGER)
    page = client.get("/cases/new/debt_sale/").text
    assert ("Owed from, in pounds" in page, "Person 1" in page, "Add another person" in page) == (True, False, False)
    typed = {"products": ["mobile"], "jurisdictions": ["eaw"], "balance_from": "10.00"}
    one = {"people-TOTAL_FORMS": "1", "people-INITIAL_FORMS": "0", "people-0-role": "debtor"}
    assert client.post("/cases/new/debt_sale/", {**typed, **one}).status_code == 422
    assert not Case.objects.filter(kind="debt_sale").exists()
    assert client.post("/cases/new/debt_sale/", {**typed, **one, "people-TOTAL_FORMS": "0"}).status_code == 302
    case = Case.objects.get(kind="debt_sale")
    assert (case.parties.count(), case.debt_sale.selection["balance_from"]) == (0, 1000)
    with nothing_written(), pytest.raises(intake.IntakeRefused, match="nobody is typed"):
        intake.open_case(
            "debt_sale",
            actor=people[sales.MANAGER],
            at=AT,
            facts={**sales.ALL, "balance_from": 1},
            people=[{"role": "debtor", "surname": "Strake"}],
        )
