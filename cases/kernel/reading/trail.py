"""What was done to all cases and to the office, newest first, as far as the reader may know of it: for oversight.

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
from cases.kernel.reading import officetrail
from cases.ledger.models import LedgerEvent

__all__ = [
    "CASES",
    "LOOKS",
    "OFFICE",
    "PAGE_SIZE",
    "SYSTEM",
    "Asked",
    "Trail",
    "case_named",
    "events",
    "readable",
    "too_wide",
    "with_cases",
    "within",
]

PAGE_SIZE = 25
SYSTEM = "system:"
# What is asked for: acts on cases, acts on the office, or who looked.
CASES, OFFICE, LOOKS = "", "office", "looks"
# How long a time may be within which acts are looked for one by one: a person does fewer than a machine.
LONGEST = {"staff": timedelta(days=366), "": timedelta(days=31)}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose acts, on which case, which act, from when on and before when. What is empty asks for nothing.

    `of` says which part of the trail. `actor` is a label of the ledger, or `SYSTEM` for every job of ours.
    """

    of: str = CASES
    actor: str = ""
    case: Case | None = None
    action: str = ""
    from_at: datetime | None = None
    before_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Trail:
    """One page, and the event that the next one goes on from, if there is one."""

    events: list[LedgerEvent]
    older_than: UUID | None = None


def too_wide(asked: Asked) -> str:
    """Return the sentence why no index answers this, or nothing: what one finds may then be a few among all that was
    ever done."""
    is_narrow = asked.case is not None or asked.of == OFFICE
    is_narrow = is_narrow or (asked.actor != SYSTEM and not (asked.actor and asked.action))
    if asked.of == LOOKS and asked.case is None and not asked.actor:
        is_narrow = not (asked.action or asked.from_at or asked.before_at)
    longest = LONGEST.get(asked.actor.partition(":")[0], LONGEST[""])
    if is_narrow or (asked.from_at and asked.before_at and asked.before_at - asked.from_at <= longest):
        return ""
    what = "What the system did" if asked.actor == SYSTEM else "One act of one alone"
    if asked.of == LOOKS and not asked.actor:
        return f"Who looked is found for one person, on one case, or within {longest.days} days: say which."
    return f"{what} is looked for on one case, or within {longest.days} days: say from when until when."


def case_named(actor: Actor, reference: str) -> Case | None:
    """Return the case of this reference whose acts the actor may know of, or None. One query."""
    return readable(actor).filter(reference=reference.upper()).first()


def readable(actor: Actor, *, is_open_alone: bool = False) -> QuerySet[Case]:
    """Return the cases whose acts the actor may know of; `is_open_alone` leaves restricted ones out."""
    cases = policy.visible_to(actor).filter(kind__in=policy.kinds(actor, "view_audit"))
    return cases.filter(is_restricted=False) if is_open_alone else cases


def within(actor: Actor, asked: Asked, *, is_open_alone: bool = False) -> QuerySet[LedgerEvent]:
    """Return the acts on cases or on the office that are asked for, newest first; `is_open_alone` leaves those on
    restricted cases out."""
    is_office = asked.of == OFFICE
    rows = officetrail.within(actor, asked.action) if is_office else _on_cases(actor, is_open_alone=is_open_alone)
    given = {
        "stream": asked.case.uid if asked.case else None,
        "action": "" if is_office else asked.action,
        "at__gte": asked.from_at,
        "at__lt": asked.before_at,
        **({"actor__gte": SYSTEM, "actor__lt": "system;"} if asked.actor == SYSTEM else {"actor": asked.actor}),
    }
    return rows.filter(**{name: value for name, value in given.items() if value})


def _on_cases(actor: Actor, *, is_open_alone: bool) -> QuerySet[LedgerEvent]:
    """The case of each is asked for by itself, by its uid: joined, a few that match would have all cases read."""
    case = readable(actor, is_open_alone=is_open_alone).filter(uid=OuterRef("stream")).values("pk")[:1]
    rows = LedgerEvent.objects.annotate(case_pk=Subquery(case)).filter(case_pk__isnull=False)
    return rows.order_by("-at", "-id")


def events(actor: Actor, asked: Asked, *, older_than: UUID | None = None, size: int = PAGE_SIZE) -> Trail:
    """Return one page. An event that is not there counts as none: the newest page. One query, one more for an older
    page."""
    rows = within(actor, asked)
    place = LedgerEvent.objects.filter(uid=older_than).values_list("at", "id").first() if older_than else None
    if place is not None:
        at, number = place
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=number), at__lte=at)
    found = list(rows[: size + 1])
    shown = found[:size]
    return Trail(events=shown, older_than=shown[-1].uid if len(found) > size else None)


def with_cases(found: list[LedgerEvent]) -> list[tuple[LedgerEvent, Case]]:
    """Return events on cases, as `within` brought them, each with its case. One query."""
    cases: dict[int, Any] = Case.objects.in_bulk({vars(event)["case_pk"] for event in found})
    return [(event, cases[vars(event)["case_pk"]]) for event in found]
