"""Traces of malicious calls: scenario N-1 with its dates, several providers on the way, and who may have the result."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from cases.agencies.directory import TERMS
from cases.fraud.trace import messages, report
from cases.fraud.trace.forms import FactsForm
from cases.kernel import actors, casetypes, edits, intake, policy, releases, transitions
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Case, Letter, OutboxMessage, Release, ReleasedItem
from cases.ledger import api as ledger
from cases.ledger import sealing, verify
from cases.rights import texts
from tests import factories, traces
from tests.disclosures import AUTHORITY
from tests.factories import AT
from tests.kernel.snapshots import nothing_written
from tests.traces import ANALYST, APPROVER, ASKED, COLLEAGUE, FACTS, FOUND, OVERSEAS, PASSED, TRANSIT, after

pytestmark = pytest.mark.django_db
BANK = "sandbox-bank"
CALLED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ANSWERED = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
GIVEN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def refusal(case, name, actor, **inputs):
    with nothing_written(counted=1), pytest.raises(CaseError) as refused:
        transitions.apply(case.pk, name, actor=actor, at=CALLED, reason="Tried.", inputs=inputs)
    return str(refused.value)


def says(case, code, at=ANSWERED, **data):
    """Let a provider answer the newest question it was asked in a case."""
    message = OutboxMessage.objects.filter(case=case, channel__agency__code=code).latest("pk")
    agency = Agency.objects.get(code=code)
    said: dict[str, Any] = {"type": "traceback.answered", "agency_code": code, "agency_kind": agency.kind}
    said |= {"agency_reference": "", "agency_sequence": None, "occurred_at": at, "callback_uid": uuid4()}
    content = Content(data=data, message=message, **said)
    answered = casetypes.get("trace").callbacks["traceback.answered"]
    answered(Case.objects.get(pk=case.pk), content, actor=actors.agency(agency), at=at)
    return Case.objects.get(pk=case.pk)


@pytest.mark.parametrize("build", [traces.accepted, traces.tracing, traces.result_held])
def test_the_calls_that_were_decided_about_stay_as_they_were(people, build):
    """PECR reg 15(1): these calls were found necessary and expedient to trace, and no others."""
    case = build(people)
    for other in ({"line": "+441632960999"}, {"calls": "Every call of 2026."}, {"call_count": 900}, {"harm": "None."}):
        change = edits.change(case.pk, actor=people[ANALYST], at=CALLED)
        with nothing_written(), pytest.raises(CaseError, match="about this line and these calls"), change as edit:
            edit.facts(**other)
    with edits.change(case.pk, actor=people[ANALYST], at=CALLED) as edit:
        edit.facts(police_reference="SBX-NC-10", line=FACTS["line"])
        edit.party(1, surname="Strake-Hume")
    assert Case.objects.get(pk=case.pk).trace.police_reference == "SBX-NC-10"


def test_a_request_is_put_right_until_it_is_decided_about(people):
    case = traces.requested(people)
    with edits.change(case.pk, actor=people[ANALYST], at=CALLED) as edit:
        edit.facts(line="+441632960112")
    assert traces.after(case, "accept", people[APPROVER], is_expedient=True).state == "accepted"


def hops(case):
    return list(case.trace_hops.order_by("number").values_list("provider", "direction", "outcome"))


def open_tasks(case):
    return list(case.tasks.filter(closed_at=None).order_by("pk").values_list("kind", flat=True))


def told(case, kind):
    release = Release.objects.get(case=case, message_kind=kind)
    item = ReleasedItem.objects.get(release=release)
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(case.uid,))
    (said,) = sealing.open_rows([item], ("necessity",), reader=reader, at=AT)
    return release.recipient.code, item.clause, item.gateway, said["necessity"]


def test_fourteen_withheld_calls_are_traced_and_the_police_alone_are_told_who_called(people):
    """N-1: Wilhelmina Strake logs 14 withheld calls of 20 to 22 November; Sandbox Transit finds the line; the police
    have it under SBX-NC-9; the letter to her gives no identity."""
    traces.enter(people)
    case = traces.requested(people, at=CALLED)
    assert case.clocks.get(rule="trace_decision").due_date.isoformat() == "2026-11-25"
    assert refusal(case, "accept", people[APPROVER]) == "Say that it is necessary and expedient to trace these calls."
    after(case, "accept", people[APPROVER], CALLED, is_expedient=True)
    assert refusal(case, "start", people[ANALYST], provider=" ") == "Name the provider."
    assert refusal(case, "start", people[ANALYST], agency=AUTHORITY) == "The register has no such provider."
    after(case, "start", people[ANALYST], CALLED, agency=TRANSIT)
    assert case.clocks.get(rule="trace_answer").due_date.isoformat() == "2026-11-30"
    assert told(case, "traceback")[:3] == (TRANSIT, "trace_calls", "pecr_15")

    with nothing_written(), pytest.raises(CaseError, match="The answer names no telephone number."):
        says(case, TRANSIT, result="caller_found")
    held = says(case, TRANSIT, result="caller_found", **{"from": "01632 960222"})
    assert (held.state, open_tasks(case)) == ("result_held", ["trace_result_held"])
    assert hops(case) == [("Sandbox Transit", "out", ""), ("Sandbox Transit", "in", "caller_found")]

    hers = "Choose the police or a provider. Nobody else is given the result, and whoever complained least of all."
    for recipient in ("", "sandbox-post", "complainant"):
        assert refusal(case, "pass", people[APPROVER], **{**PASSED, "recipient": recipient}) == hers
    assert refusal(case, "pass", people[APPROVER], recipient=AUTHORITY) == (
        "Say which legitimate interest the recipient has in the result."
    )
    passed = after(case, "pass", people[APPROVER], GIVEN, **PASSED)
    assert (passed.state, open_tasks(case)) == ("passed", [])
    assert told(case, "trace_result") == (AUTHORITY, "trace_calls", "pecr_15", PASSED["interest"])
    assert list(Letter.objects.filter(case=case).values_list("template", flat=True)) == ["trace_passed"]

    done = after(case, "close", people[ANALYST], GIVEN)
    assert (done.state, done.retention_class, done.due_at) == ("closed", "trace", None)
    assert done.dispose_after_date.isoformat() == "2027-11-25"
    assert Letter.objects.filter(case=case).count() == 1
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"] == []


def test_whoever_complained_is_not_given_the_result_with_what_is_held_of_them_either(people):
    """PECR reg 15: the result goes to who may act on it; a request for access (UK GDPR Art 15) is no way round that."""
    case = traces.passed(people)
    assert case.trace.result is not None
    found = {text.what for text in texts.texts(list(case.parties.all()))}
    assert "The calls" in found and "Result" not in found


def test_a_provider_that_names_another_has_that_one_asked_until_the_way_ends(people):
    traces.enter(people)
    case = after(traces.accepted(people, at=CALLED), "start", people[ANALYST], CALLED, agency=TRANSIT)
    says(case, TRANSIT, result="came_from_other", upstream=OVERSEAS)
    assert hops(case) == [
        ("Sandbox Transit", "out", ""),
        ("Sandbox Transit", "in", "came_from_other"),
        ("Sandbox Overseas", "out", ""),
    ]
    running = case.clocks.get(rule="trace_answer", ended_at=None)
    assert running.due_date.isoformat() == "2026-12-01"
    assert OutboxMessage.objects.filter(case=case, kind="traceback").count() == 2

    # Round in a circle, to somebody unknown, or to an end: a person decides what next.
    says(case, OVERSEAS, result="came_from_other", upstream=TRANSIT)
    assert (open_tasks(case), OutboxMessage.objects.filter(case=case, kind="traceback").count()) == (
        ["trace_what_next"],
        2,
    )
    with nothing_written(), pytest.raises(CaseError, match="does not say what was found"):
        says(case, OVERSEAS, result="perhaps")
    says(case, OVERSEAS, result="not_found")
    assert open_tasks(case) == ["trace_what_next", "trace_what_next"]
    after(case, "hold_result", people[ANALYST], GIVEN, **FOUND, via="Sandbox Transit\n\nA carrier abroad")
    assert (open_tasks(case), [each[0] for each in hops(case)[-3:]]) == (
        ["trace_result_held"],
        ["Sandbox Transit", "A carrier abroad", "Sandbox Transit"],
    )
    with nothing_written(), pytest.raises(transitions.AlreadyThere):
        says(case, OVERSEAS, result="not_found")


def test_whoever_is_not_in_the_register_is_asked_by_a_person_and_who_is_told_by_hand_too(people):
    case = traces.tracing(people, at=CALLED)
    assert (open_tasks(case), OutboxMessage.objects.filter(case=case).count()) == (["trace_ask_by_hand"], 0)
    assert refusal(case, "hold_result", people[ANALYST], **{**FOUND, "result": ""}) == "Write what was found."
    assert refusal(case, "hold_result", people[ANALYST], **{**FOUND, "outcome": "guess"}) == "Choose what was found."
    after(case, "hold_result", people[ANALYST], CALLED, **FOUND)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Say why the result is passed to nobody"):
        transitions.apply(case.pk, "close", actor=people[ANALYST], at=CALLED)
    ended = after(case, "close", people[ANALYST], CALLED)
    assert (ended.state, Letter.objects.get(case=case).template) == ("closed", "trace_ended")


def test_who_was_asked_by_hand_sends_us_on_and_the_next_provider_is_asked(people):
    """A provider that the register does not know does not end the way back: whoever it names is asked in turn."""
    traces.enter(people)
    case = after(traces.accepted(people, at=CALLED), "start", people[ANALYST], CALLED, provider="A carrier abroad")
    assert open_tasks(case) == ["trace_ask_by_hand"]
    assert refusal(case, "ask_next", people[ANALYST], via="A carrier abroad") == "Name the provider."
    said = refusal(case, "ask_next", people[ANALYST], agency=BANK)
    assert said == "The register has no such provider."

    case = after(case, "ask_next", people[ANALYST], ANSWERED, via="A carrier abroad", agency=OVERSEAS)

    assert hops(case) == [
        ("A carrier abroad", "out", ""),
        ("A carrier abroad", "in", "came_from_other"),
        ("Sandbox Overseas", "out", ""),
    ]
    assert (case.state, open_tasks(case)) == ("tracing", [])
    assert OutboxMessage.objects.get(case=case, kind="traceback").channel.agency.code == OVERSEAS
    assert case.clocks.get(rule="trace_answer", ended_at=None).due_date.isoformat() == "2026-12-01"

    for again in ({"provider": "a carrier ABROAD"}, {"agency": OVERSEAS}):
        assert "was asked already: the way goes in a circle" in refusal(case, "ask_next", people[ANALYST], **again)

    # The next one answers by itself; one that does not answer is passed over, and the way goes on by hand again.
    says(case, OVERSEAS, result="came_from_other", upstream="nobody-knows")
    assert open_tasks(case) == ["trace_what_next"]
    case = after(case, "ask_next", people[ANALYST], GIVEN, provider="Another carrier")
    assert (open_tasks(case), hops(case)[-1]) == (["trace_ask_by_hand"], ("Another carrier", "out", ""))


def test_the_way_back_is_shown_in_london_time(people):
    case = traces.tracing(people, at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    way, _ = report.tables(case)
    assert way.rows == (("1", "Sandbox Transit", "asked", "1 July 2026 23:30", ""),)


def test_whoever_recorded_the_result_does_not_pass_it_on_and_the_police_need_a_reference(people):
    traces.enter(people)
    case = traces.tracing(people, at=CALLED)
    judge = factories.judge(people)
    held = after(case, "hold_result", people[ANALYST], CALLED, **FOUND)
    assert people[ANALYST].roles >= {"fraud_analyst", "fraud_approver"}
    assert refusal(held, "pass", people[ANALYST], **PASSED) == (
        "You recorded the result. Another person must decide to whom it goes."
    )
    other = traces.requested(people, at=CALLED, police_reference="")
    after(other, "accept", people[APPROVER], CALLED, is_expedient=True)
    after(other, "start", people[ANALYST], CALLED, **ASKED)
    after(other, "hold_result", people[ANALYST], CALLED, **FOUND)
    assert refusal(other, "pass", judge, **PASSED) == "Enter the reference of the police first."
    given = after(other, "pass", judge, GIVEN, recipient=TRANSIT, interest="It can end the calls of its customer.")
    assert (given.state, told(other, "trace_result")[0]) == ("passed", TRANSIT)


def test_the_police_get_a_result_whose_reference_came_after_it(people):
    """Domain 6C: the result is passed to the police. Whoever complained may go to them only once it is known."""
    traces.enter(people)
    case = traces.requested(people, at=CALLED, police_reference="")
    after(case, "accept", people[APPROVER], CALLED, is_expedient=True)
    after(case, "start", people[ANALYST], CALLED, **ASKED)
    case = after(case, "hold_result", people[ANALYST], CALLED, **FOUND)
    colleague = factories.judge(people)
    assert refusal(case, "pass", colleague, **PASSED) == "Enter the reference of the police first."
    with edits.change(case.pk, actor=people[ANALYST], at=ANSWERED) as edit:
        edit.facts(police_reference="SBX-NC-9")
    assert after(case, "pass", colleague, GIVEN, **PASSED).state == "passed"
    assert told(case, "trace_result")[0] == "sandbox-constabulary"
    message = OutboxMessage.objects.get(case=case, kind="trace_result")
    assert factories.body_of(message)["police_reference"] == "SBX-NC-9"
    late = edits.change(case.pk, actor=people[ANALYST], at=GIVEN)
    with nothing_written(), pytest.raises(edits.EditRefused, match="can no longer be changed"), late as edit:
        edit.facts(police_reference="SBX-NC-10")


def test_whoever_asked_does_not_accept_and_who_takes_the_call_does_not_see_the_result(people):
    case = intake.open_case("trace", actor=people[APPROVER], at=AT, facts=FACTS)
    with nothing_written(counted=1), pytest.raises(CaseError):
        transitions.apply(case.pk, "accept", actor=people[APPROVER], at=AT, inputs={"is_expedient": True})
    held = traces.result_held(people)
    outsider = people["i.sowande"]
    assert not policy.can(outsider, "reveal", case=held).is_allowed
    assert not policy.visible_to(outsider).filter(pk=held.pk).exists()


def test_a_bank_is_neither_asked_whose_line_it_was_nor_told_who_called(people):
    """PECR reg 15 speaks of providers: the line of whoever complains goes to nobody else, whoever names them."""
    traces.enter(people)
    plan = agencies.ChannelPlan(direction="out", address="https://127.0.0.1:9/x", allowed_cidrs=("127.0.0.0/8",))
    listing = agencies.Listing(code=BANK, kind="bank", display_name="Sandbox Bank", terms=TERMS, channels=(plan,))
    row = agencies.register(listing, actor=actors.system("tests"), at=AT)
    case = traces.accepted(people, at=CALLED)
    assert refusal(case, "start", people[ANALYST], agency=BANK) == "The register has no such provider."
    after(case, "start", people[ANALYST], CALLED, agency=TRANSIT)
    says(case, TRANSIT, result="came_from_other", upstream=BANK)
    assert open_tasks(case) == ["trace_what_next"]
    assert not OutboxMessage.objects.filter(case=case, channel__agency=row).exists()
    held = after(case, "hold_result", people[ANALYST], GIVEN, **FOUND)
    said = refusal(held, "pass", people[APPROVER], **{**PASSED, "recipient": BANK})
    assert said.startswith("Choose the police or a provider.")
    with pytest.raises(releases.ReleaseRefused, match="does not receive messages of the kind"):
        releases.check(messages.TRACEBACK, row, {"to": FACTS["line"]}, at=GIVEN)


def test_a_trace_names_the_incident_of_malware_of_which_the_calls_come(people):
    case = traces.requested(people, at=CALLED, incident_reference="SEC-2026-0117")
    assert ("Incident of malware or an attack", "SEC-2026-0117") in report.facts_view(case)
    assert not FactsForm({**FACTS, "incident_reference": "two words"}).is_valid()


def test_a_trace_and_a_referral_of_one_incident_are_compared_whichever_came_first(people):
    attack = {"event_type": "network_attack", "attack": "malware", "incident_reference": "SEC-2026-0117"}
    first = traces.requested(people, at=CALLED, incident_reference="SEC-2026-0117")
    assert not first.tasks.filter(kind="trace_same_incident").exists()
    referral = factories.referred(people, **attack)
    task = referral.tasks.get(kind="fraud_traced_incident")
    assert task.detail == {"reference": first.reference}
    later = traces.requested(people, at=CALLED, incident_reference="SEC-2026-0117")
    assert later.tasks.get(kind="trace_same_incident").detail == {"reference": referral.reference}
    # What is hidden is named to nobody, and another incident is another.
    with ledger.action(referral.uid, "tests.restricted", actor="system:tests", at=AT):
        referral.is_restricted = True
        referral.save()
    for reference in ("SEC-2026-0117", "SEC-2026-0118"):
        case = traces.requested(people, at=CALLED, incident_reference=reference)
        assert not case.tasks.filter(kind="trace_same_incident").exists()


@pytest.mark.parametrize("missing", ["calls", "harm"])
def test_without_times_or_harm_nothing_is_opened(people, missing):
    with nothing_written(), pytest.raises(CaseError, match="Say when the calls came and what harm they do."):
        intake.open_case("trace", actor=people[COLLEAGUE], at=AT, facts={**FACTS, missing: " "})
    assert not Case.objects.filter(kind="trace").exists()
