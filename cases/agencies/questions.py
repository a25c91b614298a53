"""Questions of the firm's own systems that change nothing. A body of exact shape in, yes or no out."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from cases.agencies import shapes, strict_json
from cases.agencies.senders import Sender
from cases.kernel import accountholds, actors
from cases.kernel.intake import FieldErrors

__all__ = ["EXAMPLE", "SCHEMA", "policy_hold"]

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "account", "act"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "account": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "[A-Za-z0-9]"},
        "act": {"type": "string", "enum": sorted(accountholds.ACTS)},
    },
}
EXAMPLE = {"schema_version": 1, "account": "NM-4471", "act": "pay_out"}


def policy_hold(sender: Sender, raw: bytes, *, now: datetime) -> bytes:
    """Return the answer whether a hold stops an act on an account. Raises Unreadable, FieldErrors, NotAllowed."""
    document = strict_json.parse(raw)
    if faults := shapes.faults(document, SCHEMA):
        raise FieldErrors(faults)
    is_held = accountholds.is_held(
        document["account"],
        document["act"],
        actor=actors.agency(sender.agency),
        at=now,
        request_id=sender.message_id,
    )
    return json.dumps({"policy_hold": is_held}, separators=(",", ":")).encode("ascii")
