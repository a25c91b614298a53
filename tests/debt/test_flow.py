"""What happens to an account between its release and its end: taken out of a file, brought up to date, handed on."""

from datetime import timedelta

import pytest

from cases.debt import batches, report
from cases.debt.models import Placement
from cases.kernel import holds, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import BatchFile, Case, Letter, OutboxMessage, Release, Task
from cases.kernel.timing import sweeps
from tests import placements
from tests.accounts import portfolio
from tests.debt.test_placement import state, told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
SOON = AT + timedelta(minutes=2)


def released(people, *rows):
    batch = placements.built(people, *rows)
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    return batch, [line.case for line in batches.lines_of(batch)]


def test_a_hold_takes_an_account_out_of_a_file_that_waits_and_the_rest_goes(people):
    _, (held, other) = released(people, portfolio.row(0), portfolio.row(1))
    holds.enter(held.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    # From this moment the file cannot leave; within a minute another is promised without the account.
    assert [each.state for each in OutboxMessage.objects.filter(kind="dca_place")] == ["withdrawn"]
    sweeps.end_due_clocks(now=SOON)

    assert (state(held), state(other)) == ("excluded", "released")
    messages = OutboxMessage.objects.filter(kind="dca_place").order_by("pk")
    assert [each.state for each in messages] == ["withdrawn", "pending"]
    assert [each["reference"] for each in told("dca_place")] == [held.reference, other.reference, other.reference]
    file = placements.file_of(other)
    assert (file.message_id, file.row_count, file.total_pence) == (messages[1].pk, 1, 5001)
    assert Release.objects.filter(case=other, message=messages[1]).count() == 1
    batches.sent(file, "delivered", SOON)
    assert (state(held), state(other)) == ("excluded", "sent")
    assert list(Letter.objects.values_list("case", "template")) == [(other.pk, "placement_n6")]


def test_two_accounts_of_one_file_are_both_taken_out_before_the_rest_goes(people):
    _, (first, second, other) = released(people, portfolio.row(0), portfolio.row(1), portfolio.row(2))
    for held, at in ((first, AT), (second, AT + timedelta(seconds=30))):
        holds.enter(held.pk, "dispute", actor=people[placements.ANALYST], at=at, source="customer")
    for at in (SOON, SOON + timedelta(minutes=1)):
        sweeps.end_due_clocks(now=at)

    assert (state(first), state(second), state(other)) == ("excluded", "excluded", "released")
    waiting = [each for each in OutboxMessage.objects.filter(kind="dca_place").order_by("pk")]
    assert [each.state for each in waiting] == ["withdrawn", "pending"]
    assert placements.file_of(other).row_count == 1
    assert Release.objects.filter(case__in=[first, second], message=waiting[1]).count() == 0


def test_a_manager_takes_out_what_was_complained_of_and_nothing_that_has_left(people):
    row = portfolio.row(1)
    _, (case,) = released(people, row)
    manager = people[placements.MANAGER]
    with nothing_written(counted=1), pytest.raises(CaseError, match="Nothing speaks against"):
        transitions.apply(case.pk, "pull", actor=manager, at=AT)
    OutboxMessage.objects.filter(kind="dca_place").update(attempts=1)
    placements.accounts(people, {**row, "as_of": "2026-03-02", "flags": "complaint:2026-03-02"})
    with nothing_written(counted=1), pytest.raises(CaseError, match="has left"):
        transitions.apply(case.pk, "pull", actor=manager, at=AT)
    OutboxMessage.objects.filter(kind="dca_place").update(attempts=0)
    transitions.apply(case.pk, "pull", actor=manager, at=AT)
    assert (state(case), OutboxMessage.objects.get(kind="dca_place").state) == ("excluded", "withdrawn")


def test_what_was_held_while_the_file_was_on_its_way_is_told_with_its_arrival(people):
    _, (case,) = released(people, portfolio.row(1))
    OutboxMessage.objects.filter(kind="dca_place").update(attempts=1)
    holds.enter(case.pk, "vulnerable", actor=people[placements.ANALYST], at=AT, source="customer")
    batches.sent(placements.file_of(case), "delivered", AT)
    assert (state(case), told("dca_hold")) == ("sent", [{"reference": case.reference}])


def test_a_payment_to_us_and_a_new_address_reach_the_agency_the_same_day(people):
    row = portfolio.row(1)
    _, (case,) = released(people, row)
    file = BatchFile.objects.get(kind="dca_place")
    batches.sent(file, "delivered", AT)
    placements.said(case, "placement.answered")
    paid = {**row, "as_of": "2026-03-02", "balance_pence": "4001"}
    placements.accounts(people, paid)
    moved = {**paid, "as_of": "2026-03-03", "holder_1_line_1": "9 Other Street", "holder_1_phone": "07700 900999"}
    placements.accounts(people, moved)
    first, second = told("dca_update")
    assert (first["amount_pence"], first["line_1"]) == ("4001", "1 Example Terrace")
    assert (second["amount_pence"], second["line_1"], second["phone"]) == ("4001", "9 Other Street", "07700 900999")

    # What the agency itself collected is no news to it when billing books it; the same row again is none either.
    placements.said(case, "placement.remitted", amount_pence=1000, commission_pence=180, vat_pence=36)
    booked = {**moved, "as_of": "2026-03-04", "balance_pence": "3001"}
    placements.accounts(people, booked)
    placements.accounts(people, {**booked, "as_of": "2026-03-05"})
    kept = Placement.objects.get(pk=case.pk)
    assert (len(told("dca_update")), kept.balance_pence, kept.booked_pence) == (2, 4001, 1000)


def test_an_account_that_its_agency_gave_up_goes_to_the_next_one(people):
    old = placements.active(people)
    manager = people[placements.MANAGER]
    with nothing_written(counted=1), pytest.raises(CaseError, match="gives the account up"):
        transitions.apply(old.pk, "transfer_tier", actor=manager, at=AT)
    placements.said(old, "placement.ceased")
    assert Task.objects.filter(case=old, kind="placement_given_up", closed_at=None).count() == 1
    transitions.apply(old.pk, "transfer_tier", actor=manager, at=AT)
    new = Placement.objects.select_related("case").exclude(pk=old.pk).get()
    assert (state(old), new.case.state, new.tier, new.batch) == ("transferred", "gated", 2, None)
    assert [dict(report.facts_view(case))["Tier"] for case in (old, new.case)] == ["1", "2"]

    number = placements.number_of(new)
    batch, cases = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    assert [each.pk for each in cases] == [new.pk]
    assert (state(new.case), Case.objects.count()) == ("in_batch", 2)
    assert placements.release(batch, digest=batch.digest, actor=manager, at=AT) is not None
