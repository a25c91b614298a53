"""While a request is open, nothing of ours about whom it is about is disposed of, in whatever case it lies (K08).

They are found by blind tokens that stand in the compartment alone: a case that is kept shows nothing of it, and whoever
would erase it learns that a policy hold keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from cases.disclosure.models import DisclosureRequest, RequestEntry
from cases.kernel import conflicts
from cases.kernel.finding import terms
from cases.kernel.models import Case, CaseParty, SearchEntry
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["erase_beside", "follow", "needs", "opened", "retoken"]

KIND = "le_disclosure"
# What is one person's own, by the kind of value that it is compared as.
_KNOWN_BY = {"phone": "phone", "email": "email", "account_reference": "account"}


def needs(cases: Mapping[int, UUID]) -> frozenset[int]:
    """Return in which of these cases, other requests left out, somebody is whom an open request is about; all of them
    while the people of some open request were never made comparable. Two queries at most."""
    open_ones = DisclosureRequest.objects.filter(case__is_closed=False)
    known = list(open_ones.values_list("case__request_entry__tokens", flat=True))
    wanted = {token for tokens in known for token in tokens or ()}
    if None in known:
        others = Case.objects.filter(pk__in=list(cases)).exclude(kind=KIND)
        return frozenset(others.values_list("pk", flat=True))
    if not wanted:
        return frozenset()
    met = SearchEntry.objects.filter(case__in=list(cases), tokens__overlap=sorted(wanted)).exclude(case__kind=KIND)
    return frozenset(met.values_list("case_id", flat=True))


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
    """Erase the tokens of requests that were erased, and make those of open requests that have none. Returns how many
    went."""
    _make_each(Case.objects.filter(kind=KIND, is_closed=False, request_entry=None), at=now)
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
    _keep(case, sealing.open_rows(rows, tuple(_KNOWN_BY), reader=reader, at=at) if rows else [])


def _keep(case: Case, people: Sequence[Mapping[str, Any]]) -> None:
    pairs = {
        (kind, value)
        for person in people
        for name, kind in _KNOWN_BY.items()
        for line in _lines(person.get(name))
        if (value := terms.EXACT[kind](line))
    }
    tokens = conflicts.tokens_of(sorted(pairs)) if pairs else []
    RequestEntry.objects.update_or_create(case=case, defaults={"tokens": tokens})


def _lines(value: Any) -> list[str]:
    return value.splitlines() if isinstance(value, str) else []
