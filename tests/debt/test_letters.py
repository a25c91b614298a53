"""What a letter about a debt says: who asks for it, for which account and how much, and which desk answers."""

import re

import pytest

from cases.kernel.models import Letter, Task
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


def test_a_notice_of_assignment_is_one_sheet_and_says_how_much():
    case = sales.noticed(factories.office())
    line = case.debt_sale.lines.get()
    letter = Letter.objects.filter(sale_notice__line=line).first()
    said = words(letter, at=sales.LATER)
    assert f"what you owe on your account with us: £{line.balance_pence / 100:,.2f}." in said
    assert "Fraud and Identity Desk" not in said
