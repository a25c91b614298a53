"""Nothing leaves that no clause of the notice allows: every field has a category, every category its clause."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cases.accounts.bureaus import CRA_CORRECT
from cases.agencies.directory import TERMS
from cases.association.messages import CRA_ASSOC, CRA_ASSOC_QUERY, CRA_ASSOC_REMOVE
from cases.credit.defaults.disputes import CRA_ANSWER
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
from cases.kernel import casetypes, notice, releases
from cases.kernel.exchange import agreements, corrections, letters
from cases.kernel.models import Agency, AgencyTerms, PolicyDocument
from cases.kernel.office import policydocs
from cases.rights.messages import STOP
from tests import factories

FPA = Agency(code="tests-fpa", kind="fpa", display_name="Test Register")
FIU = Agency(code="tests-fiu", kind="fiu", display_name="Test Unit")
POST = Agency(code="tests-post", kind="post", display_name="Test Post")
POLICE = Agency(code="tests-police", kind="police_report", display_name="Test Report")
ALERT = Agency(code="tests-alert", kind="fraud_alert", display_name="Test Alert")
TOLD = {"swapped": True, "latestSimChange": None, "verified": "no", "recordMatches": "yes"}
RECOVERY = Agency(code="tests-dca", kind="dca", display_name="Test Recoveries")
PLACED = {
    "reference": "PLC-2026-000001",
    "amount_pence": 31246,
    "names": "Cerys Oyelaran-Pugh",
    "phone": "07700 900001",
    "email": "cerys@example.org",
    "line_1": "1 Example Terrace",
    "line_2": "",
    "town": "Swansea",
    "postcode": "SA1 0ZZ",
    "phone_date": "2026-02-01",
    "address_date": "2024-06-01",
}
WARNED = {
    "indicator": "facility_takeover",
    "confirmed_date": "2026-11-16",
    "numbers": [{"phone_number": "+447700900777"}],
}
ASKED_FURTHER = {
    "call_id": "TRC-2026-000001/1",
    "from": "withheld",
    "to": "+441632960111",
    "time": "14 calls, 20 to 22 November 2026.",
    "hop": 1,
}
TRACED = {
    "trace": "TRC-2026-000001",
    "to": "+441632960111",
    "calls": "14 calls, 20 to 22 November 2026.",
    "result": "The calls came from +441632960222.",
    "provider": "Sandbox Transit",
    "police_reference": "SBX-NC-9",
}
SERVICE = Agency(code="tests-moratoria", kind="insolvency", display_name="Test Moratorium Service")
FOUND = {
    "register_reference": "BSS-2026-0093157",
    "outcome": "found",
    "debts": [{"account": "8002223334", "amount_pence": 31246}],
    "further": [{"account": "8002223342", "amount_pence": 4120}],
}
BUYER = Agency(code="tests-buyer", kind="purchaser", display_name="Test Buyer")
OFFERED = {
    "line": "0d6f5b8e93a14f278c447e1f2a3b4c55",
    "district": "SA1",
    "jurisdiction": "eaw",
    "product": "mobile",
    "owed_band": "500-750",
    "fees_band": "0",
    "closed_month": "2025-11",
    "unpaid_since_month": "2025-09",
    "last_payment_month": "",
    "default_month": "2026-03",
    "holders": 1,
    "has_birth": "yes",
    "has_phone": "yes",
    "has_email": "no",
    "was_placed": "no",
}
_HOLDER = {
    "forename": "Tamsin",
    "surname": "Vellacott",
    "date_of_birth": "1988-04-17",
    "line_1": "1 Example Terrace",
    "town": "Swansea",
    "postcode": "SA1 0ZZ",
    "phone": "07700 900001",
    "email": "tamsin@example.org",
}
SOLD = {
    "reference": "SAL-2026-000001/1",
    "account": "8000000001",
    "amount_pence": 64000,
    "fees_pence": 0,
    "product": "mobile",
    "jurisdiction": "eaw",
    "final_bill_date": "2025-11-30",
    "oldest_unpaid_date": "2025-09-30",
    "statement_months": "2026-10 2026-11",
    "last_payment_date": "",
    "last_payment_pence": "",
    "default_date": "2026-03-14",
    "default_pence": 64000,
    **{f"holder_{number}_{name}": text for number in (1, 2) for name, text in _HOLDER.items()},
}
ASSIGNED = {
    "reference": "SAL-2026-000001",
    "accounts": 2,
    "owed_pence": 82000,
    "amount_pence": 7790,
    "assigned_date": "2026-12-10",
    "tape_sha256": "0" * 64,
    "manifest_sha256": "1" * 64,
}
BANK = Agency(code="tests-bank", kind="bank", display_name="Test Bank")
PROVIDER = Agency(code="tests-provider", kind="provider", display_name="Test Provider")
ROOM = Agency(code="tests-999", kind="emergency", display_name="Test Control")
BUREAU = Agency(code="tests-cra", kind="cra", display_name="Test Bureau")
CALL = {
    "incident": "SBX-0241",
    "spoken_at": "2026-11-24T03:24:00Z",
    "caller": "+447700900321",
    "subscriber": "Osian Marchbanks",
    "address": "4 Breakwater Cottages, Northmoor NM4 0ZZ",
    "position": "50.3720, -4.1420",
    "radius_m": 18,
    "confidence": 95,
    "located_at": "2026-11-24T03:13:20Z",
    "location_source": "aml",
    "cell": "234-15-77, 1 km",
}
STRIKE = {"incident": "SBX-0241", "items": ["what_was_named_by_telephone"], "please": "destroy_and_confirm"}
GROUP = Agency(code="tests-tv", kind="group_company", display_name="Test Television")
SEARCHED = {
    "search_type": "credit_hard",
    "search_key": "ORD-1:credit_hard",
    "purpose": "credit_risk",
    "product": "handset_contract",
    "notice_version": "2026-02",
    "people": [
        {
            "role": "applicant",
            "title": "Mr",
            "forename": "Idris",
            "middle_name": "J",
            "surname": "Fenwick-Okafor",
            "date_of_birth": "1991-07-30",
            "phone": "+447700900456",
            "email": "i.fenwick@example.org",
            "addresses": [
                {
                    "kind": "current",
                    "line_1": "5 Cobbler's Yard",
                    "line_2": "Flat 1",
                    "town": "Norwich",
                    "postcode": "NR2 0ZZ",
                    "country": "England",
                }
            ],
        }
    ],
}
ASKED_ADDRESS = {
    "search_type": "retail_alert",
    "search_key": "ORD-1:retail_alert",
    "addresses": [{"line_1": "5 Cobbler's Yard", "postcode": "NR2 0ZZ"}],
}
STOPPED = {
    "received_at": "2026-11-26T18:02:00Z",
    "stops": [{"purpose": "own_marketing", "channel": "all"}],
    "reached_by": [{"kind": "phone", "sha256": "00" * 32}],
    "batches": ["spring-2026-11"],
}
LEA = Agency(code="tests-lea", kind="lea", display_name="Test Constabulary")
REGULATOR = Agency(code="tests-ico", kind="regulator", display_name="Test Regulator")
BREACH = {
    "nature": "disclosed",
    "aware_at": "2026-11-14T08:00:00Z",
    "what_happened": "A list of addresses went to the wrong shop.",
    "people": 41,
    "consequences": "Unwanted post.",
    "measures": "The shop deleted the list.",
    "reasons_for_delay": "Nobody was on duty.",
}
OVERSIGHT = Agency(code="tests-oversight", kind="oversight", display_name="Test Commissioner")
for agency in (FPA, FIU, POST, POLICE, ALERT, LEA, OVERSIGHT, BUREAU, BANK, PROVIDER, GROUP, RECOVERY, SERVICE, BUYER):
    agency.terms = AgencyTerms(**asdict(TERMS))
AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def papers(db):
    """The documents of the notice, approved."""
    factories.office()


# A filing and a letter with every field there is.
KEPT = {
    "account": "8001234567",
    "account_type": "telecom_mobile",
    "start_date": "2024-02-01",
    "close_date": "",
    "name": "Nerys Abernathy-Cole",
    "date_of_birth": "1983-06-02",
    "joint_name": "",
    "joint_date_of_birth": "",
    "line_1": "1 Example Quay",
    "town": "Cardiff",
    "postcode": "CF10 0ZZ",
    "payment_pence": "3800",
    "period": "monthly",
    "amount_pence": "7600",
    "default_pence": "",
    "default_date": "",
    "satisfied_date": "",
    "status": "2",
    "flags": "",
    "effective_date": "2026-12-15",
}
CHANGED = {
    "account": "8001234567",
    "field": "status",
    "old": "3",
    "new": "8",
    "flags": ["default_satisfied"],
    "balance_pence": 11400,
    "default_date": "2026-12-03",
    "default_pence": 11400,
    "satisfied_date": "",
    "reason": "default",
}
FILING = {
    "incident_key": "00" * 32,
    "case_type": "facility_takeover",
    "reasons": ["unauth_sim_swap"],
    "product": "mob_paym",
    "sales_channel": "phone",
    "facility_granted": False,
    "application_date": "2026-11-13",
    "discovered_date": "2026-11-14",
    "value_at_risk_pence": 109900,
    "loss_pence": 0,
    "savings_pence": 0,
    "police_share": True,
    "subjects": [
        {
            "number": 1,
            "role": "applicant",
            "innocent": False,
            "title": "Ms",
            "forename": "Morwenna",
            "middle_name": "Jane",
            "surname": "Tregaskis",
            "alias": "M. Tregaskis",
            "date_of_birth": "1984-03-09",
            "phone": "+447700900123",
            "email": "m.tregaskis@example.org",
            "employer": "Saltmarsh Ltd",
            "bank_account": "00-00-00 00000000",
            "identity_document": "P0000000",
            "vehicle_registration": "ZZ00 ZZZ",
            "device": "8944000000000000020",
            "ip_address": "203.0.113.45",
            "account_reference": "NM-4471",
            "addresses": [
                {
                    "kind": "current",
                    "line_1": "12 Harbour Row",
                    "line_2": "Flat 2",
                    "town": "Penzance",
                    "postcode": "TR18 0ZZ",
                    "country": "GB",
                    "since": "2019-05-01",
                    "until": "2026-11-01",
                    "uprn": "100040000000",
                }
            ],
        }
    ],
}
AMENDMENT = {"filing_reference": "SFR-2026-0004417", **FILING}
DISPUTE = {"filing_reference": "SFR-2026-0004417", "is_open": True, "grounds": "not_me", "subjects": [1]}
REMOVAL = {"filing_reference": "SFR-2026-0004417", "reason": "error"}
CRIME = {
    **{name: FILING[name] for name in ("case_type", "reasons", "discovered_date", "value_at_risk_pence", "loss_pence")},
    "event_type": "customer_equipment",
    "attack": "intrusion",
    "what_happened": "Somebody swapped the SIM.",
    "documents": [{"number": 1, "kind": "chat", "sha256": "00" * 32}],
    "subjects": [{name: value for name, value in FILING["subjects"][0].items() if name != "employer"}],
}
LETTER = {
    "letter_sha256": "00" * 32,
    "pages": 1,
    "content_base64": "",
    "language": "en-GB",
    "class": "first",
    "addressee": {
        "name": "Morwenna Tregaskis",
        "line_1": "12 Harbour Row",
        "line_2": "Flat 2",
        "town": "Penzance",
        "postcode": "TR18 0ZZ",
        "country": "Ireland",
    },
}
REPORT = {
    "reason": "defence_money_laundering",
    "glossary_codes": ["money_mule"],
    "narrative": "UNKNOWN",
    "police_contact": "UNKNOWN",
    "accounts": ["NM-4471"],
    "transactions": "UNKNOWN",
    "subjects": [{name: value for name, value in FILING["subjects"][0].items() if name != "innocent"}],
}

ANSWER = {
    "about": "enquiry",
    "their_reference": "M-2026-0081",
    "filing_reference": "SFR-2026-0004417",
    "answer": "stands",
}
ADDRESS = {
    "code": "fraud",
    "date": "2026-11-14",
    "entries": [{"line_1": "Unit 4, 77 Fiction Way", "postcode": "LS1 0ZZ"}],
}

CORRECTION = {
    "change": "amended",
    "reason": "error",
    "told": [{"date": "2026-11-16", "message": "a", "their_reference": "SFR-2026-0004417"}],
    "replaced_by": "b",
    "subjects": [1],
}

ACK = {"urn": "SBX/2026/118834", "received_at": "2026-11-14T10:00:00+00:00"}
# One file of every item that is ever given.
GIVEN_ITEMS = (
    *("subscriber_name", "subscriber_addresses", "subscriber_contact", "account_number", "payment_method"),
    *("connection_dates", "sim_identifiers", "handset_imei", "services_held", "static_ip", "forwarding_setup"),
    *("outgoing_calls", "incoming_calls", "message_records", "cell_site", "data_sessions", "location", "top_ups"),
    *("internet_connection_records", "sms_text", "voicemail", "cctv", "call_recordings", "shop_visit_records"),
    *("delivery_notes", "billing_bank_details", "employee_records", "tv_records", "correspondence"),
)
RESULT = {
    "urn": "SBX/2026/118834",
    "time_basis": "UTC",
    "nothing_held": ["top_ups"],
    "refused": ["sms_text"],
    "manifest": {
        "sha256": "00" * 32,
        "parts": [
            {
                "name": "01-outgoing_calls.csv",
                "item": "outgoing_calls",
                "subject": "A",
                "media_type": "text/csv",
                "rows": 412,
                "pieces": 2,
                "sha256": "00" * 32,
                "original_sha256": "00" * 32,
            }
        ],
    },
    "data": {item: [{"name": f"01-{item}.csv", "encoding": "text", "content": "…"}] for item in GIVEN_ITEMS},
}
PIECE = {
    "urn": "SBX/2026/118834",
    "package_sha256": "00" * 32,
    "data": {
        item: [{"name": f"01-{item}.csv", "piece": 1, "pieces": 2, "sha256": "00" * 32, "content": "…"}]
        for item in GIVEN_ITEMS
    },
}
DESTROY = {"urn": "SBX/2026/118834", "package_sha256": "00" * 32, "fault": "excess_data", "items": ["top_ups"]}
ERROR = {
    "urn": "SBX/2026/118834",
    "authority": "tests-lea",
    "fault": "More than was asked for",
    "cause": "lookup",
    "found_at": "2026-11-16T09:00:00+00:00",
    "how": "A column too many.",
    "collateral": "Nobody else.",
    "prevention": "A second look.",
}
QUESTION = {"urn": "SBX/2026/118834", "question": "Is the period in UTC?"}
NO = {
    "urn": "SBX/2026/118834",
    "reason": "no_gateway",
    "items": ["subscriber_name"],
    "route": "single_point_of_contact",
}

PERSON = {
    "side": "declarer",
    "title": "Ms",
    "forename": "Leocadia",
    "middle_name": "Ann",
    "surname": "Brathwaite",
    "date_of_birth": "1979-02-11",
    "address": {"line_1": "3 Lantern Court", "line_2": "Flat 2", "town": "Leeds", "postcode": "LS1 0ZZ"}
    | {"country": "GB"},
}
LINK = {
    "basis": "declared_marriage_cp",
    "declared_date": "2026-12-01",
    "agreement": "recorded_call",
    "people": [PERSON, {**PERSON, "side": "other"}],
}
ASKED = {"link_reference": "FA-2026-0001", "about": "0d6f5b8e-93a1-4f27-8c44-7e1f2a3b4c55"}
UNLINK = {**ASKED, "reason": "never_agreed"}

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


def test_each_message_of_each_kind_maps_to_categories_of_the_notice():
    assert {each.code: set(each.message_labels) for each in casetypes.all_types()} == {
        "fraud_referral": {
            "fpa_file",
            "fpa_amend",
            "fpa_dispute",
            "fpa_remove",
            "report_fraud",
            "fpa_answer",
            "alert_upload",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "suspicion_report": {"fiu_sar"},
        "le_disclosure": {"le_ack", "le_clarify", "le_refuse", "le_result", "le_piece", "le_destroy", "ipc_error"},
        "emergency_disclosure": {"emerg_answer", "emerg_destroy"},
        "association": {
            "cra_assoc",
            "cra_assoc_remove",
            "cra_assoc_query",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "partner_query": {
            "partner_answer",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "rights_request": {"rights_stop", "letter"},
        "dp_complaint": {"letter"},
        "breach": {"ico_breach", "ipc_breach"},
        "contest": {"letter"},
        "check": {
            "cra_search",
            "fpa_search",
            "alert_search",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "transfer": set(),
        "trace": {
            "traceback",
            "trace_result",
            "letter",
            "correction_amended",
            "correction_removed",
            "correction_restricted",
            "correction_unrestricted",
        },
        "debt_placement": {"dca_place", "dca_hold", "dca_release", "dca_recall", "dca_update", "letter"},
        "default": {"cra_answer", "cra_correct", "letter"},
        "moratorium": {"moratorium_answer", "moratorium_forward", "letter"},
        "debt_sale": {
            "bid_tape",
            "final_tape",
            "assignment",
            "sold_account_paid",
            "sold_account_default",
            "cra_correct",
            "letter",
        },
        "cra_file": {"cra_file", "cra_correct"},
    }
    for kind in (
        *messages.ALL,
        letters.LETTER,
        corrections.AMENDED,
        corrections.REMOVED,
        FIU_SAR,
        REPORT_FRAUD,
        LE_ACK,
        LE_RESULT,
        LE_PIECE,
        LE_DESTROY,
        IPC_ERROR,
        EMERG_ANSWER,
        EMERG_DESTROY,
        CRA_ASSOC,
        CRA_ASSOC_REMOVE,
        CRA_ASSOC_QUERY,
        CRA_SEARCH,
        FPA_SEARCH,
        ALERT_SEARCH,
        PARTNER_ANSWER,
        CP_FRAUD_SHARE,
        TRACEBACK,
        TRACE_RESULT,
        DCA_PLACE,
        DCA_HOLD,
        CRA_CORRECT,
        CRA_ANSWER,
        MORATORIUM_ANSWER,
        FORWARD,
        BID_TAPE,
        FINAL_TAPE,
        ASSIGNMENT,
        CRA_FILE,
        ICO_BREACH,
        IPC_BREACH,
    ):
        assert set(kind.categories.values()) <= set(notice.CATEGORIES)
        assert kind.necessity.endswith(".")


ABROAD = {"safeguard": "idta", "tra_reference": "TRA-7", "transfer_covers_home": True} | {
    "transfer_until_date": date(2026, 11, 16)
}


def recipient(*, country="GB", terms=TERMS, **transfer):
    """The register's entry, or one without terms; `transfer` is what the cases of transfers abroad say of it."""
    agency = Agency(code="tests-fpa", kind="fpa", display_name="Test Register", country=country)
    if terms is not None:
        agency.terms = AgencyTerms(**asdict(terms), **transfer)
    return agency


NOT_GIVEN = {
    "There is no data-sharing agreement with Test Register in the register.": [
        recipient(terms=None),
        recipient(terms=replace(TERMS, sharing_from_date=None)),
    ],
    "Test Register is proposed in the register.": [recipient(terms=replace(TERMS, state="proposed"))],
    "Test Register is suspended in the register.": [recipient(terms=replace(TERMS, state="suspended"))],
    "Test Register is ended in the register.": [recipient(terms=replace(TERMS, state="ended"))],
    "The data-sharing agreement with Test Register does not hold yet.": [
        recipient(terms=replace(TERMS, sharing_from_date=date(2026, 11, 17)))
    ],
    "The data-sharing agreement with Test Register has ended.": [
        recipient(terms=replace(TERMS, sharing_until_date=date(2026, 11, 15)))
    ],
    "The data-sharing agreement with Test Register is past its review.": [
        recipient(terms=replace(TERMS, sharing_review_date=date(2026, 11, 15))),
        recipient(terms=replace(TERMS, sharing_review_date=None)),
    ],
    "Test Register is outside the United Kingdom and no transfer to US is approved for it.": [
        recipient(country="US"),
        recipient(country="US", **{**ABROAD, "safeguard": "good_faith"}),
        recipient(country="US", **{**ABROAD, "transfer_until_date": None}),
        recipient(country="US", **{**ABROAD, "transfer_covers_home": False}),
    ],
    "The safeguard for Test Register has no transfer risk assessment.": [
        recipient(country="US", **{**ABROAD, "safeguard": each, "tra_reference": ""})
        for each in ("idta", "addendum", "binding_rules")
    ],
    "The approved transfer abroad of Test Register is past its review.": [
        recipient(country="US", **{**ABROAD, "transfer_until_date": date(2026, 11, 15)}),
        recipient(**{**ABROAD, "transfer_until_date": date(2026, 11, 15)}),
    ],
    "A transfer by Test Register to IN is proposed or has lapsed, and is not approved.": [
        recipient(transfer_waits_for="IN"),
        recipient(country="US", **ABROAD, transfer_waits_for="IN"),
    ],
}


@pytest.mark.parametrize(("sentence", "refused"), [(each, one) for each, many in NOT_GIVEN.items() for one in many])
def test_without_an_agreement_in_force_nothing_leaves(sentence, refused):
    with pytest.raises(releases.ReleaseRefused) as refusal:
        releases.check(messages.FPA_FILE, refused, FILING, at=AT)
    assert str(refusal.value) == sentence


def test_the_first_and_the_last_day_of_an_agreement_count():
    today = date(2026, 11, 16)
    edge = replace(TERMS, sharing_from_date=today, sharing_until_date=today, sharing_review_date=today)
    assert releases.check(messages.FPA_FILE, recipient(terms=edge), FILING, at=AT)


def test_a_recipient_abroad_gets_what_its_safeguard_covers():
    without = ("adequacy", "data_bridge", "public_interest", "legal_claims", "vital_interests", "treaty")
    for safeguard in agreements.SAFEGUARDS:
        said = {**ABROAD, "safeguard": safeguard, "tra_reference": "" if safeguard in without else "TRA-7"}
        assert releases.check(messages.FPA_FILE, recipient(country="US", **said), FILING, at=AT)
    assert {each.source for each in agreements.SAFEGUARDS.values()} >= {"UK GDPR Art 45", "UK GDPR Art 47"}
