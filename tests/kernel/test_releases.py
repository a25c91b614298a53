"""Nothing leaves that no clause of the notice allows: every field has a category, every category its clause."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from cases.accounts.bureaus import CRA_CORRECT
from cases.association.messages import CRA_ASSOC, CRA_ASSOC_QUERY, CRA_ASSOC_REMOVE
from cases.credit.files.messages import CRA_FILE
from cases.credit.messages import ALERT_SEARCH, CRA_SEARCH, FPA_SEARCH
from cases.debt.messages import DCA_HOLD, DCA_PLACE
from cases.debt.moratorium.messages import ANSWER as MORATORIUM_ANSWER
from cases.debt.moratorium.messages import FORWARD
from cases.debt.sale.messages import ASSIGNMENT, BID_TAPE, FINAL_TAPE
from cases.disclosure.breach.messages import ICO_BREACH, IPC_BREACH
from cases.disclosure.emergency.messages import EMERG_ANSWER, EMERG_DESTROY
from cases.disclosure.messages import IPC_ERROR, LE_ACK, LE_CLARIFY, LE_DESTROY, LE_PIECE, LE_REFUSE, LE_RESULT
from cases.disclosure.partners.messages import PARTNER_ANSWER
from cases.disclosure.partners.sharing import CP_FRAUD_SHARE
from cases.fraud import messages
from cases.fraud.police import REPORT_FRAUD
from cases.fraud.suspicion.messages import FIU_SAR
from cases.fraud.trace.messages import TRACE_RESULT, TRACEBACK
from cases.kernel import notice, releases
from cases.kernel.exchange import corrections, letters
from cases.kernel.models import PolicyDocument
from cases.kernel.office import policydocs
from cases.rights.messages import STOP
from tests import factories
from tests.kernel.messages import (
    ACK,
    ADDRESS,
    ALERT,
    AMENDMENT,
    ANSWER,
    ASKED,
    ASKED_ADDRESS,
    ASKED_FURTHER,
    ASSIGNED,
    AT,
    BANK,
    BREACH,
    BUREAU,
    BUYER,
    CALL,
    CHANGED,
    CORRECTION,
    CRIME,
    DESTROY,
    DISPUTE,
    ERROR,
    FILING,
    FIU,
    FOUND,
    FPA,
    GROUP,
    KEPT,
    LEA,
    LETTER,
    LINK,
    NO,
    OFFERED,
    OVERSIGHT,
    PIECE,
    PLACED,
    POLICE,
    POST,
    PROVIDER,
    QUESTION,
    RECOVERY,
    REGULATOR,
    REMOVAL,
    REPORT,
    RESULT,
    ROOM,
    SEARCHED,
    SERVICE,
    SOLD,
    STOPPED,
    STRIKE,
    TOLD,
    TRACED,
    UNLINK,
    WARNED,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def papers(db):
    """The documents of the notice, approved."""
    factories.office()


# Copied from the notice: which clause lets which category go to whom.
PERMITTED = {
    ("fpa", "identity"): "fraud_filing_person",
    ("fpa", "address"): "fraud_filing_person",
    ("fpa", "date_of_birth"): "fraud_filing_person",
    ("fpa", "contact"): "fraud_filing_person",
    ("fpa", "financial"): "fraud_filing_person",
    ("fpa", "employment"): "fraud_filing_person",
    ("fpa", "device"): "fraud_filing_person",
    ("fpa", "vehicle"): "fraud_filing_person",
    ("fpa", "fraud_allegation"): "fraud_filing_allegation",
    ("fpa", "application"): "fraud_filing_application",
    ("fpa", "correction"): "keep_records_accurate",
    ("fraud_alert", "address"): "fraud_alert_address",
    ("fraud_alert", "application"): "check_address",
    ("fraud_alert", "fraud_allegation"): "fraud_alert_allegation",
    ("police_report", "correction"): "keep_records_accurate",
    ("police_report", "identity"): "report_crime_person",
    ("police_report", "address"): "report_crime_person",
    ("police_report", "date_of_birth"): "report_crime_person",
    ("police_report", "contact"): "report_crime_person",
    ("police_report", "financial"): "report_crime_person",
    ("police_report", "device"): "report_crime_person",
    ("police_report", "vehicle"): "report_crime_person",
    ("police_report", "application"): "report_crime_person",
    ("police_report", "fraud_allegation"): "report_crime_allegation",
    **{
        ("fiu", category): "report_suspicion"
        for category in (
            "identity",
            "address",
            "date_of_birth",
            "contact",
            "financial",
            "employment",
            "device",
            "vehicle",
            "suspicion",
        )
    },
    ("lea", "request"): "answer_authorities",
    ("lea", "identity"): "answer_authorities_data",
    ("lea", "address"): "answer_authorities_data",
    ("lea", "contact"): "answer_authorities_data",
    ("lea", "financial"): "answer_authorities_data",
    ("lea", "employment"): "answer_authorities_data",
    ("lea", "device"): "answer_authorities_data",
    ("lea", "application"): "answer_authorities_data",
    ("lea", "communications"): "answer_authorities_data",
    ("lea", "content"): "answer_authorities_data",
    ("lea", "recordings"): "answer_authorities_data",
    ("lea", "correspondence"): "answer_authorities_data",
    ("oversight", "request"): "answer_authorities",
    ("regulator", "breach"): "report_breach",
    ("oversight", "breach"): "report_breach",
    ("emergency", "identity"): "emergency_caller",
    ("emergency", "address"): "emergency_caller",
    ("emergency", "contact"): "emergency_caller",
    ("emergency", "location"): "emergency_location",
    ("emergency", "request"): "emergency_word",
    ("cra", "application"): "check_people",
    ("cra", "contact"): "check_people",
    ("cra", "identity"): "link_records",
    ("cra", "address"): "link_records",
    ("cra", "date_of_birth"): "link_records",
    ("cra", "association"): "link_records",
    ("cra", "financial"): "report_accounts",
    ("cra", "correction"): "keep_records_accurate",
    ("lea", "call_trace"): "trace_calls",
    ("provider", "call_trace"): "trace_calls",
    ("provider", "fraud_number"): "warn_partners",
    ("bank", "fraud_number"): "warn_partners",
    ("bank", "line_status"): "check_with_partners",
    ("bank", "record_match"): "check_with_partners",
    ("dca", "identity"): "recover_debts",
    ("dca", "address"): "recover_debts",
    ("dca", "contact"): "recover_debts",
    ("dca", "financial"): "recover_debts",
    ("dca", "correction"): "keep_records_accurate",
    **{
        ("purchaser", category): "sell_debts"
        for category in ("identity", "address", "date_of_birth", "contact", "financial")
    },
    ("group_company", "choice"): "honour_choices",
    ("group_company", "contact"): "honour_choices",
    ("insolvency", "request"): "honour_moratorium",
    ("insolvency", "financial"): "honour_moratorium",
    ("post", "identity"): "tell_the_person",
    ("post", "address"): "tell_the_person",
    ("post", "letter"): "tell_the_person",
}
CLAUSES = sorted(set(PERMITTED.values()))
# Copied from the design: what stops when this is taken away, by the name of what is sent.
IN_USE = {
    "gdpr_6_1_b": "dca_place",
    "gdpr_6_1_c": "correction_amended",
    "gdpr_6_1_f": "fpa_file",
    "dpa18_sch1_p14": "fpa_file",
    "poca_s338": "fiu_sar",
    "annex1_p5": "report_fraud",
    "dpa18_sch1_p10": "report_fraud",
    "ipa_s11_3a_f": "emerg_answer",
    "pecr_16": "emerg_answer",
    "gdpr_6_1_d": "emerg_answer",
    "pecr_15": "traceback",
}
PURPOSES = {
    "recover_debts": "dca_place",
    "report_accounts": "cra_correct",
    "sell_debts": "final_tape",
    "report_breach": "ico_breach",
    "protect_life": "emerg_answer",
    "check_with_partners": "partner_answer",
    "answer_authorities": "le_ack",
    "prevent_fraud": "fpa_file",
    "inform_person": "letter",
    "honour_choices": "rights_stop",
    "honour_moratorium": "moratorium_answer",
    "correct_recipients": "correction_amended",
    "report_suspicion": "fiu_sar",
    "report_crime": "report_fraud",
    "link_records": "cra_assoc",
    "check_applicants": "cra_search",
    "trace_calls": "traceback",
    "warn_partners": "cp_fraud_share",
}
DOCUMENTS = {
    "fraud_sharing_lia": "fpa_file",
    "fraud_sharing_dpia": "fpa_file",
    "criminal_offence_apd": "fiu_sar",
    "letters_lia": "letter",
    "association_lia": "cra_assoc",
    "partner_checks_lia": "partner_answer",
    "credit_checks_lia": "cra_search",
    "credit_reporting_lia": "cra_correct",
    "debt_sale_lia": "final_tape",
}
CATEGORIES = sorted({category for _, category in PERMITTED})


def send_everything():
    """Check one full filing, one full letter and one full report; return what may leave."""
    return {
        "fpa": [
            *releases.check(FPA_SEARCH, FPA, SEARCHED, at=AT),
            *releases.check(messages.FPA_FILE, FPA, FILING, at=AT),
            *releases.check(messages.FPA_AMEND, FPA, AMENDMENT, at=AT),
            *releases.check(messages.FPA_DISPUTE, FPA, DISPUTE, at=AT),
            *releases.check(messages.FPA_REMOVE, FPA, REMOVAL, at=AT),
            *releases.check(messages.FPA_ANSWER, FPA, ANSWER, at=AT),
        ],
        "fraud_alert": [
            *releases.check(ALERT_SEARCH, ALERT, ASKED_ADDRESS, at=AT),
            *releases.check(messages.ALERT_UPLOAD, ALERT, ADDRESS, at=AT),
        ],
        "post": releases.check(letters.LETTER, POST, LETTER, at=AT),
        "police_report": [
            *releases.check(replace(corrections.AMENDED, recipient_kind="police_report"), POLICE, CORRECTION, at=AT),
            *releases.check(REPORT_FRAUD, POLICE, CRIME, at=AT),
        ],
        "fiu": releases.check(FIU_SAR, FIU, REPORT, at=AT),
        "lea": [
            *releases.check(LE_ACK, LEA, ACK, at=AT),
            *releases.check(LE_CLARIFY, LEA, QUESTION, at=AT),
            *releases.check(LE_REFUSE, LEA, NO, at=AT),
            *releases.check(LE_RESULT, LEA, RESULT, at=AT),
            *releases.check(LE_PIECE, LEA, PIECE, at=AT),
            *releases.check(LE_DESTROY, LEA, DESTROY, at=AT),
            *releases.check(TRACE_RESULT, LEA, TRACED, at=AT),
        ],
        "bank": [
            *releases.check(PARTNER_ANSWER, BANK, TOLD, at=AT),
            *releases.check(CP_FRAUD_SHARE, BANK, WARNED, at=AT),
        ],
        "provider": [
            *releases.check(TRACEBACK, PROVIDER, ASKED_FURTHER, at=AT),
            *releases.check(replace(TRACE_RESULT, recipient_kind="provider"), PROVIDER, TRACED, at=AT),
            *releases.check(replace(CP_FRAUD_SHARE, recipient_kind="provider"), PROVIDER, WARNED, at=AT),
        ],
        "insolvency": releases.check(MORATORIUM_ANSWER, SERVICE, FOUND, at=AT),
        "dca": [
            *releases.check(DCA_PLACE, RECOVERY, PLACED, at=AT),
            *releases.check(DCA_HOLD, RECOVERY, {"reference": "PLC-2026-000001"}, at=AT),
        ],
        "purchaser": [
            *releases.check(BID_TAPE, BUYER, OFFERED, at=AT),
            *releases.check(FINAL_TAPE, BUYER, SOLD, at=AT),
            *releases.check(ASSIGNMENT, BUYER, ASSIGNED, at=AT),
        ],
        "group_company": releases.check(STOP, GROUP, STOPPED, at=AT),
        "oversight": [
            *releases.check(IPC_ERROR, OVERSIGHT, ERROR, at=AT),
            *releases.check(IPC_BREACH, OVERSIGHT, BREACH, at=AT),
        ],
        "regulator": releases.check(ICO_BREACH, REGULATOR, BREACH, at=AT),
        "emergency": [
            *releases.check(EMERG_ANSWER, ROOM, CALL, at=AT),
            *releases.check(EMERG_DESTROY, ROOM, STRIKE, at=AT),
        ],
        "cra": [
            *releases.check(CRA_SEARCH, BUREAU, SEARCHED, at=AT),
            *releases.check(CRA_CORRECT, BUREAU, CHANGED, at=AT),
            *releases.check(CRA_ASSOC, BUREAU, LINK, at=AT),
            *releases.check(CRA_ASSOC_REMOVE, BUREAU, UNLINK, at=AT),
            *releases.check(CRA_ASSOC_QUERY, BUREAU, ASKED, at=AT),
        ],
    }


SENT = {
    "cra_correct": lambda: releases.check(CRA_CORRECT, BUREAU, CHANGED, at=AT),
    "final_tape": lambda: releases.check(FINAL_TAPE, BUYER, SOLD, at=AT),
    "dca_place": lambda: releases.check(DCA_PLACE, RECOVERY, PLACED, at=AT),
    "moratorium_answer": lambda: releases.check(MORATORIUM_ANSWER, SERVICE, FOUND, at=AT),
    "ico_breach": lambda: releases.check(ICO_BREACH, REGULATOR, BREACH, at=AT),
    "fpa_file": lambda: releases.check(messages.FPA_FILE, FPA, FILING, at=AT),
    "letter": lambda: releases.check(letters.LETTER, POST, LETTER, at=AT),
    "correction_amended": lambda: releases.check(
        replace(corrections.AMENDED, recipient_kind="police_report"), POLICE, CORRECTION, at=AT
    ),
    "report_fraud": lambda: releases.check(REPORT_FRAUD, POLICE, CRIME, at=AT),
    "emerg_answer": lambda: releases.check(EMERG_ANSWER, ROOM, CALL, at=AT),
    "partner_answer": lambda: releases.check(PARTNER_ANSWER, BANK, TOLD, at=AT),
    "rights_stop": lambda: releases.check(STOP, GROUP, STOPPED, at=AT),
    "cp_fraud_share": lambda: releases.check(CP_FRAUD_SHARE, BANK, WARNED, at=AT),
    "traceback": lambda: releases.check(TRACEBACK, PROVIDER, ASKED_FURTHER, at=AT),
    "le_ack": lambda: releases.check(LE_ACK, LEA, ACK, at=AT),
    "fiu_sar": lambda: releases.check(FIU_SAR, FIU, REPORT, at=AT),
    "cra_search": lambda: releases.check(CRA_SEARCH, BUREAU, SEARCHED, at=AT),
    "cra_assoc": lambda: releases.check(CRA_ASSOC, BUREAU, LINK, at=AT),
}


def test_each_category_leaves_under_its_clause():
    found = {
        (recipient, item.category): item.clause.code for recipient, items in send_everything().items() for item in items
    }
    assert found == PERMITTED


def test_samples_hold_every_field_a_message_may_have():
    samples = (
        (messages.FPA_FILE, FILING),
        (messages.FPA_AMEND, AMENDMENT),
        (messages.FPA_DISPUTE, DISPUTE),
        (messages.FPA_REMOVE, REMOVAL),
        (messages.FPA_ANSWER, ANSWER),
        (messages.ALERT_UPLOAD, ADDRESS),
        (letters.LETTER, LETTER),
        (corrections.REMOVED, CORRECTION),
        (FIU_SAR, REPORT),
        (REPORT_FRAUD, CRIME),
        (LE_ACK, ACK),
        (LE_CLARIFY, QUESTION),
        (LE_REFUSE, NO),
        (LE_RESULT, RESULT),
        (LE_PIECE, PIECE),
        (LE_DESTROY, DESTROY),
        (IPC_ERROR, ERROR),
        (EMERG_ANSWER, CALL),
        (EMERG_DESTROY, STRIKE),
        (PARTNER_ANSWER, TOLD),
        (CP_FRAUD_SHARE, WARNED),
        (TRACEBACK, ASKED_FURTHER),
        (TRACE_RESULT, TRACED),
        (DCA_PLACE, PLACED),
        (CRA_CORRECT, CHANGED),
        (BID_TAPE, OFFERED),
        (FINAL_TAPE, SOLD),
        (ASSIGNMENT, ASSIGNED),
        (CRA_FILE, KEPT),
        (DCA_HOLD, {"reference": "PLC-2026-000001"}),
        (MORATORIUM_ANSWER, FOUND),
        (FORWARD, {"account": "8002223334", "register_reference": "BSS-2026-0093157", "start_date": "2026-11-25"}),
        (CRA_ASSOC, LINK),
        (CRA_ASSOC_REMOVE, UNLINK),
        (CRA_ASSOC_QUERY, ASKED),
        (CRA_SEARCH, SEARCHED),
        (FPA_SEARCH, SEARCHED),
        (ALERT_SEARCH, ASKED_ADDRESS),
    )
    for kind, body in samples:
        assert {path for path, _ in releases._leaves(body)} == set(kind.categories)


def test_notice_holds_no_clause_and_no_category_that_nothing_needs():
    assert (sorted(notice.CLAUSES), sorted(notice.CATEGORIES)) == (CLAUSES, CATEGORIES)
    assert {clause.gateway for clause in notice.CLAUSES.values()} == set(IN_USE)
    assert {clause.purpose for clause in notice.CLAUSES.values()} == set(notice.PURPOSES) == set(PURPOSES)
    assert {kind for clause in notice.CLAUSES.values() for kind in clause.recipients} == set(notice.RECIPIENTS)
    assert {code for clause in notice.CLAUSES.values() for code in clause.documents} == set(DOCUMENTS)
    # Nothing leaves on the assessment of marketing: it is what the gate of people's choices stands on.
    assert set(notice.DOCUMENTS) == {*DOCUMENTS, "marketing_lia"}
    for clause in notice.CLAUSES.values():
        assert clause.categories <= set(notice.CATEGORIES)
        assert clause.quote and clause.sentences


@pytest.mark.parametrize("code", CLAUSES)
def test_without_this_clause_something_may_not_leave(code, monkeypatch):
    monkeypatch.delitem(notice.CLAUSES, code)
    with pytest.raises(releases.ReleaseRefused, match="No clause of the privacy notice lets"):
        send_everything()


@pytest.mark.parametrize("code", CATEGORIES)
def test_without_this_category_something_may_not_leave(code, monkeypatch):
    monkeypatch.delitem(notice.CATEGORIES, code)
    with pytest.raises(releases.ReleaseRefused, match=f"No clause of the privacy notice lets {code} go to"):
        send_everything()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_clause_that_loses_a_category_stops_it(category, monkeypatch):
    for code, clause in notice.CLAUSES.items():
        monkeypatch.setitem(notice.CLAUSES, code, _without(clause, category))
    with pytest.raises(releases.ReleaseRefused):
        send_everything()


def _without(clause, category):
    return replace(clause, categories=clause.categories - {category})


@pytest.mark.parametrize(("code", "named"), IN_USE.items())
def test_without_this_gateway_what_stands_on_it_may_not_leave(code, named, monkeypatch):
    assert SENT[named]()
    monkeypatch.delitem(notice.GATEWAYS, code)
    with pytest.raises(releases.ReleaseRefused, match="No clause of the privacy notice lets"):
        SENT[named]()


@pytest.mark.parametrize(("code", "named"), PURPOSES.items())
def test_without_this_purpose_what_it_is_for_may_not_leave(code, named, monkeypatch):
    monkeypatch.delitem(notice.PURPOSES, code)
    with pytest.raises(releases.ReleaseRefused, match="No clause of the privacy notice lets"):
        SENT[named]()


@pytest.mark.parametrize(("code", "named"), DOCUMENTS.items())
@pytest.mark.parametrize("state", ["missing", "past its review", "not valid yet", "unknown to the notice"])
def test_without_this_document_what_stands_on_it_may_not_leave(code, named, state, monkeypatch):
    if state == "unknown to the notice":
        monkeypatch.delitem(notice.DOCUMENTS, code)
    else:
        rows = PolicyDocument.objects.exclude(code=code)
        days = {"past its review": ("2024-04-01", "2026-11-15"), "not valid yet": ("2026-11-17", "2027-11-15")}
        monkeypatch.setattr(policydocs, "in_force", _with(code, rows, days.get(state)))
    with pytest.raises(releases.ReleaseRefused, match="not approved, so|was due for review on 15 November 2026"):
        SENT[named]()


def _with(code, rows, days):
    """Return what is in force when one document is missing, or has other days."""

    def found(codes, *, day):
        known = {row.code: row for row in rows.filter(code__in=codes)}
        if days and days[0] <= day.isoformat():
            known[code] = PolicyDocument(code=code, review_by=date.fromisoformat(days[1]))
        return known

    return found


def test_the_day_of_review_still_counts():
    last = PolicyDocument.objects.get(code="letters_lia").review_by
    assert policydocs.why_not({"letters_lia"}, day=last) == ""
    assert policydocs.why_not({"letters_lia"}, day=last + timedelta(days=1)) == (
        "The document “Legitimate interests: writing to the people concerned” was due for review on 31 March 2033: "
        "nothing leaves on it."
    )


def test_a_clause_names_the_paper_that_its_ground_asks_for():
    for clause in notice.CLAUSES.values():
        wanted = notice.GATEWAYS[clause.gateway].document
        assert not wanted or wanted in {notice.DOCUMENTS[code].kind for code in clause.documents}, clause.code


def test_every_gateway_of_the_design_is_there_with_its_source():
    assert len(notice.GATEWAYS) == 36
    assert all(gateway.label and gateway.source for gateway in notice.GATEWAYS.values())
    assert {need.kind for need in notice.DOCUMENTS.values()} <= set(policydocs.KINDS)


def test_every_field_of_every_kind_of_message_has_a_clause_for_each_recipient_it_may_go_to():
    for kind in releases.KINDS.values():
        clauses = [each for each in notice.CLAUSES.values() if each.purpose == kind.purpose]
        told = {kind.recipient_kind} if kind.recipient_kind else {to for each in clauses for to in each.recipients}
        assert told, kind.code
        for category in set(kind.categories.values()):
            for each in told:
                assert notice.permitting(purpose=kind.purpose, category=category, recipient_kind=each), (kind, category)


@pytest.mark.parametrize("path", ["shoe_size", "subjects.shoe_size", "subjects.addresses.shoe_size"])
def test_a_field_without_a_category_may_not_leave(path):
    subject = {**FILING["subjects"][0]}
    bodies = {
        "shoe_size": {**FILING, "shoe_size": 44},
        "subjects.shoe_size": {**FILING, "subjects": [{**subject, "shoe_size": 44}]},
        "subjects.addresses.shoe_size": {**FILING, "subjects": [{**subject, "addresses": [{"shoe_size": 44}]}]},
    }
    with pytest.raises(releases.ReleaseRefused, match=f"The field {path} belongs to no data category"):
        releases.check(messages.FPA_FILE, FPA, bodies[path], at=AT)


def test_the_wrong_kind_of_recipient_gets_nothing():
    with pytest.raises(releases.ReleaseRefused, match="Test Post does not receive messages of the kind Filing"):
        releases.check(messages.FPA_FILE, POST, FILING, at=AT)
    with pytest.raises(releases.ReleaseRefused, match="Test Register does not receive messages of the kind Letter"):
        releases.check(letters.LETTER, FPA, LETTER, at=AT)


def test_a_clause_for_another_purpose_does_not_help():
    assert notice.permitting(purpose="prevent_fraud", category="identity", recipient_kind="post") is None
    assert notice.permitting(purpose="inform_person", category="identity", recipient_kind="fpa") is None
    assert notice.permitting(purpose="inform_person", category="contact", recipient_kind="post") is None
