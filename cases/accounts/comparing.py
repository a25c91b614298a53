"""Whether what somebody says of a customer is what our records say, and whether a number is served by us: by keyed
hashes alone, nothing is opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db.models import Q

from cases.accounts.models import AccountHolder
from cases.kernel.finding import index, terms
from cases.ledger import keys

__all__ = ["agrees", "is_served"]

_KINDS = (("date_of_birth", "born"), ("postcode", "postcode"))
# The product whose number is that of a SIM; of any other account a number is where its holder can be rung.
_WITH_SIM = "mobile"


def agrees(phone: str, details: Mapping[str, str], *, today: date) -> bool | None:
    """Say whether one person who holds an account with this number has every detail that is given: surname, date of
    birth (ISO), postcode. None where no account that is held on `today` (London) has the number. One query."""
    wanted = {blinder.version: {blinder.token(*pair) for pair in _wanted(details)} for blinder in _blinders()}
    rows = AccountHolder.objects.filter(_with(phone), _held_on(today)).values_list("tokens", "index_version")
    told = [wanted[version] <= set(tokens) for tokens, version in rows]
    return any(told) if told else None


def is_served(phone: str, *, today: date) -> bool | None:
    """Say whether a mobile account that is held on `today` (London) has this number; None where no account has it, nor
    had it, so that nothing can be said. One query."""
    is_held = Q(_held_on(today), account__product=_WITH_SIM)
    told = list(AccountHolder.objects.filter(_with(phone)).annotate(is_held=is_held).values_list("is_held", flat=True))
    return any(told) if told else None


def _held_on(today: date) -> Q:
    """The holder has not left, the contract goes on after `today`, and there was no final bill."""
    goes_on = Q(account__contract_end_date=None) | Q(account__contract_end_date__gt=today)
    return Q(goes_on, ended_date=None, account__final_bill_date=None)


def _with(phone: str) -> Q:
    """The holder can be rung on this number, under whichever index key their tokens were made."""
    named = Q(pk__in=[])
    for blinder in _blinders():
        number = blinder.token("phone", terms.phone(phone))
        named |= Q(tokens__contains=[number], index_version=blinder.version)
    return named


def _blinders() -> list[index.Blinder]:
    return [index.Blinder(index.OFFICE, version) for version in keys.index_versions()]


def _wanted(details: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what a holder has to be found by; a detail of which nothing can be compared is found by nobody."""
    wanted = []
    if surname := details.get("surname"):
        wanted += [("surname.word", word) for word in terms.words(surname, as_one=True)] or [("surname.word", "")]
    for name, kind in _KINDS:
        if value := details.get(name):
            wanted.append((kind, terms.EXACT[kind](value)))
    return wanted
