"""How a transfer is proposed: from then on nothing goes to the recipient until it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.disclosure.transfer import effects, gate
from cases.disclosure.transfer.models import Transfer
from cases.kernel import formats
from cases.kernel.countries import COUNTRIES
from cases.kernel.exchange.agreements import HOME, OWN
from cases.kernel.intake import IntakeRefused
from cases.kernel.models import Agency, Case
from cases.ledger import sealing

__all__ = ["is_about", "open_facts"]


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name a recipient and a country."""
    return bool(facts.get("recipient") and facts.get("country"))


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and block the recipient until it is decided, inside the current ledger action.

    Raises IntakeRefused for a recipient that has no terms in the register, for the United Kingdom, and for a transfer
    that is proposed or approved already; formats.CardNumber.
    """
    formats.refuse_card_numbers([facts.get("why")])
    code, country = str(facts.get("recipient") or ""), str(facts.get("country") or "").upper()
    agency = Agency.objects.filter(code=code, terms__isnull=False).exclude(kind=OWN).first()
    if agency is None:
        raise IntakeRefused("This recipient has no terms in the register of agencies.")
    if country not in COUNTRIES or country == HOME:
        raise IntakeRefused("Write the country outside the United Kingdom with two letters, such as IN.")
    if gate.is_pending(agency, country):
        raise IntakeRefused("A transfer to this recipient in this country is proposed or approved already.")
    row = Transfer(case=case, key=case.key, recipient=agency.code, country=country)
    sealing.seal(row, {"why": facts.get("why") or None}, key=case.key)
    row.save(force_insert=True)
    gate.stand(case, at=case.opened_at)
    effects.ask_to_decide(case, at=case.opened_at)
