"""The code lists of a fraud referral: stored codes and what people read."""

from cases.kernel.office.codelists import CodeList

CASE_TYPES = CodeList(
    "fraud_case_type",
    "Fraud: kinds of filing",
    (
        ("identity_fraud", "Identity fraud"),
        ("facility_takeover", "Facility takeover"),
        ("false_application", "False application"),
        ("misuse_of_facility", "Misuse of facility"),
        ("asset_conversion", "Asset conversion"),
        ("false_insurance_claim", "False insurance claim"),
        ("victim_of_impersonation", "Victim of impersonation (not adverse)"),
        ("victim_of_takeover", "Victim of takeover (not adverse)"),
        ("protective_registration", "Protective registration (not adverse)"),
    ),
)
NON_ADVERSE = frozenset({"victim_of_impersonation", "victim_of_takeover", "protective_registration"})

_DECLARED = {
    "identity_fraud": (
        ("current_address_impersonation", "Impersonation at the current address"),
        ("previous_address", "Impersonation at a previous address"),
        ("deceased_impersonation", "Impersonation of a dead person"),
        ("fictitious_identity", "Fictitious identity"),
        ("synthetic", "Synthetic identity"),
    ),
    "facility_takeover": (
        ("unauth_sim_swap", "SIM swap without authority"),
        ("unauth_pac_port", "Number ported without authority"),
        ("unauth_upgrade_or_handset", "Upgrade or handset without authority"),
        ("address_or_credential_change", "Address or credentials changed"),
        ("call_divert", "Calls diverted"),
        ("unauth_payment", "Payment without authority"),
    ),
    "false_application": (
        ("false_document", "False document"),
        ("altered_document", "Altered document"),
        ("undisclosed_address", "Undisclosed address"),
        ("false_employment", "False employment"),
        ("false_income", "False income"),
        ("false_bank_details", "False bank details"),
        ("multiple_applications", "Several applications"),
    ),
    "misuse_of_facility": (
        ("never_pay_handset", "Handset never paid for"),
        ("evasion_of_payment", "Evasion of payment"),
        ("fraudulent_direct_debit", "Fraudulent direct debit"),
        ("stolen_card", "Stolen card"),
        ("false_non_receipt_claim", "False claim of non-receipt"),
        ("box_breaking_resale", "Box breaking and resale"),
        ("sim_farm_or_smishing", "SIM farm or smishing"),
        ("mule_line", "Mule line"),
        ("irsf_ait_traffic", "Artificially inflated traffic"),
    ),
    "asset_conversion": (("asset_sold", "Financed asset sold"),),
    "false_insurance_claim": (("false_claim", "False claim"),),
    "protective_registration": (
        ("documents_lost_or_stolen", "Documents lost or stolen"),
        ("details_exposed", "Details exposed in a breach"),
        ("at_risk", "At risk of being impersonated"),
    ),
}
# The innocent of such a filing is dead: no letter is posted to them.
DEAD = "deceased_impersonation"
# One list for each kind of filing. A victim's filing names what was done in the victim's name.
_LISTS = {
    kind: CodeList(
        f"fraud_reason_{kind}", f"Fraud: reasons, {dict(CASE_TYPES)[kind].split(' (')[0].lower()}", pairs, is_open=True
    )
    for kind, pairs in _DECLARED.items()
}
REASONS = {
    **_LISTS,
    "victim_of_impersonation": CodeList(
        "fraud_reason_impersonated",
        "Fraud: reasons, victim of impersonation",
        _DECLARED["identity_fraud"][:3],
        is_open=True,
    ),
    "victim_of_takeover": _LISTS["facility_takeover"],
}


def all_reasons() -> dict[str, str]:
    """Return every reason with its present label, whatever kind of filing it belongs to."""
    return {code: label for each in reversed(REASONS.values()) for code, label in each.labels().items()}


def reason_label(code: str) -> str:
    """Return the present label of one reason; one that is in no list is its own."""
    return next((each.labels()[code] for each in REASONS.values() if code in each.labels()), code)


# What kind of event is referred: a fraud, unless it is an attack.
NETWORK_ATTACK = "network_attack"
EVENT_TYPES = CodeList(
    "fraud_event",
    "Fraud: kinds of event",
    (
        ("", "A fraud against us or a customer"),
        (NETWORK_ATTACK, "Attack on our network"),
        ("customer_equipment", "Attack on a customer's equipment"),
    ),
)
ATTACKS = CodeList(
    "fraud_attack",
    "Fraud: kinds of attack",
    (
        ("malware", "Malware"),
        ("intrusion", "Intrusion"),
        ("denial_of_service", "Denial of service"),
        ("toll_fraud", "Calls made at others' cost by hacked equipment"),
    ),
    is_open=True,
)

PRODUCTS = CodeList(
    "fraud_product",
    "Fraud: products",
    (
        ("mob_paym", "Mobile, pay monthly"),
        ("mob_simo", "Mobile, SIM only"),
        ("handset_loan", "Handset loan"),
        ("broadband", "Broadband"),
        ("landline", "Landline"),
        ("tv", "TV"),
        ("business_line", "Business line"),
        ("insurance", "Insurance"),
    ),
    is_open=True,
)

SALES_CHANNELS = CodeList(
    "fraud_channel",
    "Fraud: sales channels",
    (("web", "Web"), ("store", "Shop"), ("phone", "Telephone"), ("third_party", "Third party")),
    is_open=True,
)

ROLES = CodeList(
    "fraud_role",
    "Fraud: roles of people",
    (
        ("applicant", "Applicant"),
        ("account_holder", "Account holder"),
        ("third_party_fraudster", "Third-party fraudster"),
        ("aider", "Aider"),
        ("mule", "Mule"),
        ("victim_of_impersonation", "Victim of impersonation"),
        ("victim_of_takeover", "Victim of takeover"),
        ("director", "Director"),
        ("employee", "Member of our staff"),
    ),
)
EMPLOYEE = "employee"
VICTIM_ROLES = frozenset({"victim_of_impersonation", "victim_of_takeover"})

ADDRESS_KINDS = CodeList(
    "fraud_address",
    "Fraud: kinds of address",
    (
        ("current", "Current"),
        ("previous", "Previous"),
        ("delivery", "Delivery"),
        ("billing", "Billing"),
        ("used_by_fraudster", "Used by the fraudster"),
    ),
    is_open=True,
)

EVIDENCE_KINDS = CodeList(
    "fraud_evidence",
    "Fraud: kinds of document",
    (
        ("document", "Document"),
        ("call_recording", "Call recording"),
        ("chat", "Chat"),
        ("device_log", "Device log"),
        ("cdr_extract", "Call record extract"),
        ("signed_statement", "Signed statement"),
        ("bank_confirmation", "Bank confirmation"),
        ("cctv", "CCTV"),
    ),
    is_open=True,
)

PILLARS = (
    (1, "Reasonable grounds that fraud or financial crime was committed or attempted"),
    (2, "The evidence is clear, relevant and rigorous"),
    (3, "The conduct fits a recognised case type"),
    (4, "The product was refused, withdrawn or ended because of the fraud"),
)

_VICTIM_PILLARS = (
    (1, "Reasonable grounds that somebody used this person's name or account"),
    (2, "The evidence is clear, relevant and rigorous"),
    (3, "What happened fits a recognised kind of case"),
    (4, "What was obtained was refused, withdrawn or ended, and nothing is held against the person"),
)
_PROTECTIVE_PILLARS = (
    (1, "The person asked for it, or somebody who may act for them"),
    (2, "Who asked was verified, with evidence"),
    (3, "The registration fits a recognised kind of case"),
    (4, "The person knows that further checks will be made, and nothing is held against them"),
)


def pillars_of(case_type: str) -> tuple[tuple[int, str], ...]:
    """Return the four questions as they are put for a kind of filing."""
    if case_type == "protective_registration":
        return _PROTECTIVE_PILLARS
    return _VICTIM_PILLARS if case_type in NON_ADVERSE else PILLARS


PILLAR_4_EXCEPTIONS = (
    ("", "No exception"),
    ("obliged_to_provide", "We are obliged to provide it"),
    ("full_benefit_received", "The full benefit had been received"),
)

ALERT_CODES = CodeList(
    "fraud_alert",
    "Fraud: codes of the retail alert",
    (
        ("", "Do not tell the retail alert"),
        ("fraud", "Fraud"),
        ("chargeback", "Chargeback"),
        ("suspect", "Suspect"),
    ),
)

GROUNDS = CodeList(
    "fraud_ground",
    "Fraud: grounds of a dispute",
    (
        ("not_me", "It was not me"),
        ("innocent", "I was deceived, coerced or impersonated"),
        ("facts_wrong", "What is said is wrong"),
        ("paid", "It was a debt, and is paid"),
        ("objection", "Objection to the processing"),
    ),
)

REMOVAL_REASONS = CodeList(
    "fraud_removal",
    "Fraud: reasons of a removal",
    (
        ("error", "Filed in error"),
        ("new_evidence", "New evidence"),
        ("subject_innocent", "The person is innocent"),
        ("court_or_ombudsman", "Ordered by a court, the ombudsman or the regulator"),
        ("duplicate", "A duplicate of another filing"),
    ),
)

# What the digits of a credit file once said of a record at the agency, which may still name them of an old one.
LEGACY = {
    "0": "Protective registration",
    "1": "False identity",
    "2": "Victim of impersonation",
    "3": "Application fraud, granted",
    "4": "Application fraud, refused",
    "5": "Conversion of an asset",
    "6": "First-party fraud",
    "7": "Aiding and abetting",
    "8": "Insurance claim fraud",
}

# In what an agency may say that two cases agree.
MATCHED_ON = {
    "name": "Name",
    "date_of_birth": "Date of birth",
    "address": "Address",
    "phone": "Telephone",
    "email": "E-mail",
    "bank_account": "Bank account",
    "device": "Device",
    "identity_document": "Identity document",
}

# What a person may decide about each kind of incoming notice.
INCOMING = {
    "match": (
        ("false_positive", "False positive: somebody else"),
        ("referred_to_manual", "Refer for manual checks"),
        ("confirmed", "Confirmed"),
    ),
    "alert_hit": (
        ("false_positive", "False positive: the address alone says nothing of who lives there"),
        ("referred_to_manual", "Refer for manual checks"),
        ("confirmed", "Confirmed for a person, by more than the address"),
    ),
    "enquiry": (
        ("stands", "The filing stands"),
        ("under_review", "The filing is under review"),
        ("being_amended", "The filing is being amended"),
        ("removed", "The filing was removed"),
    ),
    "removal_instruction": (
        ("accepted", "Accepted: the filing is removed"),
        ("contested", "Contested: the agency is told so"),
    ),
    "protective_registration": (
        ("extra_checks", "Noted: extra checks, and a friendly word"),
        ("not_ours", "Nobody of ours"),
    ),
}
# An outcome in a word, whatever it was the outcome of.
OUTCOMES_OF_INCOMING = {
    code: text.partition(":")[0].partition(" for a person")[0] for known in INCOMING.values() for code, text in known
}
INCOMING_LABELS = {
    "match": "A match with another member's case",
    "alert_hit": "A hit in the retail alert",
    "enquiry": "Another member asks about the filing",
    "removal_instruction": "The agency instructs us to remove the filing",
    "protective_registration": "A person of this case is protected",
}
