"""In which part of the United Kingdom a period is counted, and in which part an address is.

A period that the law lays down (K01 to K27) is counted where the matter names a part, which its family passes; else
where the person it is about lives; else at the firm's seat. The office's own targets are counted at its seat alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cases.kernel import calendars
from cases.kernel.models import CaseAddress
from cases.kernel.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.kernel.models import Case, CaseParty
    from cases.kernel.timing.counting import ClockRule

__all__ = ["HOME_KINDS", "home_of", "is_reached", "is_whole", "of", "of_each", "of_person", "of_postcode", "outward"]

# Where a person lives or is billed, the surest first. Never where goods were sent, or what a fraudster used.
HOME_KINDS = ("current", "billing")
_OUTWARD = re.compile(r"([A-Z]{1,2})(\d[A-Z\d]?)\d[A-Z]{2}")
SCOTTISH = frozenset(["AB", "DD", "DG", "EH", "FK", "G", "HS", "IV", "KA", "KW", "KY", "ML", "PA", "PH", "TD", "ZE"])
# Districts of a Scottish area that lie in England for the most part: Cornhill-on-Tweed and Berwick-upon-Tweed.
ENGLISH_DISTRICTS = frozenset({"TD12", "TD15"})
NORTHERN_IRISH = frozenset({"BT"})
# The Crown dependencies write postcodes of the same form and are no part of the United Kingdom.
ELSEWHERE = frozenset({"GY", "IM", "JE"})
_HOMES_OF_CASE = Prepared(
    lambda case: CaseAddress.objects.filter(party__case=case, kind__in=HOME_KINDS, is_detached=False).order_by("-pk"),
    case=-(10**15) - 1,
)
_HOMES = Prepared(
    lambda party: CaseAddress.objects.filter(party=party, kind__in=HOME_KINDS, is_detached=False).order_by("-pk"),
    party=-(10**15) - 1,
)


def of_postcode(text: str | None) -> str:
    """Return the part of the United Kingdom of a postcode as typed; nothing for what is none of its postcodes."""
    found = _OUTWARD.fullmatch(re.sub(r"\s", "", text or "").upper())
    if found is None or found[1] in ELSEWHERE:
        return ""
    if found[1] in NORTHERN_IRISH:
        return "nir"
    return "sct" if found[1] in SCOTTISH and found[1] + found[2] not in ENGLISH_DISTRICTS else "eaw"


def outward(text: str | None) -> str:
    """Return the first half of a postcode as typed, by which a town is known; nothing for what is none."""
    found = _OUTWARD.fullmatch(re.sub(r"\s", "", text or "").upper())
    return found[1] + found[2] if found else ""


def of_person(party: CaseParty) -> str:
    """Return the part in which a person lives by what their case says; nothing where it does not say. One query."""
    return _part(_HOMES.objects(party=party.pk))


def _part(homes: list[CaseAddress]) -> str:
    home = _surest([row for row in homes if row.jurisdiction])
    return home.jurisdiction if home else ""


def home_of(party: CaseParty) -> CaseAddress | None:
    """Return where a person lives by what their case says: the newest of the surest kind. One query."""
    return _surest(_HOMES.objects(party=party.pk))


def _surest(homes: list[CaseAddress]) -> CaseAddress | None:
    return min(homes, key=lambda row: HOME_KINDS.index(row.kind), default=None)


def is_whole(line_1: object, town: object, postcode: object) -> bool:
    """Say whether that is enough to write on an envelope: no letter goes to a town or a country alone."""
    return bool(line_1 and (town or postcode))


def is_reached(party: CaseParty) -> bool:
    """Say whether a letter reaches a person at home. Looks which lines there are and opens none. One query."""
    home = home_of(party)
    return home is not None and is_whole(home.line_1, home.town, home.postcode)


def of(rule: ClockRule, party: CaseParty | None) -> str:
    """Return where a period is counted when the matter itself names no part."""
    is_of_the_law = bool(rule.clock)
    return (of_person(party) if party is not None and is_of_the_law else "") or calendars.seat()


def of_each(case: Case, wanted: Sequence[tuple[ClockRule, CaseParty]]) -> list[str]:
    """Return what `of` does for each of these rules about people of one case. One query at most."""
    homes = _HOMES_OF_CASE.objects(case=case.pk) if any(rule.clock for rule, _ in wanted) else []
    found = [_part([row for row in homes if row.party_id == party.pk]) if rule.clock else "" for rule, party in wanted]
    return [each or calendars.seat() for each in found]
