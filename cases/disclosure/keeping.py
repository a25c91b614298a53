"""While a request is open, nothing of ours about whom it is about is disposed of, in whatever case it lies (K08).

They are found by blind tokens that stand in the compartment alone: a case that is kept shows nothing of it, and whoever
would erase it learns that a policy hold keeps it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.disclosure.models import DisclosureRequest, RequestEntry
from cases.disclosure.partners import simevents
from cases.kernel import conflicts
from cases.kernel.finding import reindex, terms
from cases.kernel.models import Case, CaseParty, SearchEntry
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["erase_beside", "follow", "needs", "opened", "retoken"]

KIND = "le_disclosure"
# What is one person's own, by the kind of value that it is compared as. Many share an IP address and all are kept.
_KNOWN_BY = {
    "phone": "phone",
    "email": "email",
    "account_reference": "account",
    "device": "device",
    "ip_address": "ip",
}
_NAMES = ("forename", "surname")
# A handset, a SIM or a network card; the name of a device is everybody's.
_OWN_DEVICE = re.compile(r"[0-9]{14,20}|[0-9A-F]{12}")


def needs(cases: Mapping[int, UUID]) -> frozenset[int]:
    """Return in which of these cases, other requests left out, somebody is whom an open request is about; all of them
    while the people of some open request were never made comparable. Two queries at most."""
    entries = [f"case__request_entry__{name}" for name in ("tokens", "names", "has_devices")]
    known = list(DisclosureRequest.objects.filter(case__is_closed=False).values_list(*entries))
    if any(tokens is None for tokens, *_ in known):
        others = Case.objects.filter(pk__in=list(cases)).exclude(kind=KIND)
        return frozenset(others.values_list("pk", flat=True))
    wanted = {token for tokens, *_ in known for token in tokens}
    met = [Q(tokens__overlap=sorted(wanted))] if wanted else []
    met += [Q(tokens__contains=each) for _, names, _ in known for each in names]
    if any(has_devices for *_, has_devices in known):
        met.append(reindex.lacks_devices())
    if not met:
        return frozenset()
    found = SearchEntry.objects.filter(reduce(operator.or_, met), case__in=list(cases)).exclude(case__kind=KIND)
    return frozenset(found.values_list("case_id", flat=True))


def opened(case: Case, people: Iterable[Mapping[str, Any]], *, at: datetime) -> None:
    """Keep what whom a new request is about is known by, inside the current ledger action."""
    _keep(case, [person.get("values", {}) for person in people])


def follow(case: Case, *, at: datetime) -> None:
    """Keep it anew where the act that goes on changed somebody in a locked request. Opens what they are known by, on
    record."""
    if CaseParty.history.filter(case_id=case.pk, event_id=ledger.current().uid).exists():
        _make(case, at=at)


def retoken(at: datetime) -> int:
    """Make the tokens of every open request anew, for the versions of the index key that there are now. Opens what they
    are made of, on record. Returns how many requests."""
    return _make_each(Case.objects.filter(kind=KIND, is_closed=False), at=at)


def erase_beside(now: datetime) -> int:
    """Erase the tokens of requests that were erased, and make those of open requests that have none, and those of
    handsets and IP addresses in cases of before they were found by them. Returns how many went."""
    _make_each(Case.objects.filter(kind=KIND, is_closed=False, request_entry=None), at=now)
    reindex.add_devices(at=now)
    return RequestEntry.objects.filter(case__is_erased=True).delete()[0]


@transaction.atomic
def _make_each(cases: QuerySet[Case], *, at: datetime) -> int:
    """Locks no case: whoever changes one at that moment writes the entry after us, or before we read it."""
    found = list(cases.order_by("pk"))
    list(RequestEntry.objects.select_for_update().filter(case__in=found).order_by("pk"))
    for case in found:
        _make(case, at=at)
    return len(found)


def _make(case: Case, *, at: datetime) -> None:
    rows = list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))
    reader = sealing.Reader(actor="system:search_index", verb="index", purpose="rebuild_index", streams=(case.uid,))
    _keep(case, sealing.open_rows(rows, (*_KNOWN_BY, *_NAMES), reader=reader, at=at) if rows else [])


def _keep(case: Case, people: Sequence[Mapping[str, Any]]) -> None:
    known = [_pairs(person) for person in people]
    pairs = sorted(set().union(*known))
    phones = sorted(value for kind, value in pairs if kind == "phone")
    names = [_words(person) for person, own in zip(people, known, strict=True) if not own]
    made = {
        "tokens": conflicts.tokens_of(pairs) if pairs else [],
        "names": [group for words in names if words for group in conflicts.groups_of(words)],
        "numbers": sorted({token for phone in phones for token in simevents.tokens_of(f"+{phone}")}),
        "has_devices": any(kind in {"device", "ip"} for kind, _ in pairs),
        "all_numbers": bool(known) and all("phone" in dict(own) for own in known),
    }
    RequestEntry.objects.update_or_create(case=case, defaults=made)


def _pairs(person: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return what a person is known by that is their own, in its comparable form."""
    found = {
        (kind, value)
        for name, kind in _KNOWN_BY.items()
        for line in _lines(person.get(name))
        if (value := terms.EXACT[kind](line))
    }
    return {(kind, value) for kind, value in found if kind != "device" or _OWN_DEVICE.fullmatch(value)}


def _words(person: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the words by which somebody is found who is known by name alone: the first of the first name, and those of
    the last; none where one of the two is missing."""
    first, last = (terms.words(str(person.get(name) or "")) for name in _NAMES)
    return [("word", word) for word in (*first[:1], *last)] if first and last else []


def _lines(value: Any) -> list[str]:
    return value.splitlines() if isinstance(value, str) else []
