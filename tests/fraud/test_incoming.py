"""What agencies tell of a referral without moving it: a row, decided by a person with a reason, and nothing more."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.agencies import application
from cases.agencies.provision import new_inbound_key
from cases.agencies.sandbox import desks
from cases.fraud import codes, incoming
from cases.fraud.models import DerivedFlag, IncomingNotice
from cases.kernel import actors, edits, holds, notice, transitions, verdicts
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.exchange import corrections
from cases.kernel.models import Approval, Callback, Case, Clock, Hold, OutboxMessage, ReleasedItem, Task
from cases.kernel.office import proposals
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import AccessEvent, LedgerEvent
from tests import factories
from tests.api.caller import call, callback
from tests.fraud.told import ALERT, FPA, hear_of
from tests.kernel.snapshots import nothing_written, undone
from tests.web import desk
from tests.web.desk import text
from tests.web.test_queries import shortly, statements

pytestmark = pytest.mark.django_db
WHY = "Same date of birth and telephone; spoke with the other member."
DAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
# The matched case of another member, as the design's message has it: our search, its summary, its owner, its end.
MATCH = {
    "their_reference": "M-2026-0081",
    "search_reference": "S-771",
    "member": "Fictional Bank",
    "summary": "Facility takeover of November 2026.",
    "matched_on": ["name", "date_of_birth"],
    "expires_date": "2027-06-30",
}


def flags():
    """What agencies' words put, beside what our own markers do."""
    return DerivedFlag.objects.filter(kind="warning", agency__isnull=False)


def decide(row, outcome, actor, **more):
    given = {"at": DAY, "reason": WHY, "inputs": {"person": "2"}} | more
    return incoming.decide(row, outcome, actor=actor, **given)


def test_a_match_comes_by_http_and_is_decided_by_a_person(people):
    case = factories.filed(people)
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=datetime.now(UTC))
    filing = OutboxMessage.objects.get(case=case, kind="fpa_file")
    told = callback(type="fpa.match", reference=str(filing.public_id), agency_reference=..., data=MATCH)
    assert call(secret, told).status_code == 202
    application.apply_pending(now=timezone.now())

    row = IncomingNotice.objects.get()
    assert (row.case_id, row.number, row.kind, row.their_reference) == (case.pk, 1, "match", "M-2026-0081")
    assert (row.expires_date, row.is_address_only, row.outcome) == (date(2027, 6, 30), False, "")
    case.refresh_from_db()
    assert (case.state, case.is_dormant) == ("filed", False)
    assert not flags().exists()
    client = desk.client_of("a.byrne")
    assert "A match with another member&#x27;s case" in text(client.get("/incoming/"))
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    shown = text(client.get(page))
    for said in ("Fictional Bank", "Facility takeover of November 2026.", "date of birth, name", "S-771"):
        assert said in shown
    assert AccessEvent.objects.filter(streams__contains=[case.uid], purpose="casework", verb="view").exists()

    answer = client.post(page, {"outcome": "confirmed", "person": "2", "reason": WHY}, follow=True)

    assert "Recorded: confirmed." in text(answer)
    row.refresh_from_db()
    assert (row.outcome, row.decided_by.username) == ("confirmed", "a.byrne")
    flag = flags().get()
    assert (flag.kind, flag.code, flag.party.number, flag.purged_at) == ("warning", "match", 2, None)
    assert Task.objects.get(kind="fraud_match").outcome == "confirmed"
    event = LedgerEvent.objects.get(stream=case.uid, action="fraud_referral.match_decided")
    assert event.reason is not None
    assert "Nothing waits for a decision" in text(client.get("/incoming/"))
    assert "Confirmed" in text(client.get("/incoming/?view=decided"))
    case.refresh_from_db()
    assert (case.state, case.is_dormant) == ("filed", True)
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_what_an_agency_told_is_masked_for_whoever_has_a_registered_tie(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    client = desk.client_of("a.byrne")
    assert "Fictional Bank" in text(client.get(page))
    tie = {"user": people["a.byrne"].user_id, "phone": factories.VICTIM["values"]["phone"]}
    proposals.propose("tie_person", tie, actor=people["a.byrne"], at=DAY, reason="My sister.")
    shown = text(client.get(page))
    assert "Fictional Bank" not in shown and "What they say about people is masked for you" in shown


def test_a_match_has_five_working_days_and_its_flag_ends_when_the_agency_says(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    clock = Clock.objects.get(rule="fraud_match")
    assert clock.due_date == date(2026, 11, 23)
    case.refresh_from_db()
    assert case.due_at == clock.due_at
    decide(IncomingNotice.objects.get(), "confirmed", people["p.nair"])
    clock.refresh_from_db()
    assert (clock.state, clock.ended_at) == ("breached" if clock.state == "breached" else "met", DAY)
    assert Clock.objects.get(rule="match_seen").due_date == date(2027, 6, 30)
    sweeps.end_due_clocks(now=datetime(2027, 7, 1, 9, 0, tzinfo=UTC))
    assert flags().get().purged_at == datetime(2027, 7, 1, 9, 0, tzinfo=UTC)
    assert LedgerEvent.objects.filter(stream=case.uid, action="flag.purged").count() == 1


def test_a_flag_never_stands_longer_than_six_years(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH | {"expires_date": "2040-01-01"})
    decide(IncomingNotice.objects.get(), "confirmed", people["p.nair"])
    assert Clock.objects.get(rule="match_seen").due_date == date(2032, 11, 16)


def test_somebody_else_is_a_false_positive_and_nothing_follows(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    assert decide(IncomingNotice.objects.get(), "false_positive", people["d.osei"]) == "Recorded: false positive."
    assert not flags().exists()
    assert not Clock.objects.filter(rule="match_seen").exists()
    assert Clock.objects.get(rule="fraud_match").ended_at == DAY


def test_manual_checks_keep_it_open_until_somebody_says(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    row = IncomingNotice.objects.get()
    decide(row, "referred_to_manual", people["a.byrne"])
    assert Clock.objects.get(rule="fraud_match").ended_at is None
    assert set(Task.objects.filter(closed_at=None).values_list("kind", flat=True)) == {
        "fraud_match",
        "fraud_manual_checks",
    }
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    shown = text(desk.client_of("a.byrne").get(page))
    assert 'value="confirmed"' in shown
    assert 'value="referred_to_manual"' not in shown
    decide(row, "confirmed", people["p.nair"])
    assert not Task.objects.filter(closed_at=None).exists()


def test_where_only_the_address_agrees_nobody_is_branded_for_it(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH | {"matched_on": ["address"]})
    row = IncomingNotice.objects.get()
    assert row.is_address_only
    with nothing_written(), pytest.raises(CaseError, match="Only the address agrees, and others live there too"):
        decide(row, "confirmed", people["a.byrne"])
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    client = desk.client_of("a.byrne")
    refused = client.post(page, {"outcome": "confirmed", "person": "2", "reason": WHY})
    assert refused.status_code == 422
    assert WHY in text(refused)
    client.post(page, {"outcome": "confirmed", "person": "2", "agrees_in": ["phone"], "reason": WHY})
    assert flags().get().party.number == 2


@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        ("confirmed", {"reason": " "}),
        ("confirmed", {"inputs": {}}),
        ("confirmed", {"inputs": {"person": "9"}}),
        ("stands", {}),
        ("", {}),
    ],
)
def test_a_refused_decision_writes_nothing(people, outcome, more):
    hear_of(factories.filed(people), "fpa.match", **MATCH)
    with nothing_written(), pytest.raises(CaseError):
        decide(IncomingNotice.objects.get(), outcome, people["a.byrne"], **more)


def test_who_may_not_decide_writes_nothing(people):
    hear_of(factories.filed(people), "fpa.match", **MATCH)
    for name in ("i.sowande", "v.tranter", "h.castellan", "b.lacombe", "r.penhale"):
        with nothing_written(), pytest.raises(NotAllowed):
            decide(IncomingNotice.objects.get(), "confirmed", people[name])


def test_it_is_decided_once(people):
    hear_of(factories.filed(people), "fpa.match", **MATCH)
    row = IncomingNotice.objects.get()
    decide(row, "false_positive", people["a.byrne"])
    with nothing_written(), pytest.raises(CaseError, match="Somebody has decided about this already."):
        decide(row, "confirmed", people["d.osei"])


def test_its_task_ends_by_the_decision_alone(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    task = Task.objects.get(kind="fraud_match")
    with nothing_written(), pytest.raises(CaseError, match="when somebody decides"):
        edits.close_task(case.pk, task.pk, actor=people["a.byrne"], at=DAY, reason="Seen.")


def test_the_same_match_told_twice_waits_once(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    with nothing_written(), pytest.raises(CaseError, match="The same waits already."):
        hear_of(case, "fpa.match", **MATCH)
    decide(IncomingNotice.objects.get(), "referred_to_manual", people["a.byrne"])
    with nothing_written(), pytest.raises(CaseError, match="The same waits already."):
        hear_of(case, "fpa.match", **MATCH)


def test_what_an_agency_puts_right_in_what_waits_is_not_taken_for_the_same(people):
    case = factories.filed(people)
    for day in ("2028-10-04", "2026-12-01"):
        hear_of(case, "fpa.protective_registration", their_reference="P-2026-0012", expires_date=day)
    hear_of(case, "fpa.match", **MATCH | {"matched_on": ["address"]})
    hear_of(case, "fpa.match", **MATCH | {"matched_on": ["address", "name"]})
    assert [(row.kind, row.expires_date, row.is_address_only) for row in IncomingNotice.objects.order_by("number")] == [
        ("protective_registration", date(2028, 10, 4), False),
        ("protective_registration", date(2026, 12, 1), False),
        ("match", date(2027, 6, 30), True),
        ("match", date(2027, 6, 30), False),
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"their_reference": "a b"},
        {"their_reference": 7},
        {"summary": "x" * 4001},
        {"expires_date": "soon"},
        {"matched_on": ["shoe_size"]},
        {"matched_on": "name"},
    ],
)
def test_what_cannot_be_understood_stays_with_a_person(people, data):
    case = factories.filed(people)
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=datetime.now(UTC))
    filing = OutboxMessage.objects.get(case=case, kind="fpa_file")
    call(secret, callback(type="fpa.match", reference=str(filing.public_id), agency_reference=..., data=data))
    application.apply_pending(now=timezone.now())
    assert Callback.objects.get().state == "failed"
    assert not IncomingNotice.objects.exists()
    assert Task.objects.get(kind="callback_not_applied").case_id == case.pk


def test_a_match_with_no_case_of_ours_waits_on_the_page(people):
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=datetime.now(UTC))
    call(secret, callback(type="fpa.match", agency_reference="SFR-2020-0000001", data=MATCH))
    application.apply_pending(now=timezone.now())
    assert Callback.objects.get().state == "unmatched"
    assert "1 from Sandbox Fraud Register" in text(desk.client_of("a.byrne").get("/incoming/"))
    assert not Case.objects.exists()


def test_another_kind_of_agency_tells_no_match(people):
    case = factories.filed(people)
    with nothing_written(), pytest.raises(CaseError):
        hear_of(case, "fpa.match", agency="sandbox-post", **MATCH)


def test_rights_officer_and_counsel_look_for_a_reason_and_decide_nothing(people):
    case = factories.filed(people)
    hear_of(case, "fpa.match", **MATCH)
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    for name in ("i.sowande", "v.tranter"):
        client = desk.client_of(name)
        assert f"Why do you read {case.reference}?" in text(client.get(page))
        client.post(reverse("web:purpose", args=[case.uid]), {"purpose": "complaint"})
        shown = text(client.get(page))
        assert "Fictional Bank" in shown
        assert "Record the decision" not in shown
        assert AccessEvent.objects.filter(
            streams__contains=[case.uid], actor=people[name].label, purpose="complaint"
        ).exists()
        assert client.post(page, {"outcome": "confirmed", "person": "2", "reason": WHY}).status_code == 403
    auditor = desk.client_of("b.lacombe")
    auditor.post(reverse("web:purpose", args=[case.uid]), {"purpose": "oversight"})
    masked = text(auditor.get(page))
    assert "What they say about people is masked" in masked
    assert "Fictional Bank" not in masked


def test_an_enquiry_is_answered_within_its_clock_with_no_more_than_the_clause_allows(people):
    case = factories.filed(people)
    hear_of(case, "fpa.enquiry", their_reference="E-2026-0007", member="Fictional Insurance")
    assert Clock.objects.get(rule="fraud_enquiry").due_date == date(2026, 11, 23)
    said = decide(IncomingNotice.objects.get(), "stands", people["a.byrne"], at=factories.FILED_AT)
    assert said == "Recorded: the filing stands."
    message = OutboxMessage.objects.get(case=case, kind="fpa_answer")
    assert factories.body_of(message) == {
        "about": "enquiry",
        "their_reference": "E-2026-0007",
        "filing_reference": "SFR-2026-0004417",
        "answer": "stands",
    }
    items = ReleasedItem.objects.filter(release__message=message)
    assert [(item.category, item.clause) for item in items] == [("fraud_allegation", "fraud_filing_allegation")]
    assert Clock.objects.get(rule="fraud_enquiry").state == "met"


def test_an_enquiry_about_a_filing_that_does_not_stand_is_not_told_that_it_does(people):
    case = factories.investigating(people)
    hear_of(case, "fpa.enquiry", their_reference="E-2026-0007")
    with nothing_written(), pytest.raises(CaseError, match="does not stand unquestioned"):
        decide(IncomingNotice.objects.get(), "stands", people["a.byrne"])
    decide(IncomingNotice.objects.get(), "under_review", people["a.byrne"])
    message = OutboxMessage.objects.get(case=case, kind="fpa_answer")
    assert factories.body_of(message) == {
        "about": "enquiry",
        "their_reference": "E-2026-0007",
        "answer": "under_review",
    }


def test_without_the_clause_no_enquiry_is_answered(people, monkeypatch):
    case = factories.filed(people)
    hear_of(case, "fpa.enquiry", their_reference="E-2026-0007")
    monkeypatch.delitem(notice.CLAUSES, "fraud_filing_allegation")
    with nothing_written(), pytest.raises(CaseError, match="No clause of the privacy notice lets"):
        decide(IncomingNotice.objects.get(), "stands", people["a.byrne"])


def test_an_instruction_to_remove_has_one_working_day_and_an_approver(people):
    case = factories.filed(people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003", summary="Ombudsman.")
    assert Clock.objects.get(rule="fraud_removal_instruction").due_date == date(2026, 11, 17)
    row = IncomingNotice.objects.get()
    with nothing_written(), pytest.raises(NotAllowed):
        decide(row, "accepted", people["p.nair"], inputs={"reason_code": "court_or_ombudsman"})
    with nothing_written(counted=1), pytest.raises(CaseError, match="Say why the filing is removed."):
        decide(row, "accepted", people["d.osei"], inputs={"reason_code": "mood"})
    decide(row, "accepted", people["d.osei"], inputs={"reason_code": "court_or_ombudsman"})
    case.refresh_from_db()
    assert (case.state, case.fraud_referral.removal_reason) == ("removal_requested", "court_or_ombudsman")
    assert OutboxMessage.objects.filter(case=case, kind="fpa_remove").count() == 1
    assert Clock.objects.get(case=case, rule="removal_transmission").due_date == date(2026, 12, 2)
    assert Task.objects.get(case=case, kind="fraud_removal_instruction").outcome == "accepted"


def test_an_instruction_about_a_filing_that_is_none_is_not_accepted(people):
    hear_of(factories.investigating(people), "fpa.removal_instruction", their_reference="I-2026-0003")
    with nothing_written(counted=1), pytest.raises(CaseError):
        decide(IncomingNotice.objects.get(), "accepted", people["d.osei"], inputs={"reason_code": "error"})


def test_a_contested_instruction_is_answered_and_the_filing_stays(people):
    case = factories.filed(people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003")
    decide(IncomingNotice.objects.get(), "contested", people["d.osei"], inputs={})
    assert factories.body_of(OutboxMessage.objects.get(case=case, kind="fpa_answer"))["answer"] == "contested"
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_who_decides_on_an_instruction_signs_in_again(people):
    case = factories.filed(people)
    hear_of(case, "fpa.removal_instruction", their_reference="I-2026-0003")
    page = reverse("web:incoming_notice", args=[case.uid, 1])
    typed = {"outcome": "contested", "reason": WHY}
    assert desk.client_of("d.osei").post(page, typed).url.startswith("/step-up/")
    assert IncomingNotice.objects.get().outcome == ""
    desk.client_of("d.osei", is_stepped_up=True).post(page, typed)
    assert IncomingNotice.objects.get().outcome == "contested"


def test_a_protected_person_gets_extra_checks_until_the_agency_says(people):
    case = factories.filed(people)
    hear_of(
        case,
        "fpa.protective_registration",
        their_reference="P-2026-0012",
        registered_date="2026-10-05",
        expires_date="2028-10-04",
    )
    assert Clock.objects.get(rule="fraud_protective_registration").due_date == date(2026, 11, 18)
    decide(IncomingNotice.objects.get(), "extra_checks", people["a.byrne"])
    flag = flags().get()
    assert (flag.code, flag.party.number, flag.purged_at) == ("protective_registration", 2, None)
    clock = Clock.objects.get(rule="protection_seen")
    assert (clock.due_date, clock.party.number) == (date(2028, 10, 4), 2)
    sweeps.end_due_clocks(now=datetime(2028, 10, 4, 12, 0, tzinfo=UTC))
    assert flags().get().purged_at is None
    sweeps.end_due_clocks(now=datetime(2028, 10, 5, 12, 0, tzinfo=UTC))
    assert flags().get().purged_at == datetime(2028, 10, 5, 12, 0, tzinfo=UTC)


def test_a_protective_registration_stands_two_years_at_most_and_has_an_end(people):
    case = factories.filed(people)
    with nothing_written(), pytest.raises(CaseError, match="needs its expires_date"):
        hear_of(case, "fpa.protective_registration", their_reference="P-2026-0012")
    hear_of(case, "fpa.protective_registration", their_reference="P-2026-0012", expires_date="2035-01-01")
    decide(IncomingNotice.objects.get(), "extra_checks", people["a.byrne"])
    assert Clock.objects.get(rule="protection_seen").due_date == date(2028, 11, 16)


def told_alert(people, **facts):
    """A filed referral whose facts name a code for the retail alert."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(factories.FACTS, "alert_code", "fraud")
        for name, value in facts.items():
            patch.setitem(factories.FACTS, name, value)
        return factories.filed(people)


def test_the_retail_alert_is_told_the_delivery_address_once_the_filing_stands(people):
    case = told_alert(people)
    message = OutboxMessage.objects.get(case=case, kind="alert_upload")
    assert message.channel.agency.code == ALERT
    assert factories.body_of(message) == {
        "code": "fraud",
        "date": "2026-11-14",
        "entries": [{"line_1": "Unit 4, 77 Fiction Way", "postcode": "LS1 0ZZ"}],
    }
    items = ReleasedItem.objects.filter(release__message=message).order_by("category")
    assert [(item.category, item.clause) for item in items] == [
        ("address", "fraud_alert_address"),
        ("fraud_allegation", "fraud_alert_allegation"),
    ]
    flag = DerivedFlag.objects.get(kind="alert")
    assert (flag.code, flag.party.number, flag.message_id) == ("fraud", 1, message.public_id)
    assert not OutboxMessage.objects.filter(case=factories.filed(people), kind="alert_upload").exists()


@pytest.mark.parametrize("line_1", ["12 HARBOUR ROW", "Flat 1, 12 Harbour Row", "12, Harbour Rd.", "Harbour House"])
def test_an_address_where_an_innocent_person_may_live_is_never_told(people, monkeypatch, line_1):
    home = {"line_1": line_1, "town": "Penzance", "postcode": "tr180zz"}
    monkeypatch.setitem(factories.FRAUDSTER, "addresses", [{"kind": "delivery", **home}])
    case = told_alert(people)
    assert not OutboxMessage.objects.filter(case=case, kind="alert_upload").exists()
    assert Task.objects.get(case=case, kind="fraud_alert_not_told").detail == {"cause": "no_address_to_tell"}


def test_a_filing_is_not_lost_because_the_alert_cannot_be_told(people, monkeypatch):
    monkeypatch.delitem(notice.CLAUSES, "fraud_alert_address")
    case = told_alert(people)
    assert Case.objects.get(pk=case.pk).state == "filed"
    assert Task.objects.get(case=case, kind="fraud_alert_not_told").detail == {"cause": "ReleaseRefused"}
    assert not DerivedFlag.objects.filter(kind="alert").exists()


def hold_reports(case, people, kind="legal", **more):
    given = {"actor": people["a.byrne"], "at": factories.FILED_AT, "source": "legal", "blocks": ["report"], **more}
    return holds.enter(case.pk, kind, **given)


def release(case, people, at=DAY):
    hold = Hold.objects.get(case=case, kind="legal", released_at=None)
    given = {"at": at, "reason": "Over.", "inputs": {"hold": str(hold.pk)}}
    transitions.apply(case.pk, "release_hold", actor=people["a.byrne"], **given)
    approval = Approval.objects.get(case=case, act="release_hold", closed_at=None)
    verdicts.decide(approval.uid, "agreed", actor=people["d.osei"], at=at)


def uploads(case):
    rows = OutboxMessage.objects.filter(case=case, kind="alert_upload").order_by("pk")
    return list(rows.values_list("state", flat=True))


def alert_tasks(case):
    rows = Task.objects.filter(case=case, kind="fraud_alert_not_told", closed_at=None)
    return list(rows.values_list("detail__cause", flat=True))


def filed_under_a_hold(people, monkeypatch, **more):
    """A filing that was sent before a hold on reporting began, and filed after."""
    monkeypatch.setitem(factories.FACTS, "alert_code", "fraud")
    case = factories.submitted(people)
    hold_reports(case, people, **more)
    transitions.apply(
        case.pk, "file", actor=factories.fpa(), at=factories.FILED_AT, inputs={"agency_reference": "SFR-2026-0004417"}
    )
    assert (uploads(case), alert_tasks(case)) == ([], ["a_hold_stops_it"])
    return case


def test_what_a_hold_kept_from_the_alert_is_told_when_it_is_released(people, monkeypatch):
    case = filed_under_a_hold(people, monkeypatch)
    release(case, people)
    assert (uploads(case), alert_tasks(case)) == (["pending"], [])
    assert DerivedFlag.objects.filter(case=case, kind="alert", purged_at=None).count() == 1


def test_what_a_hold_kept_from_the_alert_is_told_when_it_ends_by_itself(people, monkeypatch):
    ends = factories.FILED_AT + timedelta(days=3)
    case = filed_under_a_hold(people, monkeypatch, ends_at=ends)
    sweeps.end_due_clocks(now=ends - timedelta(minutes=1))
    assert uploads(case) == []
    sweeps.end_due_clocks(now=ends + timedelta(minutes=2))
    assert (uploads(case), alert_tasks(case)) == (["pending"], [])


@pytest.mark.parametrize("is_held", [True, False])
def test_what_a_hold_and_then_a_dispute_kept_from_the_alert_is_told_when_it_is_upheld(people, monkeypatch, is_held):
    case = filed_under_a_hold(people, monkeypatch)
    disputed = {"inputs": {"grounds": "facts_wrong", "subject": "2"}, "reason": "She says so."}
    transitions.apply(case.pk, "dispute", actor=people["i.sowande"], at=DAY, **disputed)
    if not is_held:
        release(case, people)
    assert (uploads(case), alert_tasks(case)) == ([], ["a_hold_stops_it"])

    transitions.apply(case.pk, "uphold", actor=factories.judge(people), at=DAY, reason="It is right.")

    told = ([], ["a_hold_stops_it"]) if is_held else (["pending"], [])
    assert (uploads(case), alert_tasks(case)) == told


def test_another_hold_keeps_it_still_and_a_filing_that_comes_down_is_told_to_nobody(people, monkeypatch):
    case = filed_under_a_hold(people, monkeypatch)
    hold_reports(case, people, "complaint", ends_at=DAY + timedelta(days=9))
    with undone():
        release(case, people)
        assert (uploads(case), alert_tasks(case)) == ([], ["a_hold_stops_it"])
        sweeps.end_due_clocks(now=DAY + timedelta(days=10))
        assert (uploads(case), alert_tasks(case)) == (["pending"], [])
    given = {"at": DAY, "reason": "Wrong.", "inputs": {"reason_code": "error"}}
    transitions.apply(case.pk, "remove", actor=people["d.osei"], **given)
    assert alert_tasks(case) == []
    release(case, people)
    sweeps.end_due_clocks(now=DAY + timedelta(days=10))
    assert uploads(case) == []


def test_what_waits_for_the_alert_when_a_hold_begins_does_not_leave_until_it_ends(people):
    case = told_alert(people)
    hold_reports(case, people)
    assert (uploads(case), alert_tasks(case)) == (["withdrawn"], ["a_hold_stops_it"])
    assert not DerivedFlag.objects.filter(case=case, kind="alert", purged_at=None).exists()
    release(case, people)
    assert (uploads(case), alert_tasks(case)) == (["withdrawn", "pending"], [])


@pytest.mark.parametrize("state", ["delivered", "acknowledged", "unknown"])
def test_what_the_alert_has_or_may_have_is_put_right_under_a_hold_too(people, state):
    case = told_alert(people)
    OutboxMessage.objects.filter(case=case, kind="alert_upload").update(state=state)
    with edits.change(case.pk, actor=people["a.byrne"], at=DAY, act="edit", shapes=False) as edit:
        edit.change_address(1, 1, kind="delivery", line_1="Unit 5, 77 Fiction Way", postcode="LS1 0ZZ")
        corrections.send(edit.case, "amended", reason="error", actor=people["d.osei"], at=DAY)
    hold_reports(case, people)
    assert (uploads(case), alert_tasks(case)) == ([state, "pending"], [])


def test_who_was_told_of_the_address_is_told_when_it_is_removed(people):
    case = told_alert(people)
    with edits.change(case.pk, actor=people["a.byrne"], at=DAY, act="note", verb="tests.removed", shapes=False) as edit:
        told = corrections.send(edit.case, "removed", reason="error", actor=people["d.osei"], at=DAY)
    assert [message.channel.agency.code for message in told] == [ALERT]


def test_who_was_told_of_an_address_lets_it_go_when_somebody_innocent_lives_there(people):
    case = told_alert(people)
    home = {"kind": "current", "line_1": "77 Fiction Way, unit 4", "town": "Leeds", "postcode": "LS1 0ZZ"}
    with edits.change(case.pk, actor=people["a.byrne"], at=DAY, act="edit", shapes=False) as edit:
        edit.add_address(2, **home)
        told = corrections.send(edit.case, "amended", reason="error", actor=people["d.osei"], at=DAY)
    assert [(message.channel.agency.code, message.kind) for message in told] == [(ALERT, "correction_removed")]
    assert OutboxMessage.objects.filter(case=case, kind="alert_upload").count() == 1
    assert case.clocks.filter(rule="removal_transmission", ended_at=None).exists()


def test_a_hit_in_the_alert_is_an_address_and_says_nothing_of_who_lives_there(people):
    case = told_alert(people)
    upload = OutboxMessage.objects.get(case=case, kind="alert_upload")
    secret = new_inbound_key(ALERT, actor=actors.system("tests"), at=datetime.now(UTC))
    hit = {"their_reference": "H-2026-0001", "code": "SUSPECT", "date": "2026-09-18", "member": "Fictional Stores"}
    told = callback(type="alert.hit", reference=str(upload.public_id), agency_reference=..., data=hit)
    assert call(secret, told, path=f"/api/v1/agencies/{ALERT}/callbacks/").status_code == 202
    application.apply_pending(now=timezone.now())
    row = IncomingNotice.objects.get()
    assert (row.kind, row.agency.code, row.is_address_only) == ("alert_hit", ALERT, True)
    page = text(desk.client_of("a.byrne").get(reverse("web:incoming_notice", args=[case.uid, 1])))
    for said in ("SUSPECT", "18 September 2026", "Fictional Stores", "It says nothing of who lives there."):
        assert said in page
    with nothing_written(), pytest.raises(CaseError, match="Only the address agrees"):
        decide(row, "confirmed", people["a.byrne"])
    decide(row, "false_positive", people["a.byrne"])
    assert not flags().exists()


@pytest.mark.parametrize("kind", ["fpa.match", "fpa.enquiry", "fpa.removal_instruction", "fpa.protective_registration"])
def test_the_alert_service_says_nothing_for_the_fraud_register(people, kind):
    case = factories.filed(people)
    with nothing_written(), pytest.raises(CaseError):
        hear_of(case, kind, agency=ALERT, expires_date="2027-01-01")
    with nothing_written(), pytest.raises(CaseError):
        hear_of(case, "alert.hit", agency=FPA)


@pytest.mark.parametrize("name", ["match", "enquiry", "removal_instruction", "protective_registration", "hit"])
def test_what_the_sandbox_says_is_understood(people, name):
    case = factories.filed(people)
    said = desks.saying(name, {"agency_reference": "SFR-2026-0004417"}, number=1)
    hear_of(case, said["type"], agency=ALERT if name == "hit" else FPA, **said["data"])
    assert IncomingNotice.objects.get().their_reference == f"{name.upper()}-0001"


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("name", "expected"), [("incoming", 7), ("case_incoming", 8), ("incoming_notice", 11)])
def test_pages_take_as_many_statements_at_one_row_as_at_three(people, name, expected, count):
    case = factories.filed(people)
    for number in range(count):
        hear_of(case, "fpa.match", **MATCH | {"their_reference": f"M-{number}"})
    arguments = {"incoming": [], "case_incoming": [case.uid], "incoming_notice": [case.uid, 1]}[name]
    found = statements(desk.client_of("a.byrne"), reverse(f"web:{name}", args=arguments))
    assert len(found) == expected, shortly(found)


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("fpa.match", "4", "4 (application fraud, refused)"),
        ("fpa.enquiry", "0", "0 (protective registration)"),
        ("fpa.match", "9", "9"),
        ("fpa.match", "IDF", "IDF"),
        ("alert.hit", "4", "4"),
    ],
)
def test_the_digit_of_an_old_record_is_told_in_words_and_a_code_of_the_alert_is_none(people, kind, code, says):
    case = factories.filed(people)
    agency = ALERT if kind == "alert.hit" else FPA
    hear_of(case, kind, agency=agency, their_reference="M-1998-0081", code=code)
    row = IncomingNotice.objects.get()
    reader = sealing.Reader(actor="staff:1", verb="view", purpose="test", streams=(case.uid,))
    assert dict(incoming.said(row, reader=reader, at=DAY))["Their code"] == says


def test_the_digits_of_old_records_are_the_designs():
    assert list(codes.LEGACY) == [str(digit) for digit in range(9)]
