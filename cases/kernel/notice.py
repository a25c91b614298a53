"""The privacy notice as data: for which purpose which data may go to whom, on which ground.

One document for the whole firm. It names purposes, data categories and kinds of recipient, never a kind of case. A
clause quotes its sentence by number (R1..R101). Removing a clause or a category must break something: see releases.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CATEGORIES",
    "CLAUSES",
    "DOCUMENTS",
    "GATEWAYS",
    "PURPOSES",
    "RECIPIENTS",
    "UNUSED",
    "Category",
    "Clause",
    "Gateway",
    "Need",
    "Unused",
    "grounds",
    "permitting",
]

TABLE = Path(__file__).with_name("gateways.csv")


@dataclass(frozen=True, kw_only=True)
class Category:
    """One class of personal data, in the notice's words."""

    code: str
    label: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One legal ground for giving data away. `document` is the kind of paper that it asks of us first, if any."""

    code: str
    label: str
    source: str
    document: str = ""


@dataclass(frozen=True, kw_only=True)
class Need:
    """One document that must be approved and within its review before a clause counts."""

    code: str
    kind: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One permission: this purpose, these categories, these recipients, on this gateway. No clause, no release.

    `documents` are those it stands on: none counts without each of them approved and within its review. `beside` are
    the further gateways that the notice gives for the same: whoever is told the ground is told all of them.
    """

    code: str
    sentences: tuple[str, ...]
    purpose: str
    recipients: frozenset[str]
    categories: frozenset[str]
    gateway: str
    quote: str
    documents: frozenset[str] = frozenset()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unused:
    """What the notice uses information for and this system does not: nothing of a case is read or given for it."""

    code: str
    label: str
    sentences: tuple[str, ...]
    quote: str


CATEGORIES = {
    category.code: category
    for category in (
        Category(code="identity", label="Name and role", sentence="R54"),
        Category(code="address", label="Address", sentence="R54"),
        Category(code="date_of_birth", label="Date of birth", sentence="R54"),
        Category(code="contact", label="Telephone and e-mail", sentence="R54"),
        Category(code="financial", label="Financial information", sentence="R54"),
        Category(code="employment", label="Employment", sentence="R54"),
        Category(code="device", label="Device identifiers, including IP address", sentence="R54"),
        Category(code="vehicle", label="Vehicle", sentence="R54"),
        Category(code="fraud_allegation", label="What the fraud is said to be", sentence="R57"),
        Category(code="suspicion", label="What is suspected, and why", sentence="R82"),
        Category(code="application", label="Product, dates and amounts", sentence="R68"),
        Category(code="association", label="That two people are linked by money, and how", sentence="R59"),
        Category(code="correction", label="That something told before is no longer so", sentence="R5"),
        Category(code="location", label="Where a caller is, how sure and as of when", sentence="R97"),
        Category(code="request", label="What a public authority asks for, and our word about it", sentence="R58"),
        Category(
            code="communications", label="Records of calls, messages, data sessions and television", sentence="R91"
        ),
        Category(code="content", label="What was said in messages", sentence="R92"),
        Category(code="recordings", label="Pictures and recordings of our shops and calls", sentence="R93"),
        Category(code="correspondence", label="E-mails, chats and letters with us", sentence="R86"),
        Category(code="line_status", label="Whether and when the SIM of a number was changed", sentence="R101"),
        Category(code="record_match", label="Whether details of a customer are as we have them", sentence="R100"),
        Category(code="choice", label="What a person allowed or stopped, and when", sentence="R29"),
        Category(code="breach", label="What went wrong with people's data, and what is done about it", sentence="R53"),
        Category(code="fraud_number", label="Numbers with which a fraud was confirmed", sentence="R95"),
        Category(code="call_trace", label="Calls that were traced, and where they came from", sentence="R84"),
        Category(code="letter", label="A letter to the person it is about", sentence="R67"),
    )
}


def _gateways() -> dict[str, Gateway]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {row["code"]: Gateway(**row) for row in csv.DictReader(file)}


# Every gateway of the code list; which are in use, the clauses say.
GATEWAYS = _gateways()

PURPOSES = {
    "prevent_fraud": "Preventing and detecting fraud",
    "report_crime": "Reporting a fraud against us to the police",
    "report_suspicion": "Reporting a suspicion of money laundering",
    "answer_authorities": "Answering what public authorities ask for by law",
    "check_with_partners": "Helping banks and other providers to check that it is really the customer",
    "warn_partners": "Warning banks and other providers of numbers with which a fraud was confirmed",
    "trace_calls": "Tracing malicious and nuisance calls",
    "report_breach": "Telling whoever oversees us of a breach of personal data",
    "protect_life": "Helping the emergency services to reach whoever called them",
    "link_records": "Linking the records of people who are financially associated",
    "recover_debts": "Collecting what is owed",
    "report_accounts": "Telling credit reference agencies how accounts are kept",
    "sell_debts": "Selling what is owed to another firm",
    "correct_recipients": "Keeping the records of whoever was told accurate",
    "honour_moratorium": "Leaving the debts of whoever is in a moratorium alone",
    "honour_choices": "Stopping marketing and its profiles when a person asks",
    "check_applicants": "Checking credit, identity and fraud before and during a contract",
    "inform_person": "Telling the people it is about",
}

UNUSED = {
    each.code: each
    for each in (
        Unused(
            code="run_network",
            label="Making sure that the network works, and improving it and our products",
            sentences=("R32", "R37"),
            quote="make sure our network is working properly and continuously improve and develop our network and "
            "products and services for our customers",
        ),
    )
}

RECIPIENTS = {
    "fpa": "Fraud prevention agencies",
    "fraud_alert": "Fraud alert services",
    "police_report": "Police reporting centre",
    "lea": "Law enforcement",
    "oversight": "Whoever oversees the powers of public authorities",
    "regulator": "Regulators",
    "emergency": "Emergency services",
    "cra": "Credit reference agencies",
    "dca": "Debt collection agencies",
    "purchaser": "Buyers of debts",
    "insolvency": "Insolvency service",
    "bank": "Banks",
    "provider": "Communications providers",
    "partner": "Partners",
    "group_company": "Companies of the group",
    "fiu": "Financial intelligence unit",
    "post": "Print and post house",
}

DOCUMENTS = {
    need.code: need
    for need in (
        Need(code="fraud_sharing_lia", kind="lia", label="Legitimate interests: sharing to prevent fraud"),
        Need(code="fraud_sharing_dpia", kind="dpia", label="Impact assessment: fraud prevention databases"),
        Need(code="criminal_offence_apd", kind="apd", label="Policy on criminal-offence data"),
        Need(code="association_lia", kind="lia", label="Legitimate interests: linking associated people's records"),
        Need(code="partner_checks_lia", kind="lia", label="Legitimate interests: checks for banks and providers"),
        Need(code="credit_reporting_lia", kind="lia", label="Legitimate interests: telling how accounts are kept"),
        Need(code="credit_checks_lia", kind="lia", label="Legitimate interests: credit, identity and fraud checks"),
        Need(code="debt_sale_lia", kind="lia", label="Legitimate interests: selling unpaid debts"),
        Need(code="marketing_lia", kind="lia", label="Legitimate interests: telling people of products, and surveys"),
        Need(code="letters_lia", kind="lia", label="Legitimate interests: writing to the people concerned"),
    )
}

CLAUSES = {
    clause.code: clause
    for clause in (
        Clause(
            code="fraud_filing_person",
            sentences=("R5", "R54", "R57"),
            purpose="prevent_fraud",
            recipients=frozenset({"fpa"}),
            categories=frozenset(
                {"identity", "address", "date_of_birth", "contact", "financial", "employment", "device", "vehicle"}
            ),
            gateway="gdpr_6_1_f",
            documents=frozenset({"fraud_sharing_lia", "fraud_sharing_dpia"}),
            quote="Details of the personal information that will be used include your name, address, date of birth, "
            "contact details, financial information, employment details and device identifiers, including IP address "
            "and vehicle details.",
        ),
        Clause(
            code="fraud_filing_allegation",
            sentences=("R57",),
            purpose="prevent_fraud",
            recipients=frozenset({"fpa"}),
            categories=frozenset({"fraud_allegation"}),
            gateway="dpa18_sch1_p14",
            documents=frozenset({"criminal_offence_apd", "fraud_sharing_dpia"}),
            quote="If you give us false or inaccurate information which we identify as fraudulent, we’ll pass that on "
            "to fraud prevention agencies.",
        ),
        Clause(
            code="fraud_filing_application",
            sentences=("R68",),
            purpose="prevent_fraud",
            recipients=frozenset({"fpa"}),
            categories=frozenset({"application"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"fraud_sharing_lia", "fraud_sharing_dpia"}),
            quote="We send credit reference and fraud prevention agencies information about applications, and they "
            "keep that information.",
        ),
        Clause(
            code="fraud_alert_address",
            sentences=("R5", "R48"),
            purpose="prevent_fraud",
            recipients=frozenset({"fraud_alert"}),
            categories=frozenset({"address"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"fraud_sharing_lia", "fraud_sharing_dpia"}),
            quote="detect and prevent fraud including sharing with other companies so they can protect you against "
            "fraud and maintain accurate records",
        ),
        Clause(
            code="fraud_alert_allegation",
            sentences=("R5", "R48"),
            purpose="prevent_fraud",
            recipients=frozenset({"fraud_alert"}),
            categories=frozenset({"fraud_allegation"}),
            gateway="dpa18_sch1_p14",
            documents=frozenset({"criminal_offence_apd", "fraud_sharing_dpia"}),
            quote="the Interactive Media in Retail Group (IMRG) security alert, or fraud prevention agencies",
        ),
        Clause(
            code="honour_choices",
            sentences=("R3", "R13", "R24", "R29", "R46"),
            purpose="honour_choices",
            recipients=frozenset({"group_company", "partner"}),
            categories=frozenset({"choice", "contact"}),
            gateway="gdpr_6_1_c",
            quote="You can ask us to stop sending you marketing information or withdraw your permission at any time, "
            "as set out above.",
        ),
        Clause(
            code="keep_records_accurate",
            sentences=("R5",),
            purpose="correct_recipients",
            recipients=frozenset(
                {
                    "fpa",
                    "fraud_alert",
                    "police_report",
                    "lea",
                    "cra",
                    "dca",
                    "purchaser",
                    "insolvency",
                    "bank",
                    "provider",
                    "partner",
                }
            ),
            categories=frozenset({"correction"}),
            gateway="gdpr_6_1_c",
            quote="detect and prevent fraud including sharing with other companies so they can protect you against "
            "fraud and maintain accurate records",
        ),
        Clause(
            code="report_crime_person",
            sentences=("R58", "R82"),
            purpose="report_crime",
            recipients=frozenset({"police_report"}),
            categories=frozenset(
                {"identity", "address", "date_of_birth", "contact", "financial", "device", "vehicle", "application"}
            ),
            gateway="annex1_p5",
            quote="We might also share it with law enforcement agencies, as may the agencies we have shared the "
            "information with.",
        ),
        Clause(
            code="report_crime_allegation",
            sentences=("R58", "R82"),
            purpose="report_crime",
            recipients=frozenset({"police_report"}),
            categories=frozenset({"fraud_allegation"}),
            gateway="dpa18_sch1_p10",
            documents=frozenset({"criminal_offence_apd"}),
            quote="We’ll use your personal information to help prevent and detect crime and fraud.",
        ),
        Clause(
            code="report_suspicion",
            sentences=("R58", "R82"),
            purpose="report_suspicion",
            recipients=frozenset({"fiu"}),
            categories=frozenset(
                {
                    "identity",
                    "address",
                    "date_of_birth",
                    "contact",
                    "financial",
                    "employment",
                    "device",
                    "vehicle",
                    "suspicion",
                }
            ),
            gateway="poca_s338",
            documents=frozenset({"criminal_offence_apd"}),
            quote="We’ll use your personal information to help prevent and detect crime and fraud.",
        ),
        Clause(
            code="answer_authorities",
            sentences=("R58", "R82"),
            purpose="answer_authorities",
            recipients=frozenset({"lea", "oversight"}),
            categories=frozenset({"request"}),
            gateway="gdpr_6_1_c",
            quote="We might also share it with law enforcement agencies, as may the agencies we have shared the "
            "information with.",
        ),
        Clause(
            code="answer_authorities_data",
            sentences=("R58", "R82"),
            purpose="answer_authorities",
            recipients=frozenset({"lea"}),
            categories=frozenset(
                {
                    "identity",
                    "address",
                    "contact",
                    "financial",
                    "employment",
                    "device",
                    "application",
                    "communications",
                    "content",
                    "recordings",
                    "correspondence",
                }
            ),
            gateway="gdpr_6_1_c",
            quote="We might also share it with law enforcement agencies, as may the agencies we have shared the "
            "information with.",
        ),
        Clause(
            code="report_breach",
            sentences=("R53",),
            purpose="report_breach",
            recipients=frozenset({"regulator", "oversight"}),
            categories=frozenset({"breach"}),
            gateway="gdpr_6_1_c",
            quote="We do this because it’s in our, and the organisations’, legitimate interests to prevent fraud and "
            "money laundering, and to check identities, to protect our business and to keep to laws that apply to us.",
        ),
        Clause(
            code="trace_calls",
            sentences=("R84",),
            purpose="trace_calls",
            recipients=frozenset({"lea", "provider"}),
            categories=frozenset({"call_trace"}),
            gateway="pecr_15",
            quote="We monitor traffic over our network, trace nuisance or malicious calls, and track malware and "
            "cyber-attacks.",
        ),
        Clause(
            code="emergency_caller",
            sentences=("R97",),
            purpose="protect_life",
            recipients=frozenset({"emergency"}),
            categories=frozenset({"identity", "address", "contact"}),
            gateway="ipa_s11_3a_f",
            quote="If you call the emergency services, we’ll give them information about you and where you are so they "
            "can help.",
        ),
        Clause(
            code="emergency_location",
            sentences=("R97",),
            purpose="protect_life",
            recipients=frozenset({"emergency"}),
            categories=frozenset({"location"}),
            gateway="pecr_16",
            quote="If you call the emergency services, we’ll give them information about you and where you are so they "
            "can help.",
        ),
        Clause(
            code="emergency_word",
            sentences=("R98",),
            purpose="protect_life",
            recipients=frozenset({"emergency"}),
            categories=frozenset({"request"}),
            gateway="gdpr_6_1_d",
            beside=("gdpr_6_1_f",),
            quote="We do this because it is necessary to protect you, or another person, and because it is in our "
            "interests to help the emergency services in providing help to you.",
        ),
        Clause(
            code="link_records",
            sentences=("R59", "R60", "R61"),
            purpose="link_records",
            recipients=frozenset({"cra"}),
            categories=frozenset({"identity", "address", "date_of_birth", "association"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"association_lia"}),
            quote="The agencies we share the information with also link your records together and these links will "
            "stay on your and their files – unless you or your partner successfully asks the agency to break that "
            "link.",
        ),
        Clause(
            code="recover_debts",
            sentences=("R79", "R80"),
            purpose="recover_debts",
            recipients=frozenset({"dca"}),
            categories=frozenset({"identity", "address", "contact", "financial"}),
            gateway="gdpr_6_1_b",
            quote="We’ll give them information about you (such as your contact details) and your account (the amount "
            "of the debt) and may choose to sell the debt to another organisation to allow us to receive the amount "
            "due.",
        ),
        Clause(
            code="honour_moratorium",
            sentences=("R53",),
            purpose="honour_moratorium",
            recipients=frozenset({"insolvency"}),
            categories=frozenset({"request", "financial"}),
            gateway="gdpr_6_1_c",
            quote="We do this because it’s in our, and the organisations’, legitimate interests to prevent fraud and "
            "money laundering, and to check identities, to protect our business and to keep to laws that apply to us.",
        ),
        Clause(
            code="sell_debts",
            sentences=("R81",),
            purpose="sell_debts",
            recipients=frozenset({"purchaser"}),
            categories=frozenset({"identity", "address", "date_of_birth", "contact", "financial"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"debt_sale_lia"}),
            quote="and may choose to sell the debt to another organisation to allow us to receive the amount due.",
        ),
        Clause(
            code="check_with_partners",
            sentences=("R95", "R99", "R100", "R101"),
            purpose="check_with_partners",
            recipients=frozenset({"bank", "provider"}),
            categories=frozenset({"line_status", "record_match"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"partner_checks_lia"}),
            quote="so that they can ensure that their customer records are up to date, and also in some cases prevent "
            "fraud – for example by checking whether a transaction, such as an "
            "online payment or a cash withdrawal, is definitely being requested by you, and not a fraudster.",
        ),
        Clause(
            code="warn_partners",
            sentences=("R95", "R96"),
            purpose="warn_partners",
            recipients=frozenset({"bank", "provider"}),
            categories=frozenset({"fraud_number"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"partner_checks_lia"}),
            quote="We also share it with other organisations (such as other communications providers and banks) who "
            "have the same legitimate interests.",
        ),
        Clause(
            code="check_people",
            sentences=("R47", "R48", "R49", "R50", "R51", "R53", "R68"),
            purpose="check_applicants",
            recipients=frozenset({"cra", "fpa"}),
            categories=frozenset({"identity", "address", "date_of_birth", "contact", "application"}),
            gateway="gdpr_6_1_f",
            beside=("gdpr_6_1_c",),
            documents=frozenset({"credit_checks_lia"}),
            quote="We send credit reference and fraud prevention agencies information about applications, and they "
            "keep that information.",
        ),
        Clause(
            code="report_accounts",
            sentences=("R69", "R70", "R71", "R72"),
            purpose="report_accounts",
            recipients=frozenset({"cra"}),
            categories=frozenset({"identity", "address", "date_of_birth", "financial"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"credit_reporting_lia"}),
            quote="We might also give them details of your accounts and bills, including how you manage them.",
        ),
        Clause(
            code="check_address",
            sentences=("R48",),
            purpose="check_applicants",
            recipients=frozenset({"fraud_alert"}),
            categories=frozenset({"address", "application"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"credit_checks_lia"}),
            quote="the Interactive Media in Retail Group (IMRG) security alert, or fraud prevention agencies",
        ),
        Clause(
            code="tell_the_person",
            sentences=("R14", "R67"),
            purpose="inform_person",
            recipients=frozenset({"post"}),
            categories=frozenset({"identity", "address", "letter"}),
            gateway="gdpr_6_1_f",
            documents=frozenset({"letters_lia"}),
            quote="If you have any questions about this, please contact us using the details below.",
        ),
    )
}


def grounds(clause: str, gateway: str) -> list[Gateway]:
    """Return the gateway on which something left, and beside it those that its clause gives for the same."""
    known = CLAUSES.get(clause)
    codes = (gateway, *known.beside) if known is not None and gateway == known.gateway else (gateway,)
    return [GATEWAYS[code] for code in codes if code in GATEWAYS]


def permitting(*, purpose: str, category: str, recipient_kind: str) -> Clause | None:
    """Return the clause under which a category may go to this kind of recipient for this purpose, or None.

    Purpose, category, recipient and gateway must each be in the notice."""
    if category not in CATEGORIES or purpose not in PURPOSES or recipient_kind not in RECIPIENTS:
        return None
    for clause in CLAUSES.values():
        is_meant = clause.purpose == purpose and clause.gateway in GATEWAYS
        if is_meant and category in clause.categories and recipient_kind in clause.recipients:
            return clause
    return None
