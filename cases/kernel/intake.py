"""Opens cases and gives out references."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from cases.kernel import calendars, casetypes, clocks, parties, policy, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.finding import index
from cases.kernel.models import Case, Team
from cases.kernel.office import datasources
from cases.kernel.prepared import Prepared, Statement
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.inserting import insert

__all__ = ["FieldErrors", "IntakeRefused", "next_reference", "open_arising", "open_beside", "open_case"]

# No vowels and nothing that reads like something else: a random reference is spelt over the telephone.
RANDOM_ALPHABET = "2347CDFGHJKMNPQRTVWXZ"
_NEXT = Statement.of("""
INSERT INTO cases_referencecounter (prefix, year, last) VALUES (%s, %s, 1)
ON CONFLICT (prefix, year) DO UPDATE SET last = cases_referencecounter.last + 1
RETURNING last
""")
_TEAM = Prepared(lambda code: Team.objects.filter(code=code), code="one team")


class IntakeRefused(CaseError):
    """The case cannot be opened as asked."""


class FieldErrors(IntakeRefused):
    """What was sent is not what the kind needs: (JSON pointer, code, sentence) of every fault."""

    def __init__(self, errors: Sequence[tuple[str, str, str]]) -> None:
        super().__init__("Some fields need attention.")
        self.errors = list(errors)


def next_reference(prefix: str, *, at: datetime) -> str:
    """Return the next reference of a prefix in the London year. Locks the counter until the transaction ends, so that
    numbers have no gaps."""
    year = calendars.london_date(at).year
    ((number,),) = _NEXT.rows([prefix, year])
    return f"{prefix}-{year}-{number:06d}"


def random_reference() -> str:
    """Return a reference that tells nothing about how many there are."""
    letters = [secrets.choice(RANDOM_ALPHABET) for _ in range(8)]
    return f"R-{''.join(letters[:4])}-{''.join(letters[4:])}"


@transaction.atomic
def open_case(
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]] = (),
    occurred_at: datetime | None = None,
    is_restricted: bool = False,
    uid: UUID | None = None,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Open a case: its reference, key, facts, people, what they are found by, clocks and first ledger event, in one
    transaction. Under a `uid` that has a case already, django.db.IntegrityError is raised.

    A restricted kind gets a random reference and moves no counter. `people` as in parties.add.
    Raises NotAllowed when the actor may not open this kind, IntakeRefused (FieldErrors)
    when the facts are not enough; nothing is then written.
    """
    casetype = casetypes.get(kind)
    policy.require(actor, "open_case", kind=kind, agency_kinds=casetype.agency_kinds)
    if not people and not casetype.referral and not casetype.is_about(facts):
        raise IntakeRefused("Name at least one person or an account.")
    casetype.check_people(people)
    for person in people:
        casetype.check_person(person.get("values", {}), at=at)
    case = _new(
        casetype,
        _team(casetype),
        is_restricted=is_restricted or casetype.is_restricted,
        source=actor.source,
        at=at,
    )
    case.uid = uid or case.uid
    occurred_at = min(occurred_at, at) if occurred_at else None
    with record.act(case, "case.opened", actor=actor, at=at, occurred_at=occurred_at, request=request) as action:
        action.detail["kind"] = kind
        told = _sourced(people, actor)
        _write(case, casetype, facts=facts, people=told, at=at, occurred_at=occurred_at or at)
    return case


def _sourced(people: Sequence[Mapping[str, Any]], actor: Actor) -> list[dict[str, Any]]:
    """Return people with where what is said of them comes from: whoever hands them in, unless it is said."""
    source = datasources.unless_said(actor.kind, actor.agency_kind)
    return [{**person, "source": person.get("source") or source} for person in people]


def open_arising(
    kind: str,
    *,
    facts: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]],
    actor: Actor,
    at: datetime,
) -> Case:
    """Open a case of another kind because of an act on a case, inside that act's transaction. Whoever acts need not be
    one who opens cases of the kind; the new case's first event names `actor` and nothing of what it arose from."""
    casetype = casetypes.get(kind)
    for person in people:
        casetype.check_person(person.get("values", {}), at=at)
    case = _new(casetype, _team(casetype), is_restricted=casetype.is_restricted, source=actor.source, at=at)
    with record.act(case, "case.opened", actor=actor, at=at) as action:
        action.detail["kind"] = kind
        _write(case, casetype, facts=facts, people=people, at=at, occurred_at=at)
    return case


def _team(casetype: casetypes.CaseType) -> Team:
    team: Team
    (team,) = _TEAM.objects(code=casetype.team)
    return team


def _new(casetype: casetypes.CaseType, team: Team, *, is_restricted: bool, source: str, at: datetime) -> Case:
    return Case(
        kind=casetype.code,
        reference=random_reference() if is_restricted else next_reference(casetype.prefix, at=at),
        state=casetype.lifecycle.initial,
        team=team,
        opened_at=at,
        changed_at=at,
        is_restricted=is_restricted,
        retention_class=casetype.retention_class,
        source=source,
    )


@contextmanager
def open_beside(
    case: Case,
    *,
    facts: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]],
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> Iterator[Case]:
    """Open a case of the same kind, team and sight beside a locked one, as part of an act on that. Whoever agreed to
    the act need not be one who opens cases. What is written inside belongs to the new case's first event."""
    casetype = casetypes.get(case.kind)
    new = _new(casetype, case.team, is_restricted=case.is_restricted, source=case.source, at=at)
    with record.act(new, "case.opened", actor=actor, at=at, request=request) as action:
        action.detail["kind"] = new.kind
        _write(new, casetype, facts=facts, people=people, at=at, occurred_at=at)
        yield new


def _write(
    case: Case,
    casetype: casetypes.CaseType,
    *,
    facts: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]],
    at: datetime,
    occurred_at: datetime,
) -> None:
    clock = clocks.plan(casetype.opening_clock, started_at=occurred_at) if casetype.opening_clock else None
    if clock is not None:
        case.due_at = clock.due_at
    case.topic = casetype.topic(facts)
    case.amount_pence = casetype.amount(facts)
    case.key, *keys = sealing.new_keys(["case", *["party"] * len(people)], at=at)
    case.save()
    casetype.open_facts(case, facts)
    entry = index.of_facts(index.current(case), case, facts)
    if people:
        kept = casetype.retention_class
        parties.add(case, people, first_number=1, retention_class=kept, at=at, facts_entry=entry, keys=keys)
    else:
        insert([entry])
    if clock is not None:
        clock.case = case
        clock.save(force_insert=True)
    casetype.opened(case, people, at=at)
