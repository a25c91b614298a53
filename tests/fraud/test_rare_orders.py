"""Orders of events that are rare, each with what has to come of it: found by tests/fraud/test_machine.py, kept here."""

from dataclasses import replace

import pytest
from django.utils import timezone

from cases.agencies import application, settlement
from cases.agencies.provision import new_inbound_key
from cases.kernel import actors, edits, transitions, verdicts
from cases.kernel.errors import CaseError
from cases.kernel.exchange import deadletters
from cases.kernel.models import Approval, Callback, Case, OutboxMessage, Task
from cases.ledger import verify
from cases.web import wording
from tests import factories
from tests.api.caller import call, callback
from tests.fraud.told import FPA
from tests.kernel.snapshots import nothing_written
from tests.web import desk

pytestmark = pytest.mark.django_db
AT = factories.FILED_AT


@pytest.fixture
def people():
    office = factories.office()
    return {**office, "judge": factories.judge(office)}


def do(case, act, actor, **inputs):
    return transitions.apply(case.pk, act, actor=actor, at=AT, reason="Because.", inputs=inputs)


def agree(case, act, actor):
    approval = Approval.objects.get(case=case, act=act, closed_at=None, typed__isnull=False)
    return verdicts.decide(approval.uid, "agreed", actor=actor, at=AT, answer="no")


def change(case, actor):
    with edits.change(case.pk, actor=actor, at=AT) as edit:
        edit.facts(loss_pence=case.version)


def fail(case, state="dead"):
    """Its filing could not be delivered; people were told, and may have given it up."""
    OutboxMessage.objects.filter(case=case, kind="fpa_file").update(state="dead", attempts=1)
    settlement.settle(now=AT)
    message = OutboxMessage.objects.get(case=case, kind="fpa_file")
    if state == "skipped":
        deadletters.skip(message, actor=actors.system("tests"), at=AT, reason="Gone.")
    return message


def says(people, message, kind, **more):
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=timezone.now())
    given = {"agency_reference": ..., "data": {}} | more
    assert call(secret, callback(type=kind, reference=str(message.public_id), **given)).status_code == 202
    application.apply_pending(now=timezone.now())
    message.refresh_from_db()
    return Case.objects.get(pk=message.case_id)


def test_a_proposal_dies_with_the_move_that_changes_what_it_is_about(people):
    case = factories.investigating(people)
    given = {"people": ["1"], "documents": ["1"], "has_communications_data": True, "story_holds": "no"}
    do(case, "report_to_police", people["d.osei"], **given)
    do(case, "submit", people["a.byrne"], pillars=factories.MAKER_ANSWERS)
    assert Approval.objects.get(case=case, act="report_to_police").outcome == "void"
    do(case, "report_to_police", people["d.osei"], **given)
    agree(case, "report_to_police", people["v.tranter"])
    assert OutboxMessage.objects.filter(case=case, kind="report_fraud").exists()


def test_whoever_took_a_person_out_does_not_approve_what_is_left(people):
    case = factories.investigating(people)
    both = replace(people["d.osei"], roles=frozenset({"fraud_analyst", "fraud_approver"}))
    do(case, "detach", both, person="2")
    do(case, "submit", people["a.byrne"], pillars=factories.MAKER_ANSWERS)
    with nothing_written(counted=1), pytest.raises(CaseError, match="You prepared this case"):
        do(case, "approve", both, **factories.CHECKER_INPUTS)
    assert do(case, "approve", people["judge"], **factories.CHECKER_INPUTS).state == "approved"


def test_whoever_agreed_to_split_a_case_does_not_approve_what_is_left(people):
    case = factories.investigating(people)
    do(case, "split", people["a.byrne"], people=["2"], both=[], documents=[])
    agree(case, "split", people["d.osei"])
    do(case, "submit", people["a.byrne"], pillars=factories.MAKER_ANSWERS)
    with nothing_written(counted=1), pytest.raises(CaseError, match="You prepared this case"):
        do(case, "approve", people["d.osei"], **factories.CHECKER_INPUTS)


def test_whoever_asked_to_detach_somebody_before_the_last_amendment_may_approve_the_next(people):
    case = factories.filed(people)
    both = replace(people["d.osei"], roles=frozenset({"fraud_analyst", "fraud_approver"}))
    do(case, "detach", both, person="2")
    agree(case, "detach", people["a.byrne"])
    for name in ("d.osei", "a.byrne"):
        with nothing_written(counted=1), pytest.raises(CaseError, match="Another person must"):
            do(case, "amend", people[name])
    do(case, "amend", people["judge"])
    change(case, people["p.nair"])
    assert do(case, "amend", people["d.osei"]).state == "filed"


def test_a_person_detached_while_the_filing_was_under_way_is_taken_out_of_it(people):
    case = factories.submitted(people)
    do(case, "detach", people["p.nair"], person="2")
    agree(case, "detach", people["a.byrne"])
    transitions.apply(case.pk, "file", actor=factories.fpa(), at=AT, inputs={"agency_reference": "SFR-2026-0004417"})
    do(case, "amend", people["d.osei"])
    (message,) = OutboxMessage.objects.filter(case=case, kind="fpa_amend")
    assert [subject["number"] for subject in factories.body_of(message)["subjects"]] == [1]
    assert not Task.objects.filter(case=case, kind="detached_filed", closed_at=None).exists()


@pytest.mark.parametrize("state", ["dead", "skipped"])
def test_a_filing_thought_lost_that_the_agency_asks_about_has_arrived(people, state):
    case = factories.approved(people)
    message = fail(case, state)
    case = says(people, message, "fpa.enquiry")
    assert (case.state, message.state) == ("submitted", "acknowledged")
    assert not Task.objects.filter(case=case, kind="message_dead", closed_at=None).exists()
    assert {each.level for each in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_a_filing_that_was_given_up_and_stands_all_the_same_is_not_void(people):
    case = factories.approved(people)
    message = fail(case, "skipped")
    case = says(people, message, "fpa.filed", agency_reference="SFR-2026-0004417")
    assert (case.state, message.state) == ("filed", "acknowledged")
    with nothing_written(counted=1), pytest.raises(CaseError, match="Somebody outside was told"):
        do(case, "void", people["a.byrne"])


def test_what_the_agency_says_both_ways_is_a_task_that_says_so_on_its_page_too(people):
    case = factories.submitted(people)
    message = OutboxMessage.objects.get(case=case, kind="fpa_file")
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=timezone.now())
    errors = {"errors": [{"pointer": "/x", "code": "X"}]}
    for number, (kind, data) in enumerate((("fpa.filed", {}), ("fpa.rejected", errors)), start=1):
        told = callback(type=kind, reference=str(message.public_id), agency_sequence=number, data=data)
        assert call(secret, told, message_id=f"msg-{number}").status_code == 202
        application.apply_pending(now=timezone.now())
    assert list(Callback.objects.order_by("pk").values_list("state", "reason")) == [
        ("applied", ""),
        ("failed", "refused:fraud_filed_and_refused"),
    ]
    task = Task.objects.get(case=case, kind="callback_not_applied", closed_at=None)
    assert (task.team.code, Case.objects.get(pk=case.pk).state) == ("fraud", "filed")
    says = "refuses what it said that it had filed"
    client = desk.client_of("a.byrne")
    for page in (f"/cases/{case.uid}/", "/agencies/sandbox-fraud-register/?view=review"):
        assert says in client.get(page).content.decode(), page
    task = wording.task_label(task.kind, task.detail)
    assert task.startswith("A callback could not be applied: the agency refuses what it said that it had filed.")
