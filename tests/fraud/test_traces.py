"""A trace of malicious calls (the first half of scenario N-1): from the log of calls to a result that is held."""

from datetime import UTC, datetime

import pytest

from cases.kernel import intake, policy, transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import verify
from tests import factories, traces
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.traces import ANALYST, APPROVER, ASKED, COLLEAGUE, FACTS, FOUND, after

pytestmark = pytest.mark.django_db
CALLED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def people():
    return factories.office()


def refusal(case, name, actor, **inputs):
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        transitions.apply(case.pk, name, actor=actor, at=CALLED, reason="Tried.", inputs=inputs)
    return str(refused.value)


def test_fourteen_withheld_calls_are_traced_to_a_provider_and_the_result_is_held(people):
    case = traces.requested(people, at=CALLED)
    assert refusal(case, "accept", people[APPROVER]) == "Say that it is necessary and expedient to trace these calls."
    after(case, "accept", people[APPROVER], CALLED, is_expedient=True)
    assert refusal(case, "start", people[ANALYST], provider=" ") == "Name the provider."
    after(case, "start", people[ANALYST], CALLED, **ASKED)
    assert case.clocks.get(rule="trace_answer").due_date.isoformat() == "2026-11-30"
    assert refusal(case, "hold_result", people[ANALYST], **{**FOUND, "result": ""}) == "Write what was found."
    assert refusal(case, "hold_result", people[ANALYST], **{**FOUND, "outcome": "guess"}) == "Choose what was found."
    held = after(case, "hold_result", people[ANALYST], CALLED, **FOUND)
    assert (held.state, [task.kind for task in held.tasks.filter(closed_at=None)]) == (
        "result_held",
        ["trace_result_held"],
    )
    hops = case.trace_hops.order_by("number").values_list("number", "provider", "direction", "outcome")
    assert list(hops) == [(1, "Sandbox Transit", "out", ""), (2, "Sandbox Transit", "in", "caller_found")]
    done = after(case, "close", people[ANALYST], CALLED)
    assert (done.state, done.retention_class, done.due_at) == ("closed", "trace", None)
    assert done.dispose_after_date.isoformat() == "2027-11-23"
    assert [task.kind for task in done.tasks.filter(closed_at=None)] == ["trace_write_by_hand"]
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"] == []


def test_whoever_asked_does_not_accept_and_who_takes_the_call_does_not_see_the_result(people):
    case = intake.open_case("trace", actor=people[APPROVER], at=AT, facts=FACTS)
    with nothing_written(counted=1), pytest.raises(CaseError):
        transitions.apply(case.pk, "accept", actor=people[APPROVER], at=AT, inputs={"is_expedient": True})
    held = traces.result_held(people)
    outsider = people["i.sowande"]
    assert not policy.can(outsider, "reveal", case=held).is_allowed
    assert not policy.visible_to(outsider).filter(pk=held.pk).exists()


@pytest.mark.parametrize("missing", ["calls", "harm"])
def test_without_times_or_harm_nothing_is_opened(people, missing):
    with nothing_written(), pytest.raises(CaseError, match="Say when the calls came and what harm they do."):
        intake.open_case("trace", actor=people[COLLEAGUE], at=AT, facts={**FACTS, missing: " "})
    assert not Case.objects.filter(kind="trace").exists()
