"""Links between two people that cases make, and whether one may be used now. Every family asks here; none is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cases.kernel import casetypes
from cases.kernel.casetypes import Tie
from cases.kernel.finding import index
from cases.kernel.models import CaseParty, SearchEntry

__all__ = ["Use", "between", "may_use", "ties_of"]


UNKNOWN = "No link between these two people is known."
# What makes two rows say of one person, and one of what has to reach the same person beside it.
IDENTITY = ("forename.word", "surname.word", "date_of_birth")
REACHED_BY = frozenset({"phone", "email", "account_reference", "postcode"})
MOST = 50


@dataclass(frozen=True, kw_only=True)
class Use:
    """Whether what is on record of one person may be used for another; `ties` are the links that allow it, or those
    that forbid it. `sentence` says why not, and names nobody."""

    is_allowed: bool
    ties: tuple[Tie, ...] = ()
    sentence: str = ""


def ties_of(people: Collection[int], rows: Collection[int] = ()) -> list[Tie]:
    """Return every link, standing or past, that touches one of these joined people (keys of Party) or rows of a case
    (keys of CaseParty). Opens no sealed value; of each kind that makes links one query."""
    if not people and not rows:
        return []
    return [tie for casetype in casetypes.all_types() for tie in casetype.ties(people, rows)]


def _said_of(person: CaseParty) -> dict[int, bool]:
    """Return the rows of other cases that say the same names and birth, by their key, and whether they share a way to
    reach the person. Two queries; opens nothing: equal values have equal tokens."""
    entry = SearchEntry.objects.filter(party=person, space=index.OFFICE).first()
    mine = index.runs_of(entry) if entry is not None else {}
    if entry is None or not all(mine.get(name) for name in IDENTITY):
        return {}
    wanted = [token for name in IDENTITY for token in mine[name]]
    rows = SearchEntry.objects.filter(space=index.OFFICE, version=entry.version, tokens__contains=wanted)
    rows = rows.filter(party__is_detached=False).exclude(case=person.case_id)
    found = {row.party_id: index.runs_of(row) for row in rows.order_by("-pk")[:MOST] if row.party_id}
    return {
        key: bool(_reach(mine) & _reach(theirs))
        for key, theirs in found.items()
        if all(set(mine[name]) == set(theirs.get(name, ())) for name in IDENTITY)
    }


def _reach(runs: Mapping[str, Sequence[int]]) -> set[int]:
    return {token for name, tokens in runs.items() if name.partition("-")[0] in REACHED_BY for token in tokens}


def _is_between(tie: Tie, *two: tuple[CaseParty, Mapping[int, bool]]) -> bool:
    """Say whether a link is between two people: each is one of its sides, and one of them joined or reached alike."""
    (person, mine), (other, theirs) = two
    return any(
        _is_side(person, mine, one)
        and _is_side(other, theirs, rest)
        and (_is_sure(person, mine, one) or _is_sure(other, theirs, rest))
        for one, rest in ((tie.one, tie.other), (tie.other, tie.one))
    )


def _is_joined(person: CaseParty, side: CaseParty) -> bool:
    return person.party_id is not None and person.party_id == side.party_id


def _is_side(person: CaseParty, said: Mapping[int, bool], side: CaseParty) -> bool:
    return _is_joined(person, side) or side.pk in said


def _is_sure(person: CaseParty, said: Mapping[int, bool], side: CaseParty) -> bool:
    return _is_joined(person, side) or said.get(side.pk, False)


def between(person: CaseParty, other: CaseParty) -> list[Tie]:
    """Return every link, standing or past, between these two people.

    The two of a link are these two where somebody joined them across cases, or where both have the first and last name
    and the birth that the link says, and one of them a telephone, e-mail, account or postcode too. That joins nobody.
    One query where both are joined, else five at most.
    """
    is_joined = None not in (person.party_id, other.party_id)
    one, two = ({}, {}) if is_joined else (_said_of(person), _said_of(other))
    joined = [key for key in (person.party_id, other.party_id) if key]
    found = ties_of(joined, one.keys() | two.keys())
    return [tie for tie in found if _is_between(tie, (person, one), (other, two))]


def may_use(person: CaseParty, other: CaseParty) -> Use:
    """Say whether this person's record may be used for that one: the same in both directions.

    One link that is challenged, being broken or removed forbids it, whatever another link between the two says. As many
    queries as `between`.
    """
    if person.party_id is not None and person.party_id == other.party_id:
        return Use(is_allowed=False, sentence=UNKNOWN)
    found = between(person, other)
    if not found:
        return Use(is_allowed=False, sentence=UNKNOWN)
    standing = tuple(tie for tie in found if not tie.case.is_closed)
    stopped = tuple(tie for tie in standing if not tie.is_usable)
    if stopped:
        return Use(is_allowed=False, ties=stopped, sentence="The link between these two people is not used at present.")
    if not standing:
        return Use(is_allowed=False, sentence="No link between these two people stands.")
    return Use(is_allowed=True, ties=standing)
