"""On which terms an agency may be given personal data: its standing, its agreements, the safeguard of a transfer.

Entering terms is an act in the agency's own ledger stream. Knows no message and no case.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from django.db.models import Q

from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, AgencyTerms, Proposal
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "HOME",
    "OWN",
    "SAFEGUARDS",
    "STATES",
    "Safeguard",
    "Standing",
    "Terms",
    "TermsRefused",
    "enter",
    "faults",
    "locked",
    "set_standing",
    "too_close",
    "why_not",
]

HOME = "GB"
OWN = "own_system"
APART = timedelta(hours=24)
# Where we stand with an agency, and whether it may then send and be sent to.
STATES = {"proposed": False, "active": True, "suspended": False, "ended": False}


class TermsRefused(CaseError):
    """The terms contradict themselves; the message says where."""


@dataclass(frozen=True, kw_only=True)
class Safeguard:
    """One lawful mechanism for giving personal data to a recipient outside the United Kingdom."""

    label: str
    source: str
    needs_tra: bool = True


SAFEGUARDS = {
    "adequacy": Safeguard(label="UK adequacy regulations", source="UK GDPR Art 45", needs_tra=False),
    "data_bridge": Safeguard(
        label="Data bridge: who stands on the list of the UK extension",
        source="UK GDPR Art 45; SI 2023/1028",
        needs_tra=False,
    ),
    "idta": Safeguard(label="International data transfer agreement", source="UK GDPR Art 46(2)(d); DPA 2018 s.119A"),
    "addendum": Safeguard(label="UK addendum to the EU clauses", source="UK GDPR Art 46(2)(d); DPA 2018 s.119A"),
    "binding_rules": Safeguard(label="Binding corporate rules", source="UK GDPR Art 47"),
    # Exceptions, each for single occasions; and what a treaty lets a foreign authority ask for.
    "public_interest": Safeguard(
        label="Exception: important reasons of public interest", source="UK GDPR Art 49(1)(d)", needs_tra=False
    ),
    "legal_claims": Safeguard(label="Exception: legal claims", source="UK GDPR Art 49(1)(e)", needs_tra=False),
    "vital_interests": Safeguard(label="Exception: vital interests", source="UK GDPR Art 49(1)(f)", needs_tra=False),
    "treaty": Safeguard(
        label="Mutual legal assistance, or an agreement on access to data", source="UK GDPR Art 48", needs_tra=False
    ),
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the register is to say. Dates are civil dates; the last day of an agreement still counts."""

    state: str = "active"
    contract_reference: str = ""
    contract_from_date: date | None = None
    contract_until_date: date | None = None
    contract_review_date: date | None = None
    sharing_reference: str = ""
    sharing_from_date: date | None = None
    sharing_until_date: date | None = None
    sharing_review_date: date | None = None
    mailbox: str = ""
    takes_chasers: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the cases of transfers abroad say of a recipient. `waits_for` is the country of one that is proposed or has
    lapsed; `until_date` the earliest review date of those approved; `covers_home` says that one of them is for the
    country in which the recipient is established."""

    waits_for: str = ""
    safeguard: str = ""
    tra_reference: str = ""
    until_date: date | None = None
    covers_home: bool = False


def faults(terms: Terms) -> list[tuple[str, str]]:
    """Return (field, sentence) of everything that contradicts itself."""
    found = []
    for name in ("contract", "sharing"):
        begins, ends = getattr(terms, f"{name}_from_date"), getattr(terms, f"{name}_until_date")
        review = getattr(terms, f"{name}_review_date")
        if begins is None and (ends or review):
            found.append((f"{name}_from_date", "Say from when it holds."))
        if begins and ends and ends < begins:
            found.append((f"{name}_until_date", "It cannot end before it begins."))
        if begins and review and review < begins:
            found.append((f"{name}_review_date", "The review cannot be before it begins."))
    return found


def enter(agency: Agency, terms: Terms, *, actor: Actor, at: datetime, contact: str | None = None) -> AgencyTerms:
    """Write the terms of an agency as they now are, and let it take part or not as its state says.

    Joins the open ledger action of the agency's stream or makes one. `contact` is sealed; None leaves it as it is.
    Raises TermsRefused; nothing is then written.
    """
    if found := faults(terms):
        raise TermsRefused(" ".join(sentence for _, sentence in found))
    detail = {"code": agency.code, "state": terms.state}
    with ledger.action(agency.uid, "agency.terms", actor=actor.label, at=at, detail=detail, source=actor.source):
        row = AgencyTerms.objects.filter(agency=agency).first() or AgencyTerms(agency=agency)
        for each in fields(terms):
            setattr(row, each.name, getattr(terms, each.name))
        if contact is not None:
            _seal_contact(row, contact, at=at)
        row.save(force_insert=row.pk is None)
        if agency.is_active != STATES[terms.state]:
            agency.is_active = STATES[terms.state]
            agency.save(update_fields=["is_active"])
    return row


@contextmanager
def locked(agency: Agency) -> Iterator[None]:
    """Keep the terms of an agency from everybody else until the transaction ends."""
    AgencyTerms.objects.select_for_update().filter(agency=agency).values_list("pk").first()
    yield


def set_standing(agency: Agency, standing: Standing, *, actor: Actor, at: datetime) -> None:
    """Write what may go abroad to an agency. One act of its own stream, none where it says so already."""
    row = AgencyTerms.objects.get(agency=agency)
    values = {
        "safeguard": standing.safeguard,
        "tra_reference": standing.tra_reference,
        "transfer_waits_for": standing.waits_for,
        "transfer_until_date": standing.until_date,
        "transfer_covers_home": standing.covers_home,
    }
    if all(getattr(row, name) == value for name, value in values.items()):
        return
    detail = {"code": agency.code, "waits_for": standing.waits_for}
    with ledger.action(agency.uid, "agency.transfer", actor=actor.label, at=at, detail=detail, source=actor.source):
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=list(values))


def _seal_contact(row: AgencyTerms, contact: str, *, at: datetime) -> None:
    row.key = row.key or sealing.new_key("agency", at=at)
    sealing.seal(row, {"contact": contact or None}, key=row.key)


def why_not(agency: Agency, *, day: date) -> str:
    """Return why no personal data may go to an agency on a day, or nothing. No query when its terms are loaded."""
    if agency.kind == OWN:
        return ""
    terms: AgencyTerms | None = getattr(agency, "terms", None)
    name = agency.display_name
    if terms is None or terms.sharing_from_date is None:
        return f"There is no data-sharing agreement with {name} in the register."
    if terms.state != "active":
        return f"{name} is {terms.state} in the register."
    return _out_of_time(terms, name, day) or _unsafe(agency, terms, day)


def _out_of_time(terms: AgencyTerms, name: str, day: date) -> str:
    if terms.sharing_from_date is not None and day < terms.sharing_from_date:
        return f"The data-sharing agreement with {name} does not hold yet."
    if terms.sharing_until_date is not None and day > terms.sharing_until_date:
        return f"The data-sharing agreement with {name} has ended."
    if terms.sharing_review_date is None or day > terms.sharing_review_date:
        return f"The data-sharing agreement with {name} is past its review."
    return ""


def _unsafe(agency: Agency, terms: AgencyTerms, day: date) -> str:
    """Why nothing may go abroad to an agency: the cases of transfers decide, the register keeps what they say."""
    name = agency.display_name
    if terms.transfer_waits_for:
        return f"A transfer by {name} to {terms.transfer_waits_for} is proposed or has lapsed, and is not approved."
    if terms.transfer_until_date is not None and day > terms.transfer_until_date:
        return f"The approved transfer abroad of {name} is past its review."
    if agency.country == HOME:
        return ""
    safeguard = SAFEGUARDS.get(terms.safeguard)
    if safeguard is None or terms.transfer_until_date is None or not terms.transfer_covers_home:
        return f"{name} is outside the United Kingdom and no transfer to {agency.country} is approved for it."
    if safeguard.needs_tra and not terms.tra_reference:
        return f"The safeguard for {name} has no transfer risk assessment."
    return ""


def too_close(agency: Agency, actor: Actor, *, at: datetime) -> str:
    """Return why this person may not release to an agency yet, or nothing: they changed its entry within a day."""
    if actor.user_id is None:
        return ""
    mine = Q(maker_id=actor.user_id) | Q(checker_id=actor.user_id)
    entry = Q(subject=f"agency/{agency.code}") | Q(subject__startswith=f"agency/{agency.code}/")
    changed = Proposal.objects.filter(mine, entry, state="agreed", ended_at__gt=at - APART, ended_at__lte=at)
    if not changed.exists():
        return ""
    return f"You changed the entry of {agency.display_name} within a day: another person releases to it."
