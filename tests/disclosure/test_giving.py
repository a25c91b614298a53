"""What is given on a request, from taking it out to the end: scenarios L-1, L-1b and L-1c with their own dates."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.disclosure import package, stepforms
from cases.kernel import edits, intake, transitions, verdicts
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock, OutboxMessage, Release, Task
from cases.kernel.timing import sweeps
from cases.ledger import verify
from cases.ledger.models import LedgerEvent
from tests import disclosures, factories
from tests.disclosure.heard import hear, told
from tests.disclosure.taking import calls, table
from tests.disclosures import AT, CHECKED, COMPARED, after, facts
from tests.kernel.snapshots import nothing_written, refusal

pytestmark = pytest.mark.django_db
# --- L-1 ------------------------------------------------------------------------------------------------------------
MONDAY = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
L1 = {
    **disclosures.FACTS,
    "came_by": "",
    "urn": "SBX/2026/118834",
    "asked_by": "DC R. Hallworth",
    "granted_date": date(2026, 11, 30),
    "items": ["subscriber_name", "outgoing_calls"],
    "begins_at": datetime(2026, 11, 1, tzinfo=UTC),
    "ends_at": datetime(2026, 11, 14, 23, 59, tzinfo=UTC),
}


def l1(people):
    """The request of scenario L-1, authenticated and accepted."""
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=MONDAY, facts=L1, people=[disclosures.TARGET])
    edits.attach(
        case.pk,
        kind="authorisation",
        file_name="authorisation.txt",
        media_type="text/plain",
        data=b"Authorisation.",
        actor=people["k.mistry"],
        at=MONDAY,
    )
    call = {"contact": "spoc", "called_back_at": MONDAY + timedelta(minutes=10), "spoken_to": "SPoC 4417"}
    after(case, "verify", people["k.mistry"], MONDAY + timedelta(minutes=15), **call)
    after(case, "validate", people["k.mistry"], MONDAY + timedelta(minutes=30), is_ours=True)
    return after(case, "extract", people["k.mistry"], MONDAY + timedelta(minutes=40))


def test_l1_a_number_that_changed_hands_an_excess_day_a_column_too_many_and_412_rows(people):
    case = l1(people)
    officer, at = people["k.mistry"], MONDAY + timedelta(hours=1)
    # s.60A granted on 30 November: valid to the end of Tuesday 29 December.
    assert case.clocks.get(rule="k01_authorisation").due_date == date(2026, 12, 29)
    # Grade 3: five working days from that Monday.
    assert case.clocks.get(rule="disclosure_grade_3").due_date == date(2026, 12, 7)
    for item in ("subscriber_name", "outgoing_calls"):
        disclosures.say_why(case, item, people, at=at)
    changed_hands = datetime(2026, 11, 6, tzinfo=UTC)
    disclosures.held_by(case, "A", datetime(2024, 5, 2, tzinfo=UTC), changed_hands, people, at=at)
    disclosures.held_by(case, "B", changed_hands, None, people, at=at)
    sheet = disclosures.add(
        case,
        "subscriber_name",
        b"%PDF-1.7 subscriber B, and how B pays",
        people,
        at=at,
        media_type="application/pdf",
        subject="B",
    )
    disclosures.add(case, "subscriber_name", b"%PDF-1.7 A", people, at=at, media_type="application/pdf", subject="A")

    # One file for both subscribers is refused; so is the day that nobody asked for.
    both = disclosures.add(case, "outgoing_calls", table(*calls(MONDAY.replace(day=2), 4)), people, at=at)
    said = refusal(case, "submit", officer, at, checked=CHECKED)
    assert "the address changed hands. Make a file for each subscriber, and say whose it is." in said
    package.remove_part(case.pk, both.number, actor=officer, at=at)
    disclosures.add(
        case, "outgoing_calls", table(*calls(datetime(2026, 11, 1, tzinfo=UTC), 150)), people, at=at, subject="A"
    )
    b_rows = calls(datetime(2026, 11, 6, 8, tzinfo=UTC), 262)
    late = calls(datetime(2026, 11, 15, 7, tzinfo=UTC), 3)
    wrong = disclosures.add(case, "outgoing_calls", table(*b_rows, *late), people, at=at, subject="B")
    said = refusal(case, "submit", officer, at, checked=CHECKED)
    assert said.endswith("3 rows too many. The file holds days outside the period: 15 November 2026.")
    package.remove_part(case.pk, wrong.number, actor=officer, at=at)
    disclosures.add(case, "outgoing_calls", table(*b_rows), people, at=at, subject="B")
    after(case, "submit", officer, at, checked=CHECKED)

    # No guard reads a PDF. The second person does: recordable error 1 of this case.
    returned = at + timedelta(minutes=30)
    difference = {"fault": "excess_data", "difference": "The sheet of B says how B pays. Nobody asked."}
    assert after(case, "return", people["e.hallam"], returned, **difference).state == "extracting"
    error = case.disclosure_errors.get()
    assert (error.number, error.kind, error.is_ours, error.fault) == (1, "recordable", True, "excess_data")
    package.remove_part(case.pk, sheet.number, actor=officer, at=returned)
    disclosures.add(
        case, "subscriber_name", b"%PDF-1.7 B", people, at=returned, media_type="application/pdf", subject="B"
    )
    after(case, "submit", officer, returned, checked=CHECKED)

    both_roles = replace(officer, roles=frozenset({"disclosure_officer", "disclosure_approver"}))
    assert "Another person must" in refusal(case, "release", both_roles, returned, compared=COMPARED)
    given = returned + timedelta(hours=1)
    after(case, "release", people["e.hallam"], given, compared=COMPARED)

    message = OutboxMessage.objects.get(case=case, kind="le_result")
    sent = told(case)[-1][1]
    assert (sent["urn"], sent["time_basis"], sent["nothing_held"]) == ("SBX/2026/118834", "UTC", [])
    rows = [part["rows"] for part in sent["manifest"]["parts"] if part["item"] == "outgoing_calls"]
    assert (sorted(rows), sum(rows)) == ([150, 262], 412)
    assert all(len(part["sha256"]) == 64 for part in sent["manifest"]["parts"])
    register = Release.objects.get(message=message)
    items = {(row.category, row.gateway, row.subject_count) for row in register.items.all()}
    assert items == {("identity", "ipa_60a", 2), ("communications", "ipa_60a", 2)}
    assert case.clocks.get(rule="disclosure_grade_3").state == "met"

    # Receipt on Tuesday 1 December; our copy goes on Thursday 31 December, its hash and columns stay.
    tuesday = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    assert after(case, "confirm_receipt", officer, tuesday, how="Portal, SPoC 4417.").state == "receipted"
    assert after(case, "close", officer, tuesday + timedelta(hours=1)).is_closed
    assert Clock.objects.get(case=case, rule="disclosure_purge").due_date == date(2026, 12, 31)
    sweeps.end_due_clocks(now=datetime(2026, 12, 31, 12, 0, tzinfo=UTC))
    assert case.package_parts.filter(blob__isnull=False).exists()
    sweeps.end_due_clocks(now=datetime(2027, 1, 1, 1, 0, tzinfo=UTC))
    message.refresh_from_db()
    assert not case.package_parts.filter(blob__isnull=False).exists()
    assert (message.sealed_body, message.key.destroyed_at is not None) == (None, True)
    assert facts(case).purged_at is not None
    kept = case.package_parts.filter(is_removed=False, item="outgoing_calls").first()
    assert (kept.fields, len(kept.sha256)) == (["item", "address", "at", "to"], 64)
    # The story plays after today, which the ledger notices; nothing else is wrong.
    wrong = [each for each in verify.verify_all(is_demo=True) if each.level == "wrong" and each.column != "at"]
    assert wrong == []


# --- L-1b -----------------------------------------------------------------------------------------------------------
CHRISTMAS_EVE = datetime(2026, 12, 24, 22, 10, tzinfo=UTC)


def l1b(people):
    """Scenario L-1b until everything is in the package."""
    given = {**disclosures.FACTS, **disclosures.URGENT, "granted_date": date(2026, 12, 24)}
    given |= {"oral_given_at": CHRISTMAS_EVE, "urn": "SBX/2026/119001", "begins_at": None, "ends_at": None}
    case = intake.open_case(
        "le_disclosure", actor=people["n.okonjo"], at=CHRISTMAS_EVE, facts=given, people=[disclosures.TARGET]
    )
    called = CHRISTMAS_EVE + timedelta(minutes=3)
    call = {"contact": "spoc", "called_back_at": called, "spoken_to": "Night desk"}
    officer = people["k.mistry"]
    after(case, "verify", officer, called, **call)
    after(case, "validate", officer, called, is_ours=True)
    after(case, "extract", officer, called)
    disclosures.say_why(case, "subscriber_name", people, at=called)
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people, at=called)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people, at=called)
    return case


def test_l1b_oral_at_christmas_is_given_at_once_and_written_notice_is_due_on_29_december(people):
    case = l1b(people)
    # Grade 1: half an hour from when it was asked, on Christmas Eve as on any day.
    assert case.clocks.get(rule="disclosure_grade_1").due_at == datetime(2026, 12, 24, 22, 40, tzinfo=UTC)
    at = datetime(2026, 12, 24, 22, 24, tzinfo=UTC)
    assert after(case, "release_urgent", people["k.mistry"], at, checked=CHECKED).state == "released"
    # 25 and 28 December are bank holidays in England and Wales.
    assert case.clocks.get(rule="k03_written_notice").due_date == date(2026, 12, 29)
    looked_at = case.approvals.get(mode="after")
    assert (looked_at.needs, looked_at.act) == (["disclosure_approver"], "release_urgent")
    verdicts.decide(looked_at.uid, "confirmed", actor=people["e.hallam"], at=at + timedelta(days=4), reason="Seen.")

    sweeps.end_due_clocks(now=datetime(2026, 12, 29, 23, 0, tzinfo=UTC))
    assert not case.disclosure_errors.exists()
    sweeps.end_due_clocks(now=datetime(2026, 12, 30, 1, 0, tzinfo=UTC))
    error = case.disclosure_errors.get()
    assert (error.fault, error.kind, error.is_ours) == ("no_written_notice", "recordable", False)
    assert Task.objects.get(case=case, kind="disclosure_no_writing").closed_at is None
    assert case.clocks.get(rule="k03_written_notice").state == "breached"

    late = datetime(2026, 12, 30, 9, 0, tzinfo=UTC)
    after(case, "confirm_receipt", people["k.mistry"], late, how="By telephone.")
    assert refusal(case, "close", people["k.mistry"], late) == "The written notice is still owed."
    assert refusal(case, "confirm_in_writing", people["k.mistry"], late) == "Attach the written notice first."
    disclosures.written(case, people)
    assert refusal(case, "confirm_in_writing", people["k.mistry"], late) == "Compare the notice with what was given."
    after(case, "confirm_in_writing", people["k.mistry"], late, is_compared=True)
    assert Task.objects.get(case=case, kind="disclosure_no_writing").closed_at == late
    assert after(case, "close", people["k.mistry"], late).is_closed


def looked_at(case, people):
    """An approver looks at what was released at once."""
    verdicts.decide(case.approvals.get(mode="after").uid, "confirmed", actor=people["e.hallam"], at=AT)


def test_written_notice_in_time_is_no_error(people):
    case = l1b(people)
    after(case, "release_urgent", people["k.mistry"], CHRISTMAS_EVE + timedelta(minutes=14), checked=CHECKED)
    disclosures.written(case, people)
    after(case, "confirm_in_writing", people["k.mistry"], CHRISTMAS_EVE + timedelta(days=1), is_compared=True)
    sweeps.end_due_clocks(now=datetime(2026, 12, 30, 1, 0, tzinfo=UTC))
    assert not case.disclosure_errors.exists()
    assert case.clocks.get(rule="k03_written_notice").state == "met"


def test_what_an_authority_says_it_put_in_writing_somebody_still_compares_before_the_end(people):
    case, officer = disclosures.urgent(people), people["k.mistry"]
    after(case, "release_urgent", officer, checked=CHECKED)
    hear(case, "le.confirmed", about="le_ack")
    assert case.clocks.get(rule="k03_written_notice").state == "met"
    late = AT + timedelta(hours=2)
    after(case, "confirm_receipt", officer, late, how="By telephone.")
    unseen = "Somebody still has to look at what one officer released alone."
    assert refusal(case, "close", officer, late) == unseen
    looked_at(case, people)
    assert refusal(case, "close", officer, late) == "Nobody has compared the written notice with what was given yet."
    compare = Task.objects.get(case=case, kind="disclosure_compare_writing")
    edits.close_task(case.pk, compare.pk, actor=officer, at=late, reason="Number, items and time are those of it.")
    assert after(case, "close", officer, late).is_closed


def test_an_oral_request_that_is_not_answered_yet_only_owes_its_notice(people):
    case = l1b(people)
    sweeps.end_due_clocks(now=datetime(2026, 12, 30, 1, 0, tzinfo=UTC))
    assert not case.disclosure_errors.exists()
    assert case.clocks.get(rule="k03_written_notice").state == "breached"
    assert Task.objects.filter(case=case, kind="disclosure_no_writing", closed_at=None).count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grade": 2}, "Only where there is an immediate threat to life: grade 1."),
        ({"items": ["subscriber_name", "outgoing_calls"]}, "Only entity data is given at once"),
    ],
)
def test_at_once_goes_only_entity_data_of_one_address_for_a_life(people, changes, said):
    case = disclosures.extracting(people, **{**disclosures.URGENT, **changes})
    assert said in refusal(case, "release_urgent", people["k.mistry"], checked=CHECKED)


def test_at_once_goes_only_one_address_however_many_handsets_stand_in_one_box(people):
    asked = {**disclosures.FACTS, **disclosures.URGENT, "urn": "SBX/2026/119002"}
    target = {"role": "target", "values": {"device": "490154203237518\n356938035643809"}}
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=asked, people=[target])
    after(case, "verify", people["k.mistry"], **disclosures.CALL)
    after(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "extract", people["k.mistry"])
    said = refusal(case, "release_urgent", people["k.mistry"], checked=CHECKED)
    assert said.startswith("Only one address at once; more are checked by another person first.")


def test_at_once_goes_no_sheet_that_no_machine_compares(people):
    case = disclosures.urgent(people)
    disclosures.add(case, "subscriber_name", b"Osian Marchbanks, and more", people, media_type="text/plain")
    said = refusal(case, "release_urgent", people["k.mistry"], checked=CHECKED)
    assert said.startswith("Only a table goes at once")
    package.remove_part(case.pk, 2, actor=people["k.mistry"], at=AT)
    assert after(case, "release_urgent", people["k.mistry"], checked=CHECKED).state == "released"


OTHER_NUMBER = "+447700900790"


def of_two_numbers(people, *holders, rows, subject=""):
    """A request for the names behind two numbers, with who held each and one file."""
    asked = {**disclosures.FACTS, "items": ["subscriber_name"], "urn": f"SBX/2026/{319000 + Case.objects.count()}"}
    disclosures.enter(people)
    about = [disclosures.TARGET, {"role": "target", "values": {"phone": OTHER_NUMBER}}]
    case = intake.open_case("le_disclosure", actor=people["k.mistry"], at=AT, facts=asked, people=about)
    paper = {"kind": "authorisation", "file_name": "a.txt", "media_type": "text/plain", "data": b"Authorisation."}
    edits.attach(case.pk, **paper, actor=people["k.mistry"], at=AT)
    after(case, "verify", people["k.mistry"], **disclosures.CALL)
    after(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "extract", people["k.mistry"])
    disclosures.say_why(case, "subscriber_name", people)
    for number, letter in holders:
        package.add_holder(
            case.pk,
            address=number,
            subject=letter,
            begins_at=datetime(2025, 3, 1, tzinfo=UTC),
            ends_at=None,
            actor=people["k.mistry"],
            at=AT,
        )
    table = "".join(f"subscriber_name,{number},,{name}\n" for number, name in rows)
    disclosures.add(case, "subscriber_name", f"item,address,at,name\n{table}".encode(), people, subject=subject)
    return case


NUMBER = disclosures.TARGET["values"]["phone"]


def test_a_number_that_was_nobodys_is_said_to_be_and_nothing_is_given_of_it(people):
    row = (NUMBER, "Osian Marchbanks")
    case = of_two_numbers(people, (NUMBER, "A"), rows=[row])
    said = refusal(case, "submit", people["k.mistry"], checked=CHECKED)
    assert said == "Say of every address who held it, and from when; or that it was nobody's."
    case = of_two_numbers(people, (NUMBER, "A"), (OTHER_NUMBER, "-"), rows=[row, (OTHER_NUMBER, "Somebody")])
    said = refusal(case, "submit", people["k.mistry"], checked=CHECKED)
    assert said.endswith("line 3: nobody is entered as holding the address then.")
    case = of_two_numbers(people, (NUMBER, "A"), (OTHER_NUMBER, "-"), rows=[row])
    assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"


def test_a_name_of_one_subscriber_does_not_pass_in_the_file_of_another(people):
    both = [(NUMBER, "Osian Marchbanks"), (OTHER_NUMBER, "Bryn Tallow")]
    held = ((NUMBER, "A"), (OTHER_NUMBER, "B"))
    case = of_two_numbers(people, *held, rows=both, subject="A")
    said = refusal(case, "submit", people["k.mistry"], checked=CHECKED)
    assert said.endswith("line 3: the address was subscriber B's then.")
    case = of_two_numbers(people, *held, rows=both)
    after(case, "submit", people["k.mistry"], checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    register = Release.objects.get(case=case, message_kind="le_result")
    assert register.items.get().subject_count == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"item,address,at,name,paid_by\nsubscriber_name,+447700900789,,Osian Marchbanks,Direct debit\n",
            "the column paid_by holds what nobody asked for: Method of payment.",
        ),
        (
            b"item,address,at,name,remark\nsubscriber_name,+447700900789,,Osian Marchbanks,Pays late\n",
            "nothing says that the column remark was asked for. At once go the columns forename, middle_name, name, "
            "surname, title; another person looks at any other first.",
        ),
    ],
)
def test_at_once_goes_no_column_that_is_not_of_what_was_asked_for(people, data, said):
    case = disclosures.urgent(people)
    package.remove_part(case.pk, 1, actor=people["k.mistry"], at=AT)
    disclosures.add(case, "subscriber_name", data, people)
    refused = refusal(case, "release_urgent", people["k.mistry"], checked=CHECKED)
    assert refused.endswith(f"02-subscriber_name.csv: {said}")
    package.remove_part(case.pk, 2, actor=people["k.mistry"], at=AT)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    assert after(case, "release_urgent", people["k.mistry"], checked=CHECKED).state == "released"


def test_a_column_of_what_nobody_asked_for_is_not_sent_to_be_checked_either(people):
    case, officer = disclosures.extracting(people), people["k.mistry"]
    wrong = disclosures.CALLS.replace(b",to\n", b",to,imei\n").replace(b"0111\n", b"0111,490154203237518\n")
    package.remove_part(case.pk, 2, actor=officer, at=AT)
    disclosures.add(case, "outgoing_calls", wrong, people)
    said = refusal(case, "submit", officer, checked=CHECKED)
    assert said == "03-outgoing_calls.csv: the column imei holds what nobody asked for: IMEI of the handset."
    asked = disclosures.extracting(people, items=["subscriber_name", "outgoing_calls", "handset_imei"])
    disclosures.say_why(asked, "handset_imei", people, is_nothing_held=True)
    disclosures.add(asked, "outgoing_calls", wrong, people)
    assert after(asked, "submit", officer, checked=CHECKED).state == "quality_check"


# --- L-1c -----------------------------------------------------------------------------------------------------------
def test_l1c_a_form_opens_the_cctv_alone_signed_off_and_blurred(people):
    thursday = datetime(2026, 12, 3, 10, 0, tzinfo=UTC)
    given = {
        **disclosures.FACTS,
        "request_type": "data_protection_request",
        "gateway": "annex1_p5",
        "items": ["subscriber_name", "cctv"],
        "urn": "SBX/2026/118901",
        "granted_date": None,
        "begins_at": None,
        "ends_at": None,
        "particulars": "Shop in Leeds, 1 December 2026, 14:00 to 14:20 UTC.",
    }
    case = intake.open_case(
        "le_disclosure", actor=people["k.mistry"], at=thursday, facts=given, people=[disclosures.TARGET]
    )
    assert Task.objects.get(case=case).kind == "disclosure_preserve"
    edits.attach(
        case.pk,
        kind="request_letter",
        file_name="form.pdf",
        media_type="application/pdf",
        data=b"%PDF-1.7 form",
        actor=people["k.mistry"],
        at=thursday,
    )
    officer = people["k.mistry"]
    call = {"contact": "spoc", "called_back_at": thursday, "spoken_to": "SPoC 4417"}
    after(case, "verify", officer, thursday, **call)
    after(case, "refuse_items", factories.job(), thursday)
    assert facts(case).refused_items == {"subscriber_name": "no_gateway"}
    assert told(case)[-1][1]["route"] == "single_point_of_contact"
    # What is left is about a place: nobody says of addresses that they are ours.
    assert "is_ours" not in stepforms.ValidateForm(case=Case.objects.get(pk=case.pk)).fields
    after(case, "validate", officer, thursday)
    after(case, "extract", officer, thursday)
    with nothing_written(), pytest.raises(EditRefused, match="was not asked for, or was refused"):
        disclosures.add(case, "subscriber_name", disclosures.NAMES, people, at=thursday)
    disclosures.say_why(case, "cctv", people, at=thursday, minimised=["others_left_out"])
    disclosures.add(case, "cctv", b"\x00\x00\x00\x18ftypmp42 blurred", people, at=thursday, media_type="video/mp4")

    said = refusal(case, "submit", officer, thursday, checked=CHECKED)
    assert said == "Check first: an inspector, or somebody of like rank, signed the request."
    unblurred = [each for each in (*CHECKED, "sign_off") if each != "third_parties"]
    said = refusal(case, "submit", officer, thursday, checked=unblurred)
    assert said == "Check first: other people are left out, blacked out or blurred."
    after(case, "submit", officer, thursday, checked=[*CHECKED, "sign_off"])
    after(case, "release", people["e.hallam"], thursday, compared=COMPARED)
    sent = told(case)[-1][1]
    assert (sent["refused"], list(sent["data"])) == (["subscriber_name"], ["cctv"])
    row = Release.objects.get(case=case, message_kind="le_result").items.get()
    assert (row.category, row.gateway, row.clause) == ("recordings", "annex1_p5", "answer_authorities_data")


# --- an authority that is suspended ---------------------------------------------------------------------------------
def test_a_request_of_a_suspended_authority_is_refused_and_asked_by_hand(people):
    asked, refused = disclosures.authenticated(people), disclosures.authenticated(people)
    disclosures.suspend()
    before = OutboxMessage.objects.count()
    assert after(asked, "clarify", people["k.mistry"], question="In UTC?").state == "clarification"
    assert after(refused, "refuse", people["k.mistry"], reason_code="no_data_held").state == "refused"
    assert OutboxMessage.objects.count() == before
    owed = Task.objects.filter(kind="disclosure_tell_by_hand", closed_at=None).order_by("pk")
    assert [(task.case_id, task.detail) for task in owed] == [
        (asked.pk, {"message": "le_clarify"}),
        (refused.pk, {"message": "le_refuse"}),
    ]


# --- production orders ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("until", "due"), [(None, date(2026, 11, 20)), (date(2026, 12, 4), date(2026, 12, 4))])
def test_a_production_order_is_met_in_seven_days_or_on_the_day_that_it_names(people, until, due):
    case = disclosures.received(people, gateway="pace_s9_sch1", order_until=until)
    assert case.clocks.get(rule="k07_production_order").due_date == due


def test_secrets_of_the_package_are_not_in_the_ledger(people):
    case = disclosures.receipted(people)
    events = LedgerEvent.objects.filter(stream=case.uid)
    text = " ".join(json.dumps(event.content(), default=str) for event in events)
    assert "Marchbanks" not in text
    assert "+447700900789" not in text


# --- other kinds of request -----------------------------------------------------------------------------------------
def test_a_request_to_preserve_asks_for_it_at_once_and_gives_nothing(people):
    case = disclosures.authenticated(people, request_type="preservation")
    assert Task.objects.get(case=case).kind == "disclosure_preserve"
    assert refusal(case, "validate", people["k.mistry"], is_ours=True) == (
        "It only asks to preserve. When the authorisation or order is here, correct what came."
    )
    with edits.change(case.pk, actor=people["k.mistry"], at=AT) as edit:
        edit.facts(request_type="cd_authorised")
    assert after(case, "validate", people["k.mistry"], is_ours=True).state == "validated"


def test_what_was_to_be_preserved_is_answered_on_an_authorisation_granted_later(people):
    case = disclosures.authenticated(people, request_type="preservation", gateway="", granted_date=None)
    later = AT + timedelta(days=10)
    with edits.change(case.pk, actor=people["k.mistry"], at=later) as edit:
        edit.facts(request_type="cd_authorised", gateway="ipa_60a", granted_date=date(2026, 11, 23))
    case = after(case, "validate", people["k.mistry"], later, is_ours=True)
    assert case.state == "validated"


def test_an_authorisation_granted_after_what_was_to_be_preserved_was_corrected_is_refused(people):
    case = disclosures.authenticated(people, request_type="preservation", gateway="", granted_date=None)
    later = AT + timedelta(days=10)
    with edits.change(case.pk, actor=people["k.mistry"], at=later) as edit:
        edit.facts(request_type="cd_authorised", gateway="ipa_60a", granted_date=date(2026, 11, 25))
    assert "dated after the request came in" in refusal(case, "validate", people["k.mistry"], later, is_ours=True)


def test_calling_a_request_one_to_preserve_makes_no_later_authorisation_good(people):
    case = disclosures.authenticated(people, granted_date=date(2026, 11, 20))
    later = AT + timedelta(days=10)
    for kind in ("preservation", "cd_authorised"):
        with edits.change(case.pk, actor=people["k.mistry"], at=later) as edit:
            edit.facts(request_type=kind)
    assert "dated after the request came in" in refusal(case, "validate", people["k.mistry"], later, is_ours=True)


def test_a_request_from_abroad_is_shown_the_way(people):
    case = disclosures.authenticated(people, request_type="overseas")
    assert "UK Central Authority" in refusal(case, "validate", people["k.mistry"], is_ours=True)
    after(case, "refuse", people["k.mistry"], reason_code="from_abroad")
    assert told(case)[-1][1]["route"] == "uk_central_authority"


def test_an_exhibit_is_what_was_given_byte_for_byte(people):
    disclosures.released(people, items=["subscriber_name"])
    case = disclosures.taken_out(people, request_type="witness_statement", items=["subscriber_name"])
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    other = b"item,address,at,name\nsubscriber_name,+447700900789,,O. Marchbanks\n"
    disclosures.add(case, "subscriber_name", other, people)
    assert "byte for byte" in refusal(case, "submit", people["k.mistry"], checked=CHECKED)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"


def test_whoever_releases_has_opened_every_file_themselves(people):
    case = disclosures.quality_check(people)
    other = disclosures.other_approver(people)
    with nothing_written(counted=1), pytest.raises(CaseError, match="Open each file first"):
        transitions.apply(case.pk, "release", actor=other, at=AT, inputs={"compared": COMPARED})
    disclosures.look(case, other)
    assert transitions.apply(case.pk, "release", actor=other, at=AT, inputs={"compared": COMPARED}).state == "released"
