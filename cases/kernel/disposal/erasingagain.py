"""Erases again, after a restore, what was erased since the backup was taken.

The list of destroyed keys says which (cases/ledger/tombstones.py). Whoever decided it then has decided; no hold that
the backup brought back keeps it, since it had ended when the key was destroyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import transaction

from cases.kernel import locks, outbox
from cases.kernel.actors import system
from cases.kernel.disposal import erasing
from cases.kernel.evidence import custody
from cases.kernel.models import Case, CaseParty, OutboxMessage, StoredBlob
from cases.ledger import sealing
from cases.ledger.models import DataKey
from cases.ledger.tombstones import Tombstone

__all__ = ["Again", "erase_again"]

ACTOR = system("restore")
CHUNK = 2000


@dataclass(kw_only=True)
class Again:
    """How many cases, people of other cases, and single keys lost again what they held; references of the cases that
    were still open in the backup, which nobody closes any more."""

    cases: int = 0
    people: int = 0
    keys: int = 0
    were_open: list[str] = field(default_factory=list)


def erase_again(stones: Iterable[Tombstone], *, now: datetime) -> Again:
    """Destroy every key of the list that the database has. Each case, each person of another case and each 2,000 other
    keys in a transaction of its own; what is gone already is passed over, so that it may be run again after a fault.

    Writes `case.erased` and `case.person_erased` on the streams of the cases, with the reason of the list.
    """
    living = _living(stones)
    done = Again()
    for few in _few(living.values()):
        told = {stone.key: stone for stone in few}
        for case in Case.objects.filter(key__uid__in=list(told)).select_related("key").order_by("pk"):
            _erase_case(case.pk, told[case.key.uid], done, now=now)
    for few in _few(living.values()):
        told = {stone.key: stone for stone in few}
        people = CaseParty.objects.filter(key__uid__in=list(told), is_erased=False, case__is_erased=False)
        for person in people.select_related("key").order_by("pk"):
            _erase_person(person, told[person.key.uid], now=now)
            done.people += 1
    for few in _few(living.values()):
        done.keys += _destroy(few)
    return done


def _few(stones: Iterable[Tombstone]) -> Iterator[list[Tombstone]]:
    left = iter(stones)
    while few := list(islice(left, CHUNK)):
        yield few


def _living(stones: Iterable[Tombstone]) -> dict[UUID, Tombstone]:
    """Return what the list says of the keys that are still here."""
    living: dict[UUID, Tombstone] = {}
    for few in _few(stones):
        told = {stone.key: stone for stone in few}
        here = DataKey.objects.filter(uid__in=list(told), destroyed_at=None).values_list("uid", flat=True)
        living |= {uid: told[uid] for uid in here}
    return living


@transaction.atomic
def _erase_case(case_id: int, stone: Tombstone, done: Again, *, now: datetime) -> None:
    case = locks.case_for_update(case_id)
    if not case.is_closed:
        done.were_open.append(case.reference)
    with erasing.erase(case, reason=stone.why, at=now, is_again=True, erased_at=stone.at.isoformat()):
        done.cases += 1


@transaction.atomic
def _erase_person(person: CaseParty, stone: Tombstone, *, now: datetime) -> None:
    case = locks.case_for_update(person.case_id)
    person = CaseParty.objects.select_related("key", "case").get(pk=person.pk)
    erasing.erase_person(case, person, reason=stone.why, at=now, erased_at=stone.at.isoformat())


@transaction.atomic
def _destroy(stones: Iterable[Tombstone]) -> int:
    """Destroy what is left of some keys: of single documents, messages, uploads and what else has a key of its own."""
    told = {stone.key: stone for stone in stones}
    left = list(DataKey.objects.select_for_update().filter(uid__in=list(told), destroyed_at=None).order_by("pk"))
    for blob in StoredBlob.objects.filter(key__in=left).select_related("key"):
        stone = told[blob.key.uid]
        custody.erase_blob(blob, actor=ACTOR, at=stone.at, reason=stone.why)
    for message in OutboxMessage.objects.filter(key__in=left).select_related("key"):
        stone = told[message.key.uid]
        outbox.forget(message, actor=stone.by, reason=stone.why, at=stone.at)
    for key in left:
        stone = told[key.uid]
        sealing.destroy(key, actor=stone.by, reason=stone.why, at=stone.at)
    return len(left)
