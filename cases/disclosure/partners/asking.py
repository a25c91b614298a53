"""A partner's question from its shape to its answer, inside the caller's transaction. It waits for nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cases.accounts import comparing
from cases.disclosure.partners import codes, effects, simevents, terms
from cases.disclosure.partners.models import PartnerAgreement
from cases.kernel import actors, calendars, formats, intake, releases, transitions
from cases.kernel.exchange import agreements
from cases.kernel.intake import FieldErrors
from cases.kernel.models import Agency, Case
from cases.ledger import api as ledger

__all__ = ["FEEDBACK", "NUMBER", "SCHEMAS", "Asked", "ask", "facts_of"]

KIND = "partner_query"
_WITH_HOURS = frozenset({"sim_swap", "transaction"})
NUMBER = "Write the number in full with its country code, as +447700900123."
_NUMBER = {
    "type": "string",
    "pattern": "^\\+[1-9][0-9]{6,14}$",
    "maxLength": 16,
    "description": NUMBER,
}
_HOURS = {
    "type": "integer",
    "minimum": 1,
    "maximum": 2400,
    "default": codes.HOURS,
    "description": "How many hours before the question count.",
}
_DETAILS = {
    "surname": {"type": "string", "minLength": 1, "maxLength": 80, "description": "As you have it on record."},
    "dateOfBirth": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "maxLength": 10},
    "postcode": {"type": "string", "minLength": 5, "maxLength": 10},
}
# What is told of a person beside the number, and how our records name it.
_NAMES = {"surname": "surname", "dateOfBirth": "date_of_birth", "postcode": "postcode"}
_BESIDE = {
    "purpose": {
        "type": "string",
        "enum": [code for code, _ in codes.OCCASIONS],
        "description": "What your customer is doing.",
    },
    "caseReference": {"type": "string", "minLength": 1, "maxLength": 40, "description": "Your own reference."},
    "processor": {
        "type": "string",
        "minLength": 1,
        "maxLength": 80,
        "description": "Who asks for you, as the agreement names it. Left out where you ask yourself.",
    },
    "customerAuthenticated": {"type": "boolean", "description": "Whether you know that it is your customer."},
}


def _schema(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["phoneNumber"],
        "properties": {"phoneNumber": _NUMBER, **properties, **_BESIDE},
    }


SCHEMAS: Mapping[str, dict[str, Any]] = {
    "sim_swap": _schema(maxAge=_HOURS),
    "sim_swap_date": _schema(),
    "transaction": _schema(maxAge=_HOURS),
    codes.RECORD: _schema(**_DETAILS) | {"required": ["phoneNumber", "surname"]},
}
FEEDBACK: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["query", "outcome"],
    "properties": {
        "query": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "pattern": "^[A-Za-z0-9_.-]+$",
            "description": "The webhook-id with which you asked.",
        },
        "outcome": {"type": "string", "enum": ["CONFIRMED_FRAUD", "NOT_FRAUD"]},
    },
}


@dataclass(frozen=True)
class Asked:
    """What became of a question: its case, and the code of why it was refused or what is said."""

    case: Case
    refusal: str
    said: Mapping[str, Any]


def facts_of(question: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a question whose shape the schema has accepted. Raises FieldErrors."""
    try:
        number = formats.phone(document["phoneNumber"])
    except formats.BadFormat as fault:
        raise FieldErrors([("/phoneNumber", "invalid", NUMBER)]) from fault
    if formats.has_card_number(document.get("caseReference", "")):
        raise FieldErrors([("/caseReference", "card_number", "This looks like the number of a payment card.")])
    return {
        "question": question,
        "number": number,
        "details": _details(document) if question == codes.RECORD else {},
        "max_age_hours": int(document.get("maxAge", codes.HOURS)) if question in _WITH_HOURS else None,
        "occasion": document.get("purpose"),
        "processor": document.get("processor"),
        "their_reference": document.get("caseReference"),
        "is_authenticated": document.get("customerAuthenticated"),
    }


def _details(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the details that are to be compared. Raises FieldErrors."""
    found = {ours: str(document[theirs]).strip() for theirs, ours in _NAMES.items() if theirs in document}
    if len(found) < 2:
        raise FieldErrors([("/dateOfBirth", "required", "Beside the surname tell the date of birth or the postcode.")])
    try:
        if "date_of_birth" in found:
            date.fromisoformat(found["date_of_birth"])
        if "postcode" in found:
            found["postcode"] = formats.postcode(found["postcode"])
    except formats.BadFormat as fault:
        raise FieldErrors([("/postcode", "invalid", str(fault))]) from fault
    except ValueError as fault:
        raise FieldErrors([("/dateOfBirth", "invalid", "There is no such day.")]) from fault
    return found


def _person(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return whom a question is about, as it was asked."""
    told = dict(facts["details"])
    postcode = told.pop("postcode", "")
    places = [{"kind": "current", "postcode": postcode}] if postcode else []
    values = {"phone": facts["number"], **told}
    return {"role": "line_user", "source": "partner", "values": values, "addresses": places}


def ask(
    facts: Mapping[str, Any],
    *,
    partner: Agency,
    asker: Agency | None = None,
    agreement: PartnerAgreement | None,
    is_within_rate: bool,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    source: str = "",
) -> Asked:
    """Keep a question and answer or refuse it, with the release of an answer; `asker` is the processor that asked for
    the partner with a key of its own. Raises NotAllowed for an agency that is no partner."""
    case = intake.open_case(
        KIND,
        actor=actors.agency(asker or partner, source=source),
        at=at,
        facts={
            **facts,
            **_proved(asker),
            "partner_id": partner.pk,
            "agreement_id": agreement.pk if agreement else None,
        },
        people=[_person(facts)],
        request=request,
    )
    by = actors.system("partner_answers", source=source)
    processor = asker.code if asker else facts.get("processor") or ""
    code = terms.why_not(agreement, facts["question"], at=at, processor=processor) or _why_not(asker, processor, at=at)
    code = code or ("" if is_within_rate else "rate_exceeded")
    if not code:
        try:
            told = {"is_within_rate": True, **_looked_up(facts, at=at)}
            if told.get("is_heard") is False:
                simevents.tell_silence(team_id=case.team_id, at=at)
            case = transitions.apply(case.pk, "answer", actor=by, at=at, inputs=told)
            return Asked(case, "", effects.said(case.partner_query))
        except effects.NumberUnknown:
            code = "number_unknown"
        except releases.ReleaseRefused:
            code = "not_permitted"
        except transitions.TransitionRefused:  # the agreement changed while this was asked
            now = PartnerAgreement.objects.filter(pk=agreement.pk).first() if agreement else None
            code = terms.why_not(now, facts["question"], at=at, processor=processor) or "not_permitted"
    return Asked(transitions.apply(case.pk, "refuse", actor=by, at=at, inputs={"reason_code": code}), code, {})


def _proved(asker: Agency | None) -> dict[str, Any]:
    return {"processor": asker.code, "has_own_key": True} if asker else {}


def _why_not(asker: Agency | None, processor: str, *, at: datetime) -> str:
    """Return the code of why a processor is told nothing: the register lets nothing go to it, abroad for instance, or
    it has keys of its own and did not sign."""
    if asker is None:
        return "processor_not_named" if terms.proves_itself(processor) else ""
    return "not_permitted" if agreements.why_not(asker, day=calendars.london_date(at)) else ""


def _looked_up(facts: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return what the accounts say of it: whether the details agree, or whether the number's SIM is one of ours, and
    whether the network tells of every change of one."""
    today = calendars.london_date(at)
    if facts["question"] == codes.RECORD:
        return {"agrees": comparing.agrees(facts["number"], facts["details"], today=today)}
    is_served = comparing.is_served(facts["number"], today=today)
    return {"is_served": is_served, "is_heard": simevents.is_heard(at=at)}
