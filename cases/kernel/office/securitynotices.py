"""What a person is told of their own access: a right, a factor, a session or the password changed, or a new browser
signed in. Read from the security log; nothing is kept beside it, so nobody can put a notice out of sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cases.kernel import roles
from cases.kernel.actors import Actor
from cases.ledger.models import SecurityEvent

__all__ = ["LATELY", "Notice", "told"]

LATELY = timedelta(days=7)
MOST = 20
# What the person did, or somebody who signed in as them.
OWN = {
    "new_browser": "A browser that had not been seen before signed in as you",
    "factor_added": "A second factor was added",
    "factor_removed": "A second factor was removed",
    "recovery_codes_made": "New recovery codes were made",
    "recovery_code_used": "A recovery code was used to sign in",
    "password_changed": "Your password was changed, and every session ended",
    "sessions_ended": "Your other sessions were ended",
    "company_sign_in_connected": "Company sign-in was connected",
    "company_sign_in_disconnected": "Company sign-in was disconnected",
    "link_followed": "Your one-time link was used",
}
# What others did to the person's rights.
RIGHTS = {
    "role_granted": "You were given the role {role}",
    "role_revoked": "The role {role} was taken from you",
    "team_joined": "You were put into a team",
    "team_left": "You were taken out of a team",
    "team_standing": "Your standing in a team changed",
    "person_confirmed": "Somebody confirmed that it is you who signs in: your roles and teams count",
    "person_let_in": "Your access had been stopped by one person, and another gave it back",
}
READING = {
    "compartment_granted": "A restricted team let you read its matters",
    "compartment_revoked": "A restricted team no longer lets you read its matters",
}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One line of what changed, and when."""

    at: datetime
    sentence: str
    is_own: bool


def told(actor: Actor, *, since: datetime) -> list[Notice]:
    """Return what changed of an actor's access since a moment, newest first, at most twenty. One query."""
    mine = Q(kind__in=OWN, actor=actor.label) | Q(kind="sign_in", actor=actor.label, act__contains="recovery")
    rights = Q(kind__in=RIGHTS, detail__user=actor.user_id) | Q(kind__in=READING, detail__reader=actor.user_id)
    rows = SecurityEvent.objects.filter(mine | rights, at__gt=since).order_by("-at", "-id")[:MOST]
    return [_notice(row) for row in rows]


def _notice(row: SecurityEvent) -> Notice:
    kind = "recovery_code_used" if row.kind == "sign_in" else row.kind
    role = str(row.detail.get("role", ""))
    label = roles.ROLES[role].label if role in roles.ROLES else role
    sentence = {**OWN, **RIGHTS, **READING}[kind].format(role=label)
    return Notice(at=row.at, sentence=sentence, is_own=kind in OWN)
