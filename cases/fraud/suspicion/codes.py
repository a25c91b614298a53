"""The code lists of a suspicion report: stored codes and what people read."""

from cases.kernel.office.codelists import CodeList

INFORMATION = "information"
DEFENCE_MONEY = "defence_money_laundering"
DEFENCE_TERROR = "defence_terrorist_financing"
REASONS = (
    (INFORMATION, "For information"),
    (DEFENCE_MONEY, "Defence sought: money laundering"),
    (DEFENCE_TERROR, "Defence sought: terrorist financing"),
)
DEFENCES = frozenset({DEFENCE_MONEY, DEFENCE_TERROR})

# The unit publishes new codes from time to time.
GLOSSARY = CodeList(
    "suspicion_glossary",
    "Suspicion: glossary codes",
    (
        ("identity_fraud", "Identity fraud"),
        ("account_takeover", "Account takeover"),
        ("money_mule", "Money mule"),
        ("handset_resale", "Handsets bought to be resold"),
        ("refund_abuse", "Refunds to an account of another person"),
        ("vulnerable_person", "A vulnerable person is exploited"),
    ),
    is_open=True,
)

ROLES = (
    ("subject", "Subject"),
    ("associate", "Associate"),
    ("victim", "Victim"),
)

EVIDENCE_KINDS = CodeList(
    "suspicion_evidence",
    "Suspicion: kinds of document",
    (
        ("account_statement", "Account statement"),
        ("call_recording", "Call recording or transcript"),
        ("correspondence", "Correspondence"),
        ("unit_letter", "Letter of the unit"),
    ),
    is_open=True,
)

# What the policy hold of a defence stops until it is decided: money that would leave the firm.
BLOCKS = ("pay_out",)
LONGEST_NARRATIVE = 8000
UNKNOWN = "UNKNOWN"
