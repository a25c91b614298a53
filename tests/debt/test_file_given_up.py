"""A file of accounts that an operator gives up: no account stays on its way for ever, and what the agency may have
counts as handed over (domain 5A.5; a customer is asked by one agency at a time)."""

from datetime import timedelta

import pytest

from cases.debt import batches
from cases.debt.models import Placement
from cases.kernel import holds, tasks, transitions
from cases.kernel.background import jobrun
from cases.kernel.errors import CaseError
from cases.kernel.exchange import deadletters
from cases.kernel.models import Case, Letter, OutboxMessage, Task
from cases.ledger import verify
from tests import moratoria, placements, sales
from tests.accounts import portfolio
from tests.debt.test_placement import state, told
from tests.factories import AT
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
OPERATOR = "o.thackray"


def stuck(people, became: str) -> tuple[list[Case], OutboxMessage]:
    """Return the accounts of a released batch whose file could not be sent, and its message."""
    batch = placements.built(people, *(portfolio.row(number) for number in range(3)))
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    message = OutboxMessage.objects.get(kind="dca_place")
    OutboxMessage.objects.filter(pk=message.pk).update(state=became, attempts=9, settled_at=AT)
    message.refresh_from_db()
    return [line.case for line in batches.lines_of(batch)], message


def give_up(message, people) -> None:
    deadletters.skip(message, actor=people[OPERATOR], at=AT, reason="The agency has moved to another server.")
    jobrun.work(clock=lambda: AT, seconds=60)


def asked() -> Task:
    return Task.objects.get(kind="placement_file_given_up", closed_at=None)


def test_the_accounts_of_a_file_that_nobody_has_are_free_for_another_batch(people):
    cases, message = stuck(people, "dead")
    with nothing_written(counted=1), pytest.raises(CaseError, match="has left"):
        transitions.apply(cases[0].pk, "pull", actor=people[placements.MANAGER], at=AT)
    give_up(message, people)
    assert [state(case) for case in cases] == ["excluded"] * 3
    assert not Letter.objects.exists()
    assert OutboxMessage.objects.filter(kind="dca_place").count() == 1  # nothing of it is promised anew by itself
    task = asked()
    assert (task.team.code, task.detail["accounts"]) == ("collections", 3)
    assert "nobody has them, and no letter says so: choose them anew" in tasks.MORE[task.kind](task.detail)
    numbers = [placements.number_of(row) for row in Placement.objects.select_related("account").order_by("pk")]
    _, again = placements.build(numbers, agency_code=placements.CODE, actor=people[placements.ANALYST], at=AT)
    assert [case.state for case in again] == ["in_batch"] * 3
    for case in cases:
        assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []


def test_what_an_agency_may_have_of_a_file_that_was_given_up_counts_as_sent_and_can_be_recalled(people):
    cases, message = stuck(people, "unknown")
    holds.enter(cases[0].pk, "deceased", actor=people[placements.ANALYST], at=AT, source="customer")
    give_up(message, people)
    assert [state(case) for case in cases] == ["sent"] * 3
    assert told("dca_hold") == [{"reference": cases[0].reference}]
    assert "the agency may have them: ask it, and recall them" in tasks.MORE[asked().kind](asked().detail)
    for case in cases:
        transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="It may have it.")
    assert len(told("dca_recall")) == 3
    number = placements.number_of(Placement.objects.select_related("account").get(pk=cases[1].pk))
    at = AT + timedelta(hours=1)
    _, (again,) = placements.build([number], agency_code=placements.CODE, actor=people[placements.ANALYST], at=at)
    assert Placement.objects.get(pk=again.pk).stopped_by == ["placed_already"]


def test_a_file_that_is_tried_again_draws_nothing_back(people):
    cases, message = stuck(people, "dead")
    deadletters.try_again(message, actor=people[OPERATOR], at=AT, reason="Their server is back.")
    jobrun.work(clock=lambda: AT, seconds=60)
    assert [state(case) for case in cases] == ["released"] * 3
    assert not Task.objects.filter(kind="placement_file_given_up").exists()


def skipped(kind: str, people) -> None:
    """Let the one message of a kind be given up."""
    message = OutboxMessage.objects.get(kind=kind)
    OutboxMessage.objects.filter(pk=message.pk).update(state="dead", attempts=9, settled_at=AT)
    message.refresh_from_db()
    deadletters.skip(message, actor=people[OPERATOR], at=AT, reason="The channel is gone.")


def test_a_change_that_no_file_takes_to_the_agency_is_told_by_hand(people):
    case = placements.active(people)
    number = placements.number_of(Placement.objects.select_related("account").get(pk=case.pk))
    row = portfolio.row(0, account=number, as_of="2026-11-14", balance_pence="4000")
    placements.accounts(people, row)
    assert len(told("dca_update")) == 1
    skipped("dca_update", people)
    assert Task.objects.filter(case=case, kind="placement_update_by_hand", closed_at=None).count() == 1


def test_a_notice_that_no_file_takes_to_the_buyer_is_told_by_hand(people):
    case = moratoria.forwarded(people)
    skipped("moratorium_forward", people)
    asked = Task.objects.filter(case=case, kind="moratorium_by_hand", closed_at=None)
    assert [each.detail for each in asked] == [{"message": "moratorium_forward"}]


@pytest.mark.parametrize("kind", ["assignment", "final_tape"])
def test_what_a_buyer_was_to_have_by_a_file_that_was_given_up_is_seen_to_by_a_person(people, kind):
    case = sales.warranty_open(people)
    skipped(kind, people)
    task = Task.objects.get(case=case, kind="sale_file_given_up", closed_at=None)
    assert task.detail == {"agency": sales.BUYER, "message_kind": kind}
    assert [each for each in verify.verify_stream(case.uid) if each.level == "wrong"] == []
