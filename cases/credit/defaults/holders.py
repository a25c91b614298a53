"""Who holds the account of a default now: whoever joined it or moved since the case was opened has the notice too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.accounts.models import Account
from cases.accounts.people import people_of
from cases.credit.defaults import letters
from cases.credit.defaults.models import Default
from cases.kernel import parties
from cases.kernel.models import Case, CaseParty
from cases.kernel.timing.places import HOME_KINDS
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["bring_up", "without_notice"]

_NAMES = ("surname", "forename", "date_of_birth")
_PLACE = ("line_1", "town", "postcode")
# Who is the same person, the surest first: what must be equal and said by both, and what may differ, as after a
# marriage. Whatever else both say must not differ.
_SAME: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"surname", "forename", "date_of_birth"}), frozenset()),
    (frozenset({"surname", "forename"}), frozenset()),
    (frozenset({"surname", "date_of_birth"}), frozenset()),
    (frozenset({"forename", "date_of_birth"}), frozenset({"surname"})),
    (frozenset({"surname"}), frozenset()),
)
Person = Mapping[str, Any]


def _plain(value: Any) -> str:
    return " ".join(str(value or "").casefold().split())


def _is_same(holder: Person, known: Person, *, same: frozenset[str], may_differ: frozenset[str]) -> bool:
    """Say whether both say the same of all of `same`, and nothing else differs but what may."""
    said = {name: (_plain(holder.get(name)), _plain(known.get(name))) for name in _NAMES}
    differ = {name for name, (one, other) in said.items() if one and other and one != other}
    return all(said[name][0] and said[name][1] for name in same) and differ <= may_differ


def _paired(holders: Sequence[Person], known: Sequence[Person]) -> dict[int, int]:
    """Return who of the holders, by place, is whom of those known."""
    found: dict[int, int] = {}
    for same, may_differ in _SAME:
        for place, holder in enumerate(holders):
            free = (each for each in range(len(known)) if place not in found and each not in found.values())
            match = next((e for e in free if _is_same(holder, known[e], same=same, may_differ=may_differ)), None)
            if match is not None:
                found[place] = match
    return found


def _opened(row: Default, *, reader: Reader, at: datetime) -> tuple[list[Person], list[CaseParty], dict[int, int]]:
    """Return the holders as billing tells of them now, the people of the case, and who is whom. Two access rows."""
    account = Account.objects.prefetch_related("holders").get(pk=row.account_id)
    holders: list[Person] = [*people_of([account], reader=reader, at=at)[account.pk]]
    rows = list(CaseParty.objects.filter(case=row.case_id, is_detached=False).select_related("key").order_by("number"))
    known = sealing.open_rows(rows, _NAMES, reader=reader, at=at) if rows else []
    return holders, rows, _paired([each["values"] for each in holders], known)


def bring_up(case: Case, *, by: str, at: datetime) -> None:
    """Add to a locked case whoever holds the account now and is not in it, and bring homes up to what billing tells,
    inside the current ledger action."""
    reader = Reader(actor=by, verb="notify", purpose="credit_default", streams=(case.uid,))
    holders, rows, same = _opened(case.default, reader=reader, at=at)
    for place, holder in enumerate(holders):
        if place in same:
            _move(rows[same[place]], holder["addresses"], reader=reader, at=at)
    joined = [holder for place, holder in enumerate(holders) if place not in same]
    if joined:
        last = case.parties.order_by("number").values_list("number", flat=True).last() or 0
        parties.add(case, joined, first_number=last + 1, retention_class=case.retention_class, at=at)


def _move(party: CaseParty, told: Sequence[Mapping[str, Any]], *, reader: Reader, at: datetime) -> None:
    """Write where billing says that a person lives; where it does not say, what is known stands."""
    homes = party.addresses.filter(kind__in=HOME_KINDS, is_detached=False).order_by("-pk")
    home = min(homes, key=lambda row: HOME_KINDS.index(row.kind), default=None)
    for place in told:
        wanted = {name: place[name] for name in _PLACE}
        if home is None:
            parties.add_address(party, place)
            continue
        (before,) = sealing.open_rows([home], _PLACE, reader=reader, at=at)
        if any(_plain(before[name]) != _plain(wanted[name]) for name in _PLACE):
            parties.change(home, wanted, key=party.key)


def without_notice(row: Default, *, by: str, at: datetime) -> bool:
    """Say whether somebody holds the account who was sent no letter of the notice that stands. Two access rows."""
    reader = Reader(actor=by, verb="check", purpose="credit_default")
    holders, rows, same = _opened(row, reader=reader, at=at)
    sent = set(letters.of_notice(row).exclude(state="withdrawn").values_list("party_id", flat=True))
    return any(place not in same or rows[same[place]].pk not in sent for place in range(len(holders)))
