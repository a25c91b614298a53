"""What a buyer gives back because something stopped it stops us too: nobody is asked to pay, placed or sold again, and
a moratorium in force protects the debt (SI 2020/1311 reg 7; domain 5A.6, 5B.3, 5B.8)."""

from datetime import date, timedelta
from functools import partial

import pytest

from cases.debt import gate, title
from cases.debt.moratorium import searching
from cases.debt.sale import callbacks, lines, notices
from cases.debt.sale.models import DebtSaleAccount, SaleClaim, SaleNotice
from cases.kernel import actors, edits, tasks
from cases.kernel.casetypes import Content
from cases.kernel.exchange.files import FileRefused
from cases.kernel.models import Agency, Case, Letter, Task
from cases.kernel.office import proposals
from cases.ledger import api as ledger
from cases.ledger.reads import Reader
from cases.reports import letters as written
from cases.reports import lettertext
from tests import moratoria, placements, sales
from tests.accounts import portfolio
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
AT = sales.LATER.replace(hour=sales.LATER.hour + 1)


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


def words(notice: SaleNotice, *, at=AT) -> str:
    """Have a notice written; return its text as read back from the PDF, in one line."""
    assert written.write(notice.letter_id, now=at)
    letter = Letter.objects.select_related("blob").get(pk=notice.letter_id)
    reader = Reader(actor="tests", verb="read", purpose="tests")
    return " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=at)).split())


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
    assert f"on your account {sales.newest_number()} with us (reference {case.reference}/1)." in said
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


def asked(case: Case) -> list[dict]:
    rows = Task.objects.filter(case=case, kind="placement_billing_to_note", closed_at=None).order_by("pk")
    return [each.detail for each in rows]


def test_what_the_buyer_collected_is_booked_before_anybody_else_gets_the_debt(people):
    case = sales.notices_issued(people)
    lines.claim(case, 1, "dispute", actor=sales.enter(), at=AT, collected_pence=2000)
    page = client_of(sales.FINANCE).get(f"/debt/sales/{case.uid}/accounts/1/").text
    assert "£20.00" in page
    lines.propose(case, 1, actor=people[sales.MANAGER], at=AT)
    lines.agree(case, 1, actor=people[sales.FINANCE], at=AT)
    line = DebtSaleAccount.objects.select_related("account").get(sale=case.pk, number=1)
    assert stops(line.account) == ["dispute", "collected"]
    collected = next(each for each in asked(case) if each["what"] == "collected")
    assert collected == {"what": "collected", "account": line.account_id, "pence": 2000}
    assert "which collected £20.00 meanwhile" in tasks.MORE["placement_billing_to_note"](collected)


def test_where_the_buyer_says_that_it_collected_nothing_nothing_is_asked_for(people):
    case = sales.notices_issued(people)
    said = {"act": "buy_back", "reason": "We want it.", "collected_pence": "0"}
    place = f"/debt/sales/{case.uid}/accounts/1/"
    wrong = client_of(sales.MANAGER).post(f"{place}act/", {**said, "collected_pence": "-1"})
    assert (wrong.status_code, "We want it." in wrong.text, SaleClaim.objects.count()) == (422, True, 0)
    assert client_of(sales.MANAGER).post(f"{place}act/", said).status_code == 302
    lines.agree(case, 1, actor=people[sales.FINANCE], at=AT)
    line = DebtSaleAccount.objects.select_related("account").get(sale=case.pk, number=1)
    assert (asked(case), stops(line.account)) == ([], [])


def test_a_claim_whose_sum_cannot_be_read_is_taken_in_no_part(people):
    case = sales.notices_issued(people)
    row = {"reference": f"{case.reference}/1", "reason": "title", "collected_pence": "150"}
    assert callbacks._claim(row).data == {"line": 1, "reason": "title", "collected_pence": 150}
    for wrong in ("", "-1", "1.50", "£1"):
        with pytest.raises(FileRefused, match="amount_malformed"):
            callbacks._claim({**row, "collected_pence": wrong})
    for value in (-1, True, "150"):
        said = content(line=1, reason="title", collected_pence=value)
        with nothing_written(), pytest.raises(lines.LineRefused, match="whole pence"):
            callbacks.claimed(case, said, actor=sales.enter(), at=AT)
    callbacks.claimed(case, content(line=1, reason="title", collected_pence=150), actor=sales.enter(), at=AT)
    assert SaleClaim.objects.get().collected_pence == 150


def content(**data: object) -> Content:
    return Content(
        type="sale.claimed",
        agency_code=sales.BUYER,
        agency_kind="purchaser",
        agency_reference="",
        agency_sequence=None,
        occurred_at=AT,
        data=data,
        message=None,
        callback_uid=None,
    )


def test_the_notice_that_a_debt_is_ours_again_is_served_again_when_it_comes_back(people):
    """Whoever is served again reads that the debt is ours, not that it was sold."""
    case = sales.notices_issued(people)
    line = put_back(case, people, "moratorium")
    back = line.notices.order_by("-pk").first()
    address = {"line_1": "9 Example Row", "town": "Swansea", "postcode": "SA2 0ZZ"}
    later = AT + timedelta(days=5)
    said = {"source": "customer", "actor": people[sales.MANAGER], "at": later}
    with nothing_written(), pytest.raises(notices.NoticeRefused, match="did not come back"):
        notices.serve_again(case, line, back, address, **said)
    with ledger.action(case.uid, "test.returned", actor="tests", at=AT):
        back.letter.state = "returned"
        back.letter.save(update_fields=["state"])
    assert "Serve it again: person" in client_of(sales.MANAGER).get(f"/debt/sales/{case.uid}/accounts/1/").text
    again = notices.serve_again(case, line, back, address, **said)
    assert again.assigned_date == back.assigned_date
    text = words(again, at=later)
    assert "assigned back to us" in text and "does not ask you to pay" in text and "9 Example Row" in text


@pytest.mark.parametrize(
    ("becomes", "stands"),
    [
        (None, "To pay Drama Purchase: £"),
        (partial(put_back, reason="moratorium"), "Nothing to pay, says Drama Purchase"),
        (bought_back, "To pay us, not Drama Purchase"),
    ],
)
def test_a_later_wording_names_whom_to_pay_and_how_much_and_of_what_came_back_nothing_of_that(people, becomes, stands):
    """A line whose placeholder has nothing to say is left out: whoever owes us again is told of no buyer to pay."""
    case = sales.notices_issued(people)
    line = becomes(case, people) if becomes else case.debt_sale.lines.get()
    notice = line.notices.order_by("-pk").first()
    code = notice.letter.template
    body = """Dear {name}
On {assigned_date}, {line_reference}
To pay {buyer}: {owed_words}
To pay us, not {back_from}
Nothing to pay, says {ended_by}"""
    payload = {"code": code, "body": body, "effective_from": AT.date()}
    row = proposals.propose("letter_text", payload, actor=people["o.thackray"], at=AT, reason="Plainer.")
    proposals.decide(row.uid, "agreed", actor=people["j.merriweather"], at=AT, reason="Read.")
    with ledger.action(case.uid, "test.reworded", actor="tests", at=AT):
        notice.letter.template_version = 2
        notice.letter.save(update_fields=["template_version"])
    text = words(notice)
    heads = ("To pay Drama Purchase", "To pay us", "Nothing to pay")
    assert f"On {lettertext.written(notice.assigned_date)}, {case.reference}/1" in text
    assert stands in text
    assert [each for each in heads if each in text] == [each for each in heads if stands.startswith(each)]


def test_nothing_is_written_to_where_the_last_notice_came_back_from_and_the_notice_waits_for_another_address(people):
    """Somebody else lives there, and would read of the debt. Its date is that of the assignment back."""
    case = sales.notices_issued(people)
    first, other = SaleNotice.objects.filter(line__sale=case.pk).order_by("pk")
    with ledger.action(case.uid, "test.returned", actor="tests", at=AT):
        first.letter.state = "returned"
        first.letter.save(update_fields=["state"])
    later = AT + timedelta(days=3)
    line = put_back(case, people, "moratorium", at=later)
    (new,) = line.notices.exclude(pk__in=[first.pk, other.pk])
    assert (new.party_id, first.party_id == other.party_id) == (other.party_id, False)
    with ledger.action(case.uid, "test.posted", actor="tests", at=later):
        new.letter.state = "dispatched"
        new.letter.save(update_fields=["state"])
    (asked,) = Task.objects.filter(case=case, kind="letter_returned", closed_at=None)
    assert asked.detail == {"letter": str(first.letter.uid)}
    assert lines.chain(line)[-1][1].endswith("; legal title waits for notice")
    address = {"line_1": "9 Example Row", "town": "Swansea", "postcode": "SA2 0ZZ"}
    found = later + timedelta(days=5)
    again = notices.serve_again(case, line, first, address, source="customer", actor=people[sales.MANAGER], at=found)
    assert (first.assigned_date, again.assigned_date) == (AT.date(), later.date())
    text = words(again, at=found)
    assert f"On {later:%-d %B %Y} Drama Purchase assigned back to us" in text and "9 Example Row" in text
    assert not Task.objects.filter(case=case, kind="letter_returned", closed_at=None).exists()
