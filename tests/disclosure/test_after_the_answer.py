"""Around an answer: its bytes, whose it is, who is rung for it, a number that is used twice, and what ends late."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cases.agencies import queue
from cases.disclosure import cancelling, checking, guards, opening
from cases.disclosure.register import lines as register
from cases.kernel import approvals, edits, intake, transitions, verdicts
from cases.kernel.models import Case, OnCallAlert, OutboxMessage, Task
from cases.kernel.oncall import alerts
from cases.kernel.timing import sweeps
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import disclosures
from tests.disclosure.heard import hear, told
from tests.disclosures import AT, CHECKED, COMPARED, after, facts
from tests.kernel.snapshots import nothing_written, refusal
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


def named(people, *holders, data=disclosures.NAMES, subject="", **changes):
    """A request for the subscriber's name, with who held the number and one file."""
    case = disclosures.taken_out(people, items=["subscriber_name"], **changes)
    disclosures.say_why(case, "subscriber_name", people)
    for letter, since, until in holders or [("A", datetime(2025, 3, 1, tzinfo=UTC), None)]:
        disclosures.held_by(case, letter, since, until, people)
    disclosures.add(case, "subscriber_name", data, people, subject=subject)
    return case


# --- the bytes ------------------------------------------------------------------------------------------------------
def test_the_authority_gets_the_very_bytes_of_which_the_manifest_has_the_hash(people):
    case = named(people, data=b"\xef\xbb\xbf" + disclosures.NAMES)
    disclosures.add(case, "subscriber_name", "Zoë Marchbanks".encode("cp1252"), people, media_type="text/plain")
    disclosures.add(case, "subscriber_name", "Zoë\r\nMarchbanks".encode(), people, media_type="text/plain")
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    (said,) = [said for kind, said in told(case) if kind == "le_result"]
    files = said["data"]["subscriber_name"]
    assert [each["encoding"] for each in files] == ["base64", "base64", "text"]
    opened = {"base64": base64.b64decode, "text": str.encode}
    hashes = [hashlib.sha256(opened[each["encoding"]](each["content"])).hexdigest() for each in files]
    assert hashes == [part["sha256"] for part in said["manifest"]["parts"]]


# --- whose it is ----------------------------------------------------------------------------------------------------
CHANGED = datetime(2026, 11, 20, tzinfo=UTC)
BOTH = (("A", datetime(2025, 3, 1, tzinfo=UTC), CHANGED), ("C", CHANGED, None))
NOT_THEN = "subscriber C did not hold the address in the time that was asked for."


@pytest.mark.parametrize("subject", ["C", ""])
def test_the_name_of_whoever_had_the_number_at_another_time_keeps_the_package(people, subject):
    # Asked for 1 to 14 November; C has the number from 20 November.
    case = named(people, *BOTH, subject=subject)
    said = NOT_THEN if subject else "Make a file for each subscriber, and say whose it is."
    assert said in refusal(case, "submit", people["k.mistry"], checked=CHECKED)


def test_the_name_of_whoever_had_it_then_goes_on(people):
    case = named(people, *BOTH, subject="A")
    assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"


def test_without_a_period_it_is_asked_of_whoever_had_it_when_the_request_came_in(people):
    for subject, is_in_order in (("C", False), ("A", True)):
        case = named(people, *BOTH, subject=subject, begins_at=None, ends_at=None)
        if is_in_order:
            assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"
        else:
            assert NOT_THEN in refusal(case, "submit", people["k.mistry"], checked=CHECKED)


IP = "203.0.113.45 port 41000"
EVENING = datetime(2026, 11, 13, 20, tzinfo=UTC)
ONE_THEN = (("A", EVENING, EVENING + timedelta(hours=2)), ("B", EVENING + timedelta(hours=2), None))


def of_ip(people, subject, *holders, begins_at=None, ends_at=None):
    """A request for whoever had an IP address at 21:02 on the evening before it came in."""
    asked = {**disclosures.FACTS, "items": ["subscriber_name"], "begins_at": begins_at, "ends_at": ends_at}
    asked["urn"] = f"SBX/2026/{219000 + Case.objects.count()}"
    disclosures.enter(people)
    target = {"role": "target", "values": {"ip_address": f"{IP} at 2026-11-13T21:02:00Z"}}
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=asked, people=[target])
    paper = {"kind": "authorisation", "file_name": "a.txt", "media_type": "text/plain", "data": b"Authorisation."}
    edits.attach(case.pk, **paper, actor=people["k.mistry"], at=AT)
    after(case, "verify", people["k.mistry"], **disclosures.CALL)
    after(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "extract", people["k.mistry"])
    for letter, since, until in holders:
        disclosures.package.add_holder(
            case.pk, address=IP, subject=letter, begins_at=since, ends_at=until, actor=people["k.mistry"], at=AT
        )
    disclosures.say_why(case, "subscriber_name", people)
    data = f"item,address,at,name\nsubscriber_name,{IP},,Osian Marchbanks\n".encode()
    disclosures.add(case, "subscriber_name", data, people, subject=subject)
    return case


def test_of_an_ip_address_it_is_asked_of_whoever_had_it_when_it_was_seen(people):
    case = of_ip(people, "A", *ONE_THEN)
    assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"
    # Whoever has it when the request comes in is somebody else, whether or not the request says a period as well.
    for period in ({}, {"begins_at": AT - timedelta(days=3), "ends_at": AT}):
        case = of_ip(people, "B", *ONE_THEN, **period)
        said = refusal(case, "submit", people["k.mistry"], checked=CHECKED)
        assert said.endswith("subscriber B did not hold the address in the time that was asked for.")


def test_who_is_entered_alone_held_the_address_in_the_time_that_was_asked_for(people):
    case = of_ip(people, "", ONE_THEN[1])
    said = "nobody is entered as holding the address in the time that was asked for."
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED).endswith(said)
    case = named(people, BOTH[1])  # asked for 1 to 14 November, held from 20 November
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED).endswith(said)


def test_whoever_compares_reads_when_an_ip_address_was_seen(people):
    case = of_ip(people, "A", *ONE_THEN)
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    for tail in ("", "files/1/"):
        page = client_of("e.hallam").get(f"/cases/{case.uid}/package/{tail}").content.decode()
        assert f"{IP}, seen at 13 November 2026 21:02:00 UTC" in page


def test_at_once_goes_nothing_of_a_number_that_changed_hands(people):
    case = named(people, *BOTH, subject="A", **{k: v for k, v in disclosures.URGENT.items() if k != "items"})
    said = refusal(case, "release_urgent", people["k.mistry"], checked=CHECKED)
    assert said.startswith("Only of an address that never changed hands at once")
    assert not OutboxMessage.objects.filter(case=case, kind="le_result").exists()


# --- who is rung ----------------------------------------------------------------------------------------------------
def attach(case, people):
    edits.attach(
        case.pk,
        kind="request_letter",
        file_name="letter.txt",
        media_type="text/plain",
        data=b"Letter of 14 November.",
        actor=people["k.mistry"],
        at=AT,
    )


def rung(case):
    return OnCallAlert.objects.filter(case=case, acknowledged_at=None).count()


def test_people_are_rung_for_what_is_urgent_and_not_for_a_paper_that_is_attached(people):
    urgent = {**disclosures.FACTS, "urn": "SBX/2026/9", "grade": 1}
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=urgent, people=[disclosures.TARGET])
    assert rung(case) == 1
    (alert,) = alerts.open_alerts(people["k.mistry"])
    alerts.acknowledge(alert.uid, actor=people["k.mistry"], at=AT)
    attach(case, people)
    assert rung(case) == 0
    # Graded up later, or said by word of mouth: then they are rung.
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(oral_given_at=AT)
    assert rung(case) == 1
    lower = disclosures.received(people)
    assert rung(lower) == 0
    with edits.change(lower.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(grade=1)
    assert rung(lower) == 1


# --- a number that is used again ------------------------------------------------------------------------------------
def answered(people, **changes):
    """A request that was answered and is closed."""
    return after(disclosures.receipted(people, **changes), "close", people["k.mistry"], AT + timedelta(days=1))


def test_a_number_that_was_answered_is_not_answered_again_until_somebody_compared_it(people):
    first = answered(people, urn="SBX/2026/7")
    assert first.is_closed
    second = disclosures.authenticated(people, urn="sbx/2026/7 ")
    said = refusal(second, "validate", people["k.mistry"], is_ours=True)
    assert said.startswith(f"This number of theirs was answered before, in {first.reference}.")
    assert after(second, "validate", people["k.mistry"], is_ours=True, is_another=True).state == "validated"


def test_of_two_open_requests_with_one_number_none_goes_on_by_a_tick(people):
    first = disclosures.authenticated(people, urn="SBX/2026/7")
    second = disclosures.authenticated(people, urn="SBX/2026/7")
    said = refusal(second, "validate", people["k.mistry"], is_ours=True, is_another=True)
    assert first.reference in said


def test_a_number_that_was_refused_or_is_of_a_statement_for_court_goes_on(people):
    refused = disclosures.received(people, urn="SBX/2026/7")
    after(refused, "refuse", people["k.mistry"], reason_code="no_gateway")
    second = disclosures.authenticated(people, urn="SBX/2026/7")
    assert after(second, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_a_number_that_was_kept_under_an_older_index_key_is_found(people, monkeypatch):
    first = disclosures.authenticated(people, urn="SBX/2026/7")
    kept = bytes(facts(first).urn_token)
    newer = lambda *_: [b"n" * len(kept), kept]  # noqa: E731 -- the second is kept under a newer key
    monkeypatch.setattr(opening, "urn_tokens", newer)
    monkeypatch.setattr(guards, "urn_tokens", newer)
    second = disclosures.authenticated(people, urn="SBX/2026/7")
    assert bytes(facts(second).urn_token) != kept
    assert first.reference in refusal(second, "validate", people["k.mistry"], is_ours=True)


# --- what ends late -------------------------------------------------------------------------------------------------
def test_a_receipt_dated_before_the_release_counts_from_the_release(people):
    case = disclosures.released(people)
    wrong_clock = datetime(2025, 11, 1, tzinfo=UTC)
    transitions.apply(
        case.pk, "confirm_receipt", actor=disclosures.authority(), at=AT, occurred_at=wrong_clock, inputs={}
    )
    # Our copy: 30 days after its receipt is confirmed.
    assert case.clocks.get(rule="disclosure_purge").due_at >= AT + timedelta(days=30)
    sweeps.end_due_clocks(now=AT + timedelta(hours=2))
    assert facts(case).purged_at is None


def test_our_copy_stays_while_an_error_of_it_is_under_review(people):
    case = disclosures.error_review(people)
    sweeps.end_due_clocks(now=AT + timedelta(days=40))
    assert (facts(case).purged_at, case.package_parts.filter(blob__isnull=False).count()) == (None, 2)
    late = AT + timedelta(days=40)
    after(case, "settle_error", disclosures.other_approver(people), late, **disclosures.SETTLED)
    sweeps.end_due_clocks(now=late + timedelta(minutes=1))
    assert facts(case).purged_at is not None
    assert not case.package_parts.filter(blob__isnull=False).exists()


def test_a_written_notice_that_never_came_is_an_error_on_record_also_while_another_is_under_review(people):
    case = after(disclosures.urgent(people), "release_urgent", people["k.mistry"], checked=CHECKED)
    after(case, "report_error", people["k.mistry"], AT + timedelta(minutes=2), **disclosures.ERROR)
    over = case.clocks.get(rule="k03_written_notice").due_at + timedelta(minutes=1)
    sweeps.end_due_clocks(now=over)
    found = case.disclosure_errors.order_by("number").values_list("fault", "kind", "is_ours")
    assert list(found) == [("excess_data", "", True), ("no_written_notice", "recordable", False)]
    assert Task.objects.filter(case=case, kind="disclosure_no_writing", closed_at=None).count() == 1
    assert Case.objects.get(pk=case.pk).state == "error_review"
    sweeps.end_due_clocks(now=over + timedelta(minutes=1))
    assert case.disclosure_errors.count() == 2


# --- a cancellation after the release -------------------------------------------------------------------------------
SENDING = {"state": "sending", "attempts": 1, "lease": uuid4(), "lease_until": AT + timedelta(hours=9)}


def package(case):
    return OutboxMessage.objects.get(case=case, kind="le_result")


def asked_about(case):
    return Task.objects.filter(case=case, kind="disclosure_kept_back", closed_at=None).count()


def test_what_was_released_and_never_tried_ends_as_cancelled_where_the_authority_cancels(people):
    # IPA 2016 s. 65: what is cancelled need not, and may not, be complied with any more.
    case = disclosures.released(people)
    ended = hear(case, "le.cancelled", about="le_ack")
    assert (ended.state, ended.is_closed) == ("cancelled", True)
    assert (package(case).state, package(case).sealed_body) == ("withdrawn", None)
    assert not case.package_parts.filter(blob__isnull=False).exists()
    assert (facts(case).released_at, facts(case).cancelled_at) == (None, AT + timedelta(hours=1))
    assert case.clocks.get(rule="disclosure_receipt").state == "cancelled"
    day = AT.date()
    (line,) = register.lines(people["k.mistry"], day, day)
    assert (line.outcome, line.items, line.minutes) == ("Cancelled by the authority", [], 60)
    assert hear(case, "le.cancelled", message_id="again", about="le_ack").state == "cancelled"
    assert not Task.objects.filter(case=case, kind="callback_not_applied").exists()
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


@pytest.mark.parametrize("state", ["pending", "dead", "unknown"])
def test_what_was_tried_is_never_sent_again_once_the_authority_cancelled_and_somebody_asks(people, state):
    case = disclosures.tried(people)
    OutboxMessage.objects.filter(pk=package(case).pk).update(state=state)
    assert hear(case, "le.cancelled", about="le_ack").state == "released"
    assert (package(case).state, asked_about(case)) == ("withdrawn", 1)
    assert package(case).sealed_body is not None and facts(case).released_at is not None
    assert not Task.objects.filter(case=case, kind="callback_not_applied").exists()
    assert hear(case, "le.cancelled", message_id="again", about="le_ack").state == "released"
    assert asked_about(case) == 1


def test_a_try_that_is_under_way_as_they_cancel_is_the_last(people):
    case = disclosures.tried(people)
    OutboxMessage.objects.filter(pk=package(case).pk).update(**SENDING)
    hear(case, "le.cancelled", about="le_ack")
    assert (package(case).state, package(case).expires_at) == ("sending", AT + timedelta(hours=1))
    # It failed, and waits again: nobody takes it.
    OutboxMessage.objects.filter(pk=package(case).pk).update(state="pending", lease=None, lease_until=None)
    queue.reclaim()
    assert package(case).state == "dead"


def test_what_they_have_stays_given_and_the_register_says_that_they_cancelled_afterwards(people):
    case = disclosures.released(people)
    OutboxMessage.objects.filter(pk=package(case).pk).update(state="delivered", attempts=1)
    officer, notice = people["k.mistry"], {"notice": "Letter of 14 November."}
    said = refusal(case, "take_back", officer, **notice)
    assert said.startswith("They have the package, or are getting it now.")
    assert refusal(case, "note_cancellation", officer) == "Say which notice of cancellation came, and when."
    assert after(case, "note_cancellation", officer, **notice).state == "released"
    assert refusal(case, "note_cancellation", officer, **notice) == "The cancellation is on record."
    (line,) = register.lines(officer, AT.date(), AT.date())
    assert line.outcome == "Something was given, cancelled afterwards"
    after(case, "confirm_receipt", officer, how="By telephone: they have it.")
    assert after(case, "close", officer).is_closed


def test_a_request_whose_package_was_lost_ends_as_cancelled_once_they_say_that_they_do_not_have_it(people):
    case, officer = disclosures.tried(people), people["k.mistry"]
    hear(case, "le.cancelled", about="le_ack")
    assert refusal(case, "take_back", officer) == (
        "It was tried to be sent: say how you know that they do not have it."
    )
    ended = after(case, "take_back", officer, not_there="SPoC 4417, by telephone.")
    assert (ended.state, package(case).sealed_body, facts(case).released_at) == ("cancelled", None, None)
    assert not case.package_parts.filter(blob__isnull=False).exists()


def test_what_was_never_tried_is_ended_and_not_only_noted(people):
    case = disclosures.released(people)
    said = refusal(case, "note_cancellation", people["k.mistry"], notice="Letter.")
    assert said == "It was never tried to be sent: end the request as cancelled."
    assert after(case, "take_back", people["k.mistry"], notice="Letter.").state == "cancelled"


def test_what_a_worker_takes_at_that_moment_is_not_said_to_be_taken_back(people, monkeypatch):
    case = disclosures.released(people)
    OutboxMessage.objects.filter(pk=package(case).pk).update(**SENDING)
    monkeypatch.setattr(checking.cancelling, "has_arrived", _first_not(checking.cancelling.has_arrived))
    with nothing_written(counted=1), pytest.raises(cancelling.StillLeaving):
        after(case, "take_back", people["k.mistry"], notice="Letter.", not_there="Asked.")


def _first_not(asks):
    """Answer no at first, as before the worker came, and then what is so."""
    before = [False]
    return lambda case: before.pop() if before else asks(case)


# --- after the end --------------------------------------------------------------------------------------------------
def opened_again(case, people):
    """Two people open a request that ended."""
    transitions.apply(case.pk, "reopen", actor=people["k.mistry"], at=AT, reason="They say that it was another number.")
    verdicts.decide(approvals.open_for(case, "reopen").uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")
    return Case.objects.get(pk=case.pk)


def test_an_error_that_comes_to_light_after_the_end_is_reported_on_the_request_that_is_opened_again(people):
    case, officer = after(disclosures.receipted(people), "close", people["k.mistry"]), people["k.mistry"]
    ended_at = facts(case).released_at
    case = opened_again(case, people)
    assert (case.state, case.is_closed, case.dispose_after_date) == ("receipted", False, None)
    told_of = LedgerEvent.objects.get(stream=case.uid, action="le_disclosure.reopen")
    told_of = LedgerEvent.objects.get(stream=case.uid, action="le_disclosure.reopen")
    assert json.loads(told_of.body)["detail"]["to"] == "receipted"
    at = AT + timedelta(minutes=2)
    after(case, "report_error", officer, at, **disclosures.ERROR)
    assert case.clocks.get(rule="k04_error_report").state == "running"
    after(case, "settle_error", disclosures.other_approver(people), at, **disclosures.SETTLED)
    assert told(case)[-1][0] == "le_destroy"
    assert refusal(case, "close", officer, at) == "An error is not reported yet."
    # Nothing is given a second time, and our copy goes on its day.
    assert facts(case).released_at == ended_at
    sweeps.end_due_clocks(now=AT + timedelta(days=40))
    assert facts(case).purged_at is not None


def test_a_request_that_ended_without_an_answer_begins_anew(people):
    assert opened_again(disclosures.refused(people), people).state == "received"
