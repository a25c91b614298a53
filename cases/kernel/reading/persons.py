"""What the pages show of one person across cases: masked, scoped, on record. Reads only; opens no sealed value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q

from cases.kernel import calendars, casetypes, holds, notice, policy, retention
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Table, Tie
from cases.kernel.errors import NotVisible
from cases.kernel.finding import joining
from cases.kernel.linking import people as linked
from cases.kernel.models import Case, CaseParty, Hold, PersonPair, Release
from cases.kernel.outputs import bases
from cases.kernel.parties import PERSON_FIELDS
from cases.kernel.reading import lookers
from cases.ledger.models import AccessEvent
from cases.ledger.reads import Reader, record_read

__all__ = ["Assertion", "Linked", "Look", "Offer", "PersonFile", "joined_in", "needs_reason", "offers", "person_file"]

READERS_SHOWN = 50
TOLD_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A pair as it is offered on one case: this case's person, the other's, and how they agree."""

    pair: PersonPair
    mine: CaseParty
    other: CaseParty


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """What one case says of the person: who they are in it and which values it holds, never the values. `pairs` are
    those offered on the case that wait for a decision."""

    row: CaseParty
    case: Case
    fields: tuple[str, ...]
    is_held: bool
    open_tasks: int
    pairs: int = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """One reading of one of the person's cases."""

    at: datetime
    who: str
    verb: str
    purpose: str
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Linked:
    """One link of the person with somebody else: who that is in the case of the link, by number alone. Neither name
    nor address of the other is here."""

    case: Case
    other: CaseParty
    label: str
    is_usable: bool


@dataclass(frozen=True, kw_only=True)
class PersonFile:
    """One joined person, as far as one reader may know of them."""

    uid: UUID
    assertions: tuple[Assertion, ...]
    looks: tuple[Look, ...]
    links: tuple[Linked, ...] = ()
    tables: tuple[Table, ...] = ()


def offers(actor: Actor, case: Case) -> list[Offer]:
    """Return the pairs offered on a case, strongest first. One query."""
    return [
        Offer(
            pair=pair,
            mine=pair.first if pair.first.case_id == case.pk else pair.second,
            other=pair.second if pair.first.case_id == case.pk else pair.first,
        )
        for pair in joining.offered(actor, case)
    ]


def joined_in(actor: Actor, case: Case) -> list[CaseParty]:
    """Return the people of a case who are joined, each with `elsewhere`: in how many other cases the actor may see."""
    seen = Q(party__assertions__case__in=policy.visible_to(actor)) & ~Q(party__assertions__case=case)
    rows = CaseParty.objects.filter(case=case, party__isnull=False).select_related("party")
    return list(rows.annotate(elsewhere=Count("party__assertions", filter=seen)).order_by("number"))


def _assertions(actor: Actor, uid: UUID) -> list[Assertion]:
    rows = CaseParty.objects.filter(party__uid=uid, case__in=policy.visible_to(actor))
    for_whom = Q(party=None) | Q(party=OuterRef("pk"))
    told = rows.select_related("case", "case__team", "case__assignee").annotate(
        is_held=Exists(Hold.objects.filter(holds.in_force(), for_whom, case=OuterRef("case"))),
        open_tasks=Count("case__tasks", filter=Q(case__tasks__closed_at=None)),
    )
    return [
        Assertion(
            row=row,
            case=row.case,
            fields=tuple(name for name in PERSON_FIELDS if getattr(row, name) is not None),
            is_held=row.is_held,
            open_tasks=row.open_tasks,
        )
        for row in told.order_by("case__is_closed", "-case__opened_at", "-pk")
    ]


def needs_reason(actor: Actor, uid: UUID) -> bool:
    """Say whether the actor reads one of the person's cases for a stated reason only. Raises NotVisible."""
    return _needs_reason(actor, _seen(actor, uid))


def _seen(actor: Actor, uid: UUID) -> list[Assertion]:
    found = _assertions(actor, uid)
    if not found:
        raise NotVisible
    return found


def _needs_reason(actor: Actor, found: Sequence[Assertion]) -> bool:
    return any(policy.can(actor, "view", case=each.case).needs_reason for each in found)


def person_file(
    actor: Actor, uid: UUID, *, purpose: str, reasons: frozenset[str], at: datetime, request_id: str = ""
) -> PersonFile | None:
    """Return a joined person and write the reader's access rows, first. None when the actor reads for a reason and
    `purpose` is none of `reasons`. Raises NotVisible when the actor may see none of the person's cases."""
    found = _seen(actor, uid)
    if _needs_reason(actor, found) and purpose not in reasons:
        return None
    streams: dict[str, list[UUID]] = defaultdict(list)
    for each in found:
        streams[policy.can(actor, "view", case=each.case).purpose or purpose].append(each.case.uid)
    for why, uids in streams.items():
        reader = Reader(
            actor=actor.label, verb="view", purpose=why, streams=tuple(uids), fields=("party",), request_id=request_id
        )
        record_read(reader, at=at, result_count=len(uids))
    waiting = _pairs(actor, found)
    told = tuple(replace(each, pairs=waiting.get(each.case.pk, 0)) for each in found)
    tables = (_kept(found), _told(found), *_of_families(found))
    return PersonFile(
        uid=uid, assertions=told, looks=tuple(_looks(actor, found, at=at)), links=_links(actor, found), tables=tables
    )


def _day(moment: datetime) -> str:
    return f"{calendars.london_date(moment):%-d %B %Y}"


def _kept(found: Sequence[Assertion]) -> Table:
    """Return what each case holds the person's data for, on which ground and until when. One query."""
    grounds = bases.told([each.case for each in found])
    return Table(
        title="Why it is held, and until when",
        columns=("Case", "Why", "On which ground", "Kept until"),
        rows=tuple(
            (each.case.reference, bases.why_of(each.case), grounds[each.case.pk], _until(each.row, each.case))
            for each in found
        ),
    )


def _until(row: CaseParty, case: Case) -> str:
    last = row.dispose_after_date or case.dispose_after_date
    if last is not None:
        return f"{last:%-d %B %Y}, then erased"
    rule = retention.CLASSES.get(row.retention_class or case.retention_class)
    return f"{rule.period} after it is closed" if rule else "Counted from when it is closed"


def _told(found: Sequence[Assertion]) -> Table:
    """Return whom we told of the person out of these cases, the last first. A release that names nobody was about
    everybody in its case. Two queries."""
    about = Q(people__party__in=[each.row.pk for each in found]) | Q(people=None, case__in=[e.case.pk for e in found])
    rows = Release.objects.filter(about).select_related("recipient", "case").prefetch_related("items").distinct()
    return Table(
        title="Whom we told",
        columns=("When", "Whom", "What", "On which ground", "Case"),
        rows=tuple(
            (
                _day(row.released_at),
                row.recipient.display_name,
                ", ".join(dict.fromkeys(_category(item.category) for item in row.items.all())),
                ", ".join(dict.fromkeys(_ground(item.gateway) for item in row.items.all())),
                row.case.reference,
            )
            for row in rows.order_by("-released_at", "-pk")[:TOLD_SHOWN]
        ),
        empty="Nobody was told.",
    )


def _category(code: str) -> str:
    return notice.CATEGORIES[code].label if code in notice.CATEGORIES else code


def _ground(code: str) -> str:
    return notice.GATEWAYS[code].label if code in notice.GATEWAYS else code


def _of_families(found: Sequence[Assertion]) -> list[Table]:
    """Return what the kinds of these cases say of a person, each asked once."""
    kinds = dict.fromkeys(each.case.kind for each in found)
    rows = [each.row for each in found]
    return [table for kind in kinds for table in casetypes.get(kind).person_tables(rows)]


def _links(actor: Actor, found: Sequence[Assertion]) -> tuple[Linked, ...]:
    """Return the person's links with others, as far as the actor may see their cases. One query."""
    person = found[0].row.party_id
    ties = linked.ties_of([person]) if person else []
    return tuple(_linked(tie, person) for tie in ties if policy.can(actor, "view", case=tie.case).is_allowed)


def _linked(tie: Tie, person: int | None) -> Linked:
    other = tie.other if tie.one.party_id == person else tie.one
    return Linked(case=tie.case, other=other, label=tie.label, is_usable=tie.is_usable)


def _pairs(actor: Actor, found: Sequence[Assertion]) -> dict[int, int]:
    """Return how many pairs wait on each case, as far as the actor may know of their other case. One query."""
    rows = Case.objects.filter(pk__in={each.case.pk for each in found}).annotate(pairs=joining.counted(actor))
    return dict(rows.values_list("pk", "pairs"))


def _looks(actor: Actor, found: Sequence[Assertion], *, at: datetime) -> list[Look]:
    """Return who looked at those of the person's cases whose audit the actor may read, the last first."""
    told = {
        each.case.uid: each.case.reference
        for each in found
        if policy.can(actor, "view_audit", case=each.case).is_allowed
    }
    events = AccessEvent.objects.filter(streams__overlap=list(told)).exclude(purpose__startswith=policy.QUIET)
    rows = list(events.order_by("-id")[:READERS_SHOWN]) if told else []
    known = lookers.names(rows, at=at)
    return [
        Look(
            at=row.at,
            who=known[row.pk],
            verb=row.verb,
            purpose=row.purpose,
            references=tuple(sorted(told[stream] for stream in row.streams if stream in told)),
        )
        for row in rows
    ]
