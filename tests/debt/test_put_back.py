"""What a buyer gives back because something stopped it stops us too: nobody is asked to pay, placed or sold again, and
a moratorium in force protects the debt (SI 2020/1311 reg 7; domain 5A.6, 5B.3, 5B.8)."""

from datetime import date, timedelta

import pytest

from cases.debt import gate, title
from cases.debt.moratorium import searching
from cases.debt.sale import lines
from cases.debt.sale.models import DebtSaleAccount, SaleNotice
from cases.kernel import actors, edits
from cases.kernel.models import Agency, Case, Letter, Task
from cases.ledger.reads import Reader
from cases.reports import letters as written
from tests import factories, moratoria, placements, sales
from tests.accounts import portfolio
from tests.reports import reading

pytestmark = pytest.mark.django_db
AT = sales.LATER.replace(hour=sales.LATER.hour + 1)


@pytest.fixture
def people():
    return factories.office()


def stops(account) -> list[str]:
    """Return what stops an account from being placed."""
    rows = type(account).objects.filter(pk=account.pk).prefetch_related("holders", "flags")
    reader = Reader(actor="tests", verb="check", purpose="tests")
    (known,) = gate.candidates(list(rows), reader=reader, at=AT)
    return [each.code for each in gate.judge(known)]


def put_back(case: Case, people, reason: str, *, at=AT) -> DebtSaleAccount:
    buyer = actors.agency(Agency.objects.get(code=sales.BUYER))
    lines.claim(case, 1, reason, actor=buyer, at=at)
    lines.propose(case, 1, actor=people[sales.MANAGER], at=at)
    lines.agree(case, 1, actor=people[sales.FINANCE], at=at)
    return DebtSaleAccount.objects.select_related("account").get(sale=case.pk, number=1)


def words(notice: SaleNotice) -> str:
    """Have a notice written; return its text as read back from the PDF, in one line."""
    assert written.write(notice.letter_id, now=AT)
    letter = Letter.objects.select_related("blob").get(pk=notice.letter_id)
    reader = Reader(actor="tests", verb="read", purpose="tests")
    return " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=AT)).split())


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("deceased_before_cut_off", "deceased"),
        ("insolvent", "insolvent"),
        ("dispute", "dispute"),
        ("fraud", "fraud_victim"),
        ("statute_barred", "out_of_time"),
        ("minor", "minor"),
        ("vulnerable", "vulnerable"),
        ("moratorium", "moratorium"),
        ("title", "not_proved"),
        ("wrong_balance", "not_proved"),
        ("no_documents", "not_proved"),
        ("duplicate", "not_proved"),
    ],
)
def test_why_a_debt_comes_back_stops_us_and_asks_nobody_to_pay(people, reason, rule):
    case = sales.notices_issued(people)
    line = put_back(case, people, reason)
    assert (line.state, title.buyers([line.account_id])) == ("put_back", {})
    assert rule in stops(line.account)
    assert line.notices.order_by("-pk").first().back.asks_nothing
    asked = Task.objects.filter(case=case, kind="placement_billing_to_note", closed_at=None)
    assert sorted(each.detail["what"] for each in asked) == sorted([rule, "collected"])


def test_a_debt_that_comes_back_joins_the_moratorium_in_force_that_is_about_it(people):
    case = sales.notices_issued(people)
    sold = portfolio.row(0, account=sales.newest_number())
    ours = portfolio.row(0, account="8400009999", balance_pence="4120", default_pence="4120")
    placements.accounts(people, ours)
    moratoria.enter()
    notice = moratoria.opened(ours, sold, person=moratoria.debtor(ours), at=sales.LATER, start_date=date(2026, 11, 14))
    notice = moratoria.matched(notice, at=sales.LATER)
    line = put_back(case, people, "wrong_balance")
    debt = searching.debts_of(notice).get(account=line.account)
    assert (notice.state, debt.standing, debt.effective_date) == ("applied", "protected", date(2026, 11, 14))
    assert "hold_breathing_space" in stops(line.account)
    assert "does not ask you to pay" in words(line.notices.order_by("-pk").first())


def test_a_debt_that_comes_back_while_its_notice_is_with_the_buyer_waits_for_a_person(people):
    case = sales.notices_issued(people)
    sold = portfolio.row(0, account=sales.newest_number())
    moratoria.enter()
    notice = moratoria.opened(sold, person=moratoria.debtor(sold), at=sales.LATER)
    assert moratoria.matched(notice, at=sales.LATER).state == "forwarded"
    line = put_back(case, people, "wrong_balance")
    assert stops(line.account) == ["moratorium", "not_proved", "collected"]


def test_each_notice_says_what_it_is_of_whenever_it_is_written(people):
    """A first notice that waited, written after the debt came back, still says that it was assigned to the buyer."""
    case = sales.notices_issued(people)
    line = put_back(case, people, "moratorium")
    first, *_, second = line.notices.order_by("pk")
    assert "we assigned to Drama Purchase" in words(first)
    said = words(second)
    assert "assigned back to us" in said and "The sale changes" not in said
    assert "does not ask you to pay" in said
    assert "Please pay" not in said


def bought_back(case: Case, people, *, at=AT) -> DebtSaleAccount:
    lines.want_back(case, 1, reason="We want it.", actor=people[sales.MANAGER], at=at)
    lines.agree(case, 1, actor=people[sales.FINANCE], at=at)
    return DebtSaleAccount.objects.select_related("account").get(sale=case.pk, number=1)


def test_what_we_buy_back_is_asked_for(people):
    """What the buyer collected meanwhile is booked before an agency gets the debt, and the notice names no sum."""
    case = sales.notices_issued(people)
    line = bought_back(case, people)
    said = words(line.notices.order_by("-pk").first())
    assert "Please pay us, and nothing more to Drama Purchase" in said and "What you have paid them counts" in said
    assert "£" not in said
    assert stops(line.account) == ["collected"]
    (task,) = Task.objects.filter(case=case, kind="placement_billing_to_note")
    edits.close_task(case.pk, task.pk, actor=people[sales.MANAGER], at=AT, reason="It collected £20.00.")
    assert stops(line.account) == ["collected"]
    at, held = AT + timedelta(days=1), str(line.balance_pence - 2000)
    row = portfolio.row(0, account=sales.newest_number(), balance_pence=held, default_pence=str(line.balance_pence))
    placements.accounts(people, {**row, "as_of": at.date().isoformat()}, at=at)
    assert stops(line.account) == []


def test_what_we_buy_back_of_somebody_who_died_is_asked_of_nobody(people):
    """Nor when billing has taken the flag away before the letter is written."""
    case = sales.notices_issued(people)
    number, held = sales.newest_number(), DebtSaleAccount.objects.get(sale=case.pk).balance_pence
    row = portfolio.row(0, account=number, balance_pence=str(held), default_pence=str(held))
    at = AT + timedelta(days=1)
    dead = {"as_of": at.date().isoformat(), "flags": f"deceased:{at.date().isoformat()}"}
    placements.accounts(people, {**row, **dead}, at=at)
    line = bought_back(case, people, at=at)
    assert stops(line.account) == ["deceased", "collected"]
    placements.accounts(
        people, {**row, "as_of": (at.date() + timedelta(days=1)).isoformat()}, at=at + timedelta(days=1)
    )
    assert stops(line.account) == ["collected"]
    said = words(line.notices.order_by("-pk").first())
    assert "does not ask you to pay" in said
    assert "Please pay" not in said and "£" not in said
