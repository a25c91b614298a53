"""What follows when a referral moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud import amending, astold, expiry, flags, guards, incoming, insiders, messages, moratoria, victims
from cases.fraud.models import PillarAnswer, PillarEvidence
from cases.kernel import approvals, calendars, casetypes, clocks, outbox, tasks
from cases.kernel.errors import CaseError
from cases.kernel.models import Evidence
from cases.ledger import api as ledger


def assign_to_actor(context: Any) -> None:
    context.case.assignee_id = context.actor.user_id


def hand_on_staff(context: Any) -> None:
    insiders.hand_on(context.case, at=context.at)


def meet_triage(context: Any) -> None:
    clocks.meet(context.case, "fraud_triage", at=context.at)


def start_investigation(context: Any) -> None:
    clocks.start(context.case, "fraud_investigation", started_at=context.at)


def meet_investigation(context: Any) -> None:
    clocks.meet(context.case, "fraud_investigation", at=context.at)


def answer_pillars_as_maker(context: Any) -> None:
    _answer_pillars(context, side="maker")


def answer_pillars_as_checker(context: Any) -> None:
    _answer_pillars(context, side="checker")


def _answer_pillars(context: Any, *, side: str) -> None:
    documents = {row.number: row for row in Evidence.objects.filter(case=context.case)}
    known = {row.pillar: row for row in PillarAnswer.objects.filter(case=context.case, side=side)}
    given = sorted(context.inputs.get("pillars", {}).items())
    answers = [_answered(context, known.get(number), number, answer, side=side) for number, answer in given]
    if known:
        again = [row for row in answers if row.pk is not None]
        ledger.bulk_update(PillarAnswer, again, ["is_met", "exception", "answered_by", "answered_at"])
    ledger.bulk_create(PillarAnswer, [row for row in answers if row.pk is None])
    wanted = {
        (row.pk, documents[number].pk)
        for row, (_, answer) in zip(answers, given, strict=True)
        for number in answer.get("evidence", ())
    }
    _link_documents(answers, wanted)


def _answered(
    context: Any, row: PillarAnswer | None, number: int, answer: Mapping[str, Any], *, side: str
) -> PillarAnswer:
    row = row or PillarAnswer(case=context.case, pillar=number, side=side)
    row.is_met, row.exception = bool(answer.get("is_met")), answer.get("exception", "")
    row.answered_by_id, row.answered_at = context.actor.user_id, context.at
    return row


def _link_documents(answers: list[PillarAnswer], wanted: set[tuple[int, int]]) -> None:
    linked = {(link.answer_id, link.evidence_id): link for link in PillarEvidence.objects.filter(answer__in=answers)}
    for pair in sorted(linked.keys() - wanted):
        linked[pair].delete()
    ledger.bulk_create(
        PillarEvidence,
        [PillarEvidence(answer_id=answer, evidence_id=evidence) for answer, evidence in sorted(wanted - linked.keys())],
    )


def start_check(context: Any) -> None:
    clocks.start(context.case, "fraud_check", started_at=context.at)


def meet_check(context: Any) -> None:
    clocks.meet(context.case, "fraud_check", at=context.at)


def send_filing(context: Any) -> None:
    messages.file(context.case, actor=context.actor, at=context.at)
    astold.note(context.case, at=context.at)


def withdraw_filing(context: Any) -> None:
    """Take the message back. Asks once more under the message's lock: delivery may have taken it since the guard."""
    outbox.withdraw(context.case, "fpa_file", at=context.at)
    tasks.close_all(context.case, amending.TAKEN_BACK, actor=context.actor, at=context.at)
    if sentence := guards.is_not_delivered(context):
        raise CaseError(sentence)


def void_approvals(context: Any) -> None:
    approvals.void_all(context.case, at=context.at)


def start_acknowledgement(context: Any) -> None:
    clocks.start(context.case, "fraud_acknowledgement", started_at=context.at)


def note_field_errors(context: Any) -> None:
    facts = context.case.fraud_referral
    facts.field_errors = amending.errors_kept(context.inputs.get("errors", ()))
    facts.save(update_fields=["field_errors"])
    clocks.meet(context.case, "fraud_acknowledgement", at=context.at)
    clocks.start(context.case, "fraud_correction", started_at=context.at)
    tasks.raise_task(
        "fraud_field_errors",
        case=context.case,
        at=context.at,
        codes=[error["code"] for error in facts.field_errors],
    )


def close_field_errors(context: Any) -> None:
    clocks.meet(context.case, "fraud_correction", at=context.at)
    tasks.close_all(context.case, "fraud_field_errors", actor=context.actor, at=context.at)


def note_filing(context: Any) -> None:
    casetypes.have_facts(context.case)
    facts = context.case.fraud_referral
    facts.filing_reference = str(context.inputs["agency_reference"])
    facts.filed_date = calendars.london_date(context.occurred_at)
    facts.field_errors = []
    facts.save(update_fields=["filing_reference", "filed_date", "field_errors"])
    clocks.meet(context.case, "fraud_acknowledgement", at=context.at)


def mark_each_subject(context: Any) -> None:
    """Each person's marker has its own end; the case is kept as long as the longest of them. What the agency was told
    and is no longer so is owed, warnings fit the markers, and the innocent are written to, unless telling them would
    prejudice an investigation. The people are read once for all of it."""
    case, at = context.case, context.at
    marked = expiry.start_or_restart(case, filed_at=context.occurred_at, at=at)
    amending.owe_what_changed(case, marked, at=at)
    flags.fit(case, at=at, marked=marked)
    victims.write(case, at=at, marked=marked)


def end_clocks(context: Any) -> None:
    for rule in ("fraud_triage", "fraud_investigation", "fraud_check"):
        clocks.end(context.case, rule, at=context.at, state="cancelled")
    moratoria.case_ended(context.case, actor=context.actor, at=context.at)


def warn_others(context: Any) -> None:
    """Let whoever deals with banks and other providers know that the fraud is on file: it warns those it may."""
    casetypes.tell("fraud_filed", context.case, at=context.at)


def reopened(context: Any) -> None:
    """Work goes on: what agencies said of its people stands again, and what nobody was to ask of a moratorium any more
    is asked, as long as there are days for it."""
    incoming.stand_again(context.case, at=context.at)
    moratoria.fit(context.case, actor=context.actor, at=context.at)
