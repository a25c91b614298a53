"""Everything of the one person whose right it is: their rows in each case, their homes, their accounts.

Nothing of a restricted matter is read, so nothing of it can show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.accounts import storing
from cases.accounts.models import AccountHolder
from cases.kernel import casetypes
from cases.kernel.finding import terms
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import choices

__all__ = ["Held", "Opened", "is_beside", "matters", "of_person", "own_reaches", "reaches", "rows"]

_HOLDER_FIELDS = ("forename", "surname", "date_of_birth", "line_1", "town", "postcode", "phone", "email")
Opened = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The rows of one person: what each case says of them, where they live, and their accounts, opened."""

    parties: Sequence[tuple[CaseParty, Opened]]
    places: Sequence[tuple[CaseAddress, Opened]]
    accounts: Sequence[tuple[AccountHolder, Opened, str]]

    @property
    def matters(self) -> dict[Case, frozenset[str]]:
        """Every case that is a matter of theirs, with their roles in it."""
        return matters([party for party, _ in self.parties])


def is_beside(party: CaseParty) -> bool:
    """Say whether somebody only acts for another in a case, or is named beside them."""
    return party.role in casetypes.get(party.case.kind).beside


def rows(case: Case) -> list[CaseParty]:
    """Return what each case says of the person whose right it is, oldest case first. Opens nothing.

    A person of other cases is the same where somebody joined the two. Of a case that its people are told nothing of
    nothing is held here (Data Protection Act 2018 Sch 2 para 2)."""
    own = CaseParty.objects.filter(case=case, role="person", is_detached=False)
    joined = Q(party__in=own.exclude(party=None).values("party"))
    all_rows = CaseParty.objects.filter(
        Q(pk__in=own.values("pk")) | joined, case__is_restricted=False, is_detached=False
    )
    found = list(all_rows.select_related("case").order_by("case__opened_at", "case_id", "number"))
    untold = {each.pk for each in {row.case for row in found} if casetypes.get(each.kind).is_untold(each)}
    return [row for row in found if row.case_id not in untold]


def matters(parties: Sequence[CaseParty]) -> dict[Case, frozenset[str]]:
    """Return every case that is a matter of theirs, with their roles in it; not one in which they only act for somebody
    or are named beside."""
    found: dict[Case, set[str]] = defaultdict(set)
    for party in parties:
        if not is_beside(party):
            found[party.case].add(party.role)
    return {case: frozenset(roles) for case, roles in found.items()}


def of_person(case: Case, reader: Reader, *, at: datetime) -> Held:
    """Return everything of the person whose right it is, opened. An account is theirs where they name it and one of its
    holders is they. Writes the access rows of everything opened."""
    parties = rows(case)
    wide = replace(reader, streams=tuple(dict.fromkeys(each.case.uid for each in parties)))
    opened = sealing.open_rows(parties, PERSON_FIELDS, reader=wide, at=at)
    homes = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    places = sealing.open_rows(homes, ADDRESS_FIELDS, reader=wide, at=at) if homes else []
    people = list(zip(parties, opened, strict=True))
    known = list(zip(homes, places, strict=True))
    return Held(parties=people, places=known, accounts=_own_accounts(people, known, reader, at=at))


def _own_accounts(
    people: Sequence[tuple[CaseParty, Opened]],
    places: Sequence[tuple[CaseAddress, Opened]],
    reader: Reader,
    *,
    at: datetime,
) -> list[tuple[AccountHolder, Opened, str]]:
    numbers = dict.fromkeys(str(values["account_reference"]) for _, values in people if values["account_reference"])
    accounts = {found.pk: found for number in numbers if (found := storing.find(number)) is not None}
    holders = list(
        AccountHolder.objects.filter(account__in=accounts).select_related("account").order_by("account_id", "ordinal")
    )
    if not holders:
        return []
    opened = sealing.open_rows(holders, _HOLDER_FIELDS, reader=reader, at=at)
    told = sealing.open_rows([accounts[each.account_id] for each in holders], ("number",), reader=reader, at=at)
    homes = {terms.postcode(str(values["postcode"] or "")) for _, values in places}
    return [
        (holder, values, str(account["number"] or ""))
        for holder, values, account in zip(holders, opened, told, strict=True)
        if any(_is_they(values, known, homes) for _, known in people)
    ]


def _is_they(holder: Opened, person: Opened, homes: set[str]) -> bool:
    """Say whether a holder of an account is the person: the same last name, and birth, telephone, e-mail or home."""
    if not holder["surname"] or (holder["surname"] or "").casefold() != (person["surname"] or "").casefold():
        return False
    compared = (("date_of_birth", "born"), ("phone", "phone"), ("email", "email"))
    same = [
        found
        for name, kind in compared
        if (found := terms.EXACT[kind](holder[name] or "")) and found == terms.EXACT[kind](person[name] or "")
    ]
    forenames = {(each["forename"] or "").casefold() for each in (holder, person)}
    at_home = terms.postcode(holder["postcode"] or "") in homes - {""}
    return bool(same) or (at_home and len(forenames) == 1 and "" not in forenames)


def reaches(known: Held) -> list[dict[str, str]]:
    """Return every way in which the person is reached, one entry for each case and home."""
    homes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for home, values in known.places:
        homes[home.party_id].append(dict(values))
    people = [{"values": dict(values), "addresses": homes[party.pk]} for party, values in known.parties]
    return choices.reach_of_people(people)


def own_reaches(known: Held) -> list[dict[str, str]]:
    """Return by what the person alone is reached, each once."""
    own = {(kind, value) for reach in reaches(known) for kind, value in reach.items() if kind in ("phone", "email")}
    return [{kind: value} for kind, value in sorted(own)]
