"""A disclosure request from its receipt to the decision what may be given: scenarios L-1 and L-1c, and refusals."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.agencies import application, inbound
from cases.agencies.senders import Sender
from cases.disclosure import report, stepforms
from cases.disclosure.forms import FactsForm, PartyForm
from cases.kernel import approvals, edits, intake, policy, transitions, verdicts
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError, NotAllowed
from cases.kernel.exchange import agencies
from cases.kernel.models import Agency, Approval, Case, Letter, OutboxMessage, Task
from cases.ledger import verify
from tests import disclosures, factories
from tests.disclosure.heard import OTHER, another_authority, hear, told
from tests.disclosures import CALL, FACTS, TARGET, after, facts
from tests.factories import AT
from tests.kernel.snapshots import nothing_written, refusal
from tests.web.desk import client_of

pytestmark = pytest.mark.django_db


def clocks_of(case):
    return dict(case.clocks.order_by("rule").values_list("rule", "state"))


# --- what comes in --------------------------------------------------------------------------------------------------
def test_a_request_is_hidden_numbered_at_random_and_runs_by_its_grade(people):
    case = disclosures.received(people)

    assert (case.reference[:2], case.state, case.is_restricted, case.team.code) == (
        "R-",
        "received",
        True,
        "disclosure",
    )
    # Saturday 14 November: five working days end on Friday 20; one month beginning with 13 November on 12 December.
    ends = dict(case.clocks.values_list("rule", "due_date"))
    assert ends == {"disclosure_grade_3": date(2026, 11, 20), "k01_authorisation": date(2026, 12, 12)}
    assert case.due_at is not None


@pytest.mark.parametrize(("grade", "waits"), [(1, timedelta(minutes=30)), (2, timedelta(hours=4))])
def test_the_higher_grades_run_by_the_clock(people, grade, waits):
    case = disclosures.received(people, grade=grade)
    assert case.clocks.get(rule=f"disclosure_grade_{grade}").due_at == case.opened_at + waits
    assert case.due_at == case.opened_at + waits


def test_an_urgent_authorisation_lasts_three_days_beginning_with_the_day_of_the_grant(people):
    case = disclosures.received(people, gateway="ipa_61a", granted_date=date(2026, 11, 14))
    assert case.clocks.get(rule="k02_urgent_authorisation").due_date == date(2026, 11, 16)


def test_a_corrected_grade_and_grant_are_counted_anew_and_nothing_else_is(people):
    case = disclosures.received(people)
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(grade=1, granted_date=date(2026, 11, 10))
    case = Case.objects.get(pk=case.pk)
    live = dict(case.clocks.filter(ended_at=None).values_list("rule", "due_date"))
    assert live == {"disclosure_grade_1": date(2026, 11, 14), "k01_authorisation": date(2026, 12, 9)}
    assert case.due_at == case.opened_at + timedelta(minutes=30)
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(purpose="public_safety")
    assert case.clocks.count() == 4


def test_only_the_unit_and_the_authority_open_one(people):
    for name in ("p.nair", "d.osei", "h.castellan", "b.lacombe", "v.tranter", "j.merriweather"):
        with nothing_written(), pytest.raises(NotAllowed):
            intake.open_case("le_disclosure", actor=people[name], at=AT, facts=FACTS, people=[TARGET])
    assert disclosures.received(people, by="n.okonjo").state == "received"


def test_recordings_that_would_be_overwritten_are_preserved_at_once(people):
    case = disclosures.received(people, request_type="data_protection_request", gateway="annex1_p5", items=["cctv"])
    assert list(Task.objects.filter(case=case).values_list("kind", flat=True)) == ["disclosure_preserve"]


def form(**changes):
    typed = {
        "request_type": "cd_authorised",
        "authority_code": disclosures.AUTHORITY,
        "grade": "3",
        "urn": "SBX/2026/118834",
        "begins_at": "2026-11-01T00:00Z",
        "items": ["subscriber_name"],
    }
    return FactsForm({**typed, **changes})


def test_a_time_without_its_offset_is_refused_in_words(people):
    assert form().is_valid()
    assert form().fields["items"].choices
    wrong = form(begins_at="2026-11-01 00:00")
    assert not wrong.is_valid()
    assert "offset from UTC" in wrong.errors["begins_at"][0]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("begins_at", "0001-01-01T00:00+10:00"),
        ("ends_at", "9999-12-31T23:59Z"),
        ("granted_date", "0001-01-01"),
        ("order_until", "9999-12-31"),
    ],
)
def test_a_year_that_nobody_means_is_refused_in_words(people, name, typed):
    wrong = form(**{name: typed})
    assert wrong.errors[name] == ["Write a year from 1900 to 2100."]


def test_a_shared_address_without_its_port_is_refused_in_words():
    wrong = PartyForm({"role": "target", "ip_address": "203.0.113.45", "ip_seen_at": "2026-11-02T10:00Z"})
    assert not wrong.is_valid()
    assert "many people share one address" in wrong.errors["ip_address"][0]


def test_of_interception_nothing_else_is_taken_down(people):
    assert form(request_type="interception", authority_code="", urn="", begins_at="", items=[]).is_valid()
    assert set(form(request_type="interception").errors) == {"authority_code", "urn", "begins_at", "items"}
    case = disclosures.bare(people)
    assert clocks_of(case) == {}
    ended = after(case, "out_of_scope", people["k.mistry"])
    assert (ended.state, ended.retention_class, told(case)) == ("out_of_scope", "le_disclosure", [])
    noted = disclosures.bare(people)
    edits.add_note(noted.pk, "A word too many.", actor=people["k.mistry"], at=AT)
    assert refusal(noted, "out_of_scope", people["k.mistry"]).startswith("Something else is recorded here.")
    other = disclosures.received(people)
    assert refusal(other, "out_of_scope", people["k.mistry"]).startswith("This end is for the lawful-interception unit")


# --- what may be given ----------------------------------------------------------------------------------------------
def test_a_request_in_order_is_accepted(people):
    assert disclosures.validated(people).state == "validated"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"items": []}, "Nothing is asked for"),
        ({"begins_at": None}, "Say from when to when"),
        ({"items": ["sms_text"]}, "Text of SMS is content"),
        ({"gateway": "dpa18_sch2_p2"}, "this is communications data. The authority's single point of contact asks"),
        ({"items": ["passwords"]}, "are never disclosed"),
        ({"purpose": ""}, "names no statutory purpose"),
        ({"is_serious_crime": False}, "the authority states that the crime is serious"),
        ({"granted_date": None}, "Enter the day on which the authorisation was granted."),
        ({"granted_date": date(2026, 11, 15)}, "dated after the request came in"),
        ({"granted_date": date(2026, 10, 13)}, "lapsed before the request came in"),
        ({"gateway": "pace_s9_sch1"}, "Attach the order first."),
        ({"urn": ""}, "Enter the authority's own number of the request."),
    ],
)
def test_what_is_not_in_order_is_not_accepted(people, changes, said):
    case = disclosures.authenticated(people, **changes)
    assert said in refusal(case, "validate", people["k.mistry"], is_ours=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grade": 3}, "Attach what the authority sent first."),
        ({"gateway": "norwich_pharmacal"}, "Attach the order first."),
        ({"gateway": "annex1_p5", "items": ["cctv"]}, "Attach what the authority sent first."),
    ],
)
def test_only_an_urgent_authorisation_is_asked_for_by_word_of_mouth(people, changes, said):
    asked = {**disclosures.FACTS, **disclosures.URGENT, **changes}
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=asked, people=[TARGET])
    after(case, "verify", people["k.mistry"], **CALL)
    assert said in refusal(case, "validate", people["k.mistry"], is_ours=True)


def test_nobody_was_asked_by_word_of_mouth_in_the_future(people):
    tomorrow = {**disclosures.URGENT, "oral_given_at": AT + timedelta(days=1)}
    with nothing_written(), pytest.raises(EditRefused, match="in the past"):
        intake.open_case(
            "le_disclosure", actor=people["k.mistry"], at=AT, facts={**disclosures.FACTS, **tomorrow}, people=[TARGET]
        )
    case = disclosures.received(people, **disclosures.URGENT)
    with (
        nothing_written(),
        pytest.raises(EditRefused, match="in the past"),
        edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit,
    ):
        edit.facts(oral_given_at=AT + timedelta(minutes=1))


def test_an_authorisation_of_the_last_day_still_counts(people):
    # One month beginning with 15 October ends with 14 November, the day on which the request came in.
    assert disclosures.validated(people, granted_date=date(2026, 10, 15)).state == "validated"


def test_a_request_about_nobodys_number_or_one_not_looked_up_is_not_accepted(people):
    case = disclosures.authenticated(people)
    assert "is_ours" in stepforms.ValidateForm(case=case).fields
    assert "Look the addresses up first" in refusal(case, "validate", people["k.mistry"], is_ours=False)


def test_a_number_of_theirs_that_came_before_is_compared_by_a_person(people):
    earlier = disclosures.authenticated(people, urn="SBX/2026/7")
    second = disclosures.authenticated(people, urn="sbx/2026/7 ")
    said = refusal(second, "validate", people["k.mistry"], is_ours=True)
    assert earlier.reference in said
    after(earlier, "cancel", people["k.mistry"], notice="By letter.")
    assert after(second, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_a_form_asks_for_a_name_and_for_cctv_and_only_the_cctv_goes_on(people):
    case = disclosures.authenticated(
        people, request_type="data_protection_request", gateway="annex1_p5", items=["subscriber_name", "cctv"]
    )
    assert "communications data" in refusal(case, "validate", people["k.mistry"], is_ours=True)

    after(case, "refuse_items", people["k.mistry"])

    assert facts(case).refused_items == {"subscriber_name": "no_gateway"}
    assert told(case)[-1] == (
        "le_refuse",
        {
            "urn": told(case)[0][1]["urn"],
            "reason": "no_gateway",
            "items": ["subscriber_name"],
            "route": "single_point_of_contact",
        },
    )
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_items_are_refused_alone_only_where_something_stays(people):
    case = disclosures.authenticated(people, gateway="annex1_p5", items=["subscriber_name"])
    assert refusal(case, "refuse_items", people["k.mistry"]) == "Nothing would be left. Refuse the whole request."
    fine = disclosures.authenticated(people)
    assert "Every item is open" in refusal(fine, "refuse_items", people["k.mistry"])


def test_counsel_and_an_approver_open_what_is_given_freely_and_nobody_alone(people):
    case = disclosures.voluntary(people)
    assert "legal counsel and an approver" in refusal(case, "validate", people["k.mistry"], is_ours=True)
    inputs = {"items": ["subscriber_name"]}
    transitions.apply(
        case.pk, "override_gate", actor=people["v.tranter"], at=AT, reason="Missing child.", inputs=inputs
    )
    assert facts(case).allowed_items == []
    waiting = approvals.open_for(case, "override_gate")

    verdicts.decide(waiting.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")

    assert facts(case).allowed_items == ["subscriber_name"]
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def opened_by_hand(people):
    """A request on a ground that counsel and an approver opened for what it asks."""
    case = disclosures.voluntary(people)
    inputs = {"items": ["subscriber_name"]}
    transitions.apply(case.pk, "override_gate", actor=people["v.tranter"], at=AT, reason="Child.", inputs=inputs)
    waiting = approvals.open_for(case, "override_gate")
    verdicts.decide(waiting.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")
    assert facts(case).allowed_items == ["subscriber_name"]
    return case


@pytest.mark.parametrize(
    "change",
    [
        lambda edit: edit.facts(purpose="public_safety"),
        lambda edit: edit.facts(particulars="Another matter."),
        lambda edit: edit.party(1, phone="+447700900456"),
        lambda edit: edit.add_party({"role": "target", "values": {"phone": "+447700900456"}}),
    ],
)
def test_what_was_opened_by_hand_shuts_when_the_request_changes(people, change):
    case = opened_by_hand(people)
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        change(edit)
    assert facts(case).allowed_items == []
    assert "legal counsel and an approver" in refusal(case, "validate", people["k.mistry"], is_ours=True)
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_a_document_that_is_added_leaves_open_what_was_opened_by_hand(people):
    case = disclosures.written(opened_by_hand(people), people)
    assert facts(case).allowed_items == ["subscriber_name"]
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_counsel_opens_nothing_on_another_ground(people):
    case = disclosures.with_shut_item(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="this ground could open"):
        transitions.apply(
            case.pk, "override_gate", actor=people["v.tranter"], at=AT, reason="Why.", inputs={"items": ["sms_text"]}
        )


# --- an order is applied for ----------------------------------------------------------------------------------------
def test_notice_of_an_application_holds_everything_at_once_and_tells_counsel(people):
    case = after(disclosures.applied_for(people), "give_notice_of_application", people["k.mistry"])

    hold = case.holds.get()
    assert (hold.kind, hold.blocks, hold.source, hold.began_at) == ("legal", ["dispose"], "court", AT)
    assert Task.objects.get(case=case).kind == "disclosure_order_applied_for"
    assert clocks_of(case)["disclosure_grade_3"] == "paused"
    assert refusal(case, "order_made", people["k.mistry"]) == "Attach the order first."
    assert refusal(case, "application_lapsed", people["k.mistry"]) == "Two people release the legal hold first."
    plain = disclosures.received(people)
    assert "not a notice" in refusal(plain, "give_notice_of_application", people["k.mistry"])


def test_the_notice_of_an_application_alone_gives_nothing_away(people):
    case = disclosures.applied_for(people)
    after(case, "verify", people["k.mistry"], **disclosures.CALL)
    said = refusal(case, "validate", people["k.mistry"], is_ours=True)
    assert said == "It only says that an order is applied for. When the order is here, correct what came."


def test_an_order_that_is_made_goes_on_as_a_request_and_stays_held(people):
    case = after(disclosures.on_notice(people), "order_made", people["k.mistry"])
    assert (case.state, clocks_of(case)["disclosure_grade_3"]) == ("received", "running")
    assert case.holds.filter(released_at=None).count() == 1


def test_an_application_that_lapsed_ends_when_two_people_released_the_hold(people):
    case = disclosures.closed(people)
    assert (case.state, case.is_closed, case.retention_class) == ("closed", True, "le_disclosure")


# --- answers --------------------------------------------------------------------------------------------------------
def test_a_question_stops_our_time_until_the_answer(people):
    case = disclosures.clarification(people)
    assert told(case)[-1][1]["question"] == "Is the period in UTC?"
    assert clocks_of(case) == {
        "disclosure_grade_3": "paused",
        "disclosure_question": "running",
        "k01_authorisation": "running",
    }
    back = after(case, "answer", people["k.mistry"], answer="It is.")
    assert (back.state, clocks_of(case)["disclosure_grade_3"]) == ("authenticated", "running")


def by_number(urn, kind, *, code=disclosures.AUTHORITY, **data):
    """Let an authority say something about a request by its own number alone."""
    agency = Agency.objects.get(code=code)
    body = {
        "schema_version": 1,
        "type": kind,
        "agency_reference": urn,
        "occurred_at": "2026-11-14T10:30:00Z",
        "data": data,
    }
    sender = Sender(
        agency=agency, channel=agencies.channel_of(agency, "in"), message_id=f"{code}-{kind}-{urn}", key_name="tests"
    )
    inbound.receive(sender, json.dumps(body).encode(), ip_token="0" * 64, now=AT + timedelta(hours=1))
    return application.apply_pending(now=AT + timedelta(hours=1))


@pytest.mark.parametrize("build", [disclosures.received, disclosures.extracting, disclosures.quality_check])
def test_what_the_authority_cancels_by_its_own_number_alone_ends_wherever_it_stands(people, build):
    case = build(people, urn="SBX/2026/7a")
    other = disclosures.received(people)
    assert by_number("sbx/2026/7A", "le.cancelled").applied == 1
    case, other = (Case.objects.get(pk=each.pk) for each in (case, other))
    assert (case.state, other.state) == ("cancelled", "received")
    assert not case.package_parts.filter(blob__isnull=False).exists()


def test_a_number_is_that_of_the_authority_which_says_it_and_one_that_two_have_is_left_to_people(people):
    case = disclosures.received(people, urn="SBX/2026/8")
    another_authority(people)
    assert by_number("SBX/2026/8", "le.cancelled", code=OTHER).unmatched == 1
    assert Case.objects.get(pk=case.pk).state == "received"
    disclosures.received(people, urn="SBX/2026/8")
    assert by_number("SBX/2026/8", "le.cancelled").unmatched == 1
    assert {each.state for each in Case.objects.filter(kind="le_disclosure")} == {"received"}
    assert Task.objects.filter(kind="callback_ambiguous", closed_at=None).count() == 1


def test_the_authority_answers_and_cancels_by_the_word_that_it_was_given(people):
    case = disclosures.clarification(people)
    assert hear(case, "le.answered", answer="It is in UTC.").state == "authenticated"
    assert facts(case).answer is not None
    ended = hear(case, "le.cancelled")
    assert (ended.state, ended.is_closed) == ("cancelled", True)
    assert clocks_of(case) == {
        "disclosure_grade_3": "cancelled",
        "disclosure_question": "met",
        "k01_authorisation": "cancelled",
    }


def test_a_refusal_is_told_with_its_reason_and_way(people):
    case = after(disclosures.authenticated(people), "refuse", people["k.mistry"], reason_code="no_data_held")
    assert told(case)[-1] == (
        "le_refuse",
        {
            "urn": told(case)[0][1]["urn"],
            "reason": "no_data_held",
            "items": ["subscriber_name", "outgoing_calls"],
            "route": "none",
        },
    )
    assert (case.state, clocks_of(case)["disclosure_grade_3"]) == ("refused", "met")
    assert case.dispose_after_date == date(2029, 11, 14)


def test_where_a_person_may_be_at_risk_a_no_needs_an_approver(people):
    case = disclosures.authenticated(people, is_person_at_risk=True)
    after(case, "refuse", people["k.mistry"], reason_code="no_data_held")
    assert Case.objects.get(pk=case.pk).state == "authenticated"
    waiting = Approval.objects.get(case=case, closed_at=None)
    both = replace(people["k.mistry"], roles=frozenset({"disclosure_officer", "disclosure_approver"}))
    with pytest.raises(CaseError):
        verdicts.decide(waiting.uid, "agreed", actor=both, at=AT, reason="Mine.")
    verdicts.decide(waiting.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")
    assert Case.objects.get(pk=case.pk).state == "refused"


def test_a_rule_alone_refuses_only_for_what_rules_say(people):
    case = disclosures.authenticated(people)
    assert refusal(case, "refuse", factories.job(), reason_code="no_data_held") == (
        "Only a person refuses for this reason."
    )
    assert after(case, "refuse", factories.job(), reason_code="no_gateway").state == "refused"


def test_a_cancellation_names_its_notice(people):
    case = disclosures.received(people)
    assert refusal(case, "cancel", people["k.mistry"]) == "Say which notice of cancellation came, and when."


# --- secrecy --------------------------------------------------------------------------------------------------------
def test_nobody_is_written_to_and_everything_verifies(people):
    for build in (disclosures.validated, disclosures.refused, disclosures.cancelled, disclosures.clarification):
        build(people)
    assert not Letter.objects.exists()
    assert set(OutboxMessage.objects.values_list("channel__agency__code", flat=True)) == {disclosures.AUTHORITY}
    assert [each for each in verify.verify_all(is_demo=True) if each.level == "wrong"] == []


def test_only_the_compartment_sees_it(people):
    case = disclosures.validated(people)
    seeing = {name for name, actor in people.items() if policy.visible_to(actor).filter(pk=case.pk).exists()}
    assert seeing == {"k.mistry", "e.hallam", "n.okonjo", "v.tranter"}


def test_an_officer_opens_authenticates_and_accepts_one_by_the_pages(people):
    client = client_of("k.mistry")
    typed = {
        "request_type": "cd_authorised",
        "authority_code": disclosures.AUTHORITY,
        "authority_kind": "police",
        "came_by": "e_mail",
        "urn": "SBX/2026/118835",
        "grade": "3",
        "gateway": "ipa_60a",
        "purpose": "crime_applicable",
        "granted_date": "2026-11-13",
        "items": ["subscriber_name"],
        "people-TOTAL_FORMS": "1",
        "people-INITIAL_FORMS": "0",
        "people-0-role": "target",
        "people-0-phone": "07700 900789",
    }
    page = client.get("/cases/new/le_disclosure/")
    assert page.status_code == 200
    said = re.sub(r"<[^>]*>", "", page.content.decode())
    for label in ("Authority", "Grade"):
        assert f"{label} (needed unless it is for the interception unit)" in said
    assert '<option value="" selected>Choose</option>' in page.content.decode().partition('name="grade"')[2]
    for left_out in ("authority_code", "grade"):
        wrong = client.post("/cases/new/le_disclosure/", {**typed, left_out: ""})
        assert wrong.status_code == 422
        assert "SBX/2026/118835" in wrong.content.decode()
    assert not Case.objects.filter(kind="le_disclosure").exists()

    answer = client.post("/cases/new/le_disclosure/", typed, follow=True)

    case = Case.objects.get(kind="le_disclosure")
    assert case.reference in answer.content.decode()
    assert "Single point of contact, SPoC 4417, +441632960010" in answer.content.decode()


LONG_AGO = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("013977000323877", "013977000323877"),
        ("aa-bb-cc-dd-ee-0f\n490154203237518", "AA:BB:CC:DD:EE:0F\n490154203237518"),
    ],
)
def test_a_handset_or_network_card_is_asked_about_held_and_compared_as_it_is_typed(people, typed, kept):
    form = PartyForm({"role": "target", "device": typed})
    assert form.is_valid()
    assert form.cleaned_data["device"] == kept
    disclosures.enter(people)
    asked = {**FACTS, "items": ["subscriber_name"], "begins_at": None, "ends_at": None}
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=asked, people=[form.person()])
    paper = {"kind": "authorisation", "file_name": "a.txt", "media_type": "text/plain", "data": b"Authorisation."}
    edits.attach(case.pk, **paper, actor=people["k.mistry"], at=AT)
    after(case, "verify", people["k.mistry"], **CALL)
    after(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "extract", people["k.mistry"])
    disclosures.say_why(case, "subscriber_name", people)
    rows = "".join(f"subscriber_name,{line},,Osian Marchbanks\n" for line in kept.splitlines())
    disclosures.add(case, "subscriber_name", f"item,address,at,name\n{rows}".encode(), people)
    for line in kept.splitlines():
        disclosures.package.add_holder(
            case.pk, address=line, subject="A", begins_at=LONG_AGO, ends_at=None, actor=people["k.mistry"], at=AT
        )
    assert after(case, "submit", people["k.mistry"], checked=disclosures.CHECKED).state == "quality_check"


def test_the_name_of_a_device_is_no_address():
    form = PartyForm({"role": "target", "device": "iPhone 15"})
    assert form.errors == {"device": ["Write an IMEI, ICCID, IMSI or MAC address on each line."]}


def test_what_came_by_the_portal_needs_no_document_and_the_page_does_not_ask_for_one(people):
    disclosures.enter(people)
    by_portal = {**disclosures.FACTS, "came_by": "portal"}
    for said, is_clear in ((by_portal, True), (disclosures.FACTS, False)):
        case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=said, people=[])
        shown = {each.label: each.is_clear for each in report.checks(Case.objects.get(pk=case.pk))}
        assert shown["What came is attached"] is is_clear
