"""Which charges billing has to take back: asked by billing, answered with what it has not taken back yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.debt.moratorium.models import FeeReversal
from cases.debt.moratorium.rules import ASK
from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["EXAMPLE", "SAID", "SAID_EXAMPLE", "SCHEMA", "waiting"]

MOST = 200
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version"],
    "properties": {"schema_version": {"type": "integer", "enum": [1]}},
}
EXAMPLE = {"schema_version": 1}
_CHARGE = {
    "id": {"type": "string", "format": "uuid"},
    "account": {"type": "string"},
    "posted_date": {"type": "string", "format": "date"},
    "amount_pence": {"type": "integer", "minimum": 1},
}
SAID = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reversals"],
    "properties": {
        "reversals": {
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": list(_CHARGE),
                "properties": _CHARGE,
            },
        }
    },
}
SAID_EXAMPLE = {
    "reversals": [
        {
            "id": "8d3c9a52-0c39-4a1b-8a63-2c1f0a7b9c55",
            "account": "8002223334",
            "posted_date": "2026-11-26",
            "amount_pence": 1200,
        }
    ]
}


def waiting(*, actor: Actor, at: datetime, request_id: str = "") -> Mapping[str, Any]:
    """Return the charges that billing still has to take back, the oldest first, at most 200. Opens the account numbers;
    asking changes nothing. Raises NotAllowed."""
    policy.require(actor, ASK, kind="moratorium")
    rows = list(
        FeeReversal.objects.filter(confirmed_date=None, debt__account__isnull=False)
        .exclude(debt__case__state__in=["void", "merged"])
        .select_related("debt__account")
        .order_by("asked_at", "pk")[:MOST]
    )
    accounts = [row.debt.account for row in rows if row.debt.account is not None]
    reader = Reader(actor=actor.label, verb="ask", purpose="moratorium", request_id=request_id)
    numbers = [values["number"] or "" for values in sealing.open_rows(accounts, ["number"], reader=reader, at=at)]
    return {
        "reversals": [
            {
                "id": str(row.uid),
                "account": number,
                "posted_date": row.posted_date.isoformat(),
                "amount_pence": row.amount_pence,
            }
            for row, number in zip(rows, numbers, strict=True)
        ]
    }
