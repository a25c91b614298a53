"""What stops an account reaches its agency at once, whoever says so and whenever it begins (domain 5A.2, 5A.5)."""

from datetime import timedelta

import pytest

from cases.debt import effects
from cases.debt.models import Placement
from cases.kernel import actors, holds, record, transitions
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, Channel, Letter, OutboxMessage, Task
from cases.kernel.timing import sweeps
from cases.reports import letters
from tests import factories, moratoria, placements
from tests.accounts import portfolio
from tests.debt.test_moratorium import placed
from tests.debt.test_placement import told
from tests.factories import AT

pytestmark = pytest.mark.django_db
# The account that a referral of `factories` names.
NAMED = "NM-4471"


def number_of(case: Case) -> str:
    return placements.number_of(Placement.objects.select_related("account").get(pk=case.pk))


def handed_over(people) -> Case:
    """Return a released placement of the account that a referral names too."""
    batch = placements.built(people, portfolio.row(1, account=NAMED))
    placements.release(batch, digest=batch.digest, actor=people[placements.MANAGER], at=AT)
    return placements.case_of(batch)


def held_elsewhere(people, kind: str = "deceased") -> None:
    referral = factories.submitted(people)
    holds.enter(referral.pk, kind, actor=people["a.byrne"], at=AT, source="customer")


def files() -> list[str]:
    return list(OutboxMessage.objects.filter(kind="dca_place").order_by("pk").values_list("state", flat=True))


def asked(case: Case) -> list[str]:
    """Return the states of the letters that an agency collects."""
    rows = Letter.objects.filter(case=case, template="placement_n6")
    return list(rows.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize("flag", ["deceased", "debt_relief_order", "fraud_victim"])
@pytest.mark.parametrize("where", [placements.sent, placements.active, placements.recall_requested])
def test_what_billing_flags_of_an_account_at_its_agency_is_told_in_the_same_act(people, where, flag):
    case = where(people)
    at = AT + timedelta(hours=1)
    row = portfolio.row(0, account=number_of(case), as_of=AT.date().isoformat(), flags=f"{flag}:2026-11-14")
    placements.accounts(people, row, at=at)
    assert len(told("dca_hold")) == 1
    assert Placement.objects.get(pk=case.pk).is_told_of_hold
    sweeps.end_due_clocks(now=AT + timedelta(days=1))
    assert len(told("dca_hold")) == 1


def test_an_account_whose_agency_never_answers_is_looked_at_every_night(people):
    case = placements.sent(people)
    placements.noted(case)
    for days in (1, 2, 3):
        sweeps.end_due_clocks(now=AT + timedelta(days=days))
    nights = case.clocks.filter(rule="placement_gate")
    assert (nights.filter(state="met").count(), nights.filter(state="running").count()) == (3, 1)


def test_a_hold_on_another_case_is_told_as_the_file_arrives(people):
    case = handed_over(people)
    held_elsewhere(people)
    placements.batches.sent(placements.file_of(case), "delivered", AT + timedelta(hours=3))
    assert Case.objects.get(pk=case.pk).state == "sent"
    assert len(told("dca_hold")) == 1


@pytest.mark.parametrize("kind", ["deceased", "fraud_victim"])
def test_a_hold_on_another_case_is_told_to_the_agency_in_the_next_minute(people, kind):
    case = handed_over(people)
    placements.batches.sent(placements.file_of(case), "delivered", AT)
    held_elsewhere(people, kind)
    sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
    assert len(told("dca_hold")) == 1


def test_a_hold_on_another_case_takes_the_account_out_of_a_file_that_waits(people):
    case = handed_over(people)
    held_elsewhere(people)
    for minutes in (2, 4):
        sweeps.end_due_clocks(now=AT + timedelta(minutes=minutes))
    assert (Case.objects.get(pk=case.pk).state, files()) == ("excluded", ["withdrawn"])
    assert told("dca_hold") == []


def test_nobody_who_is_held_elsewhere_is_told_by_letter_that_an_agency_collects(people):
    case = handed_over(people)
    assert asked(case) == []  # domain 5A.5: N6 leaves when the file has left
    placements.batches.sent(placements.file_of(case), "delivered", AT)
    assert asked(case) == ["due"]
    held_elsewhere(people)
    letter = Letter.objects.get(case=case, template="placement_n6")
    assert not letters.write(letter.pk, now=AT + timedelta(minutes=5))
    assert (asked(case), len(told("dca_hold"))) == (["withdrawn"], 1)


def test_a_letter_that_was_asked_for_before_the_file_had_left_is_not_asked_for_twice(people):
    """As a release before did; where the account is taken out of its file, that letter is taken back."""
    cases = [handed_over(people), placements.released(people)]
    for case in cases:
        with record.act(case, "tests.asked", actor=people[placements.MANAGER], at=AT):
            effects.write(case, "placement_n6", at=AT)
    placements.batches.sent(placements.file_of(cases[0]), "delivered", AT)
    assert asked(cases[0]) == ["due"]
    holds.enter(cases[1].pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer")
    sweeps.end_due_clocks(now=AT + timedelta(minutes=2))
    assert (Case.objects.get(pk=cases[1].pk).state, asked(cases[1])) == ("excluded", ["withdrawn"])


def test_who_is_held_as_the_file_leaves_hears_of_the_agency_when_it_may_go_on(people):
    case = handed_over(people)
    OutboxMessage.objects.filter(kind="dca_place").update(attempts=1)  # it is leaving: nothing is taken out of it
    ends_at = AT + timedelta(days=1)
    holds.enter(case.pk, "dispute", actor=people[placements.ANALYST], at=AT, source="customer", ends_at=ends_at)
    placements.batches.sent(placements.file_of(case), "delivered", AT)
    assert (len(told("dca_hold")), asked(case)) == (1, [])
    sweeps.end_due_clocks(now=AT + timedelta(days=2))
    assert (len(told("dca_release")), asked(case)) == (1, ["due"])


def test_the_letter_is_asked_for_anew_when_the_agency_may_go_on(people):
    case = placements.active(people)
    row = portfolio.row(0, account=number_of(case))
    day = timedelta(days=1)
    placements.accounts(people, {**row, "as_of": "2026-11-15", "flags": "vulnerable:2026-11-15"}, at=AT + day)
    letter = Letter.objects.get(case=case, template="placement_n6")
    assert not letters.write(letter.pk, now=AT + day)
    assert asked(case) == ["withdrawn"]
    placements.accounts(people, {**row, "as_of": "2026-11-16"}, at=AT + 2 * day)
    sweeps.end_due_clocks(now=AT + 3 * day)
    assert (len(told("dca_release")), asked(case)) == (1, ["withdrawn", "due"])
    assert letters.write(Letter.objects.filter(case=case, state="due").get().pk, now=AT + 3 * day)


def to_come(case: Case, people) -> None:
    """Enter a hold that begins eight hours later."""
    began_at = AT + timedelta(hours=8)
    holds.enter(case.pk, "vulnerable", actor=people[placements.ANALYST], at=AT, source="customer", began_at=began_at)


def test_a_hold_to_come_takes_the_account_out_of_its_file_when_it_begins(people):
    case = placements.released(people)
    to_come(case, people)
    sweeps.end_due_clocks(now=AT + timedelta(hours=1))
    assert files() == ["pending"]
    for minutes in (2, 4):
        sweeps.end_due_clocks(now=AT + timedelta(hours=8, minutes=minutes))
    assert (Case.objects.get(pk=case.pk).state, files()) == ("excluded", ["withdrawn"])


@pytest.mark.parametrize("where", [placements.sent, placements.active])
def test_a_hold_to_come_is_told_to_the_agency_when_it_begins(people, where):
    case = where(people)
    to_come(case, people)
    sweeps.end_due_clocks(now=AT + timedelta(hours=7))
    assert told("dca_hold") == []
    sweeps.end_due_clocks(now=AT + timedelta(hours=8, minutes=2))
    assert len(told("dca_hold")) == 1


def test_where_no_file_can_tell_it_somebody_rings_once(people):
    case = placements.active(people)
    OutboxMessage.objects.filter(state="pending").update(state="delivered", delivered_at=AT, settled_at=AT)
    channel = Channel.objects.get(agency__code=placements.CODE, direction="out")
    agencies.change_channel(channel, "agency.channel_off", actor=actors.system("tests"), at=AT, state="disabled")
    row = portfolio.row(0, account=number_of(case))
    for day in (1, 2):
        at = AT + timedelta(days=day)
        told_on = {"as_of": at.date().isoformat(), "flags": "deceased:2026-11-14"}
        placements.accounts(people, {**row, **told_on, "last_payment_pence": str(day)}, at=at)
    assert Task.objects.filter(case=case, kind="placement_tell_by_hand", closed_at=None).count() == 1


def test_after_a_recall_no_agency_is_told_that_it_may_go_on(people):
    row = moratoria.account(people, balance_pence="31246")
    case = placed(people, row)
    notice = moratoria.matched(moratoria.opened(row, person=moratoria.debtor(row)))
    transitions.apply(case.pk, "recall", actor=people[placements.ANALYST], at=AT, reason="For a sale.")
    moratoria.said(notice, "moratorium.cancelled")
    for day in (1, 2):
        sweeps.end_due_clocks(now=AT + timedelta(days=day))
    assert (len(told("dca_recall")), told("dca_release")) == (1, [])
    with pytest.raises(transitions.TransitionRefused, match="may not go on"):
        transitions.apply(case.pk, "tell_hold", actor=people[placements.ANALYST], at=AT, inputs={"is_held": False})
