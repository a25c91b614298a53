"""The privacy notice as data: for which purpose which data may go to whom, on which ground.

One document for the whole firm. It names purposes, data categories and kinds of recipient, never a kind of case. A
clause quotes its sentence by number (R1..R101). Removing a clause or a category must break something: see releases.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATEGORIES", "CLAUSES", "GATEWAYS", "Category", "Clause", "Gateway", "permitting"]


@dataclass(frozen=True, kw_only=True)
class Category:
    """One class of personal data, in the notice's words."""

    code: str
    label: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One legal ground for giving data away."""

    code: str
    label: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One permission: this purpose, these categories, these recipients, on this gateway. No clause, no release."""

    code: str
    sentences: tuple[str, ...]
    purpose: str
    recipients: frozenset[str]
    categories: frozenset[str]
    gateway: str
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
        Category(code="correction", label="That something told before is no longer so", sentence="R5"),
        Category(code="letter", label="A letter to the person it is about", sentence="R67"),
    )
}

GATEWAYS = {
    gateway.code: gateway
    for gateway in (
        Gateway(code="gdpr_6_1_c", label="Legal obligation", source="UK GDPR Art 6(1)(c) with Art 19"),
        Gateway(code="gdpr_6_1_f", label="Legitimate interests", source="UK GDPR Art 6(1)(f)"),
        Gateway(
            code="dpa18_sch1_p14",
            label="Preventing fraud through an anti-fraud organisation",
            source="DPA 2018 Sch 1 para 14, with UK GDPR Art 6(1)(f) and Art 10",
        ),
        Gateway(
            code="poca_s338",
            label="Disclosure of a suspicion to the financial intelligence unit",
            source="Proceeds of Crime Act 2002 ss.337 and 338, with UK GDPR Art 6(1)(c) and DPA 2018 Sch 1 para 10",
        ),
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
            quote="We send credit reference and fraud prevention agencies information about applications, and they "
            "keep that information.",
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
                    "partner",
                }
            ),
            categories=frozenset({"correction"}),
            gateway="gdpr_6_1_c",
            quote="detect and prevent fraud including sharing with other companies so they can protect you against "
            "fraud and maintain accurate records",
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
            quote="We’ll use your personal information to help prevent and detect crime and fraud.",
        ),
        Clause(
            code="tell_the_person",
            sentences=("R14", "R67"),
            purpose="inform_person",
            recipients=frozenset({"post"}),
            categories=frozenset({"identity", "address", "letter"}),
            gateway="gdpr_6_1_f",
            quote="If you have any questions about this, please contact us using the details below.",
        ),
    )
}


def permitting(*, purpose: str, category: str, recipient_kind: str) -> Clause | None:
    """Return the clause under which a category may go to this kind of recipient for this purpose, or None."""
    if category not in CATEGORIES:
        return None
    for clause in CLAUSES.values():
        if clause.purpose == purpose and category in clause.categories and recipient_kind in clause.recipients:
            return clause
    return None
