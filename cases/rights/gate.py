"""May this person be contacted? Whoever sends for us asks before they send, and each answer is on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.intake import FieldErrors
from cases.rights import choices, codes, messages, rules
from cases.rights.models import ContactAnswer

__all__ = ["EXAMPLE", "SCHEMA", "answer"]

_TEXT = {"type": "string", "minLength": 1, "maxLength": 120}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "purpose", "channel", "people"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "purpose": {"type": "string", "enum": [codes.SERVICE, *(code for code, _ in codes.PURPOSES)]},
        "channel": {"type": "string", "enum": [code for code, _ in codes.CHANNELS]},
        "people": {
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": dict.fromkeys(("phone", "email", "account", "surname", "line_1", "postcode"), _TEXT),
            },
        },
    },
}
# What an asker sends for; our own systems may ask about everything. Only they and the group learn why.
_PURPOSES = {
    messages.GROUP: frozenset(code for code, _ in codes.PURPOSES),
    messages.PARTNER: messages.OF_PARTNERS,
}
EXAMPLE = {"schema_version": 1, "purpose": "own_marketing", "channel": "sms", "people": [{"phone": "+447700900654"}]}


def answer(document: Mapping[str, Any], *, actor: Actor, message_id: str, at: datetime) -> dict[str, Any]:
    """Return for each person in order yes or no and why, and keep it. The caller opens the transaction.

    A partner is told yes or no alone, and only for what partners advertise. Raises NotAllowed, and
    FieldErrors for a purpose that is not the asker's or a question that came before.
    """
    kinds = frozenset({messages.GROUP, messages.PARTNER})
    policy.require(actor, rules.ASK, kind="rights_request", agency_kinds=kinds)
    if ContactAnswer.objects.filter(agency_id=actor.agency_id or 0, message_id=message_id).exists():
        raise FieldErrors([("", "webhook_id_reused", "This question came before: ask anew before you send.")])
    purpose, channel = str(document["purpose"]), str(document["channel"])
    if purpose not in _PURPOSES.get(actor.agency_kind, {purpose}):
        raise FieldErrors(
            [("/purpose", "not_yours", "Whether somebody may be contacted for this is not yours to ask.")]
        )
    reaches = [choices.reach_of(each) for each in document["people"]]
    found = choices.verdicts(reaches, purpose=purpose, channel=channel)
    ContactAnswer.objects.bulk_create(
        ContactAnswer(
            agency_id=actor.agency_id or 0,
            message_id=message_id,
            number=number,
            asked_at=at,
            purpose=purpose,
            channel=channel,
            tokens=choices.tokens(reach),
            may_contact=verdict.may_contact,
            reason=verdict.reason,
        )
        for number, (reach, verdict) in enumerate(zip(reaches, found, strict=True), start=1)
    )
    if actor.agency_kind == messages.PARTNER:
        return {"answers": [{"may_contact": each.may_contact} for each in found]}
    return {"answers": [{"may_contact": each.may_contact, "reason": each.reason} for each in found]}
