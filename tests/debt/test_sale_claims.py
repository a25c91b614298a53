"""A buyer's claim and what is proposed about it reach the people who have to act, and leave them when they have."""

from datetime import date, timedelta

import pytest

from cases.debt.sale import callbacks, lines
from cases.debt.sale.models import SaleClaim
from cases.kernel import calendars, holds
from cases.kernel.casetypes import Content
from cases.kernel.models import Agency, Callback, Case, Task
from cases.ledger import sealing
from cases.ledger.models import LedgerEvent
from tests import sales
from tests.kernel.snapshots import nothing_written
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
AT = sales.LATER
CLAIM = "The buyer claims a sold account: propose to take it back, or refuse: account 1"
PROPOSAL = "Somebody proposed to take a sold account back: a finance approver agrees to the refund: account 1"


def asked(case) -> list[tuple[str, int]]:
    rows = Task.objects.filter(case=case, kind__in=["sale_claimed", "sale_refund"], closed_at=None)
    return [(row.kind, row.detail["line"]) for row in rows.order_by("pk")]


def claimed(people) -> Case:
    case = sales.warranty_open(people)
    lines.claim(case, 1, "wrong_balance", actor=sales.enter(), at=AT)
    return Case.objects.get(pk=case.pk)


def rests(case) -> bool:
    return Case.objects.get(pk=case.pk).is_dormant


def test_a_claim_is_a_task_of_the_sale_until_somebody_proposes_and_then_one_of_finance(people):
    case = claimed(people)
    place = f"/debt/sales/{case.uid}/accounts/1/"
    assert (asked(case), case.is_dormant) == ([("sale_claimed", 1)], False)
    task = Task.objects.get(kind="sale_claimed")
    # 14 November 2026 is a Saturday: five working days end on the Friday after.
    assert task.due_at == calendars.end_of_day(date(2026, 11, 20))
    manager, finance = client_of(sales.MANAGER), client_of(sales.FINANCE)
    for page in ("/", f"/cases/{case.uid}/"):
        shown = manager.get(page).text
        assert CLAIM in shown and f'href="{place}"' in shown

    typed = {"act": "accept_claim", "reason": "Their figures are right."}
    done = manager.post(f"{place}act/", typed, follow=True).text
    assert "Proposed. A finance approver has it as a task; the account is ours again once they agree." in done
    assert LedgerEvent.objects.get(action="debt_sale_account.proposed").reason is not None
    assert asked(case) == [("sale_refund", 1)]
    shown = finance.get("/").text
    assert PROPOSAL in shown and f'href="{place}"' in shown

    agreed = finance.post(f"{place}act/", {"act": "agree_claim"}, follow=True).text
    assert "Agreed. The account is ours again, and its price goes back to the buyer." in agreed
    assert asked(case) == []


def test_a_refusal_ends_what_was_asked_for_and_the_sale_rests_as_before(people):
    before = sales.warranty_open(people)
    was = rests(before)
    lines.claim(before, 1, "wrong_balance", actor=sales.enter(), at=AT)
    with nothing_written(), pytest.raises(lines.LineRefused, match="Give a reason"):
        lines.refuse(before, 1, reason=" ", actor=people[sales.MANAGER], at=AT)
    assert asked(before) == [("sale_claimed", 1)]
    lines.propose(before, 1, actor=people[sales.MANAGER], at=AT)
    lines.refuse(before, 1, reason="It was right.", actor=people[sales.MANAGER], at=AT)
    assert (asked(before), rests(before)) == ([], was)


def test_what_we_want_back_ourselves_is_asked_of_finance_too(people):
    case = sales.warranty_open(people)
    lines.want_back(case, 1, reason="The customer needs support.", actor=people[sales.MANAGER], at=AT)
    assert asked(case) == [("sale_refund", 1)]
    lines.agree(case, 1, actor=people[sales.FINANCE], at=AT)
    assert asked(case) == []


def said(*, received_at, occurred_at) -> Content:
    """Return a claim of the buyer by a callback that reached us at a time, and says another."""
    sales.enter()
    callback = Callback.objects.create(
        agency=Agency.objects.get(code=sales.BUYER),
        message_id=f"claim-{received_at.isoformat()}",
        received_at=received_at,
        key=sealing.new_key("inbox_file", at=received_at, retention_class="message_body"),
        body_sha256="",
        key_name="",
        type="sale.claimed",
    )
    return Content(
        type="sale.claimed",
        agency_code=sales.BUYER,
        agency_kind="purchaser",
        agency_reference="",
        agency_sequence=None,
        occurred_at=occurred_at,
        data={"line": 1, "reason": "wrong_balance"},
        message=None,
        callback_uid=callback.uid,
    )


def test_a_claim_counts_for_the_day_on_which_it_reached_us_whatever_it_says(people):
    case, buyer = sales.warranty_open(people), sales.enter()
    late = AT + timedelta(days=181)
    dated_back = said(received_at=late, occurred_at=AT)
    with nothing_written(), pytest.raises(lines.LineRefused, match="is over"):
        callbacks.claimed(case, dated_back, actor=buyer, at=late)
    # One that we had in time and could apply only later is in time.
    in_time = AT + timedelta(days=180)
    callbacks.claimed(case, said(received_at=in_time, occurred_at=AT), actor=buyer, at=late)
    assert SaleClaim.objects.get().came_at == in_time


@pytest.mark.parametrize("decided", ["refused", "accepted"])
def test_the_hold_of_a_claim_on_a_closed_sale_ends_with_the_claim_and_no_other(people, decided):
    """UK GDPR Art 5(1)(e): nothing is kept for ever because nobody looks."""
    case = sales.closed(people)
    own = holds.enter(case.pk, "legal", actor=people[sales.MANAGER], at=AT, source="court", reason="An order.")
    lines.claim(case, 1, "title", actor=sales.enter(), at=AT)
    assert case.holds.filter(holds.in_force(AT)).count() == 2
    if decided == "refused":
        lines.refuse(case, 1, reason="The deed names it.", actor=people[sales.MANAGER], at=AT)
    else:
        lines.propose(case, 1, actor=people[sales.MANAGER], at=AT)
        lines.agree(case, 1, actor=people[sales.FINANCE], at=AT)
    assert [each.pk for each in case.holds.filter(holds.in_force(AT))] == [own.pk]
