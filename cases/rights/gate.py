"""May this person be contacted? Whoever sends for us asks before they send, and each answer is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cases.kernel import policy, releases
from cases.kernel.actors import Actor
from cases.kernel.errors import NotAllowed
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Agency
from cases.rights import choices, codes, messages, rules
from cases.rights.models import ContactAnswer

__all__ = ["CAME_BEFORE", "EXAMPLE", "SCHEMA", "answer"]

_TEXT = {"type": "string", "minLength": 1, "maxLength": 120}
OWN = "own_system"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema_version", "purpose", "channel", "people"],
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "purpose": {"type": "string", "enum": [codes.SERVICE, *(code for code, _ in codes.PURPOSES)]},
        "channel": {"type": "string", "enum": [code for code, _ in codes.CHANNELS]},
        "opt_out": {"type": "string", "enum": [code for code, _ in codes.OPT_OUTS]},
        "batch": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
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
# What an asker sends for; our own systems may ask about everything, and only they learn why.
_PURPOSES = {
    messages.GROUP: frozenset(code for code, _ in codes.PURPOSES),
    messages.PARTNER: messages.OF_PARTNERS,
}
# What an answer tells: for a recipient outside it goes the way of every release, clause and agreement.
TOLD = releases.MessageKind(
    code="may_contact",
    label="Answer: whether a person may be contacted",
    recipient_kind=messages.GROUP,
    purpose="honour_choices",
    answer_days=0,
    answer_source="Answered in the same call",
    necessity="Whoever markets with us must know whom to leave alone.",
    categories={"answers.may_contact": "choice", "answers.reason": "choice"},
    put_right_by="nobody",
)
CAME_BEFORE = [("", "webhook_id_reused", "This question came before: ask anew, under another id, before you send.")]
EXAMPLE = {
    "schema_version": 1,
    "purpose": "own_marketing",
    "channel": "sms",
    "opt_out": "reply",
    "batch": "spring-2026-11",
    "people": [{"phone": "+447700900654"}],
}
# A text or an e-mail that markets is sent only if whoever gets it can stop more of them by it (PECR reg 23; R23).
_WITHOUT_OPT_OUT = choices.Verdict(may_contact=False, reason="no_opt_out")


def answer(document: Mapping[str, Any], *, actor: Actor, message_id: str, at: datetime) -> dict[str, Any]:
    """Return for each person in order yes or no and why, and keep it. The caller opens the transaction.

    Of a text or an e-mail that markets the question says how whoever gets it can opt out; else the answer is no.
    A company or partner is told yes or no alone, a partner only for what partners advertise, and neither without an
    agreement in force; the answer names the clause it left on. Raises NotAllowed, and FieldErrors for a purpose that is
    not the asker's or a question that came before.
    """
    kinds = frozenset({messages.GROUP, messages.PARTNER})
    policy.require(actor, rules.ASK, kind="rights_request", agency_kinds=kinds)
    if ContactAnswer.objects.filter(agency_id=actor.agency_id or 0, message_id=message_id).exists():
        raise FieldErrors(CAME_BEFORE)
    purpose, channel = str(document["purpose"]), str(document["channel"])
    if purpose not in _PURPOSES.get(actor.agency_kind, {purpose}):
        raise FieldErrors(
            [("/purpose", "not_yours", "Whether somebody may be contacted for this is not yours to ask.")]
        )
    if actor.agency_kind == messages.PARTNER and not document.get("batch"):
        raise FieldErrors([("/batch", "required", "Give your own number of what you match: a stop names it.")])
    asker = Agency.objects.select_related("terms").get(pk=actor.agency_id or 0)
    reaches = [choices.reach_of(each) for each in document["people"]]
    found = choices.verdicts(reaches, purpose=purpose, channel=channel, at=at)
    opt_out = str(document.get("opt_out") or "")
    if (purpose, channel) in codes.NEEDS_OPT_OUT and not opt_out:
        found = [_WITHOUT_OPT_OUT if each.may_contact else each for each in found]
    said = _said(asker, found)
    clause = _clause(asker, said, at=at)
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
            clause=clause,
            opt_out=opt_out,
            batch=str(document.get("batch") or ""),
        )
        for number, (reach, verdict) in enumerate(zip(reaches, found, strict=True), start=1)
    )
    return said


def _said(asker: Agency, found: Sequence[choices.Verdict]) -> dict[str, Any]:
    """Return the answer as it leaves: only our own systems are told why."""
    if asker.kind == OWN:
        return {"answers": [{"may_contact": each.may_contact, "reason": each.reason} for each in found]}
    return {"answers": [{"may_contact": each.may_contact} for each in found]}


def _clause(asker: Agency, said: Mapping[str, Any], *, at: datetime) -> str:
    """Return the clause of the notice on which an answer leaves the firm; none for our own systems. Raises NotAllowed
    where no clause or no agreement lets it."""
    if asker.kind == OWN:
        return ""
    try:
        items = releases.check(replace(TOLD, recipient_kind=asker.kind), asker, said, at=at)
    except releases.ReleaseRefused as refusal:
        raise NotAllowed(str(refusal)) from refusal
    return items[0].clause.code
