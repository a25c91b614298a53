"""A case as one row of a list: words, tone and icon from its kind's own declaration."""

from __future__ import annotations

from dataclasses import dataclass

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.lifecycle import State
from cases.kernel.models import Case

__all__ = ["Row", "row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a list shows of a case."""

    case: Case
    title: str
    icon: str
    kind: str
    state: State
    agency: str
    may_take: bool


def row(case: Case, actor: Actor | None = None) -> Row:
    """Return the row of a case, offered to the reader where they may take it. Reads nothing that the query did not
    bring."""
    casetype = casetypes.get(case.kind)
    return Row(
        case=case,
        title=casetype.topic_label(case.topic),
        icon=casetype.icon,
        kind=casetype.label,
        state=casetype.lifecycle.state(case.state),
        agency=getattr(case, "agency_name", None) or "",
        may_take=actor is not None
        and not (case.assignee_id or case.is_closed)
        and policy.can(actor, "take", case=case).is_allowed,
    )
