"""Domain 5B.9, scenario S-1: dates and figures copied by hand from the design."""

from datetime import UTC, date, datetime

import pytest

from cases.accounts import storing
from cases.accounts.models import BureauTold
from cases.debt import title
from cases.debt.sale import bids, exclusions, lines, looking, notices, prices
from cases.debt.sale.callbacks import CALLBACKS
from cases.debt.sale.models import DebtSaleAccount, SaleClaim
from cases.kernel import calendars
from cases.kernel.casetypes import Content
from cases.kernel.models import Case, CaseAddress, Hold, Letter, OutboxMessage, Task
from cases.kernel.restricted import quietholds
from cases.kernel.timing import sweeps
from cases.ledger import api as ledger
from cases.web import asking
from tests import associations, factories, sales
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.debt.test_sale_steps import refused
from tests.kernel import design
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
DEFAULTED = "2026-03-14"


def on(month: int, day: int, hour: int = 9, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, 0, tzinfo=UTC)


def account(number: int, surname: str, pence: str, place: str, **more: str) -> dict[str, str]:
    own = {
        "account": f"80000000{number:02d}",
        "holder_1_surname": surname,
        "balance_pence": pence,
        "jurisdiction": place,
        "as_of": "2026-11-24",
        "default_date": DEFAULTED,
        "default_pence": pence,
        "final_bill_date": "2026-02-28",
        "oldest_unpaid_date": "2025-12-14",
    }
    return portfolio.row(number, **{**own, **more})


RHODRI = account(2, "Achterberg", "21010", "eaw", holder_1_forename="Rhodri")
POOL = (
    account(1, "Vellacott", "64000", "eaw", holder_1_forename="Tamsin"),
    RHODRI,
    account(3, "Strake", "18000", "sct", holder_1_town="Glasgow", holder_1_postcode="G1 1AA")
    | {"holder_2_forename": "Joint", "holder_2_surname": "Holder", "holder_2_date_of_birth": "1970-01-01"},
    account(4, "Quillfeather", "9900", "eaw"),
)


def stands(case: Case) -> list[tuple[str, list[str]]]:
    rows = DebtSaleAccount.objects.filter(sale=case.pk).order_by("number")
    return [(row.state, row.stopped_by) for row in rows]


def corrections() -> list[dict]:
    return [factories.body_of(row) for row in OutboxMessage.objects.filter(kind="cra_correct").order_by("pk")]


def test_s_1_from_the_pool_to_what_comes_back(monkeypatch):
    people = factories.office()
    manager, finance = people[sales.MANAGER], people[sales.FINANCE]
    sales.enter()
    associations.enter()
    bureau = associations.bureau()
    sales.take_in(people, *POOL, at=on(11, 25))
    secret = factories.referred(people)
    with ledger.action(secret.uid, "test.held", actor="staff:1", at=on(11, 25)):
        quietholds.place(secret, [quietholds.account_token("8000000004")], blocks=["sell"], at=on(11, 25))
        for number in (1, 3):
            BureauTold.objects.create(
                account=storing.find(f"80000000{number:02d}"),
                agency_id=bureau.agency_id,
                told_at=on(11, 25),
                status="8",
                balance_pence=1,
                default_date=date(2026, 3, 14),
            )

    case = sales.looked(sales.pool_of(people, at=on(11, 25)), people, at=on(11, 25))
    in_pool = ("in_pool", [])
    assert stands(case) == [in_pool, in_pool, in_pool, ("excluded", ["policy_hold"])]
    assert exclusions.in_words(["policy_hold"]) == "A policy hold stops this."
    case = sales.moved(case, "run_exclusions", manager, at=on(11, 25))
    case = sales.taped(case, people, at=on(11, 25))
    case = sales.moved(case, "publish", manager, at=on(11, 25), bidders=[sales.BUYER])
    case = sales.agreed_to(case, people, sales.PROTECTION, at=on(11, 26))
    bids.note(case, sales.BUYER, 950, date(2026, 11, 26), actor=manager, at=on(11, 26))
    case = sales.moved(case, "prefer", manager, at=on(11, 26), bid="1", **sales.SHOWN)
    agreement = {
        "agreement_date": date(2026, 11, 27),
        "cut_off_date": date(2026, 11, 30),
        "completion_date": date(2026, 12, 10),
        "put_back_days": 180,
        "pass_on_days": 5,
    }
    case = sales.moved(case, "sign", people[sales.COUNSEL], at=on(11, 27), **agreement)
    case = sales.agreed_to(case, people, sales.FINANCE, at=on(11, 27))
    refused(case, "cut_off", manager, "30 November 2026", at=on(11, 27))
    case = sales.looked(case, people, at=on(11, 30))
    case = sales.moved(case, "cut_off", manager, at=on(11, 30, 10))
    case = _approved(case, people, at=on(12, 1))

    # 4 December: billing is told that Rhodri Achterberg died on 28 November, before the cut-off.
    sales.take_in(people, {**RHODRI, "as_of": "2026-12-04", "flags": "deceased:2026-11-28"}, at=on(12, 4))
    case = sales.looked(case, people, at=on(12, 10))
    assert stands(case)[1] == ("excluded", ["deceased"])
    funds = {"funds_pence": 7790, "funds_date": date(2026, 12, 10)}
    refused(case, "complete", finance, "changed since the tape", at=on(12, 10), **funds)
    case = sales.moved(case, "rebuild", manager, at=on(12, 10))
    case = _approved(case, people, at=on(12, 10, 10))
    case = sales.looked(case, people, at=on(12, 10, 11))
    look = looking.newest(case.debt_sale)
    assert (look.left, look.left_pence, prices.total(case.debt_sale)) == (2, 82000, 7790)
    case = sales.moved(case, "complete", finance, at=on(12, 10, 12), **funds)
    assert [row["amount_pence"] for row in told("final_tape")] == ["64000", "18000"]
    assert {row["default_date"] for row in told("final_tape")} == {DEFAULTED}
    sold = [storing.find(f"80000000{number:02d}").pk for number in range(1, 5)]
    assert set(title.buyers(sold)) == {sold[0], sold[2]}

    sales.work(at=on(12, 10, 13))
    case.refresh_from_db()
    assert case.state == "notices_issued"
    assert stands(case) == [
        ("sold", []),
        ("excluded", ["deceased"]),
        ("sold", []),
        ("excluded", ["policy_hold"]),
    ]
    assert set(title.buyers(sold)) == {sold[0], sold[2]}
    asked = Letter.objects.filter(case=case).order_by("pk")
    assert [row.template for row in asked] == ["sale_n7_eaw", "sale_n7_sct", "sale_n7_sct"]
    assert set(asked.values_list("sale_notice__assigned_date", flat=True)) == {date(2026, 12, 10)}

    case = sales.moved(case, "migrate", people[sales.STEWARD], at=on(12, 10, 14))
    case = sales.agreed_to(case, people, sales.DATA_APPROVER, at=on(12, 10, 15))
    sales.work(at=on(12, 10, 15))
    (clock,) = case.clocks.filter(rule="k26_put_back")
    assert calendars.london_date(clock.due_at) == date(2027, 6, 8)
    assert set(BureauTold.objects.values_list("status", "balance_pence", "default_date")) == {
        ("8", 0, date(2026, 3, 14))
    }

    # 15 December: the letter to Tamsin Vellacott comes back, and is served again.
    line = DebtSaleAccount.objects.select_related("account", "sale__purchaser").get(sale=case.pk, number=1)
    (first,) = line.notices.select_related("letter", "party__key")
    _post(case, first, "letter.returned", at=on(12, 15))
    assert lines.chain(line)[-1][1] == "Drama Purchase, for £60.80; legal title waits for notice"
    assert Task.objects.filter(case=case, kind="letter_returned", closed_at=None).count() == 1
    address = {"line_1": "9 Example Row", "town": "Swansea", "postcode": "SA2 0ZZ"}
    with nothing_written(), pytest.raises(notices.NoticeRefused, match="where the address comes from"):
        notices.serve_again(case, line, first, address, source="", actor=manager, at=on(12, 16))
    monkeypatch.setattr(asking, "now", lambda: on(12, 16))
    client, place = client_of(sales.MANAGER), f"/debt/sales/{case.uid}/accounts/1/"
    assert "Serve it again: person 1" in client.get(place).text
    typed = {"act": "serve_again", "person": "1", **{f"person-1-{name}": text for name, text in address.items()}}
    empty = client.post(f"{place}act/", {**typed, "person-1-source": "tracing", "person-1-town": ""})
    assert (empty.status_code, "9 Example Row" in empty.text, line.notices.count()) == (422, True, 1)
    assert client_of(sales.FINANCE).post(f"{place}act/", typed).status_code == 403
    assert client.post(f"{place}act/", {**typed, "person-1-source": "tracing"}).status_code == 302
    again = line.notices.select_related("letter").latest("pk")
    twice = client.post(f"{place}act/", {**typed, "person-1-source": "tracing"})
    assert (twice.status_code, "served again already" in twice.text) == (422, True)
    page = client.get(place).text
    assert ("Serve it again: person" in page, "A tracing agent found it" in page) == (False, True)
    assert (line.notices.count(), CaseAddress.objects.filter(party=first.party).count()) == (2, 2)
    _post(case, again, "letter.dispatched", at=on(12, 17))
    assert lines.chain(line)[-1][1] == "Drama Purchase, for £60.80"

    # 29 January 2027: the buyer puts the Glasgow account back; £18.00 of credit were missed.
    january = on(1, 29, year=2027)
    lines.claim(case, 3, "wrong_balance", actor=sales.enter(), at=january)
    assert stands(case)[2][0] == "put_back_requested"
    with nothing_written(), pytest.raises(lines.LineRefused, match="proposes it first"):
        lines.agree(case, 3, actor=finance, at=january)
    lines.propose(case, 3, actor=manager, at=january)
    credited = {**POOL[2], "as_of": "2027-01-28", "balance_pence": "16200"}
    sales.take_in(people, credited, at=january)
    lines.agree(case, 3, actor=finance, at=january)
    back = DebtSaleAccount.objects.select_related("account", "sale__purchaser").get(sale=case.pk, number=3)
    assert (back.state, back.refund_pence, back.default_date) == ("put_back", 1710, date(2026, 3, 14))
    restored = BureauTold.objects.get(account=back.account)
    assert (restored.status, restored.balance_pence, restored.default_date) == ("8", 16200, date(2026, 3, 14))
    assert back.notices.count() == 4
    assert lines.chain(back)[1:] == [
        (date(2026, 12, 10), "Drama Purchase, for £17.10; legal title waits for notice"),
        (date(2027, 1, 29), "Ours again, for £17.10; legal title waits for notice"),
    ]
    for notice in back.notices.select_related("letter"):
        _post(case, notice, "letter.dispatched", at=january)
    assert [words for _, words in lines.chain(back)][1:] == ["Drama Purchase, for £17.10", "Ours again, for £17.10"]
    assert set(title.buyers(sold)) == {sold[0]}
    assert [(each["old"], each["new"], each["flags"]) for each in corrections()] == [
        ("8", "8", ["sold"]),
        ("8", "8", ["sold"]),
        ("8", "8", []),
    ]
    page = client.get(f"/debt/sales/{case.uid}/accounts/3/").text
    assert "Ours again, for £17.10" in page

    # The day after the window the sale closes; a claim that no window ends still comes.
    sweeps.end_due_clocks(now=on(6, 9, year=2027))
    sales.work(at=on(6, 9, year=2027))
    case.refresh_from_db()
    assert (case.state, stands(case)[0][0]) == ("closed", "transferred")
    later = on(7, 1, year=2027)
    with nothing_written(), pytest.raises(lines.LineRefused, match="time for such a claim"):
        lines.claim(case, 1, "wrong_balance", actor=sales.enter(), at=later)
    lines.claim(case, 1, "title", actor=sales.enter(), at=later)
    assert Hold.objects.filter(case=case, blocks__contains=["dispose"]).count() == 1
    lines.refuse(case, 1, reason="The deed names it.", actor=manager, at=later)
    assert stands(case)[0][0] == "transferred"
    assert SaleClaim.objects.filter(outcome="").count() == 0


def _approved(case: Case, people, *, at: datetime) -> Case:
    case = sales.moved(sales.taped(case, people, at=at), "build_tape", people[sales.MANAGER], at=at)
    case = sales.moved(case, "approve", people[sales.MANAGER], at=at)
    return sales.agreed_to(case, people, sales.FINANCE, sales.PROTECTION, at=at)


def _post(case: Case, notice, kind: str, *, at: datetime) -> None:
    """Let the post house say what came of a letter."""
    letter = notice.letter
    with ledger.action(case.uid, "test.printed", actor="tests", at=at):
        letter.state, letter.message = "rendered", OutboxMessage.objects.filter(case=case, letters=None).first()
        letter.save(update_fields=["state", "message"])
    content = Content(
        type=kind,
        agency_code="sandbox-post",
        agency_kind="post",
        agency_reference="",
        agency_sequence=None,
        occurred_at=at,
        data={},
        message=letter.message,
        callback_uid=None,
    )
    CALLBACKS[kind](Case.objects.select_related("key").get(pk=case.pk), content, actor=sales.enter(), at=at)


def test_moves_of_a_line_are_the_designs():
    designed = {
        move.name: (set(move.sources), move.target) for move in design.moves_of("debt_sale_account") if move.sources
    }
    assert {name: (set(move.source), move.target) for name, move in lines.MOVES.items()} == designed


def test_a_line_is_bought_back_by_two_people_with_a_reason():
    people = factories.office()
    case = sales.warranty_open(people)
    manager, finance = people[sales.MANAGER], people[sales.FINANCE]
    at = sales.LATER
    with nothing_written(), pytest.raises(lines.LineRefused, match="Give a reason"):
        lines.want_back(case, 1, reason=" ", actor=manager, at=at)
    client = client_of(sales.MANAGER)
    address = f"/debt/sales/{case.uid}/accounts/1/"
    assert client.post(f"{address}act/", {"act": "buy_back", "reason": ""}).status_code == 422
    lines.want_back(case, 1, reason="The customer needs support.", actor=manager, at=at)
    for who in (manager, people[sales.PROTECTION]):
        with nothing_written(), pytest.raises(Exception, match="finance approver"):
            lines.agree(case, 1, actor=who, at=at)
    lines.agree(case, 1, actor=finance, at=at)
    row = DebtSaleAccount.objects.get(sale=case.pk)
    assert (row.state, row.refund_pence) == ("bought_back", row.price_pence)
    assert "Ours again" in client.get(address).text
