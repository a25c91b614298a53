"""Rows that are copied in have the history, the digest and the entry that the same rows have when they are saved."""

import pytest
from django.db import transaction

from cases.accounts.models import Account, AccountHolder
from cases.kernel.models import Case, Task
from cases.ledger import api as ledger
from cases.ledger import copying
from cases.ledger.errors import LedgerError
from cases.ledger.models import LedgerEvent
from cases.ledger.rows import RowNotLoaded, digested_values, row_digest
from tests.ledger.rows import ACTOR, AT, STREAM, fresh
from tests.ledger.test_rows import ODD

pytestmark = pytest.mark.django_db
# What is copied in is numbered by a sequence of its own.
NUMBERED = [(model, given) for model, given, _ in ODD if model._meta.pk.remote_field is None]
MORE = [
    (Task, {"detail": {"debts": (1, 2)}}),
    (Account, {"balance_pence": "700"}),
    (AccountHolder, {"tokens": [-5, 2**52]}),
    (AccountHolder, {"tokens": (1, 2)}),
    (AccountHolder, {"tokens": []}),
]


@pytest.mark.parametrize(
    ("model", "given"),
    [*NUMBERED, *MORE],
    ids=lambda value: value.__name__ if isinstance(value, type) else next(iter(value), ""),
)
def test_a_row_that_is_copied_in_has_the_digest_of_the_row_read_whatever_its_values_are(model, given):
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        row = fresh(model)
        for name, value in given.items():
            setattr(row, name, value)
        copying.copy_create(model, [row])
    found = model.history.get(uid=row.uid)
    changes = LedgerEvent.objects.get().content()["changes"]
    (entry,) = [each for each in changes if each["m"] == model._meta.label_lower]
    assert (entry["row"], entry["h"]) == (row_digest(found), found.pk)
    live = digested_values(model.objects.get(pk=row.pk))
    assert {name: value for name, value in digested_values(found).items() if name in live} == {
        name: value for name, value in live.items() if name in digested_values(found)
    }


def test_rows_of_several_shapes_are_copied_in_at_once():
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        rows = [fresh(Account) for _ in range(3)]
        rows[1].default_date, rows[1].default_pence = AT.date(), 700
        rows[2].balance_pence = 2**53 - 1
        copying.copy_create(Account, rows)
    read = Account.objects.order_by("pk").values_list("default_date", "default_pence", "balance_pence")
    assert list(read) == [(row.default_date, row.default_pence, row.balance_pence) for row in rows]


def test_rows_that_are_made_as_they_are_written_are_the_same_and_too_few_of_them_are_none():
    rows = [fresh(Account) for _ in range(6)]
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        made = copying.copy_create(Account, (row for row in rows[:3]), many=3)
        assert copying.copy_create(Account, iter(())) == []
    entries = {each["k"]: each for each in LedgerEvent.objects.get().content()["changes"]}
    assert {row.pk: entries[row.pk]["row"] for row in made} == {
        row.id: row_digest(row) for row in Account.history.filter(uid__in=[each.uid for each in made])
    }
    with pytest.raises(ValueError, match="longer"), ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        copying.copy_create(Account, (row for row in rows[3:5]), many=3)
    with pytest.raises(LedgerError, match="asks the database nothing"), transaction.atomic():
        copying.copy_made(Account, (fresh(Account) for _ in range(1)), many=1)
    assert (Account.objects.count(), Account.history.count(), LedgerEvent.objects.count()) == (3, 3, 1)


def test_a_row_that_keeps_no_copy_of_itself_is_loaded_before_it_is_changed():
    with ledger.action(STREAM, "row.made", actor=ACTOR, at=AT):
        kept, let_go = fresh(Case), fresh(Case)
        copying.copy_create(Case, [kept])
        copying.copy_create(Case, [let_go], is_changed_later=False)
    kept.version = let_go.version = 7
    with ledger.action(STREAM, "row.changed", actor=ACTOR, at=AT):
        kept.save(update_fields=["version"])
        with pytest.raises(RowNotLoaded):
            let_go.save(update_fields=["version"])
        Case.objects.get(pk=let_go.pk).save(update_fields=["version"])
