"""A referral of an incident of which calls are traced: somebody compares the two and links them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud import codes, opening
from cases.fraud.trace.effects import ask_to_compare
from cases.fraud.trace.models import Trace
from cases.kernel.models import Case

__all__ = ["INCIDENT", "open_facts"]

INCIDENT = "fraud_traced_incident"
ATTACKS = frozenset({codes.NETWORK_ATTACK, "customer_equipment"})


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new referral; of an attack whose incident an earlier trace names, ask somebody to
    compare the two. One query more for an attack. Raises as `opening.open_facts`."""
    opening.open_facts(case, facts)
    reference = str(facts.get("incident_reference") or "").strip()
    if reference and facts.get("event_type") in ATTACKS:
        traces = Trace.objects.filter(incident_reference=reference).values_list("pk", flat=True)
        ask_to_compare(case, INCIDENT, traces, at=case.opened_at)
