"""What agencies told of people goes with them where a referral is split or merged, and waits for nobody undecided."""

from datetime import UTC, date, datetime

import pytest

from cases.fraud import incoming
from cases.fraud.models import DerivedFlag, IncomingNotice
from cases.kernel import transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.finding import joining
from cases.kernel.models import Approval, Case, Clock, PersonPair, Task
from cases.kernel.timing import sweeps
from cases.ledger import verify
from tests import factories
from tests.fraud.told import hear_of
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db
AT = factories.FILED_AT
REFERENCE = {"their_reference": "P-1"}
UNTIL = date(2028, 1, 1)


def make(case, move, office, **inputs):
    transitions.apply(case.pk, move, actor=office["a.byrne"], at=AT, reason="Another matter.", inputs=inputs)
    approval = Approval.objects.get(case=case, act=move, closed_at=None)
    verdicts.decide(approval.uid, "agreed", actor=office["d.osei"], at=AT)


def protect(case, people):
    """Person 2 is protected, as an agency says and an approver decided."""
    hear_of(case, "fpa.protective_registration", expires_date=UNTIL.isoformat(), **REFERENCE)
    row = IncomingNotice.objects.get(case=case)
    given = {"actor": people["d.osei"], "at": AT, "reason": "Same birth.", "inputs": {"person": "2"}}
    incoming.decide(row, "extra_checks", **given)
    return row


def flags(case):
    rows = DerivedFlag.objects.filter(case=case, kind="warning").order_by("pk")
    return [(row.code, row.party.number, row.purged_at is None, row.clock.state, row.clock.due_date) for row in rows]


def is_whole(*cases):
    return {each.level for case in cases for each in verify.verify_stream(case.uid)} <= {"recorded late"}


@pytest.mark.parametrize("move", ["void", "merge", "split"])
def test_no_case_is_closed_or_divided_while_what_an_agency_told_of_it_waits(people, move):
    case, other = factories.investigating(people), factories.investigating(people)
    hear_of(case, "fpa.match", their_reference="M-1", matched_on=["name"])
    inputs = {"merge": {"into": str(other.uid)}, "split": {"people": ["2"], "both": [], "documents": []}}.get(move, {})
    with nothing_written(counted=1), pytest.raises(CaseError, match="waits for a decision. Decide about it first"):
        transitions.apply(case.pk, move, actor=people["a.byrne"], at=AT, reason="Another.", inputs=inputs)
    row = IncomingNotice.objects.get()
    incoming.decide(row, "false_positive", actor=people["d.osei"], at=AT, reason="Not them.", inputs={})
    make(case, move, people, **inputs)
    assert not Task.objects.filter(case=case, kind="fraud_match", closed_at=None).exists()


def test_a_protected_person_is_protected_in_the_case_that_they_go_to(people):
    case = factories.investigating(people)
    row = protect(case, people)
    make(case, "split", people, people=["2"], both=[], documents=[])
    new = Case.objects.exclude(pk=case.pk).get()
    assert flags(case) == [("protective_registration", 2, False, "cancelled", UNTIL)]
    assert flags(new) == [("protective_registration", 1, True, "running", UNTIL)]
    with pytest.raises(CaseError, match="Another person must take it back"):
        incoming.decide(row, "not_ours", actor=people["d.osei"], at=AT, reason="Another.", inputs={})
    incoming.decide(row, "not_ours", actor=people["a.byrne"], at=AT, reason="Another of that name.", inputs={})
    assert flags(new) == [("protective_registration", 1, False, "cancelled", UNTIL)]
    assert is_whole(case, new)


def test_of_a_merged_case_it_goes_to_whom_they_are_joined_with_or_somebody_looks_who_it_is(people):
    case, other, third = (factories.investigating(people) for _ in range(3))
    protect(case, people)
    mine, theirs = case.parties.get(number=2), other.parties.get(number=2)
    pair = PersonPair.objects.filter(first__in=(mine, theirs), second__in=(mine, theirs)).first()
    pair = pair or PersonPair.objects.create(first=mine, second=theirs, score=90, offered_at=AT)
    joining.decide(pair.pk, "joined", actor=people["d.osei"], at=AT)
    make(case, "merge", people, into=str(other.uid))
    assert flags(case) == [("protective_registration", 2, False, "cancelled", UNTIL)]
    assert flags(other) == [("protective_registration", 2, True, "running", UNTIL)]
    assert not Task.objects.filter(kind="fraud_word_of_agency").exists()
    make(other, "merge", people, into=str(third.uid))
    (task,) = Task.objects.filter(kind="fraud_word_of_agency", closed_at=None)
    assert (task.case_id, task.detail, flags(third)) == (third.pk, {"reference": other.reference}, [])
    assert not Clock.objects.filter(case__in=(case, other), ended_at=None).exists()
    assert is_whole(case, other, third)


def test_the_time_of_what_went_along_ends_where_it_went(people):
    case = factories.investigating(people)
    protect(case, people)
    make(case, "split", people, people=["2"], both=[], documents=[])
    new = Case.objects.exclude(pk=case.pk).get()
    sweeps.end_due_clocks(now=datetime(2028, 1, 2, 3, tzinfo=UTC))
    assert flags(new) == [("protective_registration", 1, False, "met", UNTIL)]


@pytest.mark.parametrize("move", ["void", "merge"])
def test_who_was_protected_is_so_again_once_a_case_that_was_closed_in_error_is_opened_again(people, move):
    case, other = factories.investigating(people), factories.investigating(people)
    row = protect(case, people)
    make(case, move, people, **({"into": str(other.uid)} if move == "merge" else {}))
    assert flags(case) == [("protective_registration", 2, False, "cancelled", UNTIL)]
    make(case, "reopen", people)
    stands = ("protective_registration", 2, True, "running", UNTIL)
    assert flags(case)[1:] == [stands]
    make(case, move, people, **({"into": str(other.uid)} if move == "merge" else {}))
    incoming.decide(row, "not_ours", actor=people["a.byrne"], at=AT, reason="Another of that name.", inputs={})
    make(case, "reopen", people)
    assert stands not in flags(case)
    assert is_whole(case, other)
