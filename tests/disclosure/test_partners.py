"""A bank asks, and is told one field: the scenario of the design (B-1) with what refuses it."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from cases.accounts import reading, storing
from cases.agencies.directory import TERMS
from cases.agencies.provision import new_inbound_key
from cases.api import authentication
from cases.disclosure.partners import asking, demo, simevents
from cases.disclosure.partners.csvevents import Reading
from cases.disclosure.partners.models import PartnerAgreement, PartnerQuery, SimEvent, SimFeed
from cases.fraud import fromoutside
from cases.fraud.models import FraudReferral
from cases.kernel import actors, transitions
from cases.kernel.evidence import disposal
from cases.kernel.exchange import agencies
from cases.kernel.linking import detaching, links
from cases.kernel.models import (
    Agency,
    AgencyTerms,
    Callback,
    Case,
    CaseLink,
    IntakeRequest,
    RateBucket,
    RefusedCalls,
    Release,
    ReleasedItem,
    Task,
)
from cases.kernel.timing import sweeps
from cases.kernel.transitions import TransitionRefused
from cases.ledger import api as ledger
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import factories, partners
from tests.accounts.test_intake import ROW
from tests.api.caller import call
from tests.faults.test_races import at_once
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db
CHECK = "/api/v1/partners/sandbox-bank/sim-swap/check"
DATE = "/api/v1/partners/sandbox-bank/sim-swap/retrieve-date"
VERIFY = "/api/v1/partners/sandbox-bank/transactions/verify"
FEEDBACK = "/api/v1/partners/sandbox-bank/feedback"
EVENTS = "/api/v1/intake/sim-events/"
NETWORK = {"webhook-sender": "own-network"}
# Copied by hand from the design, scenario B-1.
ASKED_AT = datetime(2026, 12, 2, 10, 0, tzinfo=UTC)
QUESTION = {"phoneNumber": "+447700900123", "maxAge": 480}
SWAP = {"schema_version": 1, "events": [{"phone_number": "+447700900123", "swapped_at": "2026-11-13T10:00:00Z"}]}


@pytest.fixture
def people():
    return factories.office()


@pytest.fixture
def secrets(people):
    partners.enter(people)
    codes = ("sandbox-bank", "own-network", "sandbox-fraud-register")
    return {code: new_inbound_key(code, actor=factories.job(), at=factories.AT) for code in codes}


@pytest.fixture
def secret(secrets):
    return secrets["sandbox-bank"]


@pytest.fixture(autouse=True)
def at(monkeypatch):
    """Let the office's clock show the day of the scenario; returns how to set it."""

    def show(moment):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return moment

        monkeypatch.setattr(authentication, "datetime", Clock)
        monkeypatch.setattr("tests.api.caller.time.time", moment.timestamp)

    show(ASKED_AT)
    return show


def said(answer):
    return answer.status_code, json.loads(answer.content)


def refusal(answer):
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.content).get("code")


def test_bank_is_told_that_the_sim_was_swapped_and_its_feedback_leads_to_the_referral(people, secrets, secret):
    referral = factories.investigating(people)
    told_before = LedgerEvent.objects.filter(stream=referral.uid).count()
    assert said(call(secrets["own-network"], SWAP, message_id="swap-1", path=EVENTS, **NETWORK)) == (
        202,
        {"status": "accepted", "kept": 1},
    )

    answer = call(secret, QUESTION | {"caseReference": "PAY-9500", "purpose": "new_payee"}, path=CHECK)

    assert said(answer) == (200, {"swapped": True})
    case = Case.objects.get(kind="partner_query")
    facts = PartnerQuery.objects.get(case=case)
    assert (case.state, case.reference, facts.answer) == ("answered", "PAQ-2026-000001", "yes")
    assert facts.latest_change_at == datetime(2026, 11, 13, 10, 0, tzinfo=UTC)
    release = Release.objects.get(case=case)
    assert (release.recipient.code, release.message_kind, release.message) == ("sandbox-bank", "partner_answer", None)
    item = ReleasedItem.objects.get(release=release)
    assert (item.category, item.fields, item.clause) == ("line_status", ["swapped"], "check_with_partners")

    fed = call(secret, {"query": "msg-1", "outcome": "CONFIRMED_FRAUD"}, message_id="fb-1", path=FEEDBACK)

    assert said(fed) == (202, {"status": "accepted"})
    link = CaseLink.objects.get(case=case)
    assert link.other is None
    analyst = people["p.nair"]
    reader = links.sealing.Reader(actor=analyst.label, verb="view", purpose="casework", streams=(case.uid,))
    assert [(row.other, row.is_one_way) for row in links.listed(case, analyst, reader=reader, at=ASKED_AT)] == [
        (referral, True)
    ]
    assert links.listed(referral, analyst, reader=reader, at=ASKED_AT) == []
    assert LedgerEvent.objects.filter(stream=referral.uid).count() == told_before
    assert Case.objects.filter(kind="fraud_referral").count() == 1
    assert verify.verify_rows_alone() == []


def test_of_a_number_of_which_nothing_is_on_record_no_bank_is_told_that_its_sim_was_not_changed(secret):
    """Domain 6C knows yes, no and unknown; CAMARA's check has no third word, and answers 422 where it cannot speak."""
    other = {"phoneNumber": "+447700900999"}
    refused = call(secret, other, message_id="n-1", path=CHECK)
    assert refusal(refused) == (422, "number_unknown")
    case = Case.objects.get(kind="partner_query")
    assert (case.state, case.partner_query.refusal_code, case.partner_query.answer) == ("refused", "number_unknown", "")
    assert not Release.objects.exists()
    again = call(secret, other, message_id="n-1", path=CHECK)
    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (422, refused.content, "true")

    tell_of_account()
    assert said(call(secret, other, message_id="n-2", path=CHECK)) == (200, {"swapped": False})
    assert said(call(secret, other, message_id="n-3", path=DATE)) == (200, {"latestSimChange": None})


def tell_of_account(number="8002223334", **changes):
    """Billing tells of an account whose holder can be rung on 07700 900999: a mobile contract, unless told else."""
    told = ROW | {"account": number, "final_bill_date": "", "holder_1_phone": "07700 900999"} | changes
    with ledger.action(uuid4(), "accounts.told", actor="system:tests", at=factories.AT):
        storing.store([reading.read(told, today=factories.AT.date())], at=factories.AT)


@pytest.mark.parametrize("swapped_at", [None, datetime(2026, 8, 1, 10, 0, tzinfo=UTC)], ids=["no event", "in August"])
@pytest.mark.parametrize(
    "changes",
    [
        {"product": "broadband"},
        {"contract_end_date": "2026-10-01"},
        {"contract_end_date": "2026-12-02"},
        {"final_bill_date": "2026-02-27"},
    ],
    ids=["where a customer is rung", "left in October", "leaves today", "had the final bill"],
)
def test_no_bank_is_told_that_a_sim_which_is_not_ours_was_not_changed(secret, changes, swapped_at):
    """Asked on 2 December 2026 (domain 6C: yes, no, unknown; a number may be ported). Who left with their number has
    its SIM elsewhere, and what became of it there nobody here knows, whatever our network told before."""
    other = {"phoneNumber": "+447700900999"}
    tell_of_account(**changes)
    if swapped_at:
        partners.swap("+447700900999", swapped_at)
    for name, path in (("check", CHECK), ("date", DATE)):
        assert refusal(call(secret, other, message_id=name, path=path)) == (422, "number_unknown")
    assert not Release.objects.exists()
    assert {row.answer for row in PartnerQuery.objects.all()} == {""}
    assert said(call(secret, other, message_id="verify", path=VERIFY)) == (200, {"verified": "unknown"})

    # Another account has the number as that of its SIM: then it is ours.
    tell_of_account("8002223342", contract_end_date="2026-12-03")
    assert said(call(secret, other, message_id="ours", path=CHECK)) == (200, {"swapped": False})


def test_while_the_network_is_silent_no_bank_is_told_that_a_sim_was_not_changed(secrets, secret):
    partners.swap()  # 19 days before: not within the 240 hours of who names none
    body, within = {"phoneNumber": "+447700900123"}, {"phoneNumber": "+447700900123", "maxAge": 480}
    assert said(call(secret, body, message_id="h-1", path=CHECK)) == (200, {"swapped": False})
    SimFeed.objects.update(told_until=ASKED_AT - timedelta(hours=24, seconds=1))
    assert refusal(call(secret, body, message_id="s-1", path=CHECK)) == (422, "number_unknown")
    assert refusal(call(secret, body, message_id="s-2", path=DATE)) == (422, "number_unknown")
    assert said(call(secret, body, message_id="s-3", path=VERIFY)) == (200, {"verified": "unknown"})
    # What it told before is still true, and warns.
    assert said(call(secret, within, message_id="s-4", path=CHECK)) == (200, {"swapped": True})
    (task,) = Task.objects.filter(kind="partner_network_silent", closed_at=None)
    assert (task.case, task.team.code) == (None, "disclosure")

    network, events = secrets["own-network"], {"schema_version": 1, "events": []}
    nothing = call(network, events, message_id="n-1", path=EVENTS, **NETWORK)
    assert nothing.status_code == 422
    for number, moment in enumerate(("2026-12-03T10:00:01Z", "yesterday")):
        ahead = call(network, {**events, "complete_until": moment}, message_id=f"a-{number}", path=EVENTS, **NETWORK)
        assert ahead.status_code == 422
    late = {**events, "complete_until": "2026-12-01T09:00:00Z"}
    assert call(network, late, message_id="n-2", path=EVENTS, **NETWORK).status_code == 202
    assert Task.objects.filter(pk=task.pk, closed_at=None).exists()  # it told of what was 25 hours ago
    now = {**events, "complete_until": "2026-12-02T09:59:00Z"}
    assert said(call(network, now, message_id="n-3", path=EVENTS, **NETWORK)) == (
        202,
        {"status": "accepted", "kept": 0},
    )
    assert Task.objects.get(pk=task.pk).closed_at == ASKED_AT
    assert said(call(secret, body, message_id="h-2", path=CHECK)) == (200, {"swapped": False})
    wrong = [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"]
    assert [each for each in wrong if each.column != "at"] == []  # the day of the scenario is still to come


def test_of_a_number_that_left_for_another_network_no_bank_is_told_that_its_sim_was_not_changed(secrets, secret):
    """Whoever takes a number to another network has a SIM there of which nobody here knows."""
    partners.swap()
    network, body = secrets["own-network"], {"phoneNumber": "+447700900123"}
    assert said(call(secret, body, message_id="l-1", path=CHECK)) == (200, {"swapped": False})

    def tell(number, moment, kind):
        event = {"phone_number": "+447700900123", "swapped_at": moment, "kind": kind}
        told = {"schema_version": 1, "events": [event]}
        return said(call(network, told, message_id=f"n-{number}", path=EVENTS, **NETWORK))

    assert tell(1, "2026-12-01T10:00:00Z", "left") == (202, {"status": "accepted", "kept": 1})
    assert tell(2, "2026-12-01T10:00:00Z", "left") == (202, {"status": "accepted", "kept": 0})
    assert refusal(call(secret, body, message_id="l-2", path=CHECK)) == (422, "number_unknown")
    assert refusal(call(secret, body, message_id="l-3", path=DATE)) == (422, "number_unknown")
    assert said(call(secret, body, message_id="l-4", path=VERIFY)) == (200, {"verified": "unknown"})
    assert said(call(secret, QUESTION, message_id="l-5", path=CHECK)) == (200, {"swapped": True})
    # It came back, with a SIM of ours.
    assert tell(3, "2026-12-02T09:00:00Z", "swap") == (202, {"status": "accepted", "kept": 1})
    assert said(call(secret, body, message_id="l-6", path=CHECK)) == (200, {"swapped": True})
    assert (
        call(network, {"schema_version": 1, "events": []}, message_id="n-9", path=EVENTS, **NETWORK).status_code == 422
    )


def test_a_file_that_somebody_brings_tells_nothing_of_what_came_after_it(people):
    partners.enter(people)
    SimFeed.objects.update(told_until=factories.AT - timedelta(days=40))
    officer, network = people["k.mistry"], Agency.objects.get(code="own-network")
    reading = Reading(stream=network.uid, actor=officer, at=factories.AT)
    reading.feed(b"phone_number,swapped_at\n+447700900123,2026-11-01T10:00:00Z\n")
    reading.finish()
    assert SimFeed.objects.get().told_until == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert not simevents.is_heard(at=factories.AT)


def test_a_change_within_the_hours_is_told_also_of_a_number_that_has_left(secret):
    """It is true and it warns: the number may have left with whoever changed its SIM."""
    tell_of_account(contract_end_date="2026-11-14")
    partners.swap("+447700900999")
    asked = QUESTION | {"phoneNumber": "+447700900999"}
    assert said(call(secret, asked, message_id="check", path=CHECK)) == (200, {"swapped": True})
    assert said(call(secret, asked, message_id="verify", path=VERIFY)) == (200, {"verified": "no"})


def test_each_question_is_told_one_field_and_a_repeat_the_same_bytes(secrets, secret, at):
    other = {"phoneNumber": "+447700900999"}
    partners.swap()

    first = call(secret, QUESTION, message_id="q-1", path=CHECK)
    again = call(secret, QUESTION, message_id="q-1", path=CHECK)
    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (200, first.content, "true")
    assert Case.objects.filter(kind="partner_query").count() == 1
    assert refusal(call(secret, other, message_id="q-1", path=CHECK))[0] == 422
    mismatch = call(secret, QUESTION, message_id="q-2", path=CHECK, **{"idempotency-key": "q-3"})
    assert refusal(mismatch) == (400, "idempotency_key_is_not_webhook_id")

    # 456 hours have passed since the swap: within 480 and 456, not within 455 nor the 240 of who names none.
    for number, (hours, told) in enumerate(((456, True), (455, False), (None, False), (2400, True))):
        body = {"phoneNumber": "+447700900123"} | ({"maxAge": hours} if hours else {})
        assert said(call(secret, body, message_id=f"age-{number}", path=CHECK)) == (200, {"swapped": told})

    body = {"phoneNumber": "+447700900123"}
    told = {"latestSimChange": "2026-11-13T10:00:00Z"}
    assert said(call(secret, body, message_id="d-1", path=DATE)) == (200, told)
    assert refusal(call(secret, other, message_id="d-2", path=DATE)) == (422, "number_unknown")

    assert said(call(secret, QUESTION, message_id="t-1", path=VERIFY)) == (200, {"verified": "no"})
    assert said(call(secret, body, message_id="t-2", path=VERIFY)) == (200, {"verified": "yes"})
    assert said(call(secret, other, message_id="t-3", path=VERIFY)) == (200, {"verified": "unknown"})


def test_what_may_not_be_told_is_refused_with_its_code_and_kept(people, secrets, secret, at):
    partners.swap()

    def agree(**changes):
        partners.agree(people, at=factories.AT, **changes)

    def ask(message_id, path=CHECK):
        before = Release.objects.count()
        answer = refusal(
            call(
                secret, QUESTION if path != DATE else {"phoneNumber": "+447700900123"}, message_id=message_id, path=path
            )
        )
        case = IntakeRequest.objects.get(message_id=message_id).case
        assert (case.state, case.is_closed, Release.objects.count()) == ("refused", True, before)
        assert PartnerQuery.objects.get(case=case).refusal_code == answer[1]
        return answer

    agree(allowed_fields=["swapped"])
    assert ask("field", DATE) == (403, "field_not_allowed")
    agree(purposes=["bank_txn_verify"])
    assert ask("purpose") == (403, "purpose_not_allowed")
    agree(ends_date=date(2026, 12, 1))
    assert ask("ended") == (403, "agreement_ended")
    agree(ends_date=date(2026, 12, 2))
    assert said(call(secret, QUESTION, message_id="last-day", path=CHECK)) == (200, {"swapped": True})
    agree(is_live=False)
    assert ask("none") == (403, "no_agreement")
    # Whoever asks for the partner is named on the agreement.
    agree(processors=["Drama Payments"])
    asked_by = {**QUESTION, "processor": "Another Firm"}
    assert refusal(call(secret, asked_by, message_id="stranger", path=CHECK)) == (403, "processor_not_named")
    asked_by = {**QUESTION, "processor": "Drama Payments"}
    assert said(call(secret, asked_by, message_id="named", path=CHECK)) == (200, {"swapped": True})
    assert PartnerQuery.objects.get(processor="Drama Payments").answer == "yes"
    # Of the one query that has been allowed since, only the minute's limit speaks.
    agree(per_minute=1)
    assert ask("rate") == (429, "rate_exceeded")
    again = call(secret, QUESTION, message_id="rate", path=CHECK)
    assert again.status_code == 429 and 1 <= int(again["Retry-After"]) <= 60
    fed = call(secret, {"query": "rate", "outcome": "NOT_FRAUD"}, message_id="fb-1", path=FEEDBACK)
    assert fed.status_code == 422
    # A day's limit lasts as long as the rest of its day.
    agree(per_minute=100, per_day=1)
    RateBucket.objects.filter(name__endswith=":day").update(began_at=Now() - timedelta(hours=20))
    answer = call(secret, QUESTION, message_id="day", path=CHECK)
    assert answer.status_code == 429 and abs(int(answer["Retry-After"]) - 4 * 60 * 60) <= 60
    at(datetime(2034, 6, 1, 10, 0, tzinfo=UTC))
    partners.agree(people, at=factories.AT, per_minute=50, ends_date=date(2035, 1, 1))
    assert ask("register") == (403, "not_permitted")


DRAMA = {"webhook-sender": "drama-payments"}


@pytest.fixture
def drama(people, secrets):
    """A processor in the register, named by the agreement with the bank; returns its key."""
    plan = agencies.ChannelPlan(direction="in")
    listing = agencies.Listing(
        code="drama-payments", kind="processor", display_name="Drama Payments", terms=TERMS, channels=(plan,)
    )
    agencies.register(listing, actor=factories.job(), at=factories.AT)
    partners.agree(people, at=factories.AT, processors=["drama-payments"])
    return new_inbound_key("drama-payments", actor=factories.job(), at=factories.AT)


def test_a_processor_asks_with_its_own_key_and_no_name_stands_for_it(people, secret, drama):
    partners.swap()
    assert said(call(drama, QUESTION, message_id="p-1", path=CHECK, **DRAMA)) == (200, {"swapped": True})
    query = PartnerQuery.objects.get()
    assert (query.partner.code, query.processor, query.has_own_key) == ("sandbox-bank", "drama-payments", True)
    opened = LedgerEvent.objects.get(stream=query.case.uid, action="case.opened")
    assert opened.actor == "agency:drama-payments"
    assert Release.objects.get(case=query.case).recipient.code == "sandbox-bank"
    page = client_of("k.mistry").get(f"/cases/{query.case.uid}/").content.decode()
    assert "drama-payments, proved by its own key" in page
    # The bank's own key does not speak for it any more, and it names nobody else.
    named = {**QUESTION, "processor": "drama-payments"}
    assert refusal(call(secret, named, message_id="p-2", path=CHECK)) == (403, "processor_not_named")
    assert call(drama, {**QUESTION, "processor": "Other"}, message_id="p-3", path=CHECK, **DRAMA).status_code == 422
    assert said(call(drama, named, message_id="p-4", path=CHECK, **DRAMA)) == (200, {"swapped": True})
    # What came of it tells whoever asked, and only of what it asked.
    fed = {"query": "p-1", "outcome": "NOT_FRAUD"}
    assert call(secret, fed, message_id="f-1", path=FEEDBACK).status_code == 422
    assert call(drama, fed, message_id="f-2", path=FEEDBACK, **DRAMA).status_code == 202
    assert PartnerQuery.objects.get(pk=query.pk).feedback == "not_fraud"


def test_a_processor_that_the_agreement_or_the_register_does_not_let_hears_nothing(people, secrets, secret, drama):
    partners.swap()
    asked = {"path": CHECK, **DRAMA}
    assert (
        call(
            secrets["sandbox-fraud-register"],
            QUESTION,
            message_id="x-1",
            path=CHECK,
            **{"webhook-sender": "sandbox-fraud-register"},
        ).status_code
        == 403
    )
    assert call(secret, QUESTION, message_id="x-2", **asked).status_code == 401
    terms = AgencyTerms.objects.filter(agency__code="drama-payments")
    terms.update(transfer_waits_for="IN")
    assert refusal(call(drama, QUESTION, message_id="x-3", **asked)) == (403, "not_permitted")
    terms.update(transfer_waits_for="")
    partners.agree(people, at=factories.AT, processors=[])
    assert refusal(call(drama, QUESTION, message_id="x-4", **asked)) == (403, "processor_not_named")
    partners.agree(people, at=factories.AT, processors=["drama-payments"], per_minute=1)
    answer = call(drama, QUESTION, message_id="x-5", **asked)
    assert (
        answer.status_code == 429 and 1 <= int(answer["Retry-After"]) <= 60
    )  # the partner's limit, not one of its own
    assert not Release.objects.exists()


def test_what_is_not_signed_leaves_nothing_and_what_is_no_question_is_kept_to_be_read(secrets, secret):
    forged = call(secrets["own-network"], QUESTION, message_id="f-1", path=CHECK)
    assert refusal(forged)[0] == 401
    assert RefusedCalls.objects.get(agency__code="sandbox-bank").count == 1
    assert not Case.objects.filter(kind="partner_query").exists()
    assert not Callback.objects.exists()

    bad = (
        (b'{"phoneNumber": "+447700900123"', 400),
        ({"phoneNumber": "07700 900123"}, 422),
        (QUESTION | {"maxAge": 2401}, 422),
        (QUESTION | {"maxAge": 0}, 422),
        (QUESTION | {"address": True}, 422),
        ({"maxAge": 3}, 422),
    )
    for number, (body, status) in enumerate(bad):
        for _ in range(2):
            assert refusal(call(secret, body, message_id=f"bad-{number}", path=CHECK))[0] == status
    kept = Callback.objects.filter(agency__code="sandbox-bank", state="failed")
    assert sorted(kept.values_list("message_id", flat=True)) == [f"bad-{number}" for number in range(len(bad))]
    assert not Case.objects.filter(kind="partner_query").exists()

    stranger = CHECK.replace("sandbox-bank", "sandbox-fraud-register")
    assert refusal(call(secrets["sandbox-fraud-register"], QUESTION, message_id="s-1", path=stranger))[0] == 403
    assert refusal(call(secret, SWAP, message_id="s-2", path=EVENTS, **{"webhook-sender": "sandbox-bank"}))[0] == 403


def test_change_told_twice_is_kept_once_and_one_to_come_not_at_all(secrets):
    network = secrets["own-network"]
    two = SWAP["events"] + [{"phone_number": "+447700900124", "swapped_at": "2026-11-14T10:00:00.5Z"}]

    def tell(events, message_id):
        return said(call(network, SWAP | {"events": events}, message_id=message_id, path=EVENTS, **NETWORK))

    assert tell(SWAP["events"], "n-1") == (202, {"status": "accepted", "kept": 1})
    events = LedgerEvent.objects.count()
    assert tell(SWAP["events"], "n-2") == (202, {"status": "accepted", "kept": 0})
    assert LedgerEvent.objects.count() == events
    assert tell(two, "n-3") == (202, {"status": "accepted", "kept": 1})
    later = [{"phone_number": "+447700900124", "swapped_at": "2026-12-02T10:00:01Z"}]
    status, problem = tell(two + later, "n-4")
    assert (status, [each["pointer"] for each in problem["errors"]]) == (422, ["/events/2/swapped_at"])
    assert SimEvent.objects.count() == 2
    assert b"7700900123" not in bytes(SimEvent.objects.first().sealed_number)


def test_confirmed_fraud_on_a_number_without_a_referral_opens_one_that_names_nobody(people, secrets, secret):
    partners.swap()
    call(secret, QUESTION, message_id="q-1", path=CHECK)
    call(secret, QUESTION, message_id="q-2", path=CHECK)

    assert call(secret, {"query": "q-0", "outcome": "NOT_FRAUD"}, message_id="f-0", path=FEEDBACK).status_code == 422
    for query in ("q-1", "q-2"):
        fed = call(secret, {"query": query, "outcome": "CONFIRMED_FRAUD"}, message_id=f"f-{query}", path=FEEDBACK)
        assert said(fed) == (202, {"status": "accepted"})
    twice = call(secret, {"query": "q-1", "outcome": "NOT_FRAUD"}, message_id="f-3", path=FEEDBACK)
    assert twice.status_code == 422

    referral = Case.objects.get(kind="fraud_referral")
    told = LedgerEvent.objects.get(stream=referral.uid)
    assert (told.actor, told.action) == ("system:fraud_watch", "case.opened")
    assert not {"sandbox-bank", "partner_query"} & set(str(told.body).replace('"', " ").split())
    assert CaseLink.objects.filter(other=None).count() == 2
    assert not CaseLink.objects.filter(case=referral).exists()


def test_confirmed_fraud_says_nothing_of_a_change_of_sim_that_the_answer_did_not_confirm(people):
    partners.enter(people)
    partners.swap(swapped_at=datetime(2026, 1, 2, 10, 0, tzinfo=UTC))
    case = partners.answered(people)
    told = {"outcome": "confirmed_fraud"}
    transitions.apply(case.pk, "feed_back", actor=partners.bank(), at=factories.AT, inputs=told)
    assert FraudReferral.objects.get().reasons == ["unauth_payment"]


def test_answered_query_is_neither_voided_nor_merged_and_two_people_detach_from_it(people):
    partners.enter(people)
    partners.swap()
    case = partners.answered(people)
    assert detaching.was_told(case)
    officer = people["k.mistry"]
    with pytest.raises(TransitionRefused, match="told"):
        transitions.apply(case.pk, "void", actor=officer, at=factories.AT, reason="Opened in error.")


def test_audit_report_of_a_query_does_not_name_the_fraud_case(people):
    partners.enter(people)
    partners.swap()
    case = partners.answered(people)
    told = {"outcome": "confirmed_fraud"}
    transitions.apply(case.pk, "feed_back", actor=partners.bank(), at=factories.AT, inputs=told)
    auditor = people["b.lacombe"]
    reader = sealing.Reader(actor=auditor.label, verb="print", purpose="audit", streams=(case.uid,))
    assert links.on_record(case, auditor, reader=reader, at=factories.AT) == []
    assert len(links.listed(case, auditor, reader=reader, at=factories.AT)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_feedbacks_about_one_number_at_one_moment_open_one_referral(people):
    def confirm():
        with transaction.atomic():
            return fromoutside.fraud_confirmed("+447700900123", swapped_at=None, at=factories.AT).pk

    assert len(set(at_once(confirm, confirm))) == 1
    assert Case.objects.filter(kind="fraud_referral").count() == 1


def test_an_agreement_that_ends_while_a_query_is_answered_refuses_it_and_keeps_it(people):
    partners.enter(people)
    partners.swap()
    agreement = PartnerAgreement.objects.select_related("agency").get()
    partners.agree(people, at=factories.AT, is_live=False)
    facts = asking.facts_of("sim_swap", QUESTION)
    partner = Agency.objects.select_related("terms").get(code="sandbox-bank")
    asked = asking.ask(facts, partner=partner, agreement=agreement, is_within_rate=True, at=factories.AT)
    assert (asked.refusal, Case.objects.get(pk=asked.case.pk).state) == ("no_agreement", "refused")
    assert not Release.objects.exists()


def test_changes_of_sims_are_erased_a_year_after_they_came_and_the_key_of_their_month(people):
    partners.enter(people)
    network = Agency.objects.get(code="own-network")
    by = {"stream": network.uid, "actor": actors.agency(network)}
    swap = datetime(2025, 1, 1, tzinfo=UTC)
    for day in (10, 20):
        came = datetime(2025, 11, day, 23, 30, tzinfo=UTC)
        simevents.keep([(f"+4477009001{day}", swap)], at=came, **by)
    key = SimEvent.objects.first().key

    def left(*day):
        erased = disposal.dispose_beside(now=datetime(*day, 12, tzinfo=UTC))
        key.refresh_from_db()
        return erased, SimEvent.objects.count(), key.destroyed_at is not None

    assert left(2026, 11, 10) == (0, 2, False)
    assert left(2026, 11, 11) == (1, 1, False)
    assert left(2026, 11, 11) == (0, 1, False)
    assert left(2026, 11, 21) == (1, 0, True)
    events = LedgerEvent.objects.filter(stream=network.uid, action="sim_events.erased")
    assert [json.loads(each.body)["detail"]["changes"] for each in events.order_by("seq")] == [1, 1]


def test_query_closes_by_itself_a_year_after_its_answer(people):
    case = partners.answered(people)

    sweeps.end_due_clocks(now=factories.AT.replace(year=2027, day=13))
    assert Case.objects.get(pk=case.pk).state == "answered"
    sweeps.end_due_clocks(now=factories.AT.replace(year=2027, day=16))

    case.refresh_from_db()
    assert (case.state, case.closed_date, case.dispose_after_date) == (
        "closed",
        date(2027, 11, 16),
        date(2027, 11, 16),
    )


def test_question_takes_its_fixed_number_of_statements(secrets, secret):
    """W1 of partners: signature, question, answer and release, all told."""
    partners.swap()
    call(secret, QUESTION, message_id="warm", path=CHECK)

    with CaptureQueriesContext(connection) as captured:
        call(secret, QUESTION, message_id="counted", path=CHECK)

    statements = [each["sql"] for each in captured if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) == 38, "\n".join(each[:120] for each in statements)


def test_demonstration_asks_its_questions_and_tells_what_came_of_those_that_were_answered(people):
    partners.enter(people)
    PartnerAgreement.objects.update(is_live=False)
    cast = demo.Cast(officer=people["k.mistry"], approver=people["e.hallam"])

    assert demo.tell(cast, now=ASKED_AT) == 5

    asked = PartnerQuery.objects.order_by("case__reference").values_list("answer", "refusal_code", "feedback")
    assert list(asked) == [
        ("yes", "", "confirmed_fraud"),
        ("no", "", "not_fraud"),
        ("date", "", ""),
        ("yes", "", ""),
        ("", "rate_exceeded", ""),
    ]
