"""The code lists of a disclosure request: stored codes and what people read."""

from cases.kernel.office.codelists import CodeList

INTERCEPTION = "interception"
APPLICATION = "order_application_notice"
STATEMENT, OVERSEAS, PRESERVATION = "witness_statement", "overseas", "preservation"
# What asks for nothing yet but that what is held is kept (K08).
TO_KEEP = frozenset({APPLICATION, PRESERVATION})
# The only order of a court abroad that binds us here.
FROM_ABROAD = frozenset({"copo_order"})
TYPES = (
    ("cd_authorised", "Authorised communications data"),
    ("cd_urgent", "Urgent communications data"),
    ("court_order", "Order of a court"),
    (APPLICATION, "Notice that an order is applied for"),
    ("data_protection_request", "Request for other data, without an order"),
    ("civil_order", "Order in a civil case"),
    (STATEMENT, "Witness statement or exhibit of what was given"),
    (OVERSEAS, "Request from abroad"),
    (PRESERVATION, "Request to preserve, until an authorisation or order comes"),
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

# Groups of items that are asked for about an address: a number, an IP address with its port, a handset.
ADDRESSED = frozenset({"communications_data", "stored_content"})

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
LEAST_URGENT = 3
# Only these may be asked for by word of mouth, and confirmed in writing later.
URGENT_GRADES = frozenset({1, 2})
AUTHORITY_KINDS = (
    ("police", "Police force"),
    ("agency", "National agency or department"),
    ("council", "Local authority"),
    ("court", "Court, or a party to a civil case"),
)
# A desk may also be that of whoever sends help.
DESK_KINDS = (*AUTHORITY_KINDS, ("control_room", "Control room of the emergency services"))
METHODS = (
    ("call_back", "Call back on the number of this entry"),
    ("portal_identity", "Identity proved by the secure portal; call back where it came another way"),
)
PORTAL = "portal"
CAME_BY = (("e_mail", "E-mail"), ("letter", "Letter"), ("telephone", "Telephone"), (PORTAL, "Secure portal"))

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
    ("from_abroad", "From abroad: asked for through the UK Central Authority"),
)
# What a rule alone may refuse. Everything else a person decides.
REFUSED_BY_RULE = frozenset({"no_gateway", "content_requested"})

# Stands for a subscriber where an address was nobody's whom we know.
NOBODY = "-"

# How an item was kept to the least.
MINIMISED = (
    ("only_items", "Only the columns that were asked for"),
    ("only_period", "Only the time that was asked for"),
    ("only_subject", "Only the person or address that was asked for"),
    ("others_left_out", "Other people are left out, or blacked out"),
)
# What whoever made a package ticks before another person looks at it. With a condition: only where it applies.
CHECKLIST = (
    ("nothing_beyond", "No sheet, picture or recording holds what was not asked for"),
    ("third_parties", "Other people are left out, blacked out or blurred"),
    ("times", "Every time says its offset from UTC"),
    ("no_secrets", "No passwords, codes or security answers stand in it"),
    ("sign_off", "An inspector, or somebody of like rank, signed the request"),
)
ONLY_FOR = {"sign_off": "data_protection_request"}
# What whoever releases compares, request and package side by side.
COMPARED = (
    ("urn", "The number of the request"),
    ("addresses", "Every number and address"),
    ("period", "The time"),
    ("items", "What is given, item by item"),
    ("sheets", "Every sheet that no machine can read"),
)
FAULTS = (
    ("wrong_address", "Another number or address"),
    ("wrong_period", "Another time"),
    ("wrong_type", "Another kind of data"),
    ("excess_data", "More than was asked for"),
    ("wrong_authority", "Another authority"),
)
NO_WRITING = "no_written_notice"
# What a second person finds that is no error: it only has to be done better.
UNFINISHED = ("unfinished", "Something is missing or unclear; nothing too much")
FAULT_LABELS = dict(FAULTS) | {NO_WRITING: "No written notice after an oral request"}
CAUSES = (
    ("typing", "Typed wrongly"),
    ("lookup", "Looked up wrongly"),
    ("time_zone", "Hour or offset mistaken"),
    ("system", "A system gave the wrong data"),
    ("request", "The request itself was wrong"),
    ("procedure", "A step was left out"),
)
ERROR_KINDS = (
    ("recordable", "Recordable: nothing was wrongly given"),
    ("reportable", "Reportable: data was wrongly given"),
)

ROLES = (("target", "Whose data is asked for"),)

# A document of this kind is put into the package, and goes with our copy of it.
EXTRACT = "extract"
EVIDENCE_KINDS = CodeList(
    "disclosure_evidence",
    "Disclosures: kinds of document",
    (
        ("authorisation", "Authorisation or notice"),
        ("court_order", "Order of a court"),
        ("request_letter", "Letter, e-mail or form of the authority"),
        ("written_notice", "Written notice after an oral request"),
        ("cancellation", "Cancellation"),
        (EXTRACT, "What was taken out, to be given"),
    ),
    is_open=True,
)
