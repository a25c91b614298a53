"""What follows when a query moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cases.disclosure.partners import codes, messages, periods, simevents
from cases.disclosure.partners.models import PartnerQuery
from cases.kernel import casetypes, clocks, releases
from cases.kernel.errors import CaseError
from cases.kernel.linking import links
from cases.kernel.models import Agency, Channel
from cases.ledger import sealing

__all__ = ["NumberUnknown", "answer", "close", "feed_back", "refuse", "said"]


_AGREES = {True: "yes", False: "no", None: "unknown"}
# Neither CAMARA's true and false nor its date can say that nobody knows.
_WITHOUT_UNKNOWN = frozenset({"sim_swap", "sim_swap_date"})


class NumberUnknown(CaseError):
    """Nobody here can say since when the number has its SIM, and the question knows no such answer."""


def answer(context: Any) -> None:
    """Look up the last change, or take what the records say of the details; keep what is told, and enter it in the
    register of releases. Raises ReleaseRefused, and NumberUnknown."""
    case, facts = context.case, context.case.partner_query
    if facts.question == codes.RECORD:
        facts.answer = _AGREES[context.inputs.get("agrees")]
    else:
        facts.latest_change_at, has_left = simevents.latest(facts.number_tokens, at=context.at)
        facts.answer = _answer(
            facts,
            asked_at=case.opened_at,
            is_served=False if has_left else context.inputs.get("is_served"),
            is_heard=context.inputs.get("is_heard") is True,
        )
    facts.save(update_fields=["latest_change_at", "answer"])
    partner = Agency.objects.select_related("terms").get(pk=facts.partner_id)
    kind = replace(messages.PARTNER_ANSWER, recipient_kind=partner.kind)
    items = releases.check(kind, partner, said(facts), at=context.at)
    releases.record(
        case,
        None,
        items,
        channel=Channel.objects.get(agency=partner, direction="in"),
        kind=kind,
        recipient=partner,
        actor=context.actor,
        at=context.at,
        subject_count=1,
        parties=list(case.parties.all()),
    )
    clocks.start(case, periods.KEPT, started_at=context.at)


def _answer(facts: PartnerQuery, *, asked_at: datetime, is_served: bool | None, is_heard: bool) -> str:
    """Return the code of the answer: yes or no, unknown where nothing is held, or that it is a date.

    That a SIM was not changed is said only of one that is ours: a mobile account that is held now has the number, or
    none ever had it and the network told of its SIM; and the network has not said that it left. What is changed
    elsewhere since, nobody here knows, and nothing while the network is silent. A change within the hours is told all
    the same: it is true, and it warns. Raises NumberUnknown.
    """
    changed_at = facts.latest_change_at
    is_ours = changed_at is not None if is_served is None else is_served
    is_recent = _is_recent(facts, asked_at=asked_at)
    if not (is_ours and is_heard) and not is_recent:
        if facts.question in _WITHOUT_UNKNOWN:
            raise NumberUnknown("Nobody here knows since when this number has its SIM.")
        return "unknown"
    if facts.question == "sim_swap_date":
        return "date" if changed_at else "unknown"
    if facts.question == "sim_swap":
        return "yes" if is_recent else "no"
    if changed_at is None:
        return "unknown"
    return "no" if is_recent else "yes"


def _is_recent(facts: PartnerQuery, *, asked_at: datetime) -> bool:
    """Return whether a change of SIM is on record within the hours that were asked about."""
    changed_at, hours = facts.latest_change_at, facts.max_age_hours or codes.HOURS
    return changed_at is not None and changed_at >= asked_at - timedelta(hours=hours)


def said(facts: PartnerQuery) -> dict[str, Any]:
    """Return the one field that a partner is told: yes, no, unknown or a time, never an address or a place."""
    name = codes.FIELD_OF[facts.question]
    if facts.question == "sim_swap":
        return {name: facts.answer == "yes"}
    if facts.question in {"transaction", codes.RECORD}:
        return {name: facts.answer}
    changed_at = facts.latest_change_at
    return {name: f"{changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if changed_at else None}


def refuse(context: Any) -> None:
    facts = context.case.partner_query
    facts.refusal_code = str(context.inputs["reason_code"])
    facts.save(update_fields=["refusal_code"])


def feed_back(context: Any) -> None:
    """Keep what came of it. Of a confirmed fraud, let whoever deals with fraud know, and show the case from here
    alone: neither the partner nor that case learns of the other."""
    case, facts = context.case, context.case.partner_query
    facts.feedback, facts.fed_back_at = str(context.inputs["outcome"]), context.at
    facts.save(update_fields=["feedback", "fed_back_at"])
    if facts.feedback != codes.CONFIRMED:
        return
    reader = sealing.Reader(actor="system:partner_feedback", verb="view", purpose="fraud", streams=(case.uid,))
    opened = sealing.open_rows([facts], ("number",), reader=reader, at=context.at, loaded=(case.key,))[0]
    for casetype in casetypes.all_types():
        if follow := casetype.reacts.get("fraud_confirmed"):
            swapped_at = facts.latest_change_at if _is_recent(facts, asked_at=case.opened_at) else None
            other = follow(opened["number"], swapped_at=swapped_at, at=context.at, source=case.source)
            links.join_one_way(case, other, "related", actor=context.actor, at=context.at)


def close(context: Any) -> None:
    clocks.meet(context.case, periods.KEPT, at=context.at)
