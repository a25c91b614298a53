"""What was done to all cases, newest first, of the cases whose acts the reader may know of: for oversight.

Reads no sealed value. Every question is answered by one index of the ledger, however long it is; one that none answers
is refused with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.models import Case
from cases.ledger.models import LedgerEvent

__all__ = ["PAGE_SIZE", "SYSTEM", "Asked", "Trail", "case_named", "events", "named", "too_wide", "within"]

PAGE_SIZE = 25
SYSTEM = "system:"
# How long a time may be within which acts are looked for one by one: a person does fewer than a machine.
LONGEST = {"staff": timedelta(days=366), "": timedelta(days=31)}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose acts, on which case, which act, from when on and before when. What is empty asks for nothing.

    `actor` is a label of the ledger, or `SYSTEM` for every job of ours.
    """

    actor: str = ""
    case: Case | None = None
    action: str = ""
    from_at: datetime | None = None
    before_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One page, each event with its case, and the event that the next one goes on from, if there is one."""

    events: list[tuple[LedgerEvent, Case]]
    older_than: UUID | None = None


def too_wide(asked: Asked) -> str:
    """Return the sentence why no index answers this, or nothing: what one finds may then be a few among all that was
    ever done."""
    is_narrow = asked.case is not None or (asked.actor != SYSTEM and not (asked.actor and asked.action))
    longest = LONGEST.get(asked.actor.partition(":")[0], LONGEST[""])
    if is_narrow or (asked.from_at and asked.before_at and asked.before_at - asked.from_at <= longest):
        return ""
    what = "What the system did" if asked.actor == SYSTEM else "One act of one alone"
    return f"{what} is looked for on one case, or within {longest.days} days: say from when until when."


def case_named(actor: Actor, reference: str) -> Case | None:
    """Return the case of this reference whose acts the actor may know of, or None. One query."""
    return _readable(actor).filter(reference=reference.upper()).first()


def _readable(actor: Actor) -> QuerySet[Case]:
    return policy.visible_to(actor).filter(kind__in=policy.kinds(actor, "view_audit"))


def within(actor: Actor, asked: Asked, *, is_open_alone: bool = False) -> QuerySet[LedgerEvent]:
    """Return the events that are asked for, of cases alone, newest first; `is_open_alone` leaves restricted ones out.

    The case of each is asked for by itself, by its uid: joined, a few that match would have all cases read.
    """
    cases = _readable(actor).filter(uid=OuterRef("stream"), **({"is_restricted": False} if is_open_alone else {}))
    case = cases.values("pk")[:1]
    given = {
        "stream": asked.case.uid if asked.case else None,
        "action": asked.action,
        "at__gte": asked.from_at,
        "at__lt": asked.before_at,
        **({"actor__gte": SYSTEM, "actor__lt": "system;"} if asked.actor == SYSTEM else {"actor": asked.actor}),
    }
    rows = LedgerEvent.objects.annotate(case_pk=Subquery(case)).filter(case_pk__isnull=False)
    return rows.filter(**{name: value for name, value in given.items() if value}).order_by("-at", "-id")


def events(actor: Actor, asked: Asked, *, older_than: UUID | None = None, size: int = PAGE_SIZE) -> Trail:
    """Return one page. An event that is not there counts as none: the newest page. Two queries, one more for an older
    page."""
    rows = within(actor, asked)
    place = LedgerEvent.objects.filter(uid=older_than).values_list("at", "id").first() if older_than else None
    if place is not None:
        at, number = place
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=number), at__lte=at)
    found = list(rows[: size + 1])
    shown = found[:size]
    return Trail(events=_with_cases(shown), older_than=shown[-1].uid if len(found) > size else None)


def _with_cases(found: list[LedgerEvent]) -> list[tuple[LedgerEvent, Case]]:
    """Return events, as `within` brought them, each with its case. One query."""
    cases: dict[int, Any] = Case.objects.in_bulk({vars(event)["case_pk"] for event in found})
    return [(event, cases[vars(event)["case_pk"]]) for event in found]


def named(uids: list[str], *, actor: Actor) -> list[tuple[LedgerEvent, Case]]:
    """Return these events, newest first, as far as the actor may know of them and none is a restricted case's. Two
    queries."""
    return _with_cases(list(within(actor, Asked(), is_open_alone=True).filter(uid__in=uids)))
