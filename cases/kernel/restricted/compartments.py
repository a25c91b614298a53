"""Restricted teams (compartments): whom they let read from outside, until when, and why. Nobody lets themselves in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.kernel import policy, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Case, CompartmentGrant, RoleGrant, Team, User
from cases.kernel.reading import lookers
from cases.ledger import api as ledger
from cases.ledger import sealing, security
from cases.ledger.models import AccessEvent, SecurityEvent

__all__ = [
    "READERS",
    "CompartmentRefused",
    "Look",
    "grant",
    "grants",
    "looked_outside",
    "mine",
    "possible_readers",
    "revoke",
    "security_log",
]

READERS = frozenset({"auditor", "data_protection_officer"})
LONGEST = timedelta(days=90)
SHORTEST_REASON = 20
LOOKS_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look of a compartment at cases outside it."""

    at: datetime
    who: str
    verb: str
    references: list[str]


class CompartmentRefused(CaseError):
    """This person cannot be let in like this; nothing was written."""


def mine(actor: Actor) -> list[Team]:
    """Return the restricted teams the actor is in and may let others read. Raises NotAllowed."""
    policy.require(actor, "manage_compartment")
    return list(Team.objects.filter(pk__in=actor.compartment_ids, is_restricted=True).order_by("name"))


def _compartment(actor: Actor, team_id: int) -> Team:
    team = next((each for each in mine(actor) if each.pk == team_id), None)
    if team is None:
        raise NotVisible
    return team


def grants(actor: Actor) -> list[CompartmentGrant]:
    """Return whom the actor's compartments let read, newest first; the reasons stay sealed. Two queries."""
    rows = CompartmentGrant.objects.filter(team__in=mine(actor)).select_related("team", "reader", "granted_by")
    return list(rows.order_by("-granted_at", "-pk")[:100])


def looked_outside(actor: Actor, *, at: datetime) -> list[Look]:
    """Return what the actor's compartments looked at outside themselves, newest first. Seen only here."""
    purposes = [f"{policy.QUIET}{team.pk}" for team in mine(actor)]
    rows = list(AccessEvent.objects.filter(purpose__in=purposes).order_by("-id")[:LOOKS_SHOWN])
    known = dict(
        Case.objects.filter(uid__in={uid for row in rows for uid in row.streams}).values_list("uid", "reference")
    )
    who = lookers.names(rows, at=at)
    return [
        Look(at=row.at, who=who[row.pk], verb=row.verb, references=[known[uid] for uid in row.streams if uid in known])
        for row in rows
    ]


def security_log(actor: Actor) -> QuerySet[SecurityEvent]:
    """Return the security log as far as the actor may know it: what was refused inside a compartment stays there."""
    mine = sorted(actor.compartment_ids | actor.granted_team_ids)
    is_open = ~Q(detail__has_key=record.COMPARTMENT)
    return SecurityEvent.objects.filter(is_open | Q(**{f"detail__{record.COMPARTMENT}__in": mine}))


def possible_readers(actor: Actor) -> list[User]:
    """Return the people of oversight, by name: only they can be let in."""
    held = RoleGrant.objects.filter(role__in=READERS, revoked_at=None).values("user_id")
    rows = User.objects.filter(pk__in=held, is_active=True).exclude(pk=actor.user_id or 0)
    return list(rows.order_by("display_name", "pk"))


def grant(
    team_id: int,
    reader_id: int,
    *,
    reason: str,
    ends_at: datetime,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> CompartmentGrant:
    """Let a person of oversight read one compartment until a moment at most 90 days off.

    Locks the team; writes one event of the team's stream, whose reason is sealed, and one line of the security log.
    Raises NotAllowed, NotVisible for a team the actor is not in, and CompartmentRefused.
    """
    team = _compartment(actor, team_id)
    _refuse(reason, ends_at, at)
    if reader_id not in {each.pk for each in possible_readers(actor)}:
        raise CompartmentRefused("Only an auditor or the data protection officer can be let in, and not oneself.")
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        earlier = CompartmentGrant.objects.filter(team=team, reader_id=reader_id, revoked_at=None).first()
        if earlier is not None and earlier.ends_at > at:
            raise CompartmentRefused("This person may read here already.")
        detail = {"team": team.code, "reader": reader_id, "until": ends_at}
        with ledger.action(
            team.uid, "compartment.granted", actor=actor.label, at=at, detail=detail, request=request,
            source=actor.source,
        ):  # fmt: skip
            if earlier is not None:
                _end(earlier, actor=actor, at=at)
            key = sealing.new_key("compartment", at=at)
            row = CompartmentGrant(
                team=team,
                reader_id=reader_id,
                granted_by_id=actor.user_id or 0,
                granted_at=at,
                ends_at=ends_at,
                key=key,
            )
            sealing.seal(row, {"reason": reason.strip()}, key=key)
            row.save()
        security.note("compartment_granted", actor=actor.label, at=at, team=team.pk, reader=reader_id)
    return row


def _refuse(reason: str, ends_at: datetime, at: datetime) -> None:
    if len(reason.strip()) < SHORTEST_REASON:
        raise CompartmentRefused(f"Give a reason of at least {SHORTEST_REASON} characters.")
    if not at < ends_at <= at + LONGEST:
        raise CompartmentRefused(f"Choose an end within the next {LONGEST.days} days.")


def revoke(
    grant_uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None
) -> CompartmentGrant:
    """Take the right to read back at once. Locks the row. Raises NotAllowed, NotVisible."""
    with transaction.atomic():
        held = CompartmentGrant.objects.select_for_update(of=("self",)).select_related("team")
        row = held.filter(uid=grant_uid, revoked_at=None, team__in=mine(actor)).first()
        if row is None:
            raise NotVisible
        detail = {"team": row.team.code, "reader": row.reader_id}
        with ledger.action(
            row.team.uid, "compartment.revoked", actor=actor.label, at=at, detail=detail, request=request,
            source=actor.source,
        ):  # fmt: skip
            _end(row, actor=actor, at=at)
        security.note("compartment_revoked", actor=actor.label, at=at, team=row.team_id, reader=row.reader_id)
    return row


def _end(row: CompartmentGrant, *, actor: Actor, at: datetime) -> None:
    row.revoked_at, row.revoked_by_id = at, actor.user_id
    row.save(update_fields=["revoked_at", "revoked_by"])
