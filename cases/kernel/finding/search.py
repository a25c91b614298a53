"""Finds cases by what people typed: references, accounts, numbers, names and words of notes, without opening a value.

One statement over blind tokens, scoped by policy, capped and timed; who is outside a restricted team's space cannot
even ask for its tokens. The search is on record, as a keyed hash of its terms and the cases it found, before anything
of it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import CharField, F, QuerySet, SmallIntegerField, Value
from psycopg.errors import QueryCanceled

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.finding import index
from cases.kernel.finding.index import OFFICE, Blinder
from cases.kernel.finding.searchbox import EXACT, NOTE, SOUNDS, STARTS, SearchRefused, Term, parse
from cases.kernel.models import Callback, Case, OutboxMessage, SearchEntry
from cases.ledger import keys
from cases.ledger.reads import Reader, record_read

__all__ = ["CAP", "Asked", "Found", "Hit", "Match", "SearchRefused", "SearchTooSlow", "find", "purpose_is_asked"]

CAP = 51
SECONDS = 3
HOW = {EXACT: "exact", STARTS: "starts", SOUNDS: "sounds", NOTE: "note"}
# What alone leads straight to a case when just one has it.
STRAIGHT = frozenset({"reference", "agency_reference", "phone", "account"})


class SearchTooSlow(CaseError):
    """The search took longer than a page may take; nothing of it is shown."""

    def __init__(self) -> None:
        super().__init__("This search takes too long. Add another word, a date of birth or a postcode.")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A search besides its words: only cases of one kind, only open or closed ones."""

    kind: str = ""
    is_closed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Match:
    """Why a case was found: which person of it (none: its own facts or a note), by which kind of value, and how."""

    number: int | None
    role: str
    kinds: tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class Hit:
    """One found case with all that matched in it, best first."""

    case: Case
    tier: int
    matches: list[Match] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found. `is_capped` says that there is more; `straight` is the one case it leads to."""

    hits: tuple[Hit, ...] = ()
    is_capped: bool = False
    straight: Case | None = None


def purpose_is_asked(actor: Actor) -> bool:
    """Say whether this actor reads cases for a stated reason only, and so must say why they search."""
    may = [policy.can(actor, "view", kind=each.code) for each in casetypes.all_types()]
    allowed = [decision for decision in may if decision.is_allowed]
    return bool(allowed) and all(decision.needs_reason for decision in allowed)


def find(
    actor: Actor, text: str, *, purpose: str, at: datetime, asked: Asked | None = None, request_id: str = ""
) -> Found:
    """Return the cases the actor may know of that answer every term, best first; write the access row, first.

    Four statements and one access row, one more for a restricted team's cases. Raises SearchRefused, SearchTooSlow.
    """
    wanted = parse(text)
    visible = _scope(actor, asked or Asked())
    blinders = [Blinder(space, version) for space in index.spaces_of(actor) for version in keys.index_versions()]
    try:
        with transaction.atomic():
            rows = _timed(visible, wanted, blinders, text.strip())
            found = _found(rows, wanted, blinders, visible)
            _record(found, wanted, actor=actor, purpose=purpose, at=at, request_id=request_id)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from None
        raise
    return found


def _scope(actor: Actor, asked: Asked) -> QuerySet[Case]:
    given = {"kind": asked.kind or None, "is_closed": asked.is_closed}
    return policy.visible_to(actor).filter(**{name: value for name, value in given.items() if value is not None})


def _timed(
    visible: QuerySet[Case], wanted: Sequence[Term], blinders: Sequence[Blinder], text: str
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(SECONDS * 1000)])
    return [*_by_reference(visible, text), *_by_tokens(visible, wanted, blinders)]


def _by_reference(visible: QuerySet[Case], text: str) -> list[tuple[Any, ...]]:
    """Return the cases of exactly this reference, ours or an agency's, in the shape of _by_tokens. A line of a case is
    known outside by the reference of the case and its number: REFERENCE/3."""
    if not any(letter.isdigit() for letter in text) or len(text) > 80 or any(letter.isspace() for letter in text):
        return []
    ours = visible.filter(reference=text.upper().partition("/")[0]).values_list("pk", Value("reference", CharField()))
    theirs = [
        model.objects.filter(agency_reference=text, case__in=visible).values_list(
            "case_id", Value("agency_reference", CharField())
        )[:CAP]
        for model in (OutboxMessage, Callback)
    ]
    found = dict(reversed(list(ours.union(*theirs, all=True))))
    return [(case_id, EXACT, None, "", [], kind) for case_id, kind in found.items()]


def _by_tokens(visible: QuerySet[Case], wanted: Sequence[Term], blinders: Sequence[Blinder]) -> list[tuple[Any, ...]]:
    """Return (case, tier, person, role, tokens, "") of what answers every term: up to CAP rows for each tier."""
    tiers = (EXACT, STARTS, SOUNDS, NOTE) if any(term.name for term in wanted) else (EXACT, NOTE)
    parts = [part for tier in tiers if (part := _tier(visible, wanted, blinders, tier)) is not None]
    if not parts:
        return []
    first, *others = parts
    return list(first.union(*others, all=True)) if others else list(first)


def _tier(
    visible: QuerySet[Case], wanted: Sequence[Term], blinders: Sequence[Blinder], tier: int
) -> QuerySet[Any, Any] | None:
    asked = [term.pairs(tier) for term in wanted]
    if tier == NOTE:
        asked = [pairs for pairs in asked if pairs]
    if not asked or not all(asked):
        return None
    rows = SearchEntry.objects.filter(case__in=visible)
    for pairs in asked:
        rows = rows.filter(tokens__overlap=[blinder.token(*pair) for blinder in blinders for pair in pairs])
    columns = ("case_id", "tier", "party__number", "party__role", "tokens", "kind")
    labelled = rows.annotate(tier=Value(tier, SmallIntegerField()), kind=Value("", CharField()))
    # By a computed number: for the order of the index PostgreSQL would walk all cases to find the two that match.
    return labelled.order_by(-F("case_id")).values_list(*columns)[:CAP]


def _found(
    rows: Iterable[tuple[Any, ...]], wanted: Sequence[Term], blinders: Sequence[Blinder], visible: QuerySet[Case]
) -> Found:
    matches: dict[int, list[Match]] = {}
    tiers: dict[int, int] = {}
    seen: set[tuple[int, int | None, str]] = set()
    filled: Counter[int] = Counter()
    for case_id, tier, number, role, tokens, kind in rows:
        filled[tier] += 1
        place = (case_id, number, "note" if tier == NOTE else "")
        if place in seen:
            continue
        seen.add(place)
        tiers.setdefault(case_id, tier)
        kinds = ((kind, HOW[EXACT]),) if kind else _kinds(wanted, blinders, tier, frozenset(tokens))
        matches.setdefault(case_id, []).append(Match(number=number, role=role or "", kinds=kinds))
    ordered = sorted(tiers, key=lambda case_id: (tiers[case_id], -case_id))
    cases = visible.select_related("team", "assignee").in_bulk(ordered[: CAP - 1])
    hits = [Hit(case=cases[each], tier=tiers[each], matches=matches[each]) for each in ordered if each in cases]
    is_capped = len(ordered) >= CAP or any(count >= CAP for count in filled.values())
    return Found(hits=tuple(hits), is_capped=is_capped, straight=_straight(hits, wanted))


def _kinds(
    wanted: Sequence[Term], blinders: Sequence[Blinder], tier: int, tokens: frozenset[int]
) -> tuple[tuple[str, str], ...]:
    """Say of each term by which kind of value it was met in this entry, and how: the most exact way counts."""
    found: dict[tuple[str, str], None] = {}
    for term in wanted:
        for pair in term.pairs(tier):
            if any(blinder.token(*pair) in tokens for blinder in blinders):
                found[_said(pair[0])] = None
                break
    return tuple(found)


_NAME_KINDS: Mapping[str, tuple[str, str]] = {
    "word": ("name", HOW[EXACT]),
    "start": ("name", HOW[STARTS]),
    "sound": ("name", HOW[SOUNDS]),
    "note": ("note", HOW[EXACT]),
}


def _said(kind: str) -> tuple[str, str]:
    return _NAME_KINDS.get(kind, (kind, HOW[EXACT]))


def _straight(hits: Sequence[Hit], wanted: Sequence[Term]) -> Case | None:
    """Return the only case that was found, when a number or reference alone was typed."""
    if len(hits) != 1 or len(wanted) != 1 or hits[0].tier != EXACT:
        return None
    kinds = {kind for match in hits[0].matches for kind, _ in match.kinds}
    return hits[0].case if kinds & STRAIGHT else None


def _record(found: Found, wanted: Sequence[Term], *, actor: Actor, purpose: str, at: datetime, request_id: str) -> None:
    """Write who searched, for which kinds of value, and what was found. A restricted team's cases are on a row of
    their own, and so are those that a restricted team looks at without a trace that others see."""
    apart: dict[tuple[str, str], list[UUID]] = {}
    for hit in found.hits:
        why = policy.can(actor, "view", case=hit.case).purpose or purpose
        apart.setdefault((index.space_of(hit.case), why), []).append(hit.case.uid)
    typed = sorted(kind_value for term in wanted for kind_value in (term.exact or (("name", term.name),)))
    token = keys.keyed_hash("search", "\0".join(f"{kind}={value}" for kind, value in typed))
    rows = sorted((apart or {(OFFICE, purpose): []}).items(), key=lambda row: row[0][0] != OFFICE)
    for (_, why), streams in rows:
        reader = Reader(
            actor=actor.label,
            verb="search",
            purpose=why,
            break_glass=why == policy.BREAK_GLASS,
            streams=tuple(streams),
            fields=tuple(sorted({kind for kind, _ in typed})),
            request_id=request_id,
            query_hash=token,
        )
        record_read(reader, at=at, result_count=len(streams))
