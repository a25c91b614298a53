"""What follows when a rights request moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cases.kernel import clocks, tasks
from cases.kernel.exchange import letters
from cases.kernel.models import Case, CaseParty
from cases.kernel.timing import places
from cases.ledger import sealing
from cases.rights import access, choices, codes, erasing, identity, messages, periods, recipients, restricting

__all__ = ["DONE", "LATE", "LETTERS", "LIFTING", "NOT_SHOWN", "REFUSED", "TELL", "write_to_person"]

TELL, LATE = "rights_tell_person_by_hand", "rights_not_confirmed"
NOT_SHOWN = "rights_identity_not_shown"
tasks.declare(
    {
        TELL: "Tell the person what came of it: no letter can go to them",
        NOT_SHOWN: "Nobody has shown who they are in time: ask again, or refuse it for that",
        LATE: "Somebody who was told of a stop has not confirmed it in time",
        messages.BY_HAND: "Tell somebody of a stop by hand: no message can go to them",
    }
)
DONE, REFUSED, EXTENDED, LIFTING = "n16", "n16_refused", "n16_extended", "n16_lifting"
UNCHANGED = "n16_unchanged"
_OF_DONE: dict[str, Any] = {
    "extra": {"in_flight_for": "How long what was on its way may still arrive, as its rule has it"},
    "extra_at": {"in_flight_for": f"rules.{periods.PASSED_ON}.length"},
    "rules": (periods.PASSED_ON,),
}
LETTERS = tuple(
    letters.Template(
        code=code,
        version=1,
        label=label,
        template=f"cases/rights/letters/{code}.html",
        effective_from=date(2026, 1, 1),
        says=("answer",) if code == UNCHANGED else (),
        **(_OF_DONE if code == DONE else {}),
    )
    for code, label in (
        (DONE, "What was asked is done"),
        (UNCHANGED, "What is held needs no change"),
        (REFUSED, "What was asked is refused"),
        (EXTENDED, "The answer takes longer"),
        (LIFTING, "A restriction of use is about to end"),
    )
)
letters.declare(*LETTERS)


def pause(context: Any) -> None:
    """Our month stands still until we know who asks, and after 14 days somebody is reminded of it."""
    clocks.pause(context.case, periods.ANSWER, at=context.at)
    clocks.start(context.case, periods.SHOWN, started_at=context.at)


def note_identity(context: Any) -> None:
    facts = context.case.rights_request
    facts.identity_how, facts.identity_at = str(context.inputs["how"]), context.at
    facts.identity_of = identity.of_person(context.case)
    facts.save(update_fields=["identity_how", "identity_at", "identity_of"])
    clocks.resume(context.case, periods.ANSWER, at=context.at)
    _asked_no_more(context)


def _asked_no_more(context: Any) -> None:
    clocks.end(context.case, periods.SHOWN, at=context.at, state="met")
    tasks.close_all(context.case, NOT_SHOWN, actor=context.actor, at=context.at)


def carry_out(context: Any) -> None:
    """Keep what came of it. A choice counts from the moment it was received; whatever of the person became known since
    is entered now. The month is met, and the rest goes on by itself."""
    case, inputs, at = context.case, context.inputs, context.at
    facts = case.rights_request
    facts.outcome = str(inputs.get("outcome") or "done")
    if text := str(inputs.get("answer") or "").strip():
        sealing.seal(facts, {"answer": text}, key=facts.key)
    if facts.right in (codes.ACCESS, codes.PORT) and facts.outcome != "nothing_held":
        facts.pack = access.newest(case)
        facts.given_how, facts.given_proof = str(inputs["given_how"]), str(inputs["given_proof"]).strip()[:60]
    if facts.outcome == "done_in_part":
        facts.refusal_code = str(inputs["kept_because"])
    if facts.right in recipients.CHANGES:
        recipients.tell(case, inputs.get("changed_in") or (), at=at)
    if facts.right in codes.STOPS_USE:
        restricting.restrict(case, inputs.get("changed_in") or (), at=at)
    if facts.right == codes.LIFT:
        restricting.ask_for_release(case, at=at)
    if chosen := inputs.get("erased"):
        proposer_id = int(context.proposer.removeprefix("staff:"))
        erasing.decide(case, chosen, proposer_id=proposer_id, actor=context.actor, at=at)
    facts.save(update_fields=["outcome", "answer", "refusal_code", "pack", "given_how", "given_proof", "told_before"])
    choices.write(case, facts, at=at)
    clocks.meet(case, periods.ANSWER, at=at)
    clocks.end(case, periods.ONWARD, at=at, state="met")
    clocks.start(case, periods.ONWARD, started_at=at)


def go_on_again(context: Any) -> None:
    """A stop or a consent that was reopened goes on by itself, as a new one does."""
    if context.case.rights_request.right in codes.CHANGES:
        clocks.start(context.case, periods.ONWARD, started_at=context.at)


def refuse(context: Any) -> None:
    facts = context.case.rights_request
    facts.refusal_code = str(context.inputs["reason_code"])
    facts.save(update_fields=["refusal_code"])
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    _asked_no_more(context)
    write_to_person(context.case, REFUSED, at=context.at)


def tell_others(context: Any) -> None:
    case, at = context.case, context.at
    messages.stop(case, messages.recipients(case), actor=context.actor, at=at)
    clocks.end(case, periods.ONWARD, at=at, state="met")
    clocks.start(case, periods.PASSED_ON, started_at=at)


def confirm(context: Any) -> None:
    """Tell the person; whoever has not confirmed by now is a task."""
    case, at = context.case, context.at
    if messages.unconfirmed(case) - int(context.inputs.get("confirming") or 0) > 0:
        tasks.raise_task(LATE, case=case, at=at)
    for rule in (periods.ONWARD, periods.PASSED_ON):
        clocks.end(case, rule, at=at, state="met")
    write_to_person(case, UNCHANGED if case.rights_request.outcome == codes.UNCHANGED else DONE, at=at)


def write_to_person(case: Case, template: str, *, at: datetime) -> None:
    """Ask for a letter to each person concerned, inside the current ledger action; somebody writes by other means to
    whomever no letter reaches."""
    for party in CaseParty.objects.filter(case=case, role="person", is_detached=False).order_by("number"):
        if party.surname is not None and places.is_reached(party):
            letters.request(case, party, template=template, at=at)
        else:
            tasks.raise_task(TELL, case=case, at=at, person=party.number, letter=template)
