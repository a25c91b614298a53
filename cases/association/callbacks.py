"""What an agency's answers mean for a link, and what follows when a period of one is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.association import bureaus, effects, messages, periods
from cases.association.models import AgencyLink
from cases.kernel import casetypes, clocks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.exchange import datashapes
from cases.kernel.models import Case, Clock, OutboxMessage

__all__ = [
    "EXAMPLES",
    "REFUSED",
    "broken",
    "chase",
    "give_up",
    "go_on",
    "kept",
    "recorded",
    "refused",
    "removal_refused",
    "removed",
    "SHAPES",
]

_ERRORS = {"errors": [{"pointer": "/people/1/date_of_birth", "code": "NO_FILE_FOUND"}]}
# While the link is in one of these, nobody has asked an agency to break it.
_IN_USE = frozenset({"confirmed", "active", "challenged", "break_requested"})
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "association.recorded": {},
    "association.refused": _ERRORS,
    "association.broken": {},
    "association.kept": {},
    "association.removed": {},
    "association.removal_refused": _ERRORS,
}
SHAPES: Mapping[str, datashapes.Shape] = dict.fromkeys(
    ("association.refused", "association.removal_refused"), datashapes.shape({}, {"errors": datashapes.ERRORS})
)


def recorded(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency holds the link under its reference: the first such answer makes the link active."""
    row = bureaus.link_of(case, content.agency_code)
    if case.state == "confirmed":
        said = {"agency": content.agency_code, "agency_reference": content.agency_reference}
        transitions.apply(
            case.pk,
            "activate",
            actor=actor,
            at=at,
            occurred_at=content.occurred_at,
            inputs=said,
            cause=content.callback_uid,
        )
        return
    if row.state not in {"told", "recorded", "removing"}:
        raise transitions.AlreadyThere("This agency said more about the link since.")
    state = "recorded" if row.state == "told" else row.state
    _note(case, row, state, content, actor=actor, at=at, verb="association.recorded")


def _note(
    case: Case, row: AgencyLink, state: str, content: Content, *, actor: Actor, at: datetime, verb: str, task: str = ""
) -> None:
    """Keep what an agency said that does not move the case, as one act; `task` is what somebody has to do about it."""
    detail = {"agency": row.agency.code, "was": row.state, "now": state}
    occurred_at = min(content.occurred_at or at, at)
    cause = content.callback_uid
    with record.act(case, verb, actor=actor, at=at, occurred_at=occurred_at, cause=cause, detail=detail):
        bureaus.turn(row, state, at=at, reference=content.agency_reference)
        if task:
            tasks.raise_task(task, case=case, at=at, agency=row.agency.code)


def refused(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency did not record the link: somebody looks why."""
    row = bureaus.link_of(case, content.agency_code)
    if row.state != "told":
        raise transitions.AlreadyThere("This agency said more about the link since.")
    _note(case, row, "refused", content, actor=actor, at=at, verb="association.refused", task=effects.NOT_RECORDED)


def broken(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency broke the link in its files. Where nobody asked us to, somebody looks whether they meant us too."""
    row = bureaus.link_of(case, content.agency_code)
    if case.state == "correcting":
        removed(case, content, actor=actor, at=at)
        return
    task = effects.BROKEN_ELSEWHERE if case.state in _IN_USE else ""
    _note(case, row, "broken", content, actor=actor, at=at, verb="association.broken_by_agency", task=task)
    _decide_break(case, content, actor=actor, at=at)


def kept(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency refused to break the link."""
    row = bureaus.link_of(case, content.agency_code)
    if case.state != "signposted":
        raise transitions.TransitionRefused("Nobody asked the agencies to break this link.")
    _note(case, row, "kept", content, actor=actor, at=at, verb="association.kept_by_agency")
    _decide_break(case, content, actor=actor, at=at)


def _decide_break(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """Once every agency has answered, the link is broken; where all refused, or one never replied, a person decides."""
    if case.state != "signposted":
        return
    states = {row.state for row in bureaus.links(case)}
    if "asked" in states:
        return
    if "broken" in states and "no_reply" not in states:
        transitions.apply(
            case.pk, "break", actor=actor, at=at, occurred_at=content.occurred_at, cause=content.callback_uid
        )
    elif not case.tasks.filter(kind=effects.DECIDE_BREAK, closed_at=None).exists():
        with record.act(case, "association.answered", actor=actor, at=at, cause=content.callback_uid):
            tasks.raise_task(effects.DECIDE_BREAK, case=case, at=at)


def removed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency took the link off both files. With the last one the case ends."""
    row = bureaus.link_of(case, content.agency_code)
    if row.state not in {"removing", "removal_refused"}:
        raise transitions.AlreadyThere("Nobody waits for this removal.")
    _note(case, row, "removed", content, actor=actor, at=at, verb="association.removed_by_agency")
    if case.state == "correcting" and not bureaus.unsaid(case):
        transitions.apply(
            case.pk, "corrected", actor=actor, at=at, occurred_at=content.occurred_at, cause=content.callback_uid
        )


def removal_refused(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency refuses to take the link off: somebody speaks with it."""
    row = bureaus.link_of(case, content.agency_code)
    if row.state != "removing":
        raise transitions.AlreadyThere("Nobody waits for this removal.")
    verb = "association.removal_refused"
    _note(case, row, "removal_refused", content, actor=actor, at=at, verb=verb, task=effects.REMOVAL_REFUSED)


def _refused_at_once(state: str, task: str, *, was: str) -> Any:
    """Return what follows when an agency's first answer to a message is a refusal."""

    def follow(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
        row = bureaus.link_of(case, message.channel.agency.code)
        detail = {"agency": row.agency.code, "was": row.state, "codes": tasks.codes_of(errors)}
        actor = system("delivery", source=case.source)
        with record.act(case, f"association.{state}", actor=actor, at=at, detail=detail):
            if row.state == was:
                bureaus.turn(row, state, at=at)
            tasks.raise_task(task, case=case, at=at, agency=row.agency.code, codes=detail["codes"])

    return follow


REFUSED = {
    messages.CRA_ASSOC.code: _refused_at_once("refused", effects.NOT_RECORDED, was="told"),
    messages.CRA_ASSOC_REMOVE.code: _refused_at_once("removal_refused", effects.REMOVAL_REFUSED, was="removing"),
}


def chase(case: Case, clock: Clock, *, at: datetime) -> None:
    """The weeks in which a break shows are over: ask each silent agency once more."""
    actor = system("clocks", source=case.source)
    with record.act(case, "association.chased", actor=actor, at=at) as action:
        clocks.end_one(case, clock, at=at, state="met")
        asked = bureaus.ask_again(case, actor=actor, at=at)
        action.detail["asked"] = asked
        if asked:
            clocks.start(case, periods.BREAK_LAST, started_at=at)
        clocks.refresh_due(case)
        case.save()


def go_on(case: Case, clock: Clock, *, at: datetime) -> None:
    """What lacks one of its people is set aside; what no agency has is recorded as removed."""
    actor = system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clocks.end_one(case, clock, at=at, state="met")
        clocks.refresh_due(case)
        case.save()
    if case.state in casetypes.get(case.kind).lifecycle["set_aside"].source:
        case = transitions.apply(case.pk, "set_aside", actor=actor, at=at)
    if case.state == "correcting" and not bureaus.unsaid(case):
        transitions.apply(case.pk, "corrected", actor=actor, at=at)


def give_up(case: Case, clock: Clock, *, at: datetime) -> None:
    """An agency that was asked again did not answer: that is its result, and a person decides."""
    with record.act(case, "association.no_reply", actor=system("clocks", source=case.source), at=at):
        clocks.end_one(case, clock, at=at, state="met")
        for row in bureaus.links(case):
            if row.state == "asked":
                bureaus.turn(row, "no_reply", at=at)
        if not case.tasks.filter(kind=effects.DECIDE_BREAK, closed_at=None).exists():
            tasks.raise_task(effects.DECIDE_BREAK, case=case, at=at)
        clocks.refresh_due(case)
        case.save()
