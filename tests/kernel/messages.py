"""What one message of each kind says, and to whom."""

from dataclasses import asdict
from datetime import UTC, datetime

from cases.agencies.directory import TERMS
from cases.kernel.models import Agency, AgencyTerms

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


def recipient(*, country="GB", terms=TERMS, **transfer):
    """The register's entry, or one without terms; `transfer` is what the cases of transfers abroad say of it."""
    agency = Agency(code="tests-fpa", kind="fpa", display_name="Test Register", country=country)
    if terms is not None:
        agency.terms = AgencyTerms(**asdict(terms), **transfer)
    return agency
