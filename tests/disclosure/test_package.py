"""What goes into a package, what keeps it, and what is destroyed of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from cases.disclosure import package
from cases.disclosure.excess import Unreadable
from cases.kernel import actors, approvals, casetypes, edits, holds, record, transitions, verdicts
from cases.kernel.edits import EditRefused
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, StoredBlob, Task
from cases.kernel.timing import sweeps
from cases.ledger import sealing
from tests import disclosures
from tests.disclosure.heard import hear, told
from tests.disclosure.taking import calls, table
from tests.disclosures import AT, CHECKED, COMPARED, after, facts
from tests.kernel.snapshots import nothing_written, refusal

pytestmark = pytest.mark.django_db


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
