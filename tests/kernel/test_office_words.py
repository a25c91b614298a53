"""Wordings of letters and code lists: changed by two people, versioned, and never more than a closed set can say."""

from datetime import date, timedelta

import pytest
from django.db import transaction

from cases.fraud import codes
from cases.fraud import intake as fraud_intake
from cases.kernel.models import CodeEntry, Letter, LetterText
from cases.kernel.office import codelists, lettertexts, proposals
from cases.ledger import sealing
from cases.reports import letters as writer
from tests import factories
from tests.kernel.snapshots import nothing_written
from tests.reports import reading
from tests.web import desk

AT = factories.AT
WORDING = """# You are a victim

Dear {name},

On {filed_date} we told {agency} about {matter}.

Nothing is said of {keep_until}.

- {told}

{contact}

{complaints}
"""


@pytest.fixture
def office(db):
    yield factories.office()
    codelists.notice(0, "")  # the rows are taken back


def ask(office, kind, *, by="o.thackray", **payload):
    return proposals.propose(kind, payload, actor=office[by], at=AT, reason="Plainer words.")


def agree(office, row):
    return proposals.decide(row.uid, "agreed", actor=office["j.merriweather"], at=AT, reason="Read it.")


def reword(office, body=WORDING, effective_from=date(2026, 11, 14)):
    return agree(office, ask(office, "letter_text", code="n11", body=body, effective_from=effective_from))


def test_new_wording_is_a_version_that_holds_from_its_day(office):
    reword(office)
    reword(office, body=WORDING.replace("victim", "victim of fraud"), effective_from=date(2026, 12, 1))

    rows = list(LetterText.objects.order_by("version").values_list("version", "effective_from"))
    assert rows == [(2, date(2026, 11, 14)), (3, date(2026, 12, 1))]
    held = [lettertexts.in_force("n11", on=day) for day in (date(2026, 11, 13), date(2026, 11, 30), date(2026, 12, 1))]
    assert [row and row.version for row in held] == [None, 2, 3]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Dear {name}, {password}", "There is no placeholder {password}."),
        ("Dear {name}, see {contact}", "{contact} is a block and stands on a line of its own."),
        ("Dear {name} {", "A brace stands alone; placeholders are written {name}."),
        ("Dear reader,", "A letter addresses its reader: use {name}."),
        ("Dear {name.__class__}", "There is no placeholder {name.__class__}."),
    ],
)
def test_wording_outside_the_closed_set_is_refused_with_its_field(office, body, sentence):
    with nothing_written(), pytest.raises(proposals.ProposalRefused) as refused:
        ask(office, "letter_text", code="n11", body=body, effective_from=date(2026, 11, 14))

    assert sentence in refused.value.errors["body"]


def test_wording_takes_effect_today_or_later(office):
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="takes effect today or later"):
        ask(office, "letter_text", code="n11", body=WORDING, effective_from=date(2026, 11, 13))


def test_line_whose_placeholder_is_empty_is_left_out_and_markup_stays_text():
    found = lettertexts.blocks("Dear {name},\n{agency} knows.\n<b>{name}</b>\n{contact}", {"name": "<i>M</i>"})

    assert [(block.shape, block.text) for block in found] == [
        ("paragraph", "Dear <i>M</i>,"),
        ("paragraph", "<b><i>M</i></b>"),
        ("contact", ""),
    ]


def test_preview_shows_a_draft_with_invented_values_escaped_and_keeps_nothing(office):
    client = desk.client_of("o.thackray", is_stepped_up=True)

    with nothing_written():
        page = client.post("/office/letters/n11/preview/", {"body": "Dear {name},\n<script>x</script> {wrong}"})

    text = page.content.decode()
    assert "Dear Morwenna Tregaskis," in text and "<script>x" not in text
    assert "There is no placeholder {wrong}." in text


def test_preview_as_pdf_says_what_the_page_says(office):
    reword(office)
    client = desk.client_of("j.merriweather")

    paper = client.get("/office/letters/n11/pdf/?version=2")

    assert paper["Content-Type"] == "application/pdf"
    said = " ".join(reading.text_of(paper.content).split())
    assert "On 5 January 2026 we told Sandbox Fraud Register" in said and "keep_until" not in said


@pytest.mark.django_db(transaction=True)
def test_letter_is_written_in_the_version_it_was_asked_for_with():
    people = factories.office()
    reword(people)
    case = factories.filed(people)
    letter = Letter.objects.get(case=case)
    reword(people, body=WORDING.replace("You are a victim", "Later words"), effective_from=date(2026, 11, 15))

    assert writer.make_due_letters(now=factories.FILED_AT + timedelta(minutes=5)) == 1

    letter.refresh_from_db()
    reader = sealing.Reader(actor="system:tests", verb="view", purpose="test", streams=(case.uid,))
    data = writer.open_letter(letter, reader=reader, at=factories.FILED_AT)
    said = " ".join(reading.text_of(data).split())
    assert letter.template_version == 2 and "Later words" not in said
    assert "Dear Morwenna Tregaskis, On 16 November 2026 we told Sandbox Fraud Register" in said
    assert "16 December 2027" in said


def entry(office, **changes):
    payload = {
        "list_code": "fraud_product",
        "code": "tv",
        "label": "Television",
        "position": 1,
        "active_from": None,
        "active_until": None,
    }
    return agree(office, ask(office, "code_entry", **(payload | changes)))


def test_label_place_and_time_change_and_the_stored_code_never_does(office):
    entry(office)
    codelists.refresh()
    assert next(iter(codes.PRODUCTS)) == ("tv", "Television")

    entry(office, active_until=date(2020, 1, 1))
    codelists.refresh()

    assert "tv" not in dict(codes.PRODUCTS.choices()) and dict(codes.PRODUCTS)["tv"] == "Television"
    assert dict(codes.PRODUCTS.choices(also="tv"))["tv"] == "Television"
    assert CodeEntry.objects.get().code == "tv"


def test_page_follows_a_changed_list_without_another_query(office, django_assert_num_queries):
    client = desk.client_of("a.byrne")
    client.get("/cases/new/fraud_referral/")
    entry(office)
    first = client.get("/cases/new/fraud_referral/")

    assert b"Television" in first.content
    with django_assert_num_queries(3):
        client.get("/cases/new/fraud_referral/")


def test_unknown_code_and_backward_dates_are_refused(office):
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="There is no such code"):
        entry(office, code="radio")
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="It ends before it begins"):
        entry(office, active_from=date(2026, 2, 1), active_until=date(2026, 1, 1))


def test_rolled_back_change_is_forgotten(office):
    with transaction.atomic():
        entry(office)
        codelists.refresh()
        transaction.set_rollback(True)
    codelists.refresh()

    assert dict(codes.PRODUCTS)["tv"] == "TV"


def gain(office, **changes):
    payload = {
        "list_code": "fraud_product",
        "code": "fixed_wireless",
        "label": "Fixed wireless",
        "position": 9,
        "active_from": None,
        "active_until": None,
    }
    row = agree(office, ask(office, "code_new", **(payload | changes)))
    codelists.refresh()
    return row


def test_open_list_gains_a_code_that_pages_and_systems_may_use_at_once(office):
    gain(office)

    assert codes.PRODUCTS.choices()[-1] == ("fixed_wireless", "Fixed wireless")
    assert fraud_intake.schema()["properties"]["product"]["enum"][-1] == "fixed_wireless"
    assert b"Fixed wireless" in desk.client_of("a.byrne").get("/cases/new/fraud_referral/").content
    case = factories.referred(office, product="fixed_wireless")
    shown = desk.client_of("a.byrne").get(f"/cases/{case.uid}/").content
    assert b"Fixed wireless" in shown


def test_ended_code_is_offered_no_more_and_stays_on_what_holds_it(office):
    gain(office)
    entry(office, code="fixed_wireless", label="Fixed wireless", active_until=date(2020, 1, 1))
    codelists.refresh()

    assert "fixed_wireless" not in dict(codes.PRODUCTS.choices())
    assert dict(codes.PRODUCTS)["fixed_wireless"] == "Fixed wireless"


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"list_code": "fraud_case_type"}, "list_code", "This list is closed: rules stand on its codes."),
        ({"code": "tv"}, "code", "The list has that code already; an ended one is changed, not added again."),
        ({"label": "tv"}, "label", "Another code of the list has that label."),
        *(
            ({"code": code}, "code", "Small letters, digits and underscores, such as fixed_wireless.")
            for code in ("Bad Code", "fixed wireless", "9g", "fixed-wireless", "fixed_wireless\n")
        ),
    ],
)
def test_code_that_cannot_be_added_is_refused_with_its_field(office, changes, field, sentence):
    with nothing_written(), pytest.raises(proposals.ProposalRefused) as refused:
        gain(office, **changes)

    assert refused.value.errors == {field: sentence}


def test_last_code_of_a_list_is_not_ended(office):
    with nothing_written(), pytest.raises(proposals.ProposalRefused, match="the list would be empty"):
        entry(office, list_code="fraud_reason_asset_conversion", code="asset_sold", active_until=date(2026, 12, 1))


def test_ended_reason_stays_on_the_form_of_a_referral_that_holds_it(office):
    case = factories.investigating(office)
    held = case.fraud_referral.reasons[0]
    label = codes.all_reasons()[held]
    entry(office, list_code="fraud_reason_facility_takeover", code=held, label=label, active_until=date(2020, 1, 1))
    codelists.refresh()

    client = desk.client_of("a.byrne")

    assert label.encode() in client.get(f"/cases/{case.uid}/edit/").content
    assert label.encode() not in client.get("/cases/new/fraud_referral/").content
