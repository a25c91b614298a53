"""The story of a case in words: no code, no column's name and no number of a row is shown to people."""

from datetime import timedelta

import pytest

from cases.kernel import actors, casetypes, record
from cases.kernel.models import Case
from cases.kernel.reading import timeline
from cases.kernel.reading.timeline import Change
from cases.ledger import canonical, sealing
from cases.web.onecase import story
from cases.web.onecase.changes import Tongue
from tests import factories, sales
from tests.factories import AT
from tests.web import desk

CHANGES = [
    (
        "emergency_disclosure",
        "emergencydisclosure",
        "location_source",
        "aml",
        "Source of the position",
        "Sent by the handset (AML)",
    ),
    ("emergency_disclosure", "emergencydisclosure", "radius_m", 18, "Radius in metres", "18"),
    (
        *("emergency_disclosure", "emergencydisclosure", "refusal_code", "more_than_needed"),
        *("Refusal", "More than the emergency needs"),
    ),
    (
        *("le_disclosure", "disclosurerequest", "refused_items", {"subscriber_name": "no_gateway"}),
        *("Refused", "Name of the subscriber: Nothing that is asserted allows it"),
    ),
    ("le_disclosure", "disclosurerequest", "purged_at", "2026-11-02T10:00:00.000000Z", None, "2 Nov 2026 10:00"),
    ("fraud_referral", "case", "retention_class", "fraud_victim", "Kept as", "Filing for a victim of impersonation"),
    ("fraud_referral", "fraudreferral", "loss_pence", 4900, "Loss", "£49.00"),
    ("fraud_referral", "incomingnotice", "outcome", "false_positive", "Decision", "False positive"),
    ("suspicion_report", "suspicionreport", "is_by_deputy", True, "By deputy", "yes"),
    ("check", "check", "referred_for", ["identity_open"], "Referred because", "The identity could not be confirmed"),
    ("moratorium", "moratoriumdebt", "standing", "told", "A debt", "Told to the adviser"),
    ("partner_query", "partnerquery", "answer", "date", "Answer", "A date"),
    ("cra_file", "creditfile", "taken_rows", 7, "Accounts taken", "7"),
    ("default", "default", "served_date", "2026-10-21", "Served", "21 Oct 2026"),
    ("check", "check", "product", "iphone-24", "Product", "iphone-24"),
    ("rights_request", "evidence", "scan", "clean", "Virus scan", "Clean"),
    ("fraud_referral", "fraudreferral", "was_here_once", "left_out", "Was here once", "left_out"),
]


@pytest.mark.parametrize(("kind", "row", "name", "value", "label", "shown"), CHANGES)
@pytest.mark.django_db
def test_a_changed_field_is_told_in_words(kind, row, name, value, label, shown):
    change = Change(row=f"cases.{row}", key="1", field=name, old=None, new=value)
    tongue = Tongue(casetypes.get(kind), {})
    assert (label or tongue.label(change), tongue.value(change, value)) == (tongue.label(change), shown)


def told(case: Case):
    reader = sealing.Reader(actor="tests", verb="read", purpose="tests")
    entries, _ = timeline.story(case, reader=reader, at=AT)
    return entries


@pytest.mark.django_db
def test_who_stands_in_a_column_is_named_and_what_proves_something_is_left_out():
    people = factories.office()
    case = sales.preferred(people)

    changes = [each for entry in told(case) for each in entry.changes]

    assert {each.new for each in changes if each.field == "purchaser"} == {"Drama Purchase"}
    assert not {"sha256", "manifest_sha256", "lines_digest"} & {each.field for each in changes}


def test_the_moment_and_the_person_of_an_act_are_not_told_twice():
    entry = timeline.Entry(
        **{"seq": 3, "uid": None, "at": AT, "recorded_at": AT, "actor": "staff:4", "actor_name": "H. Castellan"},
        **{"verb": "suspicion_report.submit", "hash": ""},
        changes=(
            Change(row="cases.suspicionreport", key="1", field="submitted_by", new="H. Castellan"),
            Change(row="cases.suspicionreport", key="1", field="submitted_at", new=canonical.timestamp(AT)),
            Change(
                **{"row": "cases.pillaranswer", "key": "1", "field": "answered_at"},
                **{"old": canonical.timestamp(AT - timedelta(days=1)), "new": canonical.timestamp(AT)},
            ),
            Change(row="cases.suspicionreport", key="1", field="unit_reference", old="", new="FIU-1"),
        ),
    )
    told_of = Tongue(casetypes.get("suspicion_report"), {}).told(entry)
    assert [each[0] for each in told_of] == ["Unit reference"]


@pytest.mark.django_db
def test_a_period_that_is_counted_anew_is_told_with_both_of_its_ends():
    case = factories.referred(factories.office())
    moved = {"rule": "fraud_triage", "from_date": "2026-11-17", "to_date": "2026-11-18"}
    with record.act(case, "clock.recounted", actor=actors.system("calendars"), at=AT, detail=moved):
        pass

    page = desk.client_of("a.byrne").get(f"/cases/{case.uid}/").content.decode()

    assert "Triage. 17 November 2026 → 18 November 2026" in page


@pytest.mark.django_db
def test_equal_entries_that_follow_each_other_are_one_line_and_written_ones_never():
    people = factories.office()
    case = factories.investigating(people)
    for minute in range(3):
        with record.act(case, "report.made", actor=people["a.byrne"], at=AT + timedelta(hours=9, minutes=minute)):
            pass

    page = desk.client_of("a.byrne").get(f"/cases/{case.uid}/").content.decode()
    (line,) = [each for day in story.days(case, told(case)) for each in day.entries if each.entry.verb == "report.made"]

    assert line.times == 3
    assert "3 times" in page
    assert all(f'id="event-{each.seq}"' in page for each in (line.entry, *line.others))
    assert len({each.seq for each in (line.entry, *line.others)}) == 3


@pytest.mark.django_db
def test_a_case_with_a_damaged_document_can_be_read():
    case = factories.referred(factories.office())
    damage = {"document": 1, "sha256": "0" * 64}
    with record.act(case, "case.evidence_damaged", actor=actors.system("custody"), at=AT, detail=damage):
        pass

    page = desk.client_of("a.byrne").get(f"/cases/{case.uid}/").content.decode()

    assert "found <b>a stored document damaged</b>" in page


@pytest.mark.django_db
def test_who_did_something_stands_before_what_they_did():
    people = factories.office()
    case = factories.filed(people)
    with record.act(case, "correction.acknowledged", actor=people["a.byrne"], at=AT):
        pass
    page = desk.client_of("a.byrne").get(f"/cases/{case.uid}/").content.decode()
    assert "<b>A. Byrne</b> noted that a recipient has the correction" in page
    assert "recorded: <b>Noted" not in page
