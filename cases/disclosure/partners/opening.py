"""What a partner's question writes beyond the case itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.disclosure.partners import simevents
from cases.disclosure.partners.models import PartnerQuery
from cases.kernel import formats
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["is_about", "open_facts"]

_PLAIN = (
    *("partner_id", "agreement_id", "question", "occasion", "processor", "has_own_key"),
    *("max_age_hours", "is_authenticated"),
)


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name the number."""
    return bool(facts.get("number"))


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new query, inside the current ledger action. Raises formats.CardNumber."""
    formats.refuse_card_numbers([facts.get("their_reference")])
    said = {name: facts[name] for name in _PLAIN if facts.get(name) is not None}
    row = PartnerQuery(case=case, key=case.key, number_tokens=simevents.tokens_of(facts["number"]), **said)
    sealing.seal(
        row, {"number": facts["number"], "their_reference": facts.get("their_reference") or None}, key=case.key
    )
    row.save(force_insert=True)
