"""Everything of the one person whose right it is: their rows in each case, their homes, their accounts.

Nothing of a restricted matter is read, so nothing of it can show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.accounts import likeness, storing
from cases.accounts.models import AccountHolder
from cases.kernel import casetypes
from cases.kernel.finding import joining, terms
from cases.kernel.models import Case, CaseAddress, CaseParty
from cases.kernel.parties import ADDRESS_FIELDS, PERSON_FIELDS
from cases.ledger import sealing
from cases.ledger.sealing import Reader
from cases.rights import choices, shortnames

__all__ = [
    "Held",
    "Opened",
    "has_account",
    "is_beside",
    "matters",
    "of_person",
    "own_reaches",
    "reaches",
    "rows",
    "why_not_all",
]

Opened = Mapping[str, str | None]
KIND = "rights_request"
# What is compared of a holder and the person; each states it, in one shape, or nothing.
_COMPARED: Sequence[tuple[str, Callable[[Opened], str]]] = (
    ("surname", lambda values: (values["surname"] or "").strip().casefold()),
    ("date_of_birth", lambda values: terms.born(values["date_of_birth"] or "")),
    ("phone", lambda values: terms.phone(values["phone"] or "")),
    ("email", lambda values: terms.email(values["email"] or "")),
)
_HOLDER_FIELDS = ("forename", "surname", "date_of_birth", "line_1", "town", "postcode", "phone", "email")


@dataclass(frozen=True, kw_only=True)
class Held:
    """The rows of one person: what each case says of them, where they live, and their accounts, opened."""

    parties: Sequence[tuple[CaseParty, Opened]]
    places: Sequence[tuple[CaseAddress, Opened]]
    accounts: Sequence[tuple[AccountHolder, Opened, str]]

    @property
    def not_shown(self) -> list[str]:
        """The accounts they name of which nothing shows that they are theirs, as they wrote them; whether there is such
        an account makes no difference."""
        shown = {terms.account(number) for _, _, number in self.accounts}
        named = {terms.account(text): text for _, each in self.parties if (text := each["account_reference"])}
        return [text for number, text in named.items() if number not in shown]

    @property
    def matters(self) -> dict[Case, frozenset[str]]:
        """Every case that is a matter of theirs, with their roles in it."""
        return matters([party for party, _ in self.parties])


def is_beside(party: CaseParty) -> bool:
    """Say whether somebody only acts for another in a case, or is named beside them."""
    return party.role in casetypes.get(party.case.kind).beside


def rows(case: Case) -> list[CaseParty]:
    """Return what each case says of the person whose right it is, oldest case first. Opens nothing.

    A person of other cases is the same where somebody joined the two. Nothing is held of what is
    erased, and nothing here of a case that its people are told nothing of (Data Protection Act 2018 Sch 2 para 2)."""
    own = CaseParty.objects.filter(case=case, role="person", is_detached=False)
    joined = Q(party__in=own.exclude(party=None).values("party"))
    all_rows = CaseParty.objects.filter(
        Q(pk__in=own.values("pk")) | joined,
        case__is_restricted=False,
        is_detached=False,
        key__destroyed_at=None,
    )
    found = list(all_rows.select_related("case", "key").order_by("case__opened_at", "case_id", "number"))
    untold = {each.pk for each in {row.case for row in found} if casetypes.get(each.kind).is_untold(each)}
    return [row for row in found if row.case_id not in untold]


def why_not_all(case: Case) -> str:
    """Return why it is not known yet what is held of the person who asks, or nothing. Few queries."""
    waiting, is_compared_later = joining.left(case)
    if waiting:
        whom = "1 person of another case is" if waiting == 1 else f"{waiting} people of other cases are"
        return f"Decide first whether {whom} the one who asks: what is held of them is theirs too."
    return "What else is held of this person is still looked for: try again in a minute." if is_compared_later else ""


def matters(parties: Sequence[CaseParty]) -> dict[Case, frozenset[str]]:
    """Return every case that is a matter of theirs, with their roles in it; not one in which they only act for somebody
    or are named beside."""
    found: dict[Case, set[str]] = defaultdict(set)
    for party in parties:
        if not is_beside(party):
            found[party.case].add(party.role)
    return {case: frozenset(roles) for case, roles in found.items()}


def of_person(case: Case, reader: Reader, *, at: datetime) -> Held:
    """Return everything of the person whose right it is, opened. An account is theirs where one of its holders is they,
    whether or not they name it. Writes the access rows of everything opened."""
    parties = rows(case)
    wide = replace(reader, streams=tuple(dict.fromkeys(each.case.uid for each in parties)))
    opened = sealing.open_rows(parties, PERSON_FIELDS, reader=wide, at=at)
    homes = list(CaseAddress.objects.filter(party__in=parties, is_detached=False).order_by("pk"))
    places = sealing.open_rows(homes, ADDRESS_FIELDS, reader=wide, at=at) if homes else []
    people = list(zip(parties, opened, strict=True))
    known = list(zip(homes, places, strict=True))
    return Held(parties=people, places=known, accounts=_own_accounts(people, known, reader, at=at))


def has_account(case: Case, *, by: str, at: datetime) -> bool:
    """Say whether an account that billing tells of is the person's. Writes the access rows of what is opened for it."""
    return bool(of_person(case, Reader(actor=by, verb="check", purpose="subject_access"), at=at).accounts)


def _own_accounts(
    people: Sequence[tuple[CaseParty, Opened]],
    places: Sequence[tuple[CaseAddress, Opened]],
    reader: Reader,
    *,
    at: datetime,
) -> list[tuple[AccountHolder, Opened, str]]:
    numbers = dict.fromkeys(str(values["account_reference"]) for _, values in people if values["account_reference"])
    accounts = {found.pk: found for number in numbers if (found := storing.find(number)) is not None}
    theirs = Q(account__in=accounts) | Q(pk__in=_likely(people, places))
    holders = list(AccountHolder.objects.filter(theirs).select_related("account").order_by("account_id", "ordinal"))
    if not holders:
        return []
    opened = sealing.open_rows(holders, _HOLDER_FIELDS, reader=reader, at=at)
    told = sealing.open_rows([each.account for each in holders], ("number",), reader=reader, at=at)
    known = _known(people, places)
    return [
        (holder, values, str(account["number"] or ""))
        for holder, values, account in zip(holders, opened, told, strict=True)
        if _is_they(values, known)
    ]


def _likely(people: Sequence[tuple[CaseParty, Opened]], places: Sequence[tuple[CaseAddress, Opened]]) -> set[int]:
    """Return the people who hold an account and may be the one who asks, by what each of their rows says. Nobody is
    opened for it; one query for each way in which they are named."""
    homes: dict[int, list[str]] = defaultdict(list)
    for home, values in places:
        homes[home.party_id].append(values["postcode"] or "")
    said = dict.fromkeys(
        (values["forename"], values["surname"], values["date_of_birth"], postcode)
        for party, values in people
        for postcode in homes[party.pk] or [""]
        if not is_beside(party)
    )
    named = (dict(zip(("forename", "surname", "date_of_birth", "postcode"), each, strict=True)) for each in said)
    return {each.holder.pk for values in named for each in likeness.likely(values)}


def _known(
    people: Sequence[tuple[CaseParty, Opened]], places: Sequence[tuple[CaseAddress, Opened]]
) -> Mapping[str, frozenset[str]]:
    """Return what is said of the person in all their rows and homes, in the shape in which it is compared."""
    said = {name: frozenset(found for _, each in people if (found := as_one(each))) for name, as_one in _COMPARED}
    homes = {terms.postcode(values["postcode"] or "") for _, values in places}
    # What they are called besides counts as somebody entered it on a request of theirs: elsewhere it may be a name that
    # they used of somebody else.
    also = {each["alias"] or "" for party, each in people if party.case.kind == KIND}
    forenames = frozenset({*(each["forename"] or "" for _, each in people), *also})
    return {**said, "forename": forenames, "home": frozenset(homes - {""})}


def _is_they(holder: Opened, known: Mapping[str, frozenset[str]]) -> bool:
    """Say whether a holder of an account is the person. The last name is the same; a birth or a first name that both
    state and differ in is another's, whatever else they share: a couple, twins, father and son. For the same, the birth
    agrees, or the first name and a telephone, e-mail or home."""
    same = {name: as_one(holder) in known[name] for name, as_one in _COMPARED if as_one(holder) and known[name]}
    is_named_so = _is_named_so(holder["forename"] or "", known["forename"])
    if not same.get("surname") or same.get("date_of_birth") is False or is_named_so is False:
        return False
    at_home = terms.postcode(holder["postcode"] or "") in known["home"]
    reached = same.get("phone") or same.get("email") or at_home
    return bool(same.get("date_of_birth") or (is_named_so and reached))


def _is_named_so(forename: str, known: frozenset[str]) -> bool | None:
    """Say whether a first name is one of those known; by its first letter where either states no more. Nothing where
    either states none, or one is short for the other: that speaks neither for nor against them."""
    theirs = [name for name in known if name.strip()]
    if not forename.strip() or not theirs:
        return None
    words = {word for name in theirs for word in terms.words(name)}
    mine = set(terms.words(forename))
    if mine and words:
        return bool(mine & words) or (None if shortnames.may_be_one(mine, words) else False)
    # A letter alone can speak against somebody, and not for them.
    return None if forename.strip()[0].casefold() in {name.strip()[0].casefold() for name in theirs} else False


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
