"""What follows when a request moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.disclosure import authorities, giving, guards, messages, periods
from cases.kernel import clocks, holds, record, tasks
from cases.kernel.actors import system
from cases.kernel.models import Case, Clock
from cases.ledger import sealing

ORDER_APPLIED_FOR, CHASE = "disclosure_order_applied_for", "disclosure_chase_answer"
tasks.declare(
    {
        ORDER_APPLIED_FOR: "Legal counsel: an order is applied for, and nothing may be destroyed",
        CHASE: "Ask the authority again: it has not answered our question in time. Call its desk",
    }
)


def hold_everything(context: Any) -> None:
    """Hold the records until the order is made or lapses, and tell counsel; nothing is owed before (K08)."""
    holds.place(context.case, "legal", actor=context.actor, at=context.at, source="court")
    tasks.raise_task(ORDER_APPLIED_FOR, case=context.case, at=context.at)
    periods.pause(context.case, at=context.at)


def go_on(context: Any) -> None:
    periods.resume(context.case, at=context.at)


def note_who_asks(context: Any) -> None:
    """Keep which desk was called back and when, and of what kind of authority it is; tell the authority that its
    request is here."""
    facts, inputs = context.case.disclosure_request, context.inputs
    facts.contact_code, facts.called_back_at = str(inputs["contact"]), inputs.get("called_back_at")
    sealing.seal(facts, {"spoken_to": str(inputs.get("spoken_to") or "").strip() or None}, key=facts.key)
    facts.authority_kind = authorities.active(facts.authority_code, facts.contact_code)[0].kind
    facts.save(update_fields=["contact_code", "called_back_at", "authority_kind", "spoken_to"])
    messages.acknowledge(context.case, actor=context.actor, at=context.at)


def ask(context: Any) -> None:
    """Send the question; our own time stands still until the answer."""
    facts, question = context.case.disclosure_request, str(context.inputs["question"]).strip()
    sealing.seal(facts, {"question": question}, key=facts.key)
    facts.save(update_fields=["question"])
    messages.ask(context.case, question, actor=context.actor, at=context.at)
    periods.wait_for_answer(context.case, grade=facts.grade, at=context.at)


def question_ends(case: Case, clock: Clock, *, at: datetime) -> None:
    """Nobody answered our question in time: it is chased, and the request does not lie for ever."""
    with record.act(
        case, "clock.breached", actor=system("clocks", source=case.source), at=at, detail={"rule": clock.rule}
    ):
        clock.state = "breached"
        clock.save(update_fields=["state"])
        tasks.raise_task(CHASE, case=case, at=at)
        clocks.refresh_due(case)
        case.save()


def take_answer(context: Any) -> None:
    facts, answer = context.case.disclosure_request, str(context.inputs.get("answer") or "").strip()
    if answer:
        sealing.seal(facts, {"answer": answer}, key=facts.key)
        facts.save(update_fields=["answer"])
    _chase_no_more(context)
    periods.go_on(context.case, at=context.at)


def _chase_no_more(context: Any) -> None:
    tasks.close_all(context.case, CHASE, actor=context.actor, at=context.at)


def refuse(context: Any) -> None:
    facts, code = context.case.disclosure_request, str(context.inputs["reason_code"])
    facts.refusal_code = code
    facts.save(update_fields=["refusal_code"])
    giving.discard(context)
    _chase_no_more(context)
    messages.refuse(context.case, reason=code, items=list(facts.items), actor=context.actor, at=context.at)
    periods.end_all(context.case, at=context.at, state="met")


def refuse_items(context: Any) -> None:
    """Refuse what the class gate shuts, one word to the authority for each reason; the case goes on with the rest."""
    facts = context.case.disclosure_request
    shut = guards.shut_items(facts)
    facts.refused_items = {**facts.refused_items, **shut}
    facts.save(update_fields=["refused_items"])
    for code in sorted(set(shut.values())):
        items = sorted(item for item, why in shut.items() if why == code)
        messages.refuse(context.case, reason=code, items=items, actor=context.actor, at=context.at)


def open_items_by_hand(context: Any) -> None:
    facts = context.case.disclosure_request
    facts.allowed_items = sorted({*facts.allowed_items, *context.inputs["items"]})
    facts.save(update_fields=["allowed_items"])


def cancel(context: Any) -> None:
    facts, notice = context.case.disclosure_request, str(context.inputs.get("notice") or "").strip()
    if notice:
        sealing.seal(facts, {"cancellation": notice}, key=facts.key)
        facts.save(update_fields=["cancellation"])
    facts.cancelled_at = facts.cancelled_at or context.at
    facts.save(update_fields=["cancelled_at"])
    giving.discard(context)
    _chase_no_more(context)
    end_periods(context)


def end_periods(context: Any) -> None:
    periods.end_all(context.case, at=context.at, state="cancelled")
