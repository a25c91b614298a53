"""What was given wrongly is reported, settled by another person, and destroyed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cases.kernel import edits
from cases.kernel.models import Case, Task
from tests import disclosures
from tests.disclosure.heard import told
from tests.disclosures import AT, CHECKED, COMPARED, after, facts
from tests.kernel.snapshots import refusal

pytestmark = pytest.mark.django_db


# --- errors ---------------------------------------------------------------------------------------------------------
def test_an_error_is_reported_within_five_working_days_and_a_breach_within_72_hours(people):
    case = disclosures.receipted(people)
    found = AT + timedelta(minutes=1)  # Saturday 14 November
    after(case, "report_error", people["k.mistry"], found, **{**disclosures.ERROR, "is_breach": True})
    error = case.disclosure_errors.get()
    assert (error.kind, error.breach_route) == ("", "ipc")
    assert case.clocks.get(rule="k04_error_report").due_date == date(2026, 11, 20)
    breach = Case.objects.get(kind="breach")
    assert breach.clocks.get(rule="k09_breach").due_at == found + timedelta(hours=72)
    assert not case.clocks.filter(rule="k09_breach").exists()
    kinds = set(Task.objects.filter(case=case, closed_at=None).values_list("kind", flat=True))
    assert kinds == {"disclosure_report_error"}


@pytest.mark.parametrize(
    ("facts", "route"),
    [
        ({}, "ipc"),
        ({"may_tell_subject": True}, "ico"),
        ({"gateway": "other_order", "granted_date": None}, "ico"),
    ],
)
def test_secrecy_of_the_act_sends_a_breach_to_its_own_commissioner_and_nothing_else_does(people, facts, route):
    case = disclosures.received(people, **facts)
    order = {"kind": "court_order", "file_name": "o.txt", "media_type": "text/plain", "data": b"Order."}
    edits.attach(case.pk, **order, actor=people["k.mistry"], at=AT)
    after(case, "verify", people["k.mistry"], **disclosures.CALL)
    after(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "extract", people["k.mistry"])
    for item, data in (("subscriber_name", disclosures.NAMES), ("outgoing_calls", disclosures.CALLS)):
        disclosures.say_why(case, item, people)
        disclosures.add(case, item, data, people)
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    found = AT + timedelta(minutes=1)
    after(case, "report_error", people["k.mistry"], found, **{**disclosures.ERROR, "is_breach": True})
    assert case.disclosure_errors.get().breach_route == route


def test_a_reportable_error_is_settled_by_another_approver_and_destruction_is_chased(people):
    case = disclosures.error_review(people)
    at = AT + timedelta(hours=1)
    assert "Another person must do this" in refusal(case, "settle_error", people["e.hallam"], at, **disclosures.SETTLED)
    other = disclosures.other_approver(people)
    unasked = {**disclosures.SETTLED, "ask_to_destroy": False}
    assert "Ask the authority to destroy" in refusal(case, "settle_error", other, at, **unasked)
    after(case, "settle_error", other, at, **disclosures.SETTLED)
    kind, said = told(case)[-1]
    assert (kind, said["fault"], said["package_sha256"]) == ("le_destroy", "excess_data", facts(case).package_sha256)

    officer = people["k.mistry"]
    assert refusal(case, "close", officer, at) == "An error is not reported yet."
    report = Task.objects.get(case=case, kind="disclosure_report_error")
    edits.close_task(case.pk, report.pk, actor=officer, at=at, reason="Sent by secure e-mail.")
    assert case.clocks.get(rule="k04_error_report").state == "met"
    assert "has not confirmed yet that it destroyed" in refusal(case, "close", officer, at)
    chase = Task.objects.get(case=case, kind="disclosure_destroy")
    assert chase.due_at == report.due_at  # five working days after it was asked
    edits.close_task(case.pk, chase.pk, actor=officer, at=at, reason="Destroyed, by their e-mail of today.")
    assert case.disclosure_errors.get().destroyed_at == at
    assert after(case, "close", officer, at).is_closed


def test_an_error_before_the_receipt_goes_back_to_waiting_for_it(people):
    case = disclosures.error_before_receipt(people)
    at, other = AT + timedelta(hours=1), disclosures.other_approver(people)
    assert "no receipt" in refusal(case, "settle_error", other, at, **disclosures.SETTLED)
    recordable = {**disclosures.SETTLED, "kind": "recordable"}
    assert "it is reportable" in refusal(case, "settle_error_unreceipted", other, at, **recordable)
    after(case, "settle_error_unreceipted", other, at, **disclosures.SETTLED)
    assert Case.objects.get(pk=case.pk).state == "released"
    assert case.clocks.get(rule="k04_error_report").state == "running"


def test_each_error_is_reported_for_itself(people):
    case, officer, other = disclosures.error_review(people), people["k.mistry"], disclosures.other_approver(people)
    at = AT + timedelta(hours=2)
    after(case, "settle_error", other, at, **disclosures.SETTLED)
    after(case, "report_error", officer, at, **{**disclosures.ERROR, "found_at": AT + timedelta(hours=1)})
    after(case, "settle_error", other, at, **disclosures.SETTLED)
    owed = Task.objects.filter(case=case, kind="disclosure_report_error", closed_at=None).order_by("pk")
    assert [task.detail["error"] for task in owed] == [1, 2]
    edits.close_task(case.pk, owed[1].pk, actor=officer, at=at, reason="Sent by secure e-mail.")
    running = case.clocks.get(rule="k04_error_report", ended_at=None)
    assert running.started_at == case.disclosure_errors.get(number=1).found_at
    assert refusal(case, "close", officer, at) == "An error is not reported yet."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fault": ""}, "Say what was wrong with what was given."),
        ({"how": " "}, "Say how it happened."),
        ({"collateral": ""}, "Say whom it touches besides"),
        ({"found_at": AT - timedelta(days=1)}, "Say when it was found"),
        ({"is_breach": None}, "Say whether it is a personal data breach."),
    ],
)
def test_an_error_says_what_how_and_when(people, changes, said):
    case = disclosures.receipted(people)
    at = AT + timedelta(minutes=2)
    assert said in refusal(case, "report_error", people["k.mistry"], at, **{**disclosures.ERROR, **changes})
