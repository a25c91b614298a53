"""Who holds which role, as changes of the office: an administrator proposes, and a privileged role needs a second hand.

The data protection officer decides; while nobody else holds that role, another administrator does. Nobody decides about
themselves, and two roles that may not meet in one person are refused when proposed and again when decided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from cases.kernel import roles, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import NotAllowed
from cases.kernel.models import Proposal, RoleGrant, User
from cases.kernel.office import people, proposals
from cases.kernel.office.kinds import Change, Kind, Line, Payload
from cases.ledger import api as ledger

__all__ = [
    "ADMINISTRATORS",
    "GRANT",
    "KINDS",
    "OFFICERS",
    "REVOKE",
    "add_person",
    "grant",
    "person_refusal",
    "refuse_lone_hand",
    "revoke",
    "second_hand",
    "waiting_about",
]

ADMINISTRATORS = frozenset({roles.SYSTEM_ADMINISTRATOR})
OFFICERS = frozenset({roles.DATA_PROTECTION_OFFICER})


def grant(
    user_id: int,
    role: str,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    proposal: Proposal | None = None,
) -> RoleGrant:
    """Give a role to a person, for a named job or a proposal that was agreed to: nobody of staff does alone.

    Locks the person's row; writes one event and one security event. Raises PeopleRefused for an unknown role, oneself,
    a role already held or a pair that may not meet, NotAllowed for a member of staff without a proposal.
    """
    with transaction.atomic():
        refuse_lone_hand(actor, proposal)
        user = people.another_for_update(user_id, actor, is_agreed=proposal is not None)
        if sentence := roles.refusal(role, held=_held(user.pk)):
            raise people.PeopleRefused(sentence)
        granted_by_id = proposal.maker_id if proposal else actor.user_id
        with people.act("role.granted", actor=actor, at=at, request=request, user=user.pk, role=role, **_of(proposal)):
            row = RoleGrant.objects.create(user=user, role=role, granted_by_id=granted_by_id, granted_at=at)
        people.note("role_granted", actor=actor, at=at, user=user.pk, role=role)
    return row


def revoke(
    user_id: int,
    role: str,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
    proposal: Proposal | None = None,
) -> RoleGrant:
    """Take a role from a person, for a named job or a proposal that was agreed to. Locks the person's row.

    Raises PeopleRefused for oneself or a role not held, NotAllowed for a member of staff without a proposal.
    """
    with transaction.atomic():
        refuse_lone_hand(actor, proposal)
        user = people.another_for_update(user_id, actor, is_agreed=proposal is not None)
        row = RoleGrant.objects.filter(user=user, role=role, revoked_at=None).first()
        if row is None:
            raise people.PeopleRefused("This person does not hold that role.")
        with people.act("role.revoked", actor=actor, at=at, request=request, user=user.pk, role=role, **_of(proposal)):
            row.revoked_at = at
            row.save(update_fields=["revoked_at"])
            tasks.close_office("access_removal", actor=actor, at=at, user=user.pk, right=f"role:{role}")
        people.note("role_revoked", actor=actor, at=at, user=user.pk, role=role)
    return row


def add_person(
    display_name: str,
    *,
    codes: Collection[str],
    reason: str,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> tuple[User, str]:
    """Add a member of staff with their ordinary roles and propose the privileged ones, in one transaction.

    Returns the person and the token of their one-time link. Raises NotAllowed, PeopleRefused and ProposalRefused.
    """
    ordinary = [role for role in codes if role not in roles.PRIVILEGED]
    with transaction.atomic():
        user, token = people.add_person(display_name, codes=ordinary, actor=actor, at=at, request=request)
        for role in codes:
            if role in roles.PRIVILEGED:
                payload = {"user": user.pk, "role": role}
                proposals.propose(GRANT.code, payload, actor=actor, at=at, reason=reason, request=request)
    return user, token


def waiting_about(user: User) -> list[Proposal]:
    """Return the changes about a person that wait for a decision, oldest first, with who proposed them."""
    return list(Proposal.objects.filter(about=user, state="open").select_related("maker", "checker", "about"))


def refuse_lone_hand(actor: Actor, proposal: Proposal | None) -> None:
    """Raise NotAllowed for a member of staff who acts without a proposal."""
    if actor.kind != "system" and proposal is None:
        raise NotAllowed("Rights are changed by a change of the office, which is proposed first.")


def _of(proposal: Proposal | None) -> dict[str, str]:
    return {"proposal": str(proposal.uid)} if proposal else {}


def second_hand(about_id: int | None) -> frozenset[str]:
    """Return whose agreement a privileged change about this person needs.

    An officer who is shut out is one until a second person ends it: whoever shuts out the last of them decides no more
    than before.
    """
    officers = RoleGrant.objects.filter(role=roles.DATA_PROTECTION_OFFICER, revoked_at=None)
    return OFFICERS if officers.exclude(user_id=about_id or 0).exists() else ADMINISTRATORS


def _needs(payload: Payload) -> frozenset[str]:
    return second_hand(payload["user"]) if payload["role"] in roles.PRIVILEGED else frozenset()


def _held(user_id: int) -> list[str]:
    return sorted(RoleGrant.objects.filter(user_id=user_id, revoked_at=None).values_list("role", flat=True))


def _state(payload: Payload) -> dict[str, Any]:
    is_active = User.objects.filter(pk=payload["user"], is_active=True).exists()
    return {"is_active": is_active, "is_held": payload["role"] in _held(payload["user"])}


def _label(role: str) -> str:
    return roles.ROLES[role].label if role in roles.ROLES else role


def _describe(payload: Payload, *, gives: bool) -> list[Line]:
    user = User.objects.filter(pk=payload["user"]).first()
    others = ", ".join(_label(role) for role in _held(payload["user"]) if role != payload["role"]) or "none"
    words = ("no", "yes") if gives else ("yes", "no")
    return [
        Line(label="Person", old=str(user), new=str(user)),
        Line(label=_label(payload["role"]), old=words[0], new=words[1]),
        Line(label="Other roles", old=others, new=others),
    ]


def person_refusal(user_id: int, actor: Actor) -> str:
    """Return why the actor cannot change this person's rights, or nothing."""
    if actor.user_id == user_id:
        return people.NOT_ONESELF
    return "" if User.objects.filter(pk=user_id, is_active=True).exists() else "There is no such person."


def _check_grant(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    sentence = person_refusal(payload["user"], actor) or roles.refusal(payload["role"], held=_held(payload["user"]))
    return {"role": sentence} if sentence else {}


def _check_revoke(payload: Payload, *, actor: Actor, at: datetime) -> dict[str, str]:
    sentence = person_refusal(payload["user"], actor)
    if not sentence and payload["role"] not in _held(payload["user"]):
        sentence = "This person does not hold that role."
    return {"role": sentence} if sentence else {}


def _as_changed(act: Callable[..., object]) -> Callable[[Change], None]:
    def apply(change: Change) -> None:
        user, role = change.payload["user"], change.payload["role"]
        act(user, role, actor=change.actor, at=change.at, request=change.request, proposal=change.proposal)

    return apply


def _subject(payload: Payload) -> str:
    return f"person/{payload['user']}/{payload['role']}"


def _about(payload: Payload) -> int:
    return int(payload["user"])


def _title(words: str) -> Any:
    return lambda row: f"{words.format(_label(row.payload['role']).lower())} {row.about}"


def _kind(code: str, label: str, words: str, act: Callable[..., object], **how: Any) -> Kind:
    return Kind(
        code=code,
        label=label,
        title=_title(words),
        makers=ADMINISTRATORS,
        checkers=OFFICERS | ADMINISTRATORS,
        needs=_needs,
        subject=_subject,
        about=_about,
        state=_state,
        apply=_as_changed(act),
        **how,
    )


GRANT = _kind(
    "role_grant",
    "Give a role",
    "Give {} to",
    grant,
    check=_check_grant,
    describe=lambda before, payload: _describe(payload, gives=True),
)
REVOKE = _kind(
    "role_revoke",
    "Take a role away",
    "Take {} from",
    revoke,
    check=_check_revoke,
    describe=lambda before, payload: _describe(payload, gives=False),
)
KINDS = (GRANT, REVOKE)
