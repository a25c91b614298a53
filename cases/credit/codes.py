"""Codes of checks and decisions, each with its words."""

from __future__ import annotations

from collections.abc import Iterable

from cases.kernel.office.codelists import CodeList

__all__ = [
    "ADVERSE",
    "BASES",
    "CAME_BY",
    "CONTEST_OUTCOMES",
    "CONTEST_ROLES",
    "IDENTITY",
    "WON",
    "outcomes_of",
    "outward",
    "said_by",
    "CHANNELS",
    "EVIDENCE_KINDS",
    "EXISTING",
    "HARD",
    "HARMS",
    "LEVELS",
    "NOT_AUTOMATED",
    "NOT_PROVED",
    "OCCASIONS",
    "OF_LINKED",
    "OF_A_SERVICE",
    "OUTCOMES",
    "PLAN",
    "REASONS",
    "REFUSED_FOR",
    "ROLES",
    "SEARCHES",
    "SEEN_BY",
    "STOOD",
    "TRIGGERS",
]

OCCASIONS = (
    ("new", "New contract"),
    ("upgrade", "Upgrade"),
    ("renewal", "Renewal"),
    ("handset_loan", "Loan for a handset"),
    ("limit_change", "Change of a credit limit"),
    ("in_use", "While the service is used"),
)
IN_USE = "in_use"
# Whoever has a contract already is a customer, whatever is decided.
EXISTING = frozenset({"upgrade", "renewal", "limit_change", "in_use"})
CHANNELS = (("web", "Online"), ("store", "In a shop"), ("phone", "By telephone"), ("third_party", "Through a dealer"))
SEARCHES = (
    ("credit_hard", "Credit search that others see"),
    ("quotation_soft", "Quotation search"),
    ("account_review", "Review of an account"),
    ("identity", "Identity"),
    ("fraud_prevention", "Fraud prevention"),
    ("retail_alert", "Retail alert"),
)
HARD = frozenset({"credit_hard"})
# Who may see at an agency that it was searched, the widest first, as the person is told of it.
SEEN_BY = (
    ("others", "others who look at your file can see this search"),
    ("perhaps_others", "it has not answered us; others who look at your file may see this search"),
    ("person", "only you can see this search"),
    ("nobody", "it refused the search"),
)
# What is asked about a financially linked person too: a link says that two credit files belong together, and nothing of
# fraud or of who somebody is.
OF_LINKED = frozenset({"credit_hard", "quotation_soft", "account_review"})
_FRAUD = (("fpa", "fraud_prevention"), ("fraud_alert", "retail_alert"))
# Which kinds of agency are asked for what: (kind of agency, search).
PLAN: dict[str, tuple[tuple[str, str], ...]] = {
    "new": (("cra", "credit_hard"), ("cra", "identity"), *_FRAUD),
    "handset_loan": (("cra", "credit_hard"), ("cra", "identity"), *_FRAUD),
    "upgrade": (("cra", "credit_hard"), ("cra", "identity"), *_FRAUD),
    "limit_change": (("cra", "credit_hard"), *_FRAUD),
    "renewal": (("cra", "quotation_soft"), *_FRAUD),
    "in_use": (("cra", "account_review"), *_FRAUD),
}
BASES = (
    ("gdpr_6_1_f", "Our legitimate interests"),
    ("gdpr_6_1_b", "The contract"),
    ("gdpr_6_1_c", "A legal obligation"),
    ("gdpr_6_1_ea", "Recognised legitimate interests"),
)
OUTCOMES = (
    ("accept", "Accepted"),
    ("accept_with_deposit", "Accepted with a deposit"),
    ("accept_spend_cap", "Accepted with a limit on spending"),
    ("decline", "Declined"),
    ("suspend_existing", "Service suspended"),
    ("terminate", "Service ended"),
)
# What can become of a service that somebody has, and of nothing that somebody asks for.
OF_A_SERVICE = frozenset({"suspend_existing", "terminate"})
# What is worse for a person than what they asked for is significant (UK GDPR Art 22A).
ADVERSE = frozenset({"accept_with_deposit", "accept_spend_cap", "decline", "suspend_existing", "terminate"})
LEVELS = (("none", "By a person"), ("assisted", "By a person, with a proposal"), ("solely", "Automatically"))
# The three triggers of the notice (R64), and no fourth.
TRIGGERS = (
    (
        "behaviour_consistent_with_ml_or_known_fraud",
        "Behaviour consistent with money laundering or known fraudulent conduct",
    ),
    ("inconsistent_with_previous_submissions", "Inconsistent with previous submissions"),
    ("hidden_true_identity", "True identity deliberately hidden"),
)
REASONS = (
    ("earlier_applications_differ", "The details differ from those of earlier applications in the same name"),
    ("low_score", "The score of the credit reference agency is low"),
    ("insolvent", "The credit file shows an insolvency"),
    ("notice_of_correction", "The credit file has a notice of correction, which a person reads"),
    ("fraud_match", "A fraud prevention agency has a matching record"),
    ("protective_match", "A record protects this person against impersonation"),
    ("alert_match", "The address stands in the retailers' alert"),
    ("identity_open", "The identity could not be confirmed"),
    ("thin_file", "There is little on the credit file"),
    ("associate_adverse", "The file of a financially linked person counts against it"),
    ("searches_missing", "An agency did not answer"),
    ("basis_forbids", "The legal basis does not allow a decision without a person"),
    ("special_category", "Special category data is involved"),
    ("no_trigger", "Nothing that the notice names speaks against the person"),
    ("cannot_write", "No letter can reach the person"),
    ("affordability", "The commitments are high for the income"),
    ("meets_criteria", "The criteria are met"),
)
# Who says that a person is a risk, by the reason: where none is named, we do (R62).
_SAID_BY = {
    **dict.fromkeys(
        (
            *("earlier_applications_differ", "low_score", "insolvent", "notice_of_correction", "identity_open"),
            *("thin_file", "associate_adverse"),
        ),
        "A credit reference agency",
    ),
    **dict.fromkeys(("fraud_match", "protective_match"), "A fraud prevention agency"),
    "alert_match": "The retailers' alert",
}
# What is said outside of a reason that is another person's matter: one applicant is not explained to the other.
_OUTWARD = {"associate_adverse": "Information of a credit reference agency counts against it"}
ROLES = (("applicant", "Applicant"), ("associate", "Financially linked person"))
CAME_BY = (
    ("web_form", "Web form"),
    ("phone", "Telephone"),
    ("email", "E-mail"),
    ("letter", "Letter"),
    ("shop", "In a shop"),
)
IDENTITY = (
    ("known_address", "Answered from an address we know"),
    ("account_questions", "Questions about the account"),
    ("document", "Document seen"),
    ("video", "Video call"),
)
CONTEST_OUTCOMES = (
    ("upheld", "The decision stands"),
    ("overturned", "The decision is overturned"),
    ("varied", "The decision is changed in part"),
    ("not_automated", "It was no automated decision"),
)
NOT_AUTOMATED = "not_automated"
# What a contest ends with that nobody looked at.
NOT_PROVED = "identity_not_proved"
REFUSED_FOR = ((NOT_PROVED, "Nobody showed who they are"),)
WON = frozenset({"overturned", "varied"})
STOOD = frozenset({"upheld", NOT_AUTOMATED})
# What a decision that is contested did to the person beyond its own effect: others see what the agencies hold (R66).
HARMS = (
    ("refused_elsewhere", "Somebody else refused them a service or credit"),
    ("no_service", "They were without a service that they need"),
    ("money", "It cost them money"),
    ("work", "They lost work, or were not taken on"),
    ("distress", "It distressed them"),
)
CONTEST_ROLES = (("person", "Person concerned"), ("representative", "Acts for them"))
EVIDENCE_KINDS = CodeList(
    "check_evidence",
    "Checks: kinds of document",
    (("identity", "Proof of identity"), ("income", "Proof of income"), ("other", "Other")),
    is_open=True,
)


def outcomes_of(occasion: str) -> tuple[tuple[str, str], ...]:
    """Return what can be decided on an occasion, as codes with their labels."""
    return tuple(each for each in OUTCOMES if occasion == IN_USE or each[0] not in OF_A_SERVICE)


def said_by(reasons: Iterable[str]) -> str:
    """Return on whose word a decision rests, by its reasons, in words."""
    return "; ".join(dict.fromkeys(_SAID_BY.get(code, "We ourselves") for code in reasons))


def outward(reasons: Iterable[str]) -> list[str]:
    """Return reasons in the words in which the person they are about may read them."""
    words = {**dict(REASONS), **_OUTWARD}
    return [words.get(code, code) for code in reasons]
