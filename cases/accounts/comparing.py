"""Whether what somebody says of a customer is what our records say: by keyed hashes alone, nothing is opened."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q

from cases.accounts.models import AccountHolder
from cases.kernel.finding import index, terms
from cases.ledger import keys

__all__ = ["agrees"]

_KINDS = (("date_of_birth", "born"), ("postcode", "postcode"))


def agrees(phone: str, details: Mapping[str, str]) -> bool | None:
    """Say whether one person who holds an account with this number has every detail that is given: surname, date of
    birth (ISO), postcode. None where no account that is held now has the number. One query."""
    wanted: dict[int, set[int]] = {}
    named = Q(pk__in=[])
    for version in keys.index_versions():
        blinder = index.Blinder(index.OFFICE, version)
        number = blinder.token("phone", terms.phone(phone))
        named |= Q(tokens__contains=[number], index_version=version)
        wanted[version] = {blinder.token(*pair) for pair in _wanted(details)}
    rows = AccountHolder.objects.filter(named, ended_date=None).values_list("tokens", "index_version")
    told = [wanted[version] <= set(tokens) for tokens, version in rows]
    return any(told) if told else None


def _wanted(details: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a holder has to be found by; a detail of which nothing can be compared is found by nobody."""
    wanted = []
    if surname := details.get("surname"):
        wanted += [("surname.word", word) for word in terms.words(surname, as_one=True)] or [("surname.word", "")]
    for name, kind in _KINDS:
        if value := details.get(name):
            wanted.append((kind, terms.EXACT[kind](value)))
    return wanted
