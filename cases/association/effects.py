"""What follows when a link moves. Each effect writes inside the transition's transaction and ledger event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.association import bureaus, codes, guards, opening, periods, writing
from cases.association.models import Association
from cases.kernel import calendars, casetypes, clocks, retention, tasks
from cases.kernel.intake import IntakeRefused
from cases.kernel.models import Case, CaseParty
from cases.ledger import api as ledger
from cases.ledger import sealing


def _in_words(detail: Mapping[str, Any]) -> str:
    return ", ".join(detail.get("used") or ()) or "no check on record used it"


def _which(detail: Mapping[str, Any]) -> str:
    return ", ".join(detail.get("others") or ())


LINKED_TWICE = "association_linked_twice"
CHALLENGED, REVIEW_DECISIONS = "association_challenged", "association_review_decisions"
NOT_RECORDED, DECIDE_BREAK = "association_not_recorded", "association_decide_break"
REMOVAL_REFUSED, BROKEN_ELSEWHERE = "association_removal_refused", "association_broken_elsewhere"
tasks.declare(
    {
        CHALLENGED: "The other person denies the link: look at it again",
        REVIEW_DECISIONS: "Review the decisions that used a link that was wrong",
        LINKED_TWICE: "Another case links the same two people: look whether it stands by itself",
        NOT_RECORDED: "An agency did not record a link",
        DECIDE_BREAK: "Every agency has answered, or had its time: decide about the break",
        REMOVAL_REFUSED: "An agency refuses to remove a link",
        BROKEN_ELSEWHERE: "An agency broke a link that nobody asked us to break",
        writing.BY_HAND: "Write to a person of a link by hand: ask where they want it",
        "association_ask_by_hand": "Ask an agency by hand whether it broke a link",
    },
    more={REVIEW_DECISIONS: _in_words, LINKED_TWICE: _which},
    ended_by={
        CHALLENGED: "This ends when the challenge is decided.",
        DECIDE_BREAK: "This ends when the link is recorded as broken or restored.",
    },
    with_case=(NOT_RECORDED, "association_ask_by_hand"),
)
clocks.due_with(periods.ANSWER, CHALLENGED)


def _facts(context: Any) -> Association:
    facts: Association = context.case.association
    return facts


def _suspend(context: Any) -> None:
    facts = _facts(context)
    facts.suspended_at = facts.suspended_at or context.at
    facts.save(update_fields=["suspended_at"])


def _use_again(context: Any) -> None:
    facts = _facts(context)
    if facts.suspended_at is not None:
        facts.suspended_at = None
        facts.save(update_fields=["suspended_at"])


def _received(context: Any) -> datetime:
    """Return when something came to us: the end of the day that was named, never later than now."""
    day = context.inputs.get("received_date")
    moment: datetime = min(calendars.end_of_day(day), context.at) if day else context.occurred_at
    return moment


def _party(case: Case, role: str) -> CaseParty | None:
    return CaseParty.objects.filter(case=case, role=role, is_detached=False).first()


def have_others_looked_at(case: Case, *, at: datetime) -> None:
    """Two links of the same two people are told by themselves and end by themselves: whoever declares or confirms one,
    or ends it, hears once that another stands. A restricted case is named to nobody."""
    standing = [each for each in guards.others_between(case) if not each.is_restricted]
    others = sorted(each.reference for each in standing)
    if others and not case.tasks.filter(kind=LINKED_TWICE, closed_at=None, detail__others=others).exists():
        tasks.raise_task(LINKED_TWICE, case=case, at=at, others=others)


def declared(case: Case, _people: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Say to whoever confirms or rejects a new link that another of the same two stands, in the act that opens it.
    Raises IntakeRefused while one of the two denies another link of theirs or asks to break it."""
    if refusal := guards.why_not_again(case):
        raise IntakeRefused(refusal)
    have_others_looked_at(case, at=at)


def confirm(context: Any) -> None:
    """Tell every agency the same, and the declarer; the other person where we may write to them."""
    case, at = context.case, context.at
    _use_again(context)
    clocks.meet(case, periods.CONFIRM, at=at)
    have_others_looked_at(case, at=at)
    bureaus.tell_everybody(case, actor=context.actor, at=at)
    writing.write(case, codes.DECLARER, "n12", at=at)
    if _facts(context).may_write_to_other:
        writing.write(case, codes.OTHER, "n12_other", at=at)


def end_confirming(context: Any) -> None:
    clocks.meet(context.case, periods.CONFIRM, at=context.at)


def note_recorded(context: Any) -> None:
    """The first agency holds the link."""
    agency = str(context.inputs.get("agency") or context.actor.agency_code)
    row = next((each for each in bureaus.links(context.case) if each.agency.code == agency), None)
    if row is not None:
        bureaus.turn(row, "recorded", at=context.at, reference=str(context.inputs["agency_reference"]))


def challenge(context: Any) -> None:
    """The link is used no more from this moment, and nothing more of it leaves; the month for the answer runs."""
    case, at, inputs = context.case, context.at, context.inputs
    _suspend(context)
    received = _received(context)
    opening.state_of(
        case,
        codes.OTHER,
        codes.DENIES,
        how=str(inputs["how"]),
        said_at=received,
        words=str(inputs["words"]),
        taken_by=context.actor.user_id,
    )
    bureaus.take_back_unsent(case, at=at)
    writing.take_back(case, at=at)
    _keep_wish(context)
    clock = clocks.start(case, periods.ANSWER, started_at=received, party=_party(case, codes.OTHER))
    tasks.raise_task(CHALLENGED, case=case, at=at, due_at=clock.due_at)


def _keep_wish(context: Any) -> None:
    """Keep whether the other person wants the answer at the address that the declarer gave."""
    facts = _facts(context)
    facts.other_wants_home = context.inputs.get("wants_home") is True
    facts.save(update_fields=["other_wants_home"])


def _end_challenge(context: Any) -> None:
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    tasks.close_all(context.case, CHALLENGED, actor=context.actor, at=context.at)


def dismiss_challenge(context: Any) -> None:
    """The agreement is shown: the link is used again, and whoever was not told yet is told."""
    case, at, shown = context.case, context.at, guards.document(context)
    row = opening.state_of(
        case, codes.OTHER, codes.AGREES, how="shown_by_document", said_at=at, taken_by=context.actor.user_id
    )
    row.evidence = shown
    row.save(update_fields=["evidence"])
    _use_again(context)
    _end_challenge(context)
    bureaus.tell_rest(case, actor=context.actor, at=at)
    writing.write(case, codes.OTHER, "association_stands", at=at)


def _have_decisions_reviewed(context: Any) -> None:
    """Whoever decided with a link that was wrong looks again: the kinds of case that used it say by which cases."""
    case, at = context.case, context.at
    used = [
        reference
        for casetype in casetypes.all_types()
        if (follow := casetype.reacts.get("link_withdrawn"))
        for reference in follow(case, at=at)
    ]
    tasks.raise_task(REVIEW_DECISIONS, case=case, at=at, used=used)


def uphold_challenge(context: Any) -> None:
    """Every agency is asked to take the link off both files; whoever decided with it looks again. The declarer learns
    that the link is removed, and nothing of why."""
    case, at = context.case, context.at
    _suspend(context)
    _end_challenge(context)
    bureaus.remove_everywhere(case, reason="never_agreed", actor=context.actor, at=at)
    if not bureaus.unsaid(case):  # nothing of it ever left: there is nobody to wait for
        clocks.start(case, periods.NOBODY_TOLD, started_at=at)
    _have_decisions_reviewed(context)
    have_others_looked_at(case, at=at)
    writing.write(case, codes.OTHER, "association_removed", at=at)
    writing.write(case, codes.DECLARER, "association_gone", at=at)


def request_break(context: Any) -> None:
    """The link is used no more at once; the month for the decision runs."""
    case, inputs = context.case, context.inputs
    side, received = str(inputs["asked_by"]), _received(context)
    opening.state_of(
        case,
        side,
        codes.ASKS_BREAK,
        how=str(inputs["how"]),
        said_at=received,
        words=str(inputs.get("words") or ""),
        taken_by=context.actor.user_id,
    )
    facts, party = _facts(context), _party(case, side)
    facts.asked_by, facts.asker_shown_by = party, str(inputs["identity_check"])
    facts.save(update_fields=["asked_by", "asker_shown_by"])
    if side == codes.OTHER:
        _keep_wish(context)
    _suspend(context)
    clocks.start(case, periods.ANSWER, started_at=received, party=party)


def _keep_exposure(context: Any) -> None:
    facts = _facts(context)
    facts.exposure, facts.exposure_checked_at = str(context.inputs["exposure"]), context.at
    facts.save(update_fields=["exposure", "exposure_checked_at"])


def _asked_side(context: Any) -> str:
    return writing.side_of(context.case, _facts(context).asked_by)


def _tell_whoever_asked(context: Any, template: str) -> None:
    writing.write(context.case, _asked_side(context), template, at=context.at)


def refuse_break(context: Any) -> None:
    _keep_exposure(context)
    _use_again(context)
    clocks.meet(context.case, periods.ANSWER, at=context.at)
    _tell_whoever_asked(context, "n13_refused")


def signpost(context: Any) -> None:
    """Only an agency breaks a link in its files, asked by the person: tell them how, and wait for each result."""
    case, at = context.case, context.at
    _keep_exposure(context)
    clocks.meet(case, periods.ANSWER, at=at)
    waiting = [row for row in bureaus.links(case) if row.state in {"told", "recorded"}]
    for row in waiting:
        bureaus.turn(row, "asked", at=at)
    if waiting:
        clocks.start(case, periods.BREAK_RESULT, started_at=at)
    else:
        tasks.raise_task(DECIDE_BREAK, case=case, at=at)
    _tell_whoever_asked(context, "n13")


def _end_waiting(context: Any) -> None:
    for rule in (periods.BREAK_RESULT, periods.BREAK_LAST):
        clocks.meet(context.case, rule, at=context.at)
    tasks.close_all(context.case, DECIDE_BREAK, actor=context.actor, at=context.at)


def _keep_history(context: Any) -> None:
    """Documents go twelve months after the end; between whom there was a link is kept for six years."""
    last = retention.dispose_after(periods.HISTORY, trigger_date=calendars.london_date(context.at))
    for party in CaseParty.objects.filter(case=context.case, is_detached=False):
        party.retention_class, party.dispose_after_date = periods.HISTORY, last
        party.save(update_fields=["retention_class", "dispose_after_date"])


def end_broken(context: Any) -> None:
    _end_waiting(context)
    _keep_history(context)
    have_others_looked_at(context.case, at=context.at)
    _tell_whoever_asked(context, "n13_broken")


def restore(context: Any) -> None:
    for row in bureaus.links(context.case):
        if row.state == "kept":
            bureaus.turn(row, "recorded", at=context.at)
    _use_again(context)
    _end_waiting(context)
    _tell_whoever_asked(context, "n13_kept")


def set_aside(context: Any) -> None:
    """A wrong person was detached and every agency was asked to take the link off: whoever decided with it looks again.
    The declarer learns that the link is removed, and so does the other person who waits for an answer."""
    case, at = context.case, context.at
    waits = {"challenged": codes.OTHER, **dict.fromkeys(("break_requested", "signposted"), _asked_side(context))}
    came_from = str(ledger.current().detail["from"])
    _suspend(context)
    _end_challenge(context)
    _end_waiting(context)
    writing.take_back(case, at=at)
    _have_decisions_reviewed(context)
    for side in dict.fromkeys((codes.DECLARER, waits.get(came_from, codes.DECLARER))):
        writing.write(case, side, "association_gone", at=at)


def end_removed(context: Any) -> None:
    """The link is gone everywhere, or a person recorded why an agency did not say so."""
    case, at = context.case, context.at
    for row in bureaus.unsaid(case):
        bureaus.turn(row, "unanswered", at=at)
    why = str(context.inputs.get("why_silent") or "").strip()
    if why:
        facts = _facts(context)
        sealing.seal(facts, {"removal_note": why}, key=facts.key)
        facts.save(update_fields=["removal_note"])
    tasks.close_all(case, REMOVAL_REFUSED, actor=context.actor, at=at)
    _keep_history(context)
