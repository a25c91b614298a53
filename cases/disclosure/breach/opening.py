"""How a breach is opened: by any colleague who reports one, and by an act on a case in which data went astray."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.disclosure.breach import periods
from cases.disclosure.breach.models import Breach
from cases.kernel import clocks, formats, intake
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.kernel.restricted import quietholds
from cases.ledger import sealing

__all__ = ["KIND", "count_anew", "fork", "is_known", "open_facts"]

KIND = "breach"
_ONCE = "breach_once"


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case and start its 72 hours (K09), inside the current ledger action. They count from
    awareness: when it was reported, unless the facts say earlier. What comes from a case of a compartment is kept apart
    from what a Commissioner is told. Raises formats.CardNumber."""
    formats.refuse_card_numbers([facts.get("what")])
    aware_at = min(facts.get("aware_at") or case.opened_at, case.opened_at)
    row = Breach(
        case=case,
        key=case.key,
        aware_at=aware_at,
        nature=str(facts.get("nature") or "disclosed"),
        people_count=facts.get("people_count"),
        is_from_secrecy=bool(facts.get("is_from_secrecy")),
        about_token=facts.get("about_token"),
    )
    if once := facts.get("once"):
        row.once_token = sealing.keyed_hash(_ONCE, str(once))
    inside = "told_inside" if row.is_from_secrecy else "what"
    typed = {"about_reference": facts.get("about_reference") or None, inside: facts.get("what") or None}
    sealing.seal(row, typed, key=case.key)
    row.save(force_insert=True)
    clocks.start(case, periods.TELL, started_at=aware_at)
    clocks.refresh_due(case)
    case.save(update_fields=["due_at"])


def count_anew(case: Case, *, at: datetime) -> None:
    """Count the 72 hours from when a breach was first known, as it is corrected: not later than it was reported. Inside
    the current ledger action on a locked case; what is due with them moves too."""
    row = Breach.objects.select_related("key").get(pk=case.pk)
    if row.aware_at > case.opened_at:
        row.aware_at = case.opened_at
        row.save(update_fields=["aware_at"])
    for clock in case.clocks.filter(rule=periods.TELL, ended_at=None).exclude(started_at=row.aware_at):
        clock.started_at = row.aware_at
        clock.save(update_fields=["started_at"])
        clocks.recount(case, clock, at=at)


def is_known(once: Any) -> bool:
    """Say whether a report came before: a form that is sent twice is one report."""
    return Breach.objects.filter(once_token__in=sealing.kept_hashes(_ONCE, str(once))).exists()


def fork(case: Case, what: str, *, aware_at: datetime, actor: Actor, at: datetime) -> None:
    """Report what went wrong with a locked case as a breach, in the same transaction and as an act of its own stream.

    One way: the breach names the case by a sealed word and a token; nothing is written to the case, and whoever works
    on it does not see the breach. Raises NotAllowed.
    """
    facts = {
        "what": what,
        "nature": "disclosed",
        "aware_at": aware_at,
        "is_from_secrecy": case.is_restricted,
        "about_reference": case.reference,
        "about_token": quietholds.case_token(case.uid),
    }
    intake.open_case(KIND, actor=actor, at=at, facts=facts)
