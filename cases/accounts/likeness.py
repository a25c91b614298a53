"""Who of the people who hold accounts is whom somebody names: scored by the kernel's table, from blind tokens alone.

Nothing of a holder is opened. What it finds is for the caller to judge: see the limits of matching.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Q

from cases.accounts.models import AccountHolder
from cases.kernel.finding import index, matching, terms
from cases.kernel.finding.matching import Marks, Score
from cases.ledger import keys

__all__ = ["Likely", "likely"]

MOST = 200
_NAMES = {"forename": False, "surname": True}
_EXACT = {"date_of_birth": "born", "postcode": "postcode"}
# Stands for a value that is stated and is not the one that is named.
_OTHER = frozenset({0})
_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Likely:
    """One person who holds an account now, and how far they are whom was named."""

    holder: AccountHolder
    score: Score


def likely(values: Mapping[str, str | None], *, accounts: Collection[int] = ()) -> list[Likely]:
    """Return the people who may be the one with these `values` (forename, surname, date_of_birth as ISO, postcode), the
    likeliest first, with their accounts; of the `accounts` that were named with the person, everybody who holds one. At
    most 200 people are looked at. One query."""
    told = {version: _marks(values, version, is_named=bool(accounts)) for version in keys.index_versions()}
    condition = Q(account__in=accounts)
    for version, marks in told.items():
        condition |= Q(index_version=version) & _may_be(marks)
    rows = AccountHolder.objects.filter(condition, ended_date=None).select_related("account")
    found = [
        Likely(
            holder=row, score=matching.compare(told[row.index_version], _held(row, told[row.index_version], accounts))
        )
        for row in rows.order_by("account_id", "ordinal")[:MOST]
        if row.index_version in told
    ]
    able = [each for each in found if each.score.points >= matching.ASKED or each.holder.account_id in accounts]
    return sorted(able, key=lambda each: -each.score.points)


def _may_be(marks: Marks) -> Q:
    """Return the condition that whoever scores enough without a named account fulfils."""
    surname = marks.whole["surname"] | marks.sound["surname"]
    born, postcode = marks.whole["date_of_birth"], marks.whole["postcode"]
    found = Q(pk__in=[])
    if born and (surname or postcode):
        found |= Q(tokens__overlap=list(born)) & Q(tokens__overlap=list(surname | postcode))
    if marks.whole["surname"] and marks.whole["forename"] and postcode:
        found |= (
            Q(tokens__overlap=list(postcode))
            & Q(tokens__overlap=list(marks.whole["surname"]))
            & Q(tokens__overlap=list(marks.whole["forename"]))
        )
    return found


def _marks(values: Mapping[str, str | None], version: int, *, is_named: bool) -> Marks:
    """Return what is compared of the person who is named, in the tokens of holders."""
    blinder = index.Blinder(index.OFFICE, version)
    whole = {"account": _OTHER if is_named else _NONE, "phone": _NONE}
    sound = {}
    for name, as_one in _NAMES.items():
        said = terms.words(values.get(name) or "", as_one=as_one)
        whole[name] = frozenset(blinder.token(f"{name}.word", word) for word in said)
        sound[name] = frozenset(blinder.token(f"{name}.sound", code) for word in said for code in terms.sounds(word))
    for name, kind in _EXACT.items():
        value = terms.EXACT[kind](values.get(name) or "")
        whole[name] = frozenset({blinder.token(kind, value)}) if value else _NONE
    return Marks(whole=whole, sound=sound)


def _held(row: AccountHolder, told: Marks, accounts: Collection[int]) -> Marks:
    """Return what a holder has in common with the person who is named, and what else is stated of them."""
    tokens = frozenset(row.tokens)

    def common(name: str) -> frozenset[int]:
        if getattr(row, name) is None:
            return _NONE
        return told.whole[name] & tokens or _OTHER

    whole = {name: common(name) for name in (*_NAMES, *_EXACT)}
    whole["account"] = _OTHER if row.account_id in accounts else _NONE
    whole["phone"] = _NONE
    return Marks(whole=whole, sound={name: told.sound[name] & tokens for name in _NAMES})
