"""What a merge would do, before anybody agrees to it: what ends, what stays where it is, and how the two differ.

Reads only; no sealed value is opened. Documents are compared by hash, people by the joins that a person made and the
pairs that matching offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.kernel import casetypes, clocks, holdkinds, holds, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.finding import joining
from cases.kernel.models import Approval, Case, CaseParty, PersonPair

__all__ = ["Preview", "preview"]


@dataclass(frozen=True, kw_only=True)
class Same:
    """One person or document of the case that closes, and how it stands to the case that stays."""

    number: int
    code: str
    there: int | None = None
    is_certain: bool = False


@dataclass(frozen=True, kw_only=True)
class Preview:
    """All that a page says of a merge. `refusals` are why it could not be proposed now."""

    refusals: tuple[str, ...]
    periods: tuple[str, ...]
    tasks: tuple[str, ...]
    approval_count: int
    holds: tuple[str, ...]
    people: tuple[Same, ...]
    documents: tuple[Same, ...]
    note_count: int
    differences: tuple[tuple[str, str, str], ...]


def preview(case: Case, other: Case, *, actor: Actor, at: datetime) -> Preview:
    """Say what merging `case` into `other` would do. The caller has seen that the actor may see both."""
    running = case.clocks.filter(ended_at=None).order_by("due_at").values_list("rule", flat=True)
    owed = case.tasks.filter(closed_at=None).order_by("opened_at").values_list("kind", flat=True)
    return Preview(
        refusals=tuple(_refusals(case, other, actor, at)),
        periods=tuple(clocks.RULES[code].label if code in clocks.RULES else code for code in running),
        tasks=tuple(tasks.label(code) for code in owed),
        approval_count=Approval.objects.filter(case=case, closed_at=None).count(),
        holds=tuple(_holds(case, other, at)),
        people=tuple(_people(case, other)),
        documents=tuple(_documents(case, other)),
        note_count=case.notes.count(),
        differences=tuple(_differences(case, other)),
    )


def _refusals(case: Case, other: Case, actor: Actor, at: datetime) -> list[str]:
    move = casetypes.get(case.kind).lifecycle["merge"]
    if case.state not in move.source:
        return ["This case is closed."]
    inputs: Mapping[str, Any] = {"into": str(other.uid)}
    context = transitions.Context(
        case=case, transition=move, actor=actor, at=at, occurred_at=at, reason="preview", inputs=inputs
    )
    return transitions.typed_refusals(context)


def _holds(case: Case, other: Case, at: datetime) -> list[str]:
    """Return the holds that go along: those in force here, or to come, by which the case that stays is not held."""
    found = holds.to_carry(case, other, joining.joined_with(case, other), at=at)
    return [holdkinds.shown_label(kind) for kind in dict.fromkeys(hold.kind for hold in found)]


def _people(case: Case, other: Case) -> list[Same]:
    rows = list(case.parties.filter(is_detached=False).order_by("number"))
    joined, offered = joining.joined_with(case, other), _offered(case, other)
    return [
        Same(
            number=row.number,
            code=row.role,
            there=person.number if (person := joined.get(row.pk)) else offered.get(row.pk),
            is_certain=person is not None,
        )
        for row in rows
    ]


def _offered(case: Case, other: Case) -> dict[int, int]:
    """Return, for each person here, the strongest person there that matching offers as the same."""
    between = Q(first__case=case, second__case=other) | Q(first__case=other, second__case=case)
    pairs = PersonPair.objects.filter(between, state="offered").select_related("first", "second").order_by("score")
    found: dict[int, int] = {}
    for pair in pairs:
        mine, theirs = _ordered(pair, case)
        found[mine.pk] = theirs.number
    return found


def _ordered(pair: PersonPair, case: Case) -> tuple[CaseParty, CaseParty]:
    return (pair.first, pair.second) if pair.first.case_id == case.pk else (pair.second, pair.first)


def _documents(case: Case, other: Case) -> list[Same]:
    there = dict(other.evidence.values_list("sha256", "number"))
    return [
        Same(number=row.number, code=row.kind, there=there.get(row.sha256), is_certain=row.sha256 in there)
        for row in case.evidence.order_by("number")
    ]


def _differences(case: Case, other: Case) -> list[tuple[str, str, str]]:
    view = casetypes.get(case.kind).facts_view
    here, there = dict(view(case)), dict(view(other))
    return [
        (label, str(here.get(label) or ""), str(there.get(label) or ""))
        for label in dict.fromkeys((*here, *there))
        if str(here.get(label) or "") != str(there.get(label) or "")
    ]
