"""Billing and agencies go on telling of accounts whose cases were erased: nothing of those changes, nothing fails."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from cases.credit.defaults import disputes
from cases.debt.models import Placement
from cases.debt.moratorium.models import FeeReversal
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import locks, transitions
from cases.kernel.background import jobs
from cases.kernel.disposal import erasing
from cases.kernel.models import Agency, Case
from cases.ledger.models import LedgerEvent
from tests import defaults, moratoria, placements, sales
from tests.accounts import portfolio
from tests.debt.test_moratorium import billed
from tests.debt.test_sale_paid import pays
from tests.factories import AT

pytestmark = pytest.mark.django_db
NEXT = AT + timedelta(days=1)


def dispose(case):
    """Erase a case as when its time is over."""
    with transaction.atomic(), erasing.erase(locks.case_for_update(case.pk), reason="retention_over", at=NEXT):
        pass
    return Case.objects.get(pk=case.pk)


def events(case):
    return LedgerEvent.objects.filter(stream=case.uid).count()


def test_what_billing_books_late_of_an_erased_placement_changes_nothing(people):
    row = portfolio.row(0)
    batch = placements.built(people, row)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    transitions.apply(case.pk, "send", actor=placements.actors.system("tests"), at=AT)
    placements.said(case, "placement.answered")
    placements.said(case, "placement.remitted", amount_pence=2000)
    transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="Tried.")
    placements.said(case, "placement.ceased")
    case = dispose(case)
    told = events(case)
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat(), "balance_pence": "3000"}, at=NEXT)
    assert (events(case), Placement.objects.get(pk=case.pk).booked_pence) == (told, 0)


def test_a_charge_of_the_days_of_an_erased_moratorium_is_no_matter_of_it_any_more(people):
    row = moratoria.account(people, as_of="2026-11-03", fees_pence="500", balance_pence="12500")
    case = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row), start_date=date(2026, 11, 5)))
    moratoria.said(case, "moratorium.cancelled")
    case = dispose(case)
    told = events(case)
    billed(people, row, "2026-11-16", fees_pence=1700, balance_pence=13_700, fees_date="2026-11-10")
    assert (events(case), FeeReversal.objects.count()) == (told, 0)


def test_a_payment_on_an_account_of_an_erased_sale_is_told_to_nobody(people):
    case = sales.closed(people)
    assert jobs.is_at_work(case.pk)
    sales.work(at=AT)
    assert not jobs.is_at_work(case.pk)
    case = dispose(case)
    told = events(case)
    pays(case, people, "2026-11-15", 2500)
    assert DebtSaleAccount.objects.get(sale=case.pk).account.last_payment_pence == 2500
    assert events(case) == told


def test_a_dispute_about_an_erased_default_is_a_case_of_its_own(people):
    case = defaults.expired(people)
    number, agency = defaults.number_of(defaults.facts(case).account), Agency.objects.get(code="sandbox-bureau-b")
    case = dispose(case)
    said = {"ticket": "T-2026-0001", "field": "balance"}
    (pk,) = disputes.named_by(agency.pk, number, type="cra.disputed", data=said, at=defaults.OVER)
    assert pk != case.pk
    assert Case.objects.get(pk=pk).kind == "default"
