"""What follows when a trace moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cases.fraud import opening
from cases.fraud.trace import codes, hops, messages, periods, writing
from cases.fraud.trace.models import Trace
from cases.kernel import clocks, formats, tasks
from cases.kernel.edits import EditRefused
from cases.kernel.intake import IntakeRefused
from cases.kernel.models import Agency, Case, Release
from cases.ledger import sealing

__all__ = [
    "accept",
    "ask",
    "ask_next",
    "close",
    "decline",
    "find_nothing",
    "hold",
    "is_about",
    "keeps_to_decision",
    "open_facts",
    "pass_on",
]

# What the approver finds necessary and expedient to trace, and what therefore stays as it was then.
DECIDED = ("line", "calls", "call_count", "harm")
HELD = "trace_result_held"
INCIDENT = "trace_same_incident"
tasks.declare(
    {INCIDENT: "A referral tells of the incident of which the calls come: compare, and link the two"},
    with_case=(INCIDENT,),
)
tasks.declare({HELD: "A trace has a result: it may go to the police or a provider, and never to whoever complained"})


def is_about(facts: Mapping[str, Any]) -> bool:
    """Say whether the facts name the line that complains."""
    return bool(facts.get("line"))


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new case, inside the current ledger action. Raises IntakeRefused without dates and times
    of the calls and the harm they do; formats.CardNumber."""
    typed = {name: str(facts.get(name) or "").strip() for name in ("line", "calls", "harm")}
    formats.refuse_card_numbers(list(typed.values()))
    if not typed["calls"] or not typed["harm"]:
        raise IntakeRefused("Say when the calls came and what harm they do.")
    row = Trace(
        case=case,
        key=case.key,
        call_count=int(facts.get("call_count") or 0),
        police_reference=str(facts.get("police_reference") or ""),
        incident_reference=str(facts.get("incident_reference") or ""),
    )
    sealing.seal(row, {name: value or None for name, value in typed.items()}, key=case.key)
    row.save(force_insert=True)
    ask_to_compare(case, INCIDENT, opening.of_typed_incident(facts), at=case.opened_at)


def ask_to_compare(case: Case, kind: str, others: Iterable[int], *, at: datetime) -> None:
    """Have somebody compare a new case with the first of others, by id, that is in everybody's sight and names the same
    incident, and link the two. Joins nothing by itself."""
    known = Case.objects.filter(pk__in=list(others), is_restricted=False, is_erased=False).order_by("pk")
    if reference := known.values_list("reference", flat=True).first():
        tasks.raise_task(kind, case=case, at=at, reference=reference)


def accept(context: Any) -> None:
    """Keep that it is necessary and expedient: from now on a withheld number is overridden."""
    row = context.case.trace
    row.is_expedient = True
    row.save(update_fields=["is_expedient"])
    clocks.meet(context.case, periods.DECISION, at=context.at)


def keeps_to_decision(case: Case, *, at: datetime) -> None:
    """Raise EditRefused where other calls would be traced than those that were found necessary and expedient to trace
    (PECR reg 15(1)). Called after every change of a case; two queries once it was decided about."""
    if case.state == "requested":
        return
    decisions = Trace.history.filter(case_id=case.pk, event__action="trace.accept").order_by("-history_id")
    accepted = decisions.values_list(*DECIDED).first()
    if accepted is not None and Trace.objects.values_list(*DECIDED).get(pk=case.pk) != accepted:
        raise EditRefused("The decision is about this line and these calls. Open another trace for others.")


def ask(context: Any) -> None:
    """The first provider is asked; its answer is due."""
    provider: Agency | str = str(context.inputs.get("provider") or "")
    if code := str(context.inputs.get("agency") or ""):
        provider = Agency.objects.select_related("terms").get(code=code)
    hops.ask(context.case, provider, actor=context.actor, at=context.at, happened_at=context.occurred_at)


def ask_next(context: Any) -> None:
    """Put on record who sent us on, where somebody answered a person, and ask the next provider; what asked somebody to
    see to it is done."""
    _note_on_the_way(context)
    _stop_asking(context)
    ask(context)


def hold(context: Any) -> None:
    """Keep what was found, sealed, with the providers on the way, and ask somebody to decide what becomes of it."""
    case, inputs, at = context.case, context.inputs, context.at
    _note_on_the_way(context)
    hops.note(case, str(inputs["provider"]), "in", happened_at=context.occurred_at, outcome=str(inputs["outcome"]))
    row = case.trace
    sealing.seal(row, {"result": str(inputs["result"]).strip()}, key=row.key)
    row.save(update_fields=["result"])
    _stop_asking(context)
    tasks.raise_task(HELD, case=case, at=at)


def _note_on_the_way(context: Any) -> None:
    """Put on record each provider that sent us on to another, in the order in which they were typed."""
    for name in str(context.inputs.get("via") or "").splitlines():
        if name.strip():
            hops.note(context.case, name, "in", happened_at=context.occurred_at, outcome=codes.FROM_OTHER)


def _stop_asking(context: Any) -> None:
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    for kind in (hops.ASK_BY_HAND, hops.NEXT):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)


def pass_on(context: Any) -> None:
    """The result goes to whoever may lawfully act on it; whoever complained hears that it did, and nobody's identity.
    Raises ReleaseRefused, NoChannel."""
    case, at = context.case, context.at
    recipient = Agency.objects.select_related("terms").get(code=context.inputs["recipient"])
    interest = str(context.inputs["interest"]).strip()
    messages.pass_on(case, recipient, interest=interest, actor=context.actor, at=at)
    tasks.close_all(case, HELD, actor=context.actor, at=at)
    writing.write(case, "trace_passed", at=at)


def decline(context: Any) -> None:
    """Whoever complained hears that nothing is traced."""
    _end(context)
    writing.write(context.case, "trace_declined", at=context.at)


def find_nothing(context: Any) -> None:
    """Whoever complained hears that nothing was found."""
    _end(context)
    writing.write(context.case, "trace_nothing", at=context.at)


def close(context: Any) -> None:
    """Whoever complained heard when the result was passed on; where it was not, they hear now that it ended."""
    _end(context)
    if not Release.objects.filter(case=context.case, message_kind=messages.TRACE_RESULT.code).exists():
        writing.write(context.case, "trace_ended", at=context.at)


def _end(context: Any) -> None:
    for code in (periods.DECISION, periods.ANSWER):
        clocks.end(context.case, code, at=context.at, state="cancelled")
    for kind in (HELD, hops.ASK_BY_HAND, hops.NEXT):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)
