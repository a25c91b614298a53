"""What a customer owes and pays is a record of its own, beside the records of people, and few may read it (R15)."""

import pytest
from django.apps import apps
from django.db import connection

from cases.accounts.models import Account, AccountHolder
from tests import factories, placements, sales
from tests.accounts import portfolio
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
PAYMENTS = {"payment_pence", "last_payment_pence", "last_payment_date", "payments_behind", "paid_by"}


def test_payments_are_columns_of_the_account_and_of_nobody_who_holds_it():
    has = {
        model._meta.label.replace("Historical", "")
        for model in apps.get_models()
        if PAYMENTS & {field.name for field in model._meta.concrete_fields}
    }
    # A default notes beside its account how far behind the payments were when it was registered.
    assert has == {"cases.Account", "cases.Default"}
    people = {field.name for field in AccountHolder._meta.concrete_fields}
    assert not people & ({field.name for field in Account._meta.concrete_fields} - {"id", "uid", "key"})


def test_who_does_not_collect_reads_nothing_of_what_is_owed_and_paid():
    people = factories.office()
    case = placements.released(people)
    (owed,) = Account.objects.values_list("balance_pence", flat=True)
    shown = f"£{owed / 100:,.2f}"
    sees = {name for name in people if shown in client_of(name).get(f"/cases/{case.uid}/").text}
    assert sees == {"r.penhale", "c.adebayo"}
    opens = {name for name in people if client_of(name).get("/debt/remittances/").status_code == 200}
    assert opens == {"r.penhale", "c.adebayo", "b.lacombe", "j.merriweather"}
    gives = {name for name in people if b"Take it in" in client_of(name).get("/debt/accounts/").content}
    assert gives == {"r.penhale", "c.adebayo"}


def test_the_number_by_which_an_account_is_known_lies_sealed_and_its_last_payment_stays_in_the_record():
    people = factories.office()
    row = portfolio.row(1, last_payment_date="2026-02-03", last_payment_pence="1234", paid_by="card")
    sales.take_in(people, row)
    account = Account.objects.get()
    assert (account.last_payment_pence, account.paid_by) == (1234, "card")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM cases_account a")
        (stored,) = cursor.fetchone()
    assert row["account"] not in stored and row["holder_1_surname"] not in stored
