"""A case as one row of a list: words, tone and icon from its kind's own declaration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cases.kernel import casetypes, holdkinds, policy
from cases.kernel.actors import Actor
from cases.kernel.lifecycle import State
from cases.kernel.models import Case
from cases.kernel.reading import worklist
from cases.web import addresses, writing

__all__ = ["Line", "Row", "line", "pick", "row", "urgent_lines"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a list shows of a case."""

    case: Case
    title: str
    icon: str
    kind: str
    state: State


def row(case: Case) -> Row:
    """Return the row of a case. Reads nothing that the query did not bring."""
    casetype = casetypes.get(case.kind)
    return Row(
        case=case,
        title=casetype.topic_label(case.topic),
        icon=casetype.icon,
        kind=casetype.label,
        state=casetype.lifecycle.state(case.state),
    )


class Line(NamedTuple):
    """A row of the queue as it is read, in nothing but words: equal lines are drawn once."""

    url: str
    title: str
    icon: str
    reference: str
    kind: str
    tone: str
    state: str
    closed: str
    due: writing.Due | None
    due_at: str
    due_on: str
    agency: str
    amount: str
    assignee: str
    take_url: str
    pick: str
    changed: str
    flags: tuple[str, ...] = ()
    is_urgent: bool = False


def pick(case: Case) -> str:
    """Return what the box of a row says: the case, and with whom its reader saw it."""
    return f"{case.uid}~{case.assignee_id or ''}"


def line(case: Case, *, at: datetime, actor: Actor | None = None) -> Line:
    """Return the line of a case that came with what `worklist.LISTED` names, offered to the reader where they may
    take it. Reads nothing that the query did not bring."""
    shown, named = row(case), vars(case)
    is_free = not (case.assignee_id or case.is_closed)
    may_give = actor is not None and not case.is_closed and policy.can(actor, "assign", case=case).is_allowed
    may_take = actor is not None and is_free and policy.can(actor, "take", case=case).is_allowed
    due_at = None if case.is_closed else case.due_at
    return Line(
        url=addresses.of_case("web:case", case.uid),
        title=shown.title,
        icon=shown.icon,
        reference=case.reference,
        kind=shown.kind,
        tone=shown.state.tone,
        state=shown.state.label,
        closed=writing.day(case.closed_date) if case.is_closed else "",
        due=writing.due_words(due_at, at) if due_at else None,
        due_at=due_at.isoformat().replace("+00:00", "Z") if due_at else "",
        due_on=writing.moment(due_at),
        agency=named["agency_name"] or "—",
        amount=writing.pounds(case.amount_pence),
        assignee=named["assignee_name"] or "",
        take_url=addresses.of_case("web:take", case.uid) if may_take else "",
        pick=pick(case) if may_give else "",
        changed=writing.moment(case.changed_at),
        flags=tuple(sorted({holdkinds.shown_label(each) for each in named["held_as"]})),
        is_urgent=case.state in casetypes.get(case.kind).urgent,
    )


def urgent_lines(actor: Actor, *, at: datetime) -> list[Line]:
    """Return the lines of what goes before everything else, each leading to the page on which it is worked. One query,
    or none."""
    found = [(line(case, at=at), casetypes.get(case.kind).screen, case.uid) for case in worklist.urgent(actor)]
    return [each._replace(url=addresses.of_case(screen, uid)) if screen else each for each, screen, uid in found]
