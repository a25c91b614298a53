"""A filing that comes down, or is down: what the agency instructs or asks is answered as it is now true."""

import pytest

from cases.fraud import forms
from cases.fraud.models import IncomingNotice
from cases.kernel import transitions
from cases.kernel.errors import CaseError
from cases.kernel.models import Clock, OutboxMessage, Task
from cases.ledger import verify
from tests import factories
from tests.fraud.test_incoming import decide
from tests.fraud.told import hear_of
from tests.kernel.snapshots import nothing_written

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.office()


def remove(case, people):
    given = {"reason_code": "court_or_ombudsman"}
    return transitions.apply(case.pk, "remove", actor=people["d.osei"], at=factories.FILED_AT, inputs=given)


def test_an_instruction_is_done_with_the_removal_whoever_pressed_what(people):
    case = factories.filed(people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003", summary="Ombudsman.")
    remove(case, people)
    row = IncomingNotice.objects.get()
    assert (row.outcome, row.decided_by_id) == ("accepted", people["d.osei"].user_id)
    assert Clock.objects.get(rule="fraud_removal_instruction").state == "met"
    assert Task.objects.get(case=case, kind="fraud_removal_instruction").outcome == "accepted"
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_an_instruction_that_crosses_our_removal_is_accepted_and_cannot_be_contested(people):
    case = remove(factories.filed(people), people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003", summary="Ombudsman.")
    row = IncomingNotice.objects.get()
    with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
        decide(row, "contested", people["d.osei"], inputs={})
    assert [code for code, _ in forms.NoticeForm(notice=row).fields["outcome"].choices] == ["accepted"]
    decide(row, "accepted", people["d.osei"], inputs={})
    case.refresh_from_db()
    assert (case.state, Clock.objects.get(rule="fraud_removal_instruction").state) == ("removal_requested", "met")
    assert OutboxMessage.objects.filter(case=case, kind="fpa_remove").count() == 1
    assert not OutboxMessage.objects.filter(case=case, kind="fpa_answer").exists()


def test_an_enquiry_about_a_filing_that_was_removed_is_told_so_and_nothing_else(people):
    case = remove(factories.filed(people), people)
    hear_of(case, "fpa.removed")
    hear_of(case, "fpa.enquiry", their_reference="E-2026-0007")
    row = IncomingNotice.objects.get()
    for untrue in ("stands", "under_review", "being_amended"):
        with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
            decide(row, untrue, people["a.byrne"])
    assert [code for code, _ in forms.NoticeForm(notice=row).fields["outcome"].choices] == ["removed"]
    assert decide(row, "removed", people["a.byrne"]) == "Recorded: the filing was removed."
    assert factories.body_of(OutboxMessage.objects.get(case=case, kind="fpa_answer")) == {
        "about": "enquiry",
        "their_reference": "E-2026-0007",
        "filing_reference": "SFR-2026-0004417",
        "answer": "removed",
    }


def test_nobody_is_told_that_a_filing_that_stands_was_removed(people):
    hear_of(factories.filed(people), "fpa.enquiry", their_reference="E-2026-0007")
    row = IncomingNotice.objects.get()
    with nothing_written(), pytest.raises(CaseError, match="not so of the filing"):
        decide(row, "removed", people["a.byrne"])
