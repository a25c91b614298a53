"""What a letter about a debt says: who asks for it, for which account and how much, and which desk answers."""

import re

import pytest

from cases.debt.sale import tapes
from cases.kernel import actors, record
from cases.kernel.exchange import letters
from cases.kernel.models import Letter, Task
from cases.ledger import sealing
from cases.ledger.reads import Reader
from cases.reports import letters as written
from tests import factories, placements, sales
from tests.reports import reading

pytestmark = pytest.mark.django_db


def words(letter: Letter, *, at) -> str:
    """Have a letter written; return its text as read back from the PDF, in one line."""
    assert written.write(letter.pk, now=at)
    letter = Letter.objects.select_related("blob").get(pk=letter.pk)
    reader = Reader(actor="tests", verb="read", purpose="tests")
    assert letter.pages == 1
    return " ".join(reading.text_of(written.open_letter(letter, reader=reader, at=at)).split())


@pytest.mark.parametrize(
    ("state", "template", "says"),
    [
        (placements.sent, "placement_n6", r"£\d+\.\d\d is unpaid on your account 8\d{9}\. We have asked Drama Recov"),
        (placements.recalled, "placement_n8", r"We took your account 8\d{9} back from Drama Recov"),
    ],
)
def test_a_letter_about_a_placement_names_the_agency_the_account_and_the_amount(state, template, says):
    case = state(factories.office())
    letter = Letter.objects.filter(case=case, template=template).first()
    said = words(letter, at=placements.AT)
    assert re.search(says, said), said
    assert "Payments and Collections Desk" in said and "Fraud" not in said


def test_whoever_no_letter_about_a_placement_reaches_is_told_by_hand():
    """Billing tells where the first holder lives, and not where the second does."""
    case = placements.recalled(factories.office())
    asked = Task.objects.filter(case=case, kind="placement_write_by_hand", closed_at=None).order_by("pk")
    assert [each.detail for each in asked] == [{"letter": f"placement_{code}", "person": 2} for code in ("n6", "n8")]
    assert set(Letter.objects.filter(case=case).values_list("party__number", flat=True)) == {1}


@pytest.mark.parametrize("place", ["eaw", "sct", "nir"])
def test_a_notice_of_assignment_is_one_sheet_and_names_the_very_debt_and_what_the_buyer_was_given(place):
    case = sales.noticed(factories.office())
    line = case.debt_sale.lines.get()
    letter = Letter.objects.filter(sale_notice__line=line).earliest("pk")
    with record.act(case, "test.elsewhere", actor=actors.system("tests"), at=sales.LATER):
        letter.template = f"sale_n7_{place}"
        letter.save(update_fields=["template"])
    said = words(letter, at=sales.LATER)
    owed = f"£{line.balance_pence / 100:,.2f}"
    assert f"what you owe on your account {sales.newest_number()} with us: {owed} (their reference" in said
    assert f"(their reference {case.reference}/1)." in said
    assert "Fraud and Identity Desk" not in said
    # It says what the tape of the buyer holds: a notice that left some of it out would not be true.
    assert (
        "They have your name, date of birth and contact details, and the number, amounts and dates of the account"
        in said
    )
    assert {"holder_1_date_of_birth", "holder_1_phone", "account", "last_payment_date"} <= set(tapes.FINAL)


def test_a_notice_of_an_account_whose_number_is_erased_is_not_written():
    case = sales.noticed(factories.office())
    letter = Letter.objects.filter(sale_notice__line__sale=case.pk).earliest("pk")
    sealing.destroy(letter.sale_notice.line.account.key, actor="tests", reason="tests", at=sales.LATER)
    assert not written.write(letter.pk, now=sales.LATER)
    letter.refresh_from_db()
    assert (letter.state, letter.message) == ("due", None)
    assert Task.objects.get(case=case, kind=letters.FAILED).detail["problem"] == "erased"
