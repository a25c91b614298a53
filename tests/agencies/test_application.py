"""Callbacks are matched, applied once, and converge whatever the order they come in."""

import dataclasses
import itertools
import json
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from cases.agencies import application, delivery, inbound, matching, senders
from cases.fraud.models import IncomingNotice
from cases.kernel import casetypes
from cases.kernel.exchange import agencies, exchanges
from cases.kernel.models import Callback, Case, OutboxMessage, Task
from cases.ledger import sealing, verify
from cases.ledger.keys import KeyMissing
from cases.ledger.models import SecurityEvent
from tests import factories
from tests.agencies import stage
from tests.agencies.stage import FPA, acts, now, promise
from tests.api.caller import call, callback

pytestmark = pytest.mark.django_db(transaction=True)


def hear(document: dict, *, message_id: str = "", code: str = FPA) -> Callback:
    """Store a callback as a proven sender's."""
    agency = agencies.get(code)
    sender = senders.Sender(
        agency=agency,
        channel=agencies.channel_of(agency, "in"),
        message_id=message_id or uuid.uuid4().hex,
        key_name="k",
    )
    inbound.receive(sender, json.dumps(document).encode(), ip_token="", now=now())
    return Callback.objects.get(agency=agency, message_id=sender.message_id)


def filed(message: OutboxMessage, **changes) -> dict:
    return callback(reference=str(message.public_id), **changes)


def filing(case: Case) -> OutboxMessage:
    return OutboxMessage.objects.get(case=case, kind="fpa_file", state__in=["pending", "delivered", "acknowledged"])


def test_a_callback_that_lacks_what_its_type_needs_goes_to_a_person_at_once(monkeypatch, caplog):
    """It is the agency's fault and no fault of ours: nothing is tried five times, nothing rings the alarm."""
    case = stage.approved(factories.office())

    def act(_case, content, **_more):
        return content.data["code"]

    kind = casetypes.get(case.kind)
    monkeypatch.setitem(casetypes._types, case.kind, dataclasses.replace(kind, callbacks={"fpa.filed": act}))
    row = hear(filed(filing(case), data={"reason": "none"}))

    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.state, row.reason, row.tries) == ("failed", "refused:NotSaid", 1)
    assert Task.objects.get(kind="callback_not_applied").detail["callback"] == str(row.uid)
    assert "callback_fault" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("moratorium.review_decided", {"outcome": "Granted"}),
        ("moratorium.review_decided", {}),
        ("placement.answered", {"outcome": "Accepted"}),
        ("placement.returned", {"code": ["gone_away"]}),
        ("sale.claimed", {"line": "one", "reason": "title"}),
        ("sale.claimed", {"line": 1, "reason": ["title"]}),
        ("cra_file.reported", {"outcome": "accepted"}),
        ("traceback.answered", {"result": "caller_found"}),
        ("fpa.protective_registration", {"summary": "Papers stolen."}),
    ],
)
def test_data_that_does_not_fit_its_type_is_applied_in_no_part(monkeypatch, caplog, kind, data):
    """A word that is none of those agreed meant its contrary: "Granted" was taken for a refusal, "Accepted" for a
    rejection. A form that nobody expected was a fault of ours, tried five times."""
    case, acted = stage.approved(factories.office()), []
    (shape,) = (each.callback_shapes[kind] for each in casetypes.all_types() if kind in each.callback_shapes)
    known = dataclasses.replace(
        casetypes.get(case.kind),
        callbacks={kind: lambda *_given, **_more: acted.append(kind)},
        callback_shapes={kind: shape},
    )
    monkeypatch.setitem(casetypes._types, case.kind, known)
    row = hear(filed(filing(case), type=kind, data=data))

    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.state, row.reason, row.tries, acted) == ("failed", "refused:NotSaid", 1, [])
    assert Task.objects.get(kind="callback_not_applied").detail["callback"] == str(row.uid)
    assert "callback_fault" not in caplog.text


def test_a_filing_goes_out_and_its_answer_comes_back_over_tls_and_http(speaking_sandbox):
    people = factories.office()
    case = stage.approved(people)
    speaking_sandbox.tell(occurred_at="2026-11-16T10:12:00Z")

    delivery.deliver_due(clock=now)
    stage.wait_for(lambda: Callback.objects.exists())
    run = application.apply_pending(now=now())

    case = Case.objects.get(pk=case.pk)
    message = OutboxMessage.objects.get(case=case, kind="fpa_file")
    assert run.applied == 1
    assert (case.state, case.fraud_referral.filing_reference) == ("filed", "SFR-2026-0004417")
    assert (message.state, message.agency_reference) == ("acknowledged", "SFR-2026-0004417")
    assert (acts(case, "fraud_referral.submitted"), acts(case, "fraud_referral.file")) == (1, 1)
    assert {finding.level for finding in verify.verify_stream(case.uid)} <= {"recorded late"}


def test_an_answer_that_comes_before_our_mark_implies_delivery(people):
    case = stage.approved(people)
    row = hear(filed(filing(case)))

    application.apply_pending(now=now())

    row.refresh_from_db()
    message = OutboxMessage.objects.get(case=case, kind="fpa_file")
    assert (row.state, row.case_id) == ("applied", case.pk)
    assert (message.state, message.lease) == ("acknowledged", None)
    assert message.delivered_at is not None and message.settled_at is not None
    assert Case.objects.get(pk=case.pk).state == "filed"
    assert acts(case, "fraud_referral.submitted") == 1


def test_of_faults_that_an_agency_lists_the_codes_alone_are_kept(people):
    case = stage.approved(people)
    sound = {"pointer": "/subjects/1/date_of_birth", "code": "SUBJECT_2_MISSING_DOB_FORMAT"}
    prose = {"pointer": "/Morwenna Tregaskis", "code": "Ms Tregaskis of TR18 0ZZ", "detail": "07700 900123"}
    hear(filed(filing(case), type="fpa.rejected", data={"errors": [sound, prose, "none"]}))

    application.apply_pending(now=now())

    case = Case.objects.get(pk=case.pk)
    assert case.state == "rejected"
    assert case.fraud_referral.field_errors == [sound, {"pointer": "", "code": "unreadable"}]
    assert Task.objects.get(case=case, kind="fraud_field_errors").detail == {"codes": [sound["code"], "unreadable"]}


def test_an_answer_counts_from_when_it_came_however_long_it_then_waited(people):
    case = stage.approved(people)
    row = hear(filed(filing(case)))

    application.apply_pending(now=now() + timedelta(days=4))

    assert OutboxMessage.objects.get(case=case, kind="fpa_file").acknowledged_at == row.received_at


def test_what_an_agency_asks_is_due_from_when_it_reached_us_and_not_from_when_it_was_applied(people):
    """An instruction to remove has one working day (UK GDPR Art 19): days of ours are not the person's."""
    case = stage.approved(people)
    row = hear(filed(filing(case), type="fpa.removal_instruction", data={"their_reference": "I-1"}))

    application.apply_pending(now=now() + timedelta(days=4))

    clock = case.clocks.get(rule="fraud_removal_instruction")
    assert (clock.started_at, IncomingNotice.objects.get(case=case).received_at) == (row.received_at, row.received_at)


def test_a_second_answer_of_the_same_content_is_ignored_with_a_reason(people):
    case = stage.approved(people)
    document = filed(filing(case))
    hear(document)
    application.apply_pending(now=now())

    second = hear(document)
    application.apply_pending(now=now())

    second.refresh_from_db()
    assert (second.state, second.reason) == ("ignored", "already_there")
    assert acts(case, "fraud_referral.file") == 1
    assert Task.objects.filter(kind="callback_not_applied").count() == 0


def test_the_body_is_kept_under_a_key_of_the_case_once_applied(people):
    case = stage.approved(people)
    row = hear(filed(filing(case)))
    assert (row.key.scope, row.key.parent_id) == ("inbox", None)

    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.key.scope, row.key.parent_id) == ("callback", case.key_id)


def test_what_matches_no_case_waits_and_is_applied_when_its_reference_becomes_known(people):
    case = stage.approved(people)
    enquiry = hear(callback(type="fpa.enquiry", reference=..., agency_sequence=4))
    application.apply_pending(now=now())
    enquiry.refresh_from_db()
    assert enquiry.state == "unmatched"
    assert Task.objects.get(kind="callback_unmatched").closed_at is None

    hear(filed(filing(case)))
    application.apply_pending(now=now())

    enquiry.refresh_from_db()
    assert (enquiry.state, enquiry.case_id) == ("applied", case.pk)
    assert Task.objects.get(kind="callback_unmatched").outcome == "applied_later"
    assert acts(case, "fraud_referral.enquiry") == 1


def test_another_agencys_reference_matches_nothing(people):
    case = stage.approved(people)
    row = hear(filed(filing(case)), code="sandbox-post")

    application.apply_pending(now=now())

    row.refresh_from_db()
    assert (row.state, row.case_id) == ("unmatched", None)
    assert Case.objects.get(pk=case.pk).state == "approved"


@pytest.mark.parametrize("passing", [KeyMissing("master-1"), OperationalError("disk full")])
def test_what_cannot_be_applied_for_a_day_is_told_once_and_keeps_no_other_waiting(people, monkeypatch, passing):
    case, other = stage.approved(people, 0), stage.approved(people, 1)
    stuck = hear(filed(filing(case), agency_reference="SFR-2026-0000001"))
    whole = application._decide

    def decide(row, **given):
        if row.pk == stuck.pk:
            raise passing
        return whole(row, **given)

    with monkeypatch.context() as broken:
        broken.setattr(application, "_decide", decide)
        for _ in range(7):
            application.apply_pending(now=now(), most=1)
        stuck.refresh_from_db()
        assert (stuck.state, stuck.reason) == ("received", "")  # not a day yet: nobody's work
        assert not Task.objects.filter(kind="callback_not_applied").exists()

        later = hear(filed(filing(other), agency_reference="SFR-2026-0000002"))
        assert application.apply_pending(now=now(), most=1).applied == 1
        later.refresh_from_db()
        assert later.state == "applied"

        Callback.objects.filter(pk=stuck.pk).update(received_at=now() - timedelta(days=1, hours=1))
        for _ in range(3):
            application.apply_pending(now=now(), most=1)
        task = Task.objects.get(kind="callback_not_applied")
        assert task.detail["callback"] == str(stuck.uid)
        assert task.detail["reason"] == "not_applied_for_a_day"
        assert stuck in exchanges.callbacks_of(people["a.byrne"], stuck.agency, is_review=True)

    application.apply_pending(now=now())
    stuck.refresh_from_db()
    task.refresh_from_db()
    assert (stuck.state, stuck.reason, task.outcome) == ("applied", "", "applied_later")


def test_a_person_may_ignore_what_cannot_be_applied_for_a_day(people):
    row = hear(callback(reference=...))
    with pytest.raises(matching.NotWaiting):
        matching.ignore(row, actor=people["a.byrne"], at=now(), reason="Its key is lost.")
    Callback.objects.filter(pk=row.pk).update(reason="not_applied_for_a_day")
    matching.ignore(row, actor=people["a.byrne"], at=now(), reason="Its key is lost.")
    row.refresh_from_db()
    assert (row.state, row.reason) == ("ignored", "by_a_person")


def test_a_type_that_the_kind_does_not_know_is_left_to_its_team(people):
    case = stage.approved(people)
    row = hear(filed(filing(case), type="fpa.sang_a_song"))

    application.apply_pending(now=now())

    row.refresh_from_db()
    task = Task.objects.get(kind="callback_not_applied")
    assert (row.state, task.case_id, task.team_id) == ("failed", case.pk, case.team_id)
    assert SecurityEvent.objects.get(kind="callback_refused").act == "fpa.sang_a_song"
    assert Case.objects.get(pk=case.pk).state == "approved"


def test_what_comes_too_early_is_applied_once_its_time_has_come(people):
    case = factories.ready(people)
    message = promise(case)
    early = hear(filed(message))
    application.apply_pending(now=now())
    early.refresh_from_db()
    assert early.state == "failed"

    Case.objects.get(pk=case.pk)
    from cases.kernel import transitions

    transitions.apply(
        case.pk, "approve", actor=people["d.osei"], at=factories.APPROVED_AT, inputs=factories.CHECKER_INPUTS
    )
    hear(filed(filing(case)))
    application.apply_pending(now=now())

    early.refresh_from_db()
    assert early.state == "ignored"
    assert Task.objects.get(kind="callback_not_applied").outcome == "applied_later"
    assert acts(case, "fraud_referral.file") == 1


def test_every_order_of_the_same_callbacks_ends_the_same(people):
    ends = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        case = stage.approved(people, number)
        reference = f"SFR-2026-{number:07d}"
        documents = [
            filed(filing(case), agency_sequence=1, agency_reference=reference),
            callback(type="fpa.enquiry", reference=..., agency_sequence=2, agency_reference=reference),
            filed(filing(case), agency_sequence=3, agency_reference=reference),
        ]
        for place in order:
            hear(documents[place])
            application.apply_pending(now=now())
        states = Callback.objects.filter(case=case).values_list("state", flat=True)
        enquiries = acts(case, "fraud_referral.enquiry")
        ends.add((Case.objects.get(pk=case.pk).state, tuple(sorted(states)), enquiries))

    assert ends == {("filed", ("applied", "applied", "ignored"), 1)}


def test_fifty_equal_calls_at_once_have_one_effect_and_one_answer(people):
    from datetime import UTC, datetime

    from cases.agencies.provision import new_inbound_key
    from cases.kernel import actors

    case = stage.approved(people)
    secret = new_inbound_key(FPA, actor=actors.system("tests"), at=datetime.now(UTC))
    document = filed(filing(case))
    answers: list[tuple[int, bytes]] = []
    start = threading.Barrier(50)

    def send() -> None:
        try:
            start.wait()
            response = call(secret, document)
            answers.append((response.status_code, response.content))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    application.apply_pending(now=now())

    assert len(answers) == 50
    assert len(set(answers)) == 1
    assert answers[0][0] == 202
    assert Callback.objects.count() == 1
    assert acts(case, "fraud_referral.file") == 1


def test_two_workers_apply_each_callback_once(people):
    cases = [stage.approved(people, number) for number in range(4)]
    for number, case in enumerate(cases):
        hear(filed(filing(case), agency_reference=f"SFR-2026-{number:07d}"))

    def work() -> None:
        try:
            application.apply_pending(now=now())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [acts(case, "fraud_referral.file") for case in cases] == [1, 1, 1, 1]
    assert set(Callback.objects.values_list("state", flat=True)) == {"applied"}


def test_a_callback_for_a_case_that_is_erased_waits_for_a_person(people):
    case = stage.approved(people)
    row = hear(filed(filing(case)))
    sealing.destroy(case.key, actor="system:tests", reason="tests", at=now())
    application.apply_pending(now=now())
    row.refresh_from_db()
    assert (row.state, row.reason) == ("unmatched", "case_erased")
    assert Task.objects.filter(kind="callback_unmatched", detail__callback=str(row.uid), closed_at=None).count() == 1
