"""What opening an emergency disclosure writes beyond the case itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.disclosure.emergency import periods
from cases.disclosure.emergency.models import EmergencyDisclosure
from cases.kernel import formats
from cases.kernel.models import Case
from cases.ledger import sealing

__all__ = ["SEALED", "count_anew", "is_about", "open_facts"]

_PLAIN = ("control_room", "risk", "call_began_at", "call_ended_at", "requested_at", "is_from_sheet")
SEALED = ("operator", "incident", "caller")


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name the call: its reference, where no number is known."""
    return bool(facts.get("caller"))


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its clocks, inside the current ledger action. The request was made
    when the case was opened unless the facts say earlier; whoever of the team took the call in (`taken_by`, an id) has
    it. Raises formats.CardNumber."""
    formats.refuse_card_numbers(facts.get(name) for name in SEALED)
    said = {name: facts[name] for name in _PLAIN if facts.get(name) is not None}
    row = EmergencyDisclosure(case=case, key=case.key, **{"requested_at": case.opened_at, **said})
    sealing.seal(row, {name: facts.get(name) or None for name in SEALED}, key=case.key)
    row.save(force_insert=True)
    periods.begin(case, row)
    taker = facts.get("taken_by")
    if taker is not None and case.team.memberships.filter(user=taker, ended_at=None).exists():
        case.assignee_id = taker
    case.save(update_fields=["due_at", "assignee"])


def count_anew(case: Case, *, at: datetime) -> None:
    """Let the hour follow a correction of when the call ended, as far as it may, on a locked case."""
    row = EmergencyDisclosure.objects.get(pk=case.pk)
    periods.align(case, row, at=at)
