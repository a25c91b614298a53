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
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, transaction
from django.db.models import CharField, QuerySet, Value
from psycopg.errors import QueryCanceled

from cases.kernel import casetypes, policy
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.finding import index
from cases.kernel.finding.index import OFFICE, Blinder
from cases.kernel.finding.searchbox import EXACT, NOTE, SOUNDS, STARTS, SearchRefused, Term, parse
from cases.kernel.models import Callback, Case, OutboxMessage
from cases.kernel.prepared import Prepared, Statement, one_of
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


# Who searches, among which cases, under which edition of the table of rights.
Scope = tuple[Actor, Asked, int]


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
    blind = _Blind(actor)
    scope = (actor, asked or Asked(), policy.edition())
    try:
        with transaction.atomic():
            rows = _timed(scope, wanted, blind, text.strip())
            found = _found(rows, wanted, blind, scope)
            _record(found, wanted, actor=actor, purpose=purpose, at=at, request_id=request_id)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from None
        raise
    return found


class _Blind:
    """Makes the tokens of what was typed in every space the actor may search, each once. Lives for one search."""

    def __init__(self, actor: Actor) -> None:
        spaces, versions = index.spaces_of(actor), keys.index_versions()
        self._blinders = [Blinder(space, version) for space in spaces for version in versions]
        self._made: dict[tuple[str, str], list[int]] = {}

    def tokens(self, pair: tuple[str, str]) -> list[int]:
        """Return the tokens of one comparable value."""
        if pair not in self._made:
            self._made[pair] = [blinder.token(*pair) for blinder in self._blinders]
        return self._made[pair]


# One plan serves all that is typed: to plan it for each costs more than it saves.
_BOUNDS = Statement.of(
    "SELECT set_config('statement_timeout', %s, true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)


def _timed(scope: Scope, wanted: Sequence[Term], blind: _Blind, text: str) -> list[tuple[Any, ...]]:
    _BOUNDS.rows([str(SECONDS * 1000)])
    return [*_by_reference(scope, text), *_by_tokens(scope, wanted, blind)]


def _by_reference(scope: Scope, text: str) -> list[tuple[Any, ...]]:
    """Return the cases of exactly this reference, ours or an agency's, in the shape of _by_tokens. A line of a case is
    known outside by the reference of the case and its number: REFERENCE/3."""
    if not any(letter.isdigit() for letter in text) or len(text) > 80 or any(letter.isspace() for letter in text):
        return []
    rows = _referred(*scope).rows(ours=text.upper().partition("/")[0], theirs=text)
    return [(case_id, EXACT, None, "", [], kind) for case_id, kind in dict(reversed(rows)).items()]


def _by_tokens(scope: Scope, wanted: Sequence[Term], blind: _Blind) -> list[tuple[Any, ...]]:
    """Return (case, tier, person, role, tokens, "") of what answers every term, up to CAP, the best first."""
    asked = {tier: _asked_in(tier, wanted, blind) for tier in _tiers(wanted)}
    shape = tuple((tier, len(tokens)) for tier, tokens in asked.items() if tokens)
    if not shape:
        return []
    kept = _tokened(*scope, shape)
    if kept is None:
        return []
    statement, places = kept
    return [(*row, "") for row in statement.rows([asked[tier][number] for tier, number in places])]


def _tiers(wanted: Sequence[Term]) -> tuple[int, ...]:
    return (EXACT, STARTS, SOUNDS, NOTE) if any(term.name for term in wanted) else (EXACT, NOTE)


def _asked_in(tier: int, wanted: Sequence[Term], blind: _Blind) -> list[list[int]]:
    """Return for each term the tokens any of which answers it in a tier; none when one of them has no answer there. Of
    what no note is searched for, notes are not asked."""
    asked = [term.pairs(tier) for term in wanted]
    if tier == NOTE:
        asked = [pairs for pairs in asked if pairs]
    return [[token for pair in pairs for token in blind.tokens(pair)] for pairs in asked] if all(asked) else []


@lru_cache(maxsize=256)
def _scope(actor: Actor, asked: Asked, _edition: int) -> QuerySet[Case]:
    given = {"kind": asked.kind or None, "is_closed": asked.is_closed}
    return policy.visible_to(actor).filter(**{name: value for name, value in given.items() if value is not None})


@lru_cache(maxsize=256)
def _referred(actor: Actor, asked: Asked, edition: int) -> Prepared:
    """Return the query of (case, whose reference it is), kept for whoever has the same rights under the same table."""
    visible = _scope(actor, asked, edition)

    def build(ours: str, theirs: str) -> QuerySet[Any, Any]:
        found = visible.filter(reference=ours).values_list("pk", Value("reference", CharField()))
        said = [
            # That it is not empty goes without saying, but not for the planner, which then knows the index.
            model.objects.filter(agency_reference=theirs, case__in=visible)
            .exclude(agency_reference="")
            .values_list("case_id", Value("agency_reference", CharField()))[:CAP]
            for model in (OutboxMessage, Callback)
        ]
        return found.union(*said, all=True)

    return Prepared(build, ours="\uffff ours", theirs="\uffff theirs")


Place = tuple[int, int]
# What is found is put into order before the cases are looked up, so that no more of them are than are shown. By a
# computed number: for the order of the index PostgreSQL would walk all cases to find the two that match.
_TIER = """(
SELECT found.case_id, {tier}::smallint AS tier, party.number, party.role, found.tokens
  FROM (SELECT case_id, party_id, tokens, -case_id AS newest FROM cases_searchentry WHERE {meets} ORDER BY newest) found
  LEFT JOIN cases_caseparty party ON party.id = found.party_id
 WHERE found.case_id IN ({visible})
 ORDER BY found.newest LIMIT {cap})"""


@lru_cache(maxsize=1024)
def _tokened(
    actor: Actor, asked: Asked, edition: int, shape: tuple[Place, ...]
) -> tuple[Statement, tuple[Place, ...]] | None:
    """Return the query of so many terms in each tier, kept like that of references, and which term of which tier goes
    where; nothing for whoever sees no case. A tier is not asked when those before it fill the list, and has nothing of
    the one before."""
    try:
        visible, scoped = _scope(actor, asked, edition).values("pk").query.sql_with_params()
    except EmptyResultSet:
        return None
    parts: list[str] = []
    params: list[Any] = []
    places: dict[int, Place] = {}

    def met(tier: int, many: int) -> str:
        places.update({len(params) + number: (tier, number) for number in range(many)})
        params.extend([None] * many)
        return " AND ".join(["tokens && %s::bigint[]"] * many)

    for (tier, many), before in zip(shape, (None, *shape), strict=False):
        meets = met(tier, many)
        if before is not None and tier != NOTE:
            meets += f" AND NOT ({met(*before)})"
        parts.append(_TIER.format(tier=tier, meets=meets, visible=visible, cap=CAP))
        params.extend(scoped)
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) answers LIMIT {CAP}"  # noqa: S608 -- of fixed text alone
    return Statement(sql, tuple(params), tuple(places)), tuple(places.values())


@lru_cache(maxsize=256)
def _listed(actor: Actor, asked: Asked, edition: int) -> Prepared:
    """Return the query of the cases of a list, kept like the others."""
    visible = _scope(actor, asked, edition).select_related("team", "assignee")
    return Prepared(lambda ids: visible.filter(one_of("pk", ids)), ids=[-(10**15)])


def _found(rows: Iterable[tuple[Any, ...]], wanted: Sequence[Term], blind: _Blind, scope: Scope) -> Found:
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
        kinds = ((kind, HOW[EXACT]),) if kind else _kinds(wanted, blind, tier, frozenset(tokens))
        matches.setdefault(case_id, []).append(Match(number=number, role=role or "", kinds=kinds))
    ordered = sorted(tiers, key=lambda case_id: (tiers[case_id], -case_id))
    cases = {case.pk: case for case in (_listed(*scope).objects(ids=ordered[: CAP - 1]) if ordered else ())}
    hits = [Hit(case=cases[each], tier=tiers[each], matches=matches[each]) for each in ordered if each in cases]
    is_capped = len(ordered) >= CAP or any(count >= CAP for count in filled.values())
    return Found(hits=tuple(hits), is_capped=is_capped, straight=_straight(hits, wanted))


def _kinds(wanted: Sequence[Term], blind: _Blind, tier: int, tokens: frozenset[int]) -> tuple[tuple[str, str], ...]:
    """Say of each term by which kind of value it was met in this entry, and how: the most exact way counts."""
    found: dict[tuple[str, str], None] = {}
    for term in wanted:
        for pair in term.pairs(tier):
            if not tokens.isdisjoint(blind.tokens(pair)):
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
