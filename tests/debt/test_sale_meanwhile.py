"""What begins while a sale is being completed (domain 5B.2: exclusions rerun until completion; SI 2020/1311 reg 12)."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from cases.debt import title
from cases.debt.moratorium import callbacks, searching
from cases.debt.sale import effects, tapes
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import holds, locks
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, OutboxMessage, Task
from cases.ledger import api as ledger
from cases.ledger import verify
from tests import factories, moratoria, sales
from tests.accounts import portfolio
from tests.kernel.snapshots import nothing_written, refusal
from tests.sales import LATER


@pytest.mark.django_db(transaction=True)
def test_a_moratorium_that_comes_while_its_debt_is_being_sold_goes_on_to_the_buyer(monkeypatch):
    people = factories.office()
    case = sales.ready(people)
    row = portfolio.row(0, account=sales.newest_number())
    moratoria.enter()
    notice = moratoria.opened(row, person=moratoria.debtor(row), at=LATER)
    clock = notice.clocks.get(rule="moratorium_match")
    came: list[str] = []

    def meanwhile():
        try:
            with transaction.atomic():
                callbacks.match(locks.case_for_update(notice.pk), clock, at=LATER)
            came.append("applied")
        except locks.CaseBusy:
            came.append("busy")
        finally:
            connection.close()

    send = effects.messages.send_ready

    def late(*args, **kwargs):
        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join(30)
        return send(*args, **kwargs)

    monkeypatch.setattr(effects.messages, "send_ready", late)
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    assert (came, case.state) == (["busy"], "completed")
    notice = moratoria.matched(Case.objects.get(pk=notice.pk), at=LATER)
    assert notice.state == "forwarded"
    assert [debt.standing for debt in searching.debts_of(notice)] == ["sold"]
    assert OutboxMessage.objects.filter(kind="moratorium_forward").count() == 1


@pytest.mark.django_db
def test_an_account_on_which_a_hold_began_while_it_was_being_sold_is_a_task():
    people = factories.office()
    case = sales.ready(people)
    referral = factories.referred(people, account_reference=sales.newest_number())
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    holds.enter(referral.pk, "deceased", actor=people["a.byrne"], at=LATER, source="customer")
    sales.work(at=LATER)
    line = DebtSaleAccount.objects.get(sale=case.pk)
    assert (line.state, list(title.buyers([line.account_id]))) == ("sold", [line.account_id])
    assert Task.objects.get(kind="sale_held_when_sold", case=case).detail == {"line": 1}


@pytest.mark.django_db
def test_a_sale_is_not_completed_once_what_was_shown_of_the_buyer_holds_no_more():
    """Domain 5B.1: permission, membership and the rest are shown of the buyer to whom it is sold."""
    people = factories.office()
    case = sales.ready(people)
    sale = case.debt_sale
    sale.diligence |= {"diligence_until": "2026-11-13"}  # the day before
    with ledger.action(case.uid, "tests.lapsed", actor="tests", at=LATER):
        sale.save(update_fields=["diligence"])
    with nothing_written(counted=1), pytest.raises(CaseError, match="does not hold any more"):
        sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    assert Case.objects.get(pk=case.pk).state == "approved"

    # It is looked at again, and whoever approves the refunds agrees; then the sale goes on as it was approved.
    until = {**sales.SHOWN, "diligence_until": date(2026, 12, 31)}
    for wrong, why in (
        ({**until, "is_registered": False}, "Information Commissioner"),
        ({**until, "diligence_until": date(2026, 11, 13)}, "does not hold any more"),
    ):
        assert why in refusal(case, "look_at_buyer", people[sales.MANAGER], at=LATER, **wrong)
    case = sales.moved(case, "look_at_buyer", people[sales.MANAGER], at=LATER, **until)
    assert case.debt_sale.diligence["diligence_until"] == "2026-11-13"
    case = sales.agreed_to(case, people, sales.FINANCE, at=LATER)
    assert (case.state, case.debt_sale.diligence["diligence_until"]) == ("approved", "2026-12-31")
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    assert case.state == "completed"
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


@pytest.mark.django_db
def test_what_is_shown_of_a_buyer_anew_lasts_until_the_completion_that_was_agreed():
    people = factories.office()
    case = sales.agreed(people)
    sale = case.debt_sale
    with ledger.action(case.uid, "tests.later", actor="tests", at=LATER):
        sale.completion_date = date(2026, 12, 10)
        sale.save(update_fields=["completion_date"])
    typed = {**sales.SHOWN, "diligence_until": date(2026, 12, 9)}
    assert "until the completion" in refusal(case, "look_at_buyer", people[sales.MANAGER], at=LATER, **typed)
    # Before there is an agreement, whoever prefers the bid looks again alone.
    case = sales.moved(sales.preferred(people), "look_at_buyer", people[sales.MANAGER], **typed)
    assert case.debt_sale.diligence["diligence_until"] == "2026-12-09"


@pytest.mark.django_db
@pytest.mark.parametrize("surname", ["No", "Yes", "Mobile"])
def test_whoever_is_called_like_a_word_of_the_tape_stops_no_tape(surname):
    people = factories.office()
    sales.enter()
    sales.take_in(people, portfolio.row(1, holder_1_surname=surname))
    case = sales.looked(sales.pool_of(people), people)
    case = sales.taped(sales.moved(case, "run_exclusions", people[sales.MANAGER]), people)
    assert tapes.standing(case.debt_sale, "bid").row_count == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({"holder_1_line_1": "9 Other Street"}, True),
        ({"holder_1_forename": "Quite", "holder_1_surname": "Another", "holder_1_date_of_birth": "1991-02-03"}, True),
        ({"holder_1_phone_date": "2026-11-01"}, False),
        ({}, False),
    ],
)
def test_who_moved_between_the_tape_and_the_completion_is_told_to_the_buyer(changes, is_told):
    people = factories.office()
    case = sales.approved(people)
    owed = str(DebtSaleAccount.objects.get(sale=case.pk).balance_pence)
    kept = portfolio.row(0, account=sales.newest_number(), balance_pence=owed, default_pence=owed)
    soon = LATER - timedelta(minutes=30)
    sales.take_in(people, {**kept, "as_of": soon.date().isoformat(), **changes}, at=soon)
    case = sales.looked(case, people, at=LATER)
    case = sales.moved(case, "complete", people[sales.FINANCE], at=LATER, **sales.paid(case))
    sales.work(at=LATER)
    found = Task.objects.filter(case=case, kind="sale_moved_meanwhile")
    assert [each.detail for each in found] == ([{"line": 1}] if is_told else [])
