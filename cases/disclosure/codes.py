"""The code lists of a disclosure request: stored codes and what people read."""

from cases.kernel.office.codelists import CodeList

INTERCEPTION = "interception"
APPLICATION = "order_application_notice"
TYPES = (
    ("cd_authorised", "Authorised communications data"),
    ("cd_urgent", "Urgent communications data, in writing"),
    ("court_order", "Order of a court"),
    (APPLICATION, "Notice that an order is applied for"),
    ("data_protection_request", "Request for other data, without an order"),
    ("civil_order", "Order in a civil case"),
    (INTERCEPTION, "For the lawful-interception unit; nothing else is recorded"),
)
# Gateways that come with a paper that says so: the order itself.
ORDERS = frozenset(
    {"pace_s9_sch1", "poca_s345", "tact_sch5", "copo_order", "norwich_pharmacal", "cpr_31_17", "other_order"}
)
# Authorisations and the clock that says how long each lasts.
AUTHORISATIONS = {
    "ipa_60a": "k01_authorisation",
    "ipa_61": "k01_authorisation",
    "ipa_61a": "k02_urgent_authorisation",
}

PURPOSES = (
    ("crime_applicable", "Crime"),
    ("national_security", "National security"),
    ("public_safety", "Public safety"),
    ("prevent_death_injury", "Preventing death or injury"),
    ("assist_miscarriage", "Investigating a miscarriage of justice"),
    ("identify_deceased_or_incapable", "Identifying somebody who died or cannot say who they are"),
)
GRADES = (
    ("1", "1: immediate threat to life"),
    ("2", "2: exceptionally urgent"),
    ("3", "3: not urgent, but may be time-critical"),
)
AUTHORITY_KINDS = (
    ("police", "Police force"),
    ("agency", "National agency or department"),
    ("council", "Local authority"),
    ("court", "Court, or a party to a civil case"),
)
METHODS = (
    ("call_back", "Call back on the number of this entry"),
    ("portal_identity", "Identity proved by the secure portal; call back where it came another way"),
)
CAME_BY = (("e_mail", "E-mail"), ("letter", "Letter"), ("telephone", "Telephone"))

REFUSALS = (
    ("expired", "The authorisation had lapsed before it reached us"),
    ("wrong_operator", "Not our number, or moved to another provider"),
    ("no_data_held", "No such data is held"),
    ("not_reasonably_practicable", "Not reasonably practicable (s.66(3))"),
    ("no_gateway", "Nothing that is asserted allows it"),
    ("content_requested", "Content is asked for"),
    ("unverified_requester", "Who asks could not be verified"),
    ("ambiguous_time", "The time is ambiguous"),
    ("manifest_error", "The request is plainly mistaken"),
)
# What a rule alone may refuse. Everything else a person decides.
REFUSED_BY_RULE = frozenset({"no_gateway", "content_requested"})

ROLES = (("target", "Whose data is asked for"),)

EVIDENCE_KINDS = CodeList(
    "disclosure_evidence",
    "Disclosures: kinds of document",
    (
        ("authorisation", "Authorisation or notice"),
        ("court_order", "Order of a court"),
        ("request_letter", "Letter, e-mail or form of the authority"),
        ("cancellation", "Cancellation"),
    ),
    is_open=True,
)
