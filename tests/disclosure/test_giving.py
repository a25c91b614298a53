"""What is given on a request, from taking it out to the end: scenarios L-1, L-1b and L-1c with their own dates."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from cases.disclosure import package, stepforms
from cases.disclosure.excess import Unreadable
from cases.kernel import actors, approvals, casetypes, edits, holds, intake, record, transitions, verdicts
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock, OutboxMessage, Release, StoredBlob, Task
from cases.kernel.timing import sweeps
from cases.ledger import sealing, verify
from cases.ledger.models import LedgerEvent
from tests import disclosures, factories
from tests.disclosure.test_requests import hear, told
from tests.disclosures import AT, CHECKED, COMPARED, after, facts
from tests.kernel.snapshots import nothing_written, refusal

pytestmark = pytest.mark.django_db


def table(*rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("item", "address", "at", "to"), *rows])
    return text.getvalue().encode()


def calls(start, count, *, every=timedelta(minutes=10), to="+447700900111"):
    """Return so many outgoing calls of the asked number, one after the other."""
    return [
        ("outgoing_calls", "+447700900789", f"{start + every * place:%Y-%m-%dT%H:%M:%SZ}", to) for place in range(count)
    ]


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


# --- the package ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("missing", ["necessity", "proportionality", "collateral"])
def test_nothing_is_released_without_its_reasons(people, missing):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED) == (
        "Name of the subscriber: say why it is given, or that nothing is held."
    )
    texts = {name: text for name, text in disclosures.TEXTS.items() if name != missing}
    disclosures.say_why(case, "subscriber_name", people, texts=texts)
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED) == (
        "Name of the subscriber: write necessity, proportionality and collateral intrusion."
    )
    disclosures.say_why(case, "subscriber_name", people, minimised=[])
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED) == (
        "Name of the subscriber: say how it was kept to the least."
    )
    disclosures.say_why(case, "subscriber_name", people)
    assert after(case, "submit", people["k.mistry"], checked=CHECKED).state == "quality_check"


def test_every_item_has_a_file_or_the_word_that_nothing_is_held(people):
    case = disclosures.taken_out(people)
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    for item in ("subscriber_name", "outgoing_calls"):
        disclosures.say_why(case, item, people)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    officer = people["k.mistry"]
    assert refusal(case, "submit", officer, checked=CHECKED) == (
        "Records of outgoing calls: there is no file of it yet."
    )
    disclosures.say_why(case, "outgoing_calls", people, is_nothing_held=True)
    after(case, "submit", officer, checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    assert told(case)[-1][1]["nothing_held"] == ["outgoing_calls"]


def test_of_an_item_that_is_asked_for_no_more_the_authority_is_told_nothing(people):
    case, officer = disclosures.extracting(people), people["k.mistry"]
    disclosures.say_why(case, "outgoing_calls", people, is_nothing_held=True)
    package.remove_part(case.pk, 2, actor=officer, at=AT)
    after(case, "clarify", officer, question="Which handset?")
    after(case, "answer", officer, answer="The name alone.")
    with edits.change(case.pk, actor=officer, at=AT) as edit:
        edit.facts(items=["subscriber_name"])
    after(case, "validate", officer, is_ours=True)
    after(case, "extract", officer)
    after(case, "submit", officer, checked=CHECKED)
    after(case, "release", people["e.hallam"], compared=COMPARED)
    said = told(case)[-1][1]
    assert (said["nothing_held"], list(said["data"])) == ([], ["subscriber_name"])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("outgoing_calls", "+447700900456", "2026-11-02T09:00Z", ""), "an address that was not asked about"),
        (("outgoing_calls", "+447700900789", "", ""), "rows without a time"),
        (("subscriber_name", "+447700900789", "", ""), "it is of another item than the file"),
        (("outgoing_calls", "+447700900789", "2026-10-31T23:59Z", ""), "31 October 2026"),
    ],
)
def test_a_row_that_nobody_asked_for_keeps_the_package(people, row, said):
    case = disclosures.extracting(people)
    disclosures.add(case, "outgoing_calls", table(row), people)
    assert said in refusal(case, "submit", people["k.mistry"], checked=CHECKED)


def test_a_row_of_the_other_subscribers_time_keeps_the_package(people):
    case = disclosures.taken_out(people)
    for item in ("subscriber_name", "outgoing_calls"):
        disclosures.say_why(case, item, people)
    changed_hands = datetime(2026, 11, 6, tzinfo=UTC)
    disclosures.held_by(case, "A", datetime(2024, 5, 2, tzinfo=UTC), changed_hands, people)
    disclosures.held_by(case, "B", changed_hands, None, people)
    disclosures.add(case, "subscriber_name", b"A", people, subject="A", media_type="text/plain")
    disclosures.add(
        case, "outgoing_calls", table(*calls(datetime(2026, 11, 5, 23, 50, tzinfo=UTC), 3)), people, subject="A"
    )
    assert "line 3: the address was subscriber B's then" in refusal(case, "submit", people["k.mistry"], checked=CHECKED)


def test_each_who_held_an_address_in_the_time_asked_for_has_a_file_of_each_item(people):
    case, officer = disclosures.taken_out(people), people["k.mistry"]
    for item in ("subscriber_name", "outgoing_calls"):
        disclosures.say_why(case, item, people)
    changed_hands = datetime(2026, 11, 6, tzinfo=UTC)
    disclosures.held_by(case, "A", datetime(2024, 5, 2, tzinfo=UTC), changed_hands, people)
    disclosures.held_by(case, "B", changed_hands, datetime(2026, 11, 20, tzinfo=UTC), people)
    # Whoever has it since the time that was asked for has nothing to do with it.
    disclosures.held_by(case, "C", datetime(2026, 11, 20, tzinfo=UTC), None, people)
    for subject in "AB":
        disclosures.add(case, "subscriber_name", disclosures.NAMES, people, subject=subject)
    disclosures.add(case, "outgoing_calls", table(*calls(datetime(2026, 11, 2, tzinfo=UTC), 3)), people, subject="A")
    assert refusal(case, "submit", officer, checked=CHECKED) == (
        "Records of outgoing calls: there is no file of subscriber B, who held the address in the time that was asked "
        "for. Put one in; a table without rows says that nothing is held of them."
    )
    disclosures.add(case, "outgoing_calls", table(), people, subject="B")
    assert after(case, "submit", officer, checked=CHECKED).state == "quality_check"


def test_a_package_whose_people_were_all_detached_is_refused_in_words(people):
    case = disclosures.extracting(people)
    asked = {"reason": "Another number.", "inputs": {"person": "1"}}
    transitions.apply(case.pk, "detach", actor=people["k.mistry"], at=AT, **asked)
    if (waiting := approvals.open_for(case, "detach")) is not None:
        verdicts.decide(waiting.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")
    said = refusal(case, "submit", people["k.mistry"], checked=CHECKED)
    assert said == "01-subscriber_name.csv: nobody is entered as holding the address in the time that was asked for."


def test_one_address_is_nobodys_and_somebody_elses_at_one_moment(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people, subject="A")
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), datetime(2026, 11, 7, tzinfo=UTC), people)
    disclosures.held_by(case, "B", datetime(2026, 11, 6, tzinfo=UTC), None, people)
    said = "Two subscribers are entered as holding one address at one time: say until when the first one did."
    assert refusal(case, "submit", people["k.mistry"], checked=CHECKED) == said


def test_where_nothing_is_held_the_request_is_refused_and_what_was_taken_out_goes(people):
    case, officer = disclosures.taken_out(people, items=["subscriber_name"]), people["k.mistry"]
    disclosures.say_why(case, "subscriber_name", people, is_nothing_held=True)
    said = refusal(case, "submit", officer, checked=CHECKED)
    assert said == "Nothing would be given: refuse the request instead, as no such data is held."
    part = disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    ended = after(case, "refuse", officer, reason_code="no_data_held")
    assert (ended.state, ended.is_closed) == ("refused", True)
    assert told(case)[-1][0] == "le_refuse"
    assert not case.package_parts.filter(pk=part.pk, blob__isnull=False).exists()


def test_who_held_the_address_is_said_and_of_no_other_address(people):
    case = disclosures.taken_out(people, items=["subscriber_name"])
    disclosures.say_why(case, "subscriber_name", people)
    disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
    officer = people["k.mistry"]
    said = refusal(case, "submit", officer, checked=CHECKED)
    assert said == "Say of every address who held it, and from when; or that it was nobody's."
    disclosures.held_by(case, "A", datetime(2025, 3, 1, tzinfo=UTC), None, people)
    package.add_holder(case.pk, address="+447700900456", subject="A", begins_at=AT, ends_at=None, actor=officer, at=AT)
    assert "an address that nobody asked about" in refusal(case, "submit", officer, checked=CHECKED)
    package.remove_holder(case.pk, 2, actor=officer, at=AT)
    assert after(case, "submit", officer, checked=CHECKED).state == "quality_check"


def test_a_table_that_cannot_be_read_is_not_taken(people):
    case = disclosures.taken_out(people)
    for data, said in ((b"a,b\n1,2\n", "The first line names"), (table(("outgoing_calls", "x", "", "")), "Line 2")):
        with nothing_written(), pytest.raises(Unreadable, match=said):
            disclosures.add(case, "outgoing_calls", data, people)


def test_a_table_with_a_box_too_long_to_read_is_not_taken(people):
    case = disclosures.taken_out(people, gateway="ipa_s11_3a_d", items=["cctv"])
    long = b"item,what\ncctv," + b"x" * 140_000 + b"\n"
    for data, said in ((long, "not a table"), (b"item,what\ncctv,\xff\n", "not text in UTF-8")):
        with nothing_written(), pytest.raises(Unreadable, match=said):
            disclosures.add(case, "cctv", data, people)


@pytest.mark.parametrize(
    "data", [b"Osian Marchbanks,4 Breakwater Cottages\n", b"marchbanks,osian\n", b"item,4 Dock Row\n"]
)
def test_the_first_line_of_a_table_is_of_codes_since_it_outlives_the_file(people, data):
    case = disclosures.taken_out(people, gateway="ipa_s11_3a_d", items=["cctv"])
    with nothing_written(), pytest.raises(Unreadable, match="The first line names the columns"):
        disclosures.add(case, "cctv", data, people)
    part = disclosures.add(case, "cctv", b"item,day,till_number\ncctv,1 December,4\n", people)
    assert (part.fields, part.row_count) == (["item", "day", "till_number"], 1)


def test_the_package_changes_only_while_it_is_taken_out(people):
    for build in (disclosures.validated, disclosures.quality_check, disclosures.released):
        case = build(people)
        with nothing_written(), pytest.raises(EditRefused, match="only while it is being taken out"):
            disclosures.add(case, "subscriber_name", disclosures.NAMES, people)
        with nothing_written(), pytest.raises(EditRefused, match="only while it is being taken out"):
            disclosures.say_why(case, "subscriber_name", people)


def test_nobody_outside_the_unit_puts_a_package_together(people):
    case = disclosures.taken_out(people)
    for name in ("e.hallam", "v.tranter", "a.byrne", "o.thackray", "m.achterberg"):
        with nothing_written(), pytest.raises(CaseError):
            disclosures.add(case, "subscriber_name", disclosures.NAMES, people, actor=people[name])


def test_what_is_taken_out_of_a_package_is_destroyed_and_its_hash_stays(people):
    case = disclosures.extracting(people)
    blobs = StoredBlob.objects.count()
    package.remove_part(case.pk, 1, actor=people["k.mistry"], at=AT)
    part = case.package_parts.get(number=1)
    assert (part.is_removed, part.blob, len(part.sha256)) == (True, None, 64)
    assert StoredBlob.objects.count() == blobs - 1


# --- a second person ------------------------------------------------------------------------------------------------
def test_whoever_did_any_of_it_is_not_the_second_person(people):
    case = disclosures.quality_check(people)
    both = replace(people["k.mistry"], roles=frozenset({"disclosure_officer", "disclosure_approver"}))
    for name, inputs in (("release", {"compared": COMPARED}), ("return", {"fault": "unfinished", "difference": "x"})):
        assert "Another person must" in refusal(case, name, both, **inputs)


def test_release_needs_every_point_compared(people):
    case = disclosures.quality_check(people)
    for missing in COMPARED:
        ticked = [each for each in COMPARED if each != missing]
        assert "Compare first" in refusal(case, "release", people["e.hallam"], compared=ticked)
    all_said = refusal(case, "release", people["e.hallam"], compared=COMPARED[1:3])
    assert all_said == (
        "Compare first: the number of the request; what is given, item by item; every sheet that no machine can read."
    )


def test_a_return_names_the_difference_and_one_that_is_no_error_leaves_none(people):
    case = disclosures.quality_check(people)
    assert refusal(case, "return", people["e.hallam"]) == "Say what kind of difference it is."
    assert refusal(case, "return", people["e.hallam"], fault="unfinished") == "Say what differs, and where."
    after(case, "return", people["e.hallam"], fault="unfinished", difference="Page two is missing.")
    assert not case.disclosure_errors.exists()


def test_a_changed_byte_keeps_the_package(people):
    case = disclosures.quality_check(people)
    blob = case.package_parts.first().blob
    StoredBlob.objects.filter(pk=blob.pk).update(
        sealed=sealing.seal_bytes(b"other", key=blob.key, label=package.LABEL, uid=blob.uid, field="part")
    )
    assert "is no longer what was put in" in refusal(case, "release", people["e.hallam"], compared=COMPARED)


def test_a_release_to_a_suspended_authority_is_refused(people):
    case = disclosures.quality_check(people)
    disclosures.suspend()
    assert "nothing may be sent to it" in refusal(case, "release", people["e.hallam"], compared=COMPARED)


def test_release_asks_for_the_second_factor(people):
    moves = casetypes.get("le_disclosure").lifecycle.transitions
    assert [move.name for move in moves if move.is_grave] == ["release", "release_urgent"]


# --- receipt --------------------------------------------------------------------------------------------------------
def test_the_authority_confirms_by_the_word_it_was_given(people):
    case = disclosures.released(people)
    assert case.clocks.get(rule="disclosure_receipt").due_date == date(2026, 11, 17)
    named = facts(case).package_sha256
    assert hear(case, "le.received", package_sha256="0" * 64).state == "released"
    assert Task.objects.filter(case=case, kind="callback_not_applied").exists()
    assert hear(case, "le.received", message_id="second", package_sha256=named).state == "receipted"


def test_a_hold_keeps_our_copy(people):
    case = disclosures.receipted(people)
    locked = Case.objects.get(pk=case.pk)
    with transaction.atomic(), record.act(locked, "case.held", actor=actors.system("tests"), at=AT):
        holds.place(locked, "legal", actor=actors.system("tests"), at=AT, source="court")
    sweeps.end_due_clocks(now=AT + timedelta(days=40))
    assert case.package_parts.filter(blob__isnull=False).count() == 2


def test_a_cancelled_request_destroys_what_was_taken_out(people):
    for build in (disclosures.extracting, disclosures.quality_check):
        case = build(people)
        after(case, "cancel", people["k.mistry"], notice="By letter.")
        assert not case.package_parts.filter(blob__isnull=False).exists()
        assert approvals.open_for(case, "release") is None


@pytest.mark.parametrize("name", ["void", "merge"])
def test_what_was_taken_out_goes_too_where_the_request_is_void_or_merged(people, name):
    disclosures.enter(people)
    disclosures.suspend()  # nothing was sent to it: everything was said by hand
    case, other = disclosures.extracting(people), disclosures.received(people)
    inputs = {"into": str(other.uid)} if name == "merge" else {}
    transitions.apply(case.pk, name, actor=people["k.mistry"], at=AT, reason="Entered twice.", inputs=inputs)
    assert case.package_parts.filter(blob__isnull=False).count() == 2  # one person only proposes it
    waiting = approvals.open_for(case, name)
    verdicts.decide(waiting.uid, "agreed", actor=people["e.hallam"], at=AT, reason="Seen.")
    assert Case.objects.get(pk=case.pk).is_closed
    assert not case.package_parts.filter(blob__isnull=False).exists()


def test_the_authority_is_asked_in_writing_while_data_is_taken_out_and_what_was_taken_out_waits(people):
    case, officer = disclosures.extracting(people), people["k.mistry"]
    asked = after(case, "clarify", officer, question="Which of the two handsets?")
    kind, said = told(case)[-1]
    assert (asked.state, kind, said["question"]) == ("clarification", "le_clarify", "Which of the two handsets?")
    assert case.clocks.get(rule="disclosure_grade_3").state == "paused"
    with nothing_written(), pytest.raises(EditRefused, match="only while it is being taken out"):
        disclosures.add(case, "outgoing_calls", disclosures.CALLS, people)
    hear(case, "le.answered", about="le_clarify", answer="The second.")
    assert Case.objects.get(pk=case.pk).state == "authenticated"
    after(case, "validate", officer, is_ours=True)
    after(case, "extract", officer)
    assert case.package_parts.filter(blob__isnull=False).count() == 2
    assert after(case, "submit", officer, checked=CHECKED).state == "quality_check"


def test_a_cancellation_while_the_authority_is_asked_destroys_what_was_taken_out(people):
    case = after(disclosures.extracting(people), "clarify", people["k.mistry"], question="In UTC?")
    hear(case, "le.cancelled", about="le_ack")
    assert Case.objects.get(pk=case.pk).state == "cancelled"
    assert not case.package_parts.filter(blob__isnull=False).exists()


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
