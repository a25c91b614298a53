"""Every field that a report or an export opens has its data category; without it nothing is opened."""

import pytest
from django.db import transaction

from cases.kernel import casetypes, edits, notice
from cases.kernel.models import CaseAddress, CaseParty, Evidence, Note, ReleasedItem
from cases.kernel.outputs import datacategories
from cases.ledger import sealing
from cases.ledger.models import AccessEvent
from cases.ledger.sealing import SealedTextField
from cases.reports import records
from tests import factories, suspicions

pytestmark = pytest.mark.django_db
# Copied by hand: which category each field belongs to.
IDENTITY = ("title", "forename", "middle_name", "surname", "alias", "identity_document")
EXPECTED = {
    **{("caseparty", name): "identity" for name in IDENTITY},
    ("caseparty", "date_of_birth"): "date_of_birth",
    ("caseparty", "phone"): "contact",
    ("caseparty", "email"): "contact",
    ("caseparty", "employer"): "employment",
    ("caseparty", "bank_account"): "financial",
    ("caseparty", "account_reference"): "financial",
    ("caseparty", "vehicle_registration"): "vehicle",
    ("caseparty", "device"): "device",
    ("caseparty", "ip_address"): "device",
    ("caseaddress", "line_1"): "address",
    ("caseaddress", "line_2"): "address",
    ("caseaddress", "town"): "address",
    ("caseaddress", "postcode"): "address",
    ("caseaddress", "since"): "address",
    ("caseaddress", "until"): "address",
    ("caseaddress", "country"): "address",
    ("caseaddress", "uprn"): "address",
    ("note", "text"): "case_record",
    ("evidence", "file_name"): "case_record",
    ("evidence", "admissibility"): "case_record",
    ("releaseditem", "necessity"): "case_record",
}
FACTS = {
    ("fraud_referral", "account_reference"): "financial",
    ("fraud_referral", "narrative"): "fraud_allegation",
    ("suspicion_report", "about_reference"): "case_record",
    ("suspicion_report", "referral"): "suspicion",
    ("suspicion_report", "account_reference"): "financial",
    ("suspicion_report", "transactions"): "suspicion",
    ("suspicion_report", "narrative"): "suspicion",
    ("suspicion_report", "police_contact"): "case_record",
    ("le_disclosure", "urn"): "request",
    ("le_disclosure", "asked_by"): "request",
    ("le_disclosure", "authoriser"): "request",
    ("le_disclosure", "particulars"): "request",
    ("le_disclosure", "spoken_to"): "request",
    ("le_disclosure", "question"): "request",
    ("le_disclosure", "answer"): "request",
    ("le_disclosure", "cancellation"): "request",
    ("le_disclosure", "difference"): "request",
    ("le_disclosure", "receipt_how"): "request",
    ("partner_query", "number"): "contact",
    ("partner_query", "their_reference"): "case_record",
    ("emergency_disclosure", "operator"): "request",
    ("emergency_disclosure", "incident"): "request",
    ("emergency_disclosure", "caller"): "contact",
    ("emergency_disclosure", "spoken_to"): "request",
    ("emergency_disclosure", "subscriber"): "identity",
    ("emergency_disclosure", "address"): "address",
    ("emergency_disclosure", "position"): "location",
    ("emergency_disclosure", "cell"): "location",
    ("emergency_disclosure", "written_up"): "case_record",
    ("emergency_disclosure", "over_disclosed"): "case_record",
    ("emergency_disclosure", "settled"): "case_record",
    ("debt_placement", "account_reference"): "financial",
    ("default", "account_reference"): "financial",
    ("moratorium", "register_reference"): "case_record",
    ("moratorium", "notice"): "case_record",
    ("moratorium", "review_particulars"): "case_record",
    ("association", "declaration"): "association",
    ("association", "account_reference"): "financial",
    ("association", "removal_note"): "case_record",
    ("rights_request", "wording"): "case_record",
    ("rights_request", "answer"): "case_record",
    ("dp_complaint", "complaint"): "case_record",
    ("dp_complaint", "enquiries"): "case_record",
    ("dp_complaint", "answer"): "case_record",
    **{("contest", name): "case_record" for name in ("wording", "findings", "answer", "withdrawal")},
    ("breach", "about_reference"): "case_record",
    ("breach", "what"): "breach",
    ("breach", "secrecy"): "breach",
    ("breach", "consequences"): "breach",
    ("breach", "measures"): "breach",
    ("breach", "delay"): "breach",
    ("breach", "untold"): "breach",
    ("breach", "told_how"): "breach",
    ("breach", "told_inside"): "case_record",
    ("transfer", "why"): "case_record",
    ("trace", "line"): "contact",
    ("trace", "calls"): "case_record",
    ("trace", "harm"): "case_record",
    ("trace", "result"): "case_record",
}


def read(case):
    reader = sealing.Reader(actor="system:tests", verb="print", purpose="audit_report", streams=(case.uid,))
    with transaction.atomic():
        return records.read(case, asker=None, reader=reader, at=factories.FILED_AT, is_demo=True)


def test_fields_have_the_categories_that_are_written_down():
    said = {(model, name): code for model, table in datacategories.FIELDS.items() for name, code in table.items()}
    facts = {(each.code, name): code for each in casetypes.all_types() for name, code in each.fact_categories.items()}

    assert said == EXPECTED
    assert facts == FACTS
    assert {*said.values(), *facts.values()} <= {*notice.CATEGORIES, "case_record"}


def test_every_sealed_field_that_a_report_opens_is_among_them():
    models = [CaseParty, CaseAddress, Note, Evidence, ReleasedItem]
    sealed = {
        (model._meta.model_name, field.name)
        for model in models
        for field in model._meta.concrete_fields
        if isinstance(field, SealedTextField)
    }
    assert sealed == set(EXPECTED)
    for casetype in casetypes.all_types():
        assert set(casetype.sealed_labels) == set(casetype.fact_categories)


@pytest.mark.parametrize(("model", "name"), EXPECTED, ids=lambda each: each)
def test_report_opens_nothing_when_the_category_of_a_field_is_removed(model, name, monkeypatch):
    monkeypatch.delitem(datacategories.FIELDS[model], name)

    with pytest.raises(datacategories.Uncategorised, match=name):
        datacategories.require(model, [name], casetype=casetypes.get("fraud_referral"))


@pytest.mark.parametrize("model", ["caseparty", "caseaddress", "note", "evidence", "releaseditem"])
def test_report_of_a_case_is_refused_before_anything_of_that_kind_is_opened(people, model, monkeypatch):
    case = factories.filed(people)
    edits.add_note(case.pk, "Seen.", actor=people["a.byrne"], at=factories.FILED_AT)
    monkeypatch.setitem(datacategories.FIELDS, model, {})
    before = AccessEvent.objects.filter(verb="print").count()

    with pytest.raises(datacategories.Uncategorised):
        read(case)

    assert AccessEvent.objects.filter(verb="print").count() == before


@pytest.mark.parametrize("kind", ["fraud_referral", "suspicion_report"])
def test_facts_without_their_category_stop_the_report(people, kind, monkeypatch):
    case = factories.filed(people) if kind == "fraud_referral" else suspicions.submitted(people)
    monkeypatch.setattr("cases.kernel.outputs.datacategories._known", lambda code: code != FACTS[kind, "narrative"])

    with pytest.raises(datacategories.Uncategorised, match="narrative"):
        read(case)


def test_table_that_is_handed_out_has_only_columns_with_a_category(monkeypatch):
    assert datacategories.columns("job_rows") == ["row", "what", "outcome", "reason", "at"]
    monkeypatch.setitem(datacategories.EXPORTS["job_rows"], "name", "unheard_of")

    with pytest.raises(datacategories.Uncategorised):
        datacategories.columns("job_rows")
