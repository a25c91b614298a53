"""What a recovery agency told of an account outlives its placement: until billing has noted it, nobody else gets the
account (domain 5A.2, 5B.3), and what it collected is owed no more (domain 5B.5: the balance is accurate)."""

from datetime import timedelta

import pytest

from cases.debt import callbacks, heard
from cases.debt.models import Placement
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import edits, holds, transitions, verdicts
from cases.kernel.exchange import files
from cases.kernel.models import Case, Task
from cases.kernel.timing import sweeps
from tests import placements, sales
from tests.accounts import portfolio
from tests.debt.test_placement import told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
NEXT = AT + timedelta(days=1)


def disputed(people):
    return placements.said(placements.active(people), "placement.returned", code="disputed")


def again(people, case: Case, *, at=NEXT) -> tuple[str, list[str]]:
    """Put the account in a batch again; return where it stands and what stops it."""
    number = placements.number_of(Placement.objects.get(pk=case.pk))
    _, (new,) = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=at)
    return new.state, Placement.objects.get(pk=new.pk).stopped_by


def line_of(people, case: Case, *, at=NEXT) -> DebtSaleAccount:
    """Look at the account for a sale; return its line."""
    account = case.placement.account
    balance = type(account).objects.get(pk=account.pk).balance_pence
    sale = sales.looked(sales.pool_of(people, balance_from=balance, balance_to=balance), people, at=at)
    return DebtSaleAccount.objects.get(sale=sale.pk, account=account)


@pytest.mark.parametrize(
    ("end", "why", "is_sold"),
    [
        (placements.deceased, "deceased", False),
        (placements.insolvent, "insolvent", False),
        (disputed, "dispute", False),
        (placements.settled, "settled", False),
        # Whoever left the address is traced before an agency gets it (5A.2); 5B.3 does not name them.
        (placements.returned, "gone_away", True),
    ],
)
def test_what_an_agency_learned_stops_the_next_batch_and_sale_until_billing_has_noted_it(people, end, why, is_sold):
    case = end(people)
    assert Task.objects.get(case=case, kind="placement_billing_to_note").detail["what"] == why
    state, stopped = again(people, case)
    assert (state, why in stopped) == ("excluded", True)
    line = line_of(people, case)
    assert (line.state == "in_pool", why in line.stopped_by) == (is_sold, not is_sold)


def test_once_somebody_says_that_billing_has_noted_it_what_billing_tells_later_counts(people):
    row = portfolio.row(0)
    batch = placements.built(people, row)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    transitions.apply(case.pk, "send", actor=placements.actors.system("tests"), at=AT)
    placements.said(case, "placement.answered")
    placements.said(case, "placement.returned", code="disputed")
    task = Task.objects.get(case=case, kind="placement_billing_to_note")
    edits.close_task(case.pk, task.pk, actor=people[placements.ANALYST], at=AT, reason="Billing looked into it.")
    # Of the same day it may not know of it yet.
    placements.accounts(people, {**row, "as_of": AT.date().isoformat()})
    assert again(people, case, at=AT) == ("excluded", ["dispute"])
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat()}, at=NEXT)
    assert again(people, case) == ("in_batch", [])


def test_what_was_paid_to_an_agency_is_neither_placed_nor_sold_again(people):
    case = placements.paid(people)  # £50.00 of £50.00; billing has booked nothing
    assert again(people, case) == ("excluded", ["balance_too_small"])
    line = line_of(people, case)
    assert (line.state, line.stopped_by) == ("excluded", ["too_little_owed"])


def test_a_part_that_an_agency_collected_is_off_the_balance_until_billing_books_it(people):
    row = portfolio.row(0)  # £50.00
    batch = placements.built(people, row)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    transitions.apply(case.pk, "send", actor=placements.actors.system("tests"), at=AT)
    placements.said(case, "placement.answered")
    placements.said(case, "placement.remitted", amount_pence=2000)
    transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="Tried.")
    placements.said(case, "placement.ceased")
    assert line_of(people, Case.objects.get(pk=case.pk)).balance_pence == 3000
    state, stopped = again(people, case)
    new = Placement.objects.exclude(pk=case.pk).get()
    assert (state, stopped, new.balance_pence) == ("in_batch", [], 3000)

    # Billing books it: what is owed stays as it was, and is taken off once.
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat(), "balance_pence": "3000"}, at=NEXT)
    assert Placement.objects.get(pk=case.pk).booked_pence == 2000
    assert line_of(people, Case.objects.get(pk=case.pk)).balance_pence == 3000


def test_a_need_for_support_that_an_agency_hears_of_stops_it_and_every_other_until_billing_has_noted_it(people):
    """Which need it is goes nowhere: domain 5A.3, 5A.9."""
    case = placements.active(people)
    row = portfolio.row(0, account=placements.number_of(Placement.objects.select_related("account").get(pk=case.pk)))
    for _ in range(2):
        placements.said(case, "placement.reported", code="support_need", diagnosis="Depression")
    task = Task.objects.get(case=case, kind="placement_billing_to_note")
    assert task.detail == {"what": "vulnerable", "account": case.placement.account_id}
    assert [set(each) for each in told("dca_hold")] == [{"reference"}]
    sweeps.end_due_clocks(now=NEXT)
    assert (told("dca_release"), len(told("dca_hold"))) == ([], 1)
    # Once billing has looked, the agency goes on by the next night.
    edits.close_task(case.pk, task.pk, actor=people[placements.ANALYST], at=AT, reason="It needs nothing of us.")
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat()}, at=NEXT)
    sweeps.end_due_clocks(now=NEXT + timedelta(days=1))
    assert len(told("dca_release")) == 1


def test_an_account_that_came_back_with_a_need_for_support_goes_to_no_other_agency(people):
    case = placements.active(people)
    placements.said(case, "placement.reported", code="support_need")
    placements.said(case, "placement.returned", code="uneconomic")
    assert again(people, case) == ("excluded", ["vulnerable"])


def test_a_complaint_that_an_agency_hears_stops_it_and_every_other_until_somebody_has_looked(people):
    """Domain 5A.2, 5A.4: an open complaint stops placing, whoever heard it; the letter of the placement promises it."""
    case = placements.active(people)
    row = portfolio.row(0, account=placements.number_of(Placement.objects.select_related("account").get(pk=case.pk)))
    placements.said(case, "placement.reported", code="complaint")
    (task,) = Task.objects.filter(case=case, closed_at=None, kind="placement_complaint")
    assert task.detail == {"code": "complaint", "what": "complaint", "account": case.placement.account_id}
    assert len(told("dca_hold")) == 1
    sweeps.end_due_clocks(now=NEXT)
    assert (told("dca_release"), len(told("dca_hold"))) == ([], 1)
    placements.said(case, "placement.returned", code="uneconomic")
    assert again(people, case) == ("excluded", ["complaint"])
    assert line_of(people, case).stopped_by == ["complaint"]
    edits.close_task(case.pk, task.pk, actor=people[placements.ANALYST], at=AT, reason="It was answered.")
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat()}, at=NEXT)
    assert again(people, case) == ("in_batch", [])


@pytest.mark.parametrize("flag", ["complaint", "dispute", "adr"])
def test_what_billing_says_is_in_dispute_is_collected_by_nobody_meanwhile(people, flag):
    """Domain 1.2: a hold for a complaint or a dispute stops enforcement; so does what billing says of the account."""
    case = placements.active(people)
    row = portfolio.row(0, account=placements.number_of(Placement.objects.select_related("account").get(pk=case.pk)))
    day = NEXT.date().isoformat()
    placements.accounts(people, {**row, "as_of": day, "flags": f"{flag}:{day}"}, at=NEXT)
    assert len(told("dca_hold")) == 1
    later = NEXT + timedelta(days=1)
    placements.accounts(people, {**row, "as_of": later.date().isoformat()}, at=later)
    sweeps.end_due_clocks(now=later + timedelta(days=1))
    assert len(told("dca_release")) == 1


@pytest.mark.parametrize("kind", ["complaint", "vuln"])
def test_an_agency_says_in_a_file_of_its_own_that_a_customer_complains_or_needs_support(people, kind):
    """Domain 5A.4 names both files. Its own rows say when; what is behind a need for support is in no column."""
    case = placements.active(people)
    declared = files.kind_of(kind)
    row = {"reference": case.reference, "occurred_at": "2026-02-20T10:00:00+00:00", "diagnosis": "Depression"}
    assert declared.find(placements.file_of(case), [row]) == [case.pk]
    line = declared.line(row)
    assert dict(line.data) == {"code": {"complaint": "complaint", "vuln": "support_need"}[kind]}
    placements.said(case, line.type, **line.data)
    assert len(told("dca_hold")) == 1
    with pytest.raises(files.FileRefused, match="time_malformed"):
        declared.line({**row, "occurred_at": "20 February"})


def test_what_an_agency_did_by_a_code_that_was_not_agreed_is_for_people(people):
    case = placements.active(people)
    with nothing_written(), pytest.raises(callbacks.ReportUnknown, match="ask it what it did"):
        placements.said(case, "placement.reported", code="home_call")


def breaches(case: Case) -> list[str]:
    rows = Task.objects.filter(case=case, kind="placement_complaint").order_by("pk")
    return [each.detail["code"] for each in rows]


@pytest.mark.parametrize("end", [placements.recalled, placements.returned, placements.paid])
def test_whoever_is_asked_by_an_agency_that_had_to_cease_is_for_people(people, end):
    """Domain 5A.5: a recall is confirmed by "all activity ceased"."""
    case = end(people)
    placements.said(case, "placement.reported", code="letter", at=AT)
    assert breaches(case) == []  # of the day itself
    placements.said(case, "placement.reported", code="call", at=NEXT)
    assert breaches(case) == ["call"]


def test_a_call_between_the_recall_and_its_confirmation_is_for_people_and_one_before_it_is_not(people):
    case = placements.recall_requested(people)
    placements.said(case, "placement.reported", code="call", at=AT - timedelta(minutes=1))
    assert breaches(case) == []
    placements.said(case, "placement.reported", code="visit", at=AT + timedelta(minutes=1))
    assert breaches(case) == ["visit"]


def test_what_billing_has_not_booked_long_after_the_placement_is_for_people_and_lowers_nothing_once_it_is(people):
    """Billing booked the payment before the agency told of it: the balance will not fall for it again."""
    row = portfolio.row(0)  # £50.00
    batch = placements.built(people, row)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    transitions.apply(case.pk, "send", actor=placements.actors.system("tests"), at=AT)
    placements.said(case, "placement.answered")
    booked = {**row, "balance_pence": "3500"}
    placements.accounts(people, {**booked, "as_of": AT.date().isoformat()})
    placements.said(case, "placement.remitted", amount_pence=1500)
    placements.said(case, "placement.returned", code="uneconomic")
    for days in (1, 35):
        at = AT + timedelta(days=days)
        placements.accounts(people, {**booked, "as_of": at.date().isoformat()}, at=at)
    asked = Task.objects.filter(case=case, kind="placement_not_booked")
    assert (asked.count(), line_of(people, Case.objects.get(pk=case.pk), at=at).balance_pence) == (0, 2000)

    for days in (36, 37):
        at = AT + timedelta(days=days)
        placements.accounts(people, {**booked, "as_of": at.date().isoformat()}, at=at)
    assert [each.detail for each in asked] == [{"pence": 1500}]
    assert line_of(people, Case.objects.get(pk=case.pk), at=at).balance_pence == 2000  # nobody is asked twice meanwhile
    edits.close_task(case.pk, asked.get().pk, actor=people[placements.ANALYST], at=at, reason="It was booked before.")
    assert line_of(people, Case.objects.get(pk=case.pk), at=at).balance_pence == 3500


def test_what_an_agency_learned_before_anybody_was_asked_is_asked_for_when_billing_tells_of_the_account(
    people, monkeypatch
):
    row = portfolio.row(0)
    batch = placements.built(people, row)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    case = placements.case_of(batch)
    transitions.apply(case.pk, "send", actor=placements.actors.system("tests"), at=AT)
    placements.said(case, "placement.answered")
    with monkeypatch.context() as before:  # as a release did that knew no such task
        before.setattr(heard, "ask_billing", lambda *_args, **_more: None)
        placements.said(case, "placement.insolvent")
    assert not Task.objects.filter(case=case, kind="placement_billing_to_note").exists()
    for day in (NEXT, NEXT + timedelta(days=1)):
        placements.accounts(people, {**row, "as_of": day.date().isoformat()}, at=day)
    task = Task.objects.get(case=case, kind="placement_billing_to_note")
    assert (task.detail["what"], again(people, case, at=day)) == ("insolvent", ("excluded", ["insolvent"]))
    edits.close_task(case.pk, task.pk, actor=people[placements.ANALYST], at=day, reason="It is discharged.")
    later = day + timedelta(days=1)
    placements.accounts(people, {**row, "as_of": later.date().isoformat()}, at=later)
    assert again(people, case, at=later) == ("in_batch", [])


def test_a_complaint_that_was_closed_less_than_thirty_days_ago_keeps_an_account_out_of_a_sale(people):
    """Domain 5B.3: whoever heard it, and whoever said that it is over."""
    held, reported = placements.active(people), placements.active(people)
    analyst, manager = people[placements.ANALYST], people[placements.MANAGER]
    hold = holds.enter(held.pk, "complaint", actor=analyst, at=AT, source="customer")
    placements.said(reported, "placement.reported", code="complaint")
    task = Task.objects.get(case=reported, kind="placement_complaint")
    for case in (held, reported):
        placements.said(case, "placement.returned", code="uneconomic")
    transitions.apply(held.pk, "release_hold", actor=analyst, at=AT, reason="Answered.", inputs={"hold": hold.pk})
    verdicts.decide(held.approvals.get(closed_at=None, act="release_hold").uid, "agreed", actor=manager, at=AT)
    edits.close_task(reported.pk, task.pk, actor=analyst, at=AT, reason="Answered.")
    row = portfolio.row(
        0, account=placements.number_of(Placement.objects.select_related("account").get(pk=reported.pk))
    )
    placements.accounts(people, {**row, "as_of": NEXT.date().isoformat()}, at=NEXT)
    for days, stopped in ((29, ["complaint_closed"]), (30, [])):
        at = AT + timedelta(days=days)
        sale = line_of(people, held, at=at).sale  # both owe as much
        assert [line.stopped_by for line in sale.lines.order_by("number")] == [stopped, stopped]
