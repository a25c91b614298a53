"""The only list of roles: what each may do in one sentence, and which two nobody may hold together.

What a role may do to a case is decided by policy and lifecycles; this table only names the roles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

__all__ = [
    "AGENCY",
    "DATA_PROTECTION_OFFICER",
    "HUMAN",
    "PRIVILEGED",
    "ROLES",
    "SYSTEM_ADMINISTRATOR",
    "TOXIC_PAIRS",
    "Role",
    "conflict",
    "refusal",
]


@dataclass(frozen=True)
class Role:
    """One role. `may` completes the sentence "This person may …" on the sign-in page of a demonstration."""

    code: str
    label: str
    may: str


AGENCY = "agency"
SYSTEM_ADMINISTRATOR = "system_administrator"
DATA_PROTECTION_OFFICER = "data_protection_officer"

ROLES: dict[str, Role] = {
    code: Role(code, label, may)
    for code, label, may in (
        ("fraud_analyst", "Fraud analyst", "open and investigate fraud referrals and propose a filing"),
        ("fraud_approver", "Fraud approver", "decide filings, changes and withdrawals that somebody else proposed"),
        (
            "nominated_officer",
            "Nominated officer",
            "decide on suspicion reports and tell the financial intelligence unit",
        ),
        ("credit_officer", "Credit officer", "run credit and identity checks and explain their outcome"),
        ("credit_reviewer", "Credit reviewer", "review a contested credit decision afresh"),
        (
            "credit_data_steward",
            "Credit data steward",
            "check monthly files and propose corrections to credit files",
        ),
        ("credit_data_approver", "Credit data approver", "approve corrections that another steward proposed"),
        ("collections_analyst", "Collections analyst", "prepare placements with collection agencies and record holds"),
        (
            "collections_manager",
            "Collections manager",
            "release placements, agree to recalls of many, and approve lifting a hold",
        ),
        ("sale_manager", "Debt sale manager", "build a debt sale and send it for its three approvals"),
        ("finance_approver", "Finance approver", "approve the money side of a debt sale"),
        (
            "disclosure_officer",
            "Disclosure officer",
            "log police requests, verify who asks and prepare what is released",
        ),
        ("disclosure_approver", "Disclosure approver", "decide what is disclosed, refuse, and lift secrecy"),
        ("emergency_operator", "Emergency operator", "release data at once where a life is at risk"),
        ("legal_counsel", "Legal counsel", "advise on disclosures and put a legal hold on a case"),
        ("rights_officer", "Rights officer", "answer customers who use their data protection rights"),
        ("data_protection_officer", "Data protection officer", "approve sales and erasure, and decide complaints"),
        ("auditor", "Auditor", "read cases with a reason, and read and verify the audit trail; changes nothing"),
        (SYSTEM_ADMINISTRATOR, "System administrator", "add people, roles and agencies; sees no case"),
        (AGENCY, "Agency", "send signed messages about its own matters; never a person"),
    )
}
HUMAN: tuple[str, ...] = tuple(code for code in ROLES if code != AGENCY)

# Whoever decides, releases, sees what is restricted, reads everything or gives rights: nobody becomes one by the word
# of one person. A rights officer reads every referral and makes packs of anybody.
PRIVILEGED: frozenset[str] = frozenset(HUMAN) - {
    "fraud_analyst",
    "credit_officer",
    "credit_data_steward",
    "collections_analyst",
}
_CASE_ROLES = frozenset(HUMAN) - {SYSTEM_ADMINISTRATOR, "auditor"}
_SALE_APPROVERS = ("sale_manager", "finance_approver", "data_protection_officer")


def _pairs(one: Iterable[str], other: Iterable[str], sentence: str) -> dict[frozenset[str], str]:
    return {frozenset(pair): sentence for pair in product(one, other)}


TOXIC_PAIRS: dict[frozenset[str], str] = {
    **_pairs(
        (SYSTEM_ADMINISTRATOR,),
        (*_CASE_ROLES, "auditor"),
        "A system administrator holds no role that sees cases or the audit trail.",
    ),
    **_pairs(("auditor",), _CASE_ROLES, "An auditor does not take part in what is audited."),
    **_pairs(("collections_analyst",), _SALE_APPROVERS, "Who works the debts does not approve their sale."),
}


def conflict(role: str, held: Iterable[str]) -> str:
    """Return why `role` may not be added to the roles `held`, or nothing."""
    sentences = (TOXIC_PAIRS.get(frozenset((role, other)), "") for other in sorted(held) if other != role)
    return next((sentence for sentence in sentences if sentence), "")


def refusal(role: str, *, held: Iterable[str]) -> str:
    """Return why a person who holds these roles cannot be given another, or nothing."""
    if role not in HUMAN:
        return "There is no such role for a person."
    if role in held:
        return "This person holds that role already."
    return conflict(role, held)
