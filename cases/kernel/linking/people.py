"""Links between two people that cases make, and whether one may be used now. Every family asks here; none is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cases.kernel import casetypes
from cases.kernel.casetypes import Tie
from cases.kernel.models import CaseParty

__all__ = ["Use", "may_use", "ties_of"]


@dataclass(frozen=True, kw_only=True)
class Use:
    """Whether what is on record of one person may be used for another; `ties` are the links that allow it, or those
    that forbid it. `sentence` says why not, and names nobody."""

    is_allowed: bool
    ties: tuple[Tie, ...] = ()
    sentence: str = ""


def ties_of(people: Collection[int]) -> list[Tie]:
    """Return every link, standing or past, that touches one of these joined people (keys of Party). Opens no sealed
    value; of each kind that makes links one query."""
    if not people:
        return []
    return [tie for casetype in casetypes.all_types() for tie in casetype.ties(people)]


def may_use(person: CaseParty, other: CaseParty) -> Use:
    """Say whether this person's record may be used for that one: the same in both directions.

    Only people whom somebody joined across cases are known to be the same. One link that is challenged, being broken
    or removed forbids it, whatever another link between the two says. One query, none where either stands alone.
    """
    pair = {person.party_id, other.party_id}
    if None in pair or len(pair) == 1:
        return Use(is_allowed=False, sentence="No link between these two people is known.")
    between = [tie for tie in ties_of([key for key in pair if key]) if {tie.one.party_id, tie.other.party_id} == pair]
    standing = tuple(tie for tie in between if not tie.case.is_closed)
    stopped = tuple(tie for tie in standing if not tie.is_usable)
    if stopped:
        return Use(is_allowed=False, ties=stopped, sentence="The link between these two people is not used at present.")
    if not standing:
        return Use(is_allowed=False, sentence="No link between these two people stands.")
    return Use(is_allowed=True, ties=standing)
