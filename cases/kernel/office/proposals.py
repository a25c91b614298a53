"""Changes of the office under maker and checker: roles, agencies, letters, calendars. Knows none of them by name.

A kind (kinds.py) says who proposes, who must agree, what is checked and how it is written down. Every change leaves
one row and a ledger stream of its own, also when no second person is needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from cases.kernel import policy
from cases.kernel.actors import Actor
from cases.kernel.errors import NotAllowed, NotVisible
from cases.kernel.models import Proposal
from cases.kernel.office.kinds import (
    Change,
    Kind,
    Line,
    Payload,
    ProposalRefused,
    ProposalStale,
    all_kinds,
    get,
    install,
    known,
    rules,
)
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.canonical import canon, commitment, plain

__all__ = [
    "Change",
    "Kind",
    "Line",
    "ProposalRefused",
    "ProposalStale",
    "all_kinds",
    "contents",
    "decide",
    "drop",
    "get",
    "install",
    "known",
    "of_person",
    "propose",
    "refusal",
    "rules",
    "title",
    "visible_to",
    "waiting_for",
    "withdraw",
]

OVERSEE = "oversee_changes"
RETENTION = "office_change"
CHANGED_SINCE = "What it would change has changed since it was proposed. Nothing was done; propose it anew."


def visible_to(actor: Actor) -> QuerySet[Proposal]:
    """Return the changes the actor may read: one's own, those of kinds one makes or decides, all for oversight."""
    if policy.can(actor, OVERSEE).is_allowed:
        return Proposal.objects.all()
    mine = [kind.code for kind in all_kinds() if _works_on(actor, kind)]
    return Proposal.objects.filter(Q(kind__in=mine) | Q(maker_id=actor.user_id))


def _works_on(actor: Actor, kind: Kind) -> bool:
    """Say whether making or deciding this kind is this person's work; what any staff may propose is everyone's own."""
    if policy.can(actor, f"decide.{kind.code}").is_allowed:
        return True
    return policy.ANY_STAFF not in kind.makers and policy.can(actor, f"propose.{kind.code}").is_allowed


def waiting_for(actor: Actor) -> QuerySet[Proposal]:
    """Return the open changes this actor may decide."""
    rows = Proposal.objects.filter(state="open", needs__has_any_keys=sorted(actor.roles))
    return rows.exclude(maker_id=actor.user_id).exclude(about_id=actor.user_id)


def propose(
    kind: str,
    payload: Payload,
    *,
    actor: Actor,
    at: datetime,
    reason: str,
    request: ledger.RequestInfo | None = None,
) -> Proposal:
    """Put a change on record; where no second person is needed it happens in the same transaction, and so does what a
    kind does meanwhile where one is.

    Locks the subject. Writes the row and one event on its own stream. Raises NotAllowed, or ProposalRefused with a
    sentence for each field at fault, when another waits for the same subject, or when it would change nothing.
    """
    declared = get(kind)
    policy.require(actor, f"propose.{kind}")
    payload = _as_stored(payload)
    with transaction.atomic():
        _lock(declared, payload)
        _refuse_faults(_reason_fault(reason) | dict(declared.check(payload, actor=actor, at=at)))
        row = _row(declared, payload, actor=actor, at=at)
        with _act(row, "proposed", actor=actor, at=at, reason=reason, request=request):
            row.save()
            if not row.needs:
                _agree(row, payload, actor=actor, at=at, request=request)
            elif declared.meanwhile is not None:
                declared.meanwhile(Change(proposal=row, payload=payload, actor=actor, at=at, request=request))
    return row


def decide(
    uid: UUID, verdict: str, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None = None
) -> Proposal:
    """Agree to an open change, which makes it so at once, or refuse it. `verdict` is agreed or refused.

    Locks the proposal and its subject; what it changes, the verdict and one event are written together. Raises
    NotVisible, NotAllowed, ProposalRefused (nothing is written), or ProposalStale: when what it would change has
    changed since, the proposal is superseded, and that alone is written.
    """
    with transaction.atomic():
        row = _open_for_update(uid, actor)
        kind = get(row.kind)
        if sentence := refusal(row, actor):
            raise NotAllowed(sentence)
        _refuse_faults(_reason_fault(reason))
        if verdict not in ("agreed", "refused"):
            raise ProposalRefused("Agree or refuse.", {"verdict": "Agree or refuse."})
        payload = contents(row, actor=actor, at=at)
        _lock(kind, payload)
        is_stale = verdict == "agreed" and _digest(row, before=plain(kind.state(payload))) != row.digest
        act = "superseded" if is_stale else verdict
        with _act(row, act, actor=actor, at=at, reason=reason, request=request):
            if act == "agreed":
                _refuse_faults(kind.check(payload, actor=actor, at=at))
                row.checker_id = actor.user_id
                _agree(row, payload, actor=actor, at=at, request=request)
            else:
                row.checker_id = actor.user_id if act == "refused" else None
                _give_up(row, act, actor=actor, at=at, request=request)
    if is_stale:
        raise ProposalStale(CHANGED_SINCE)
    return row


def withdraw(
    uid: UUID, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None = None
) -> Proposal:
    """Take back one's own open change. Raises NotVisible, NotAllowed, ProposalRefused; ProposalStale once decided."""
    with transaction.atomic():
        row = _open_for_update(uid, actor)
        if row.maker_id != actor.user_id:
            raise NotAllowed("Only the person who proposed it takes it back.")
        _refuse_faults(_reason_fault(reason))
        with _act(row, "withdrawn", actor=actor, at=at, reason=reason, request=request):
            _give_up(row, "withdrawn", actor=actor, at=at, request=request)
    return row


def of_person(user_id: int) -> QuerySet[Proposal]:
    """Return the open changes a person proposed, and those about them."""
    return Proposal.objects.filter(Q(maker=user_id) | Q(about=user_id), state="open")


def drop(proposal_id: int, *, actor: Actor, at: datetime) -> None:
    """End an open change because a person of it left, inside the caller's transaction."""
    row = Proposal.objects.select_for_update(of=("self",)).select_related("key").get(pk=proposal_id)
    if row.state == "open":
        with _act(row, "dropped", actor=actor, at=at, reason="", request=None):
            _give_up(row, "withdrawn", actor=actor, at=at, request=None)


def refusal(row: Proposal, actor: Actor) -> str:
    """Return the sentence why this person cannot decide an open change, or nothing. Reads nothing."""
    if row.maker_id == actor.user_id:
        return "You proposed it, so another person decides."
    if row.about_id is not None and row.about_id == actor.user_id:
        return "It is about you, so another person decides."
    decision = policy.can(actor, f"decide.{row.kind}")
    if decision.is_allowed and not policy.plays(actor, frozenset(row.needs)):
        return f"This needs the role {' or '.join(role.replace('_', ' ') for role in row.needs)}."
    return decision.sentence


def contents(row: Proposal, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """Return the whole payload; the reader of what is sealed in it is on record."""
    if row.sealed is None:
        return dict(row.payload)
    reader = sealing.Reader(actor=actor.label, verb="view", purpose="office_change", streams=(row.uid,))
    ((found),) = sealing.open_rows([row], ("sealed",), reader=reader, at=at)
    text = found["sealed"]
    if text is None or isinstance(text, sealing.Erased):
        return dict(row.payload)
    return {**row.payload, **json.loads(text)}


def title(row: Proposal) -> str:
    """Return what a change is in one line; `row.about` is loaded with it."""
    kind = known(row.kind)
    if kind is None:
        return row.kind.replace("_", " ").capitalize()
    return kind.title(row) if kind.title else kind.label


def _as_stored(payload: Payload) -> dict[str, Any]:
    """Return a payload as it comes back at the decision: dates and times as text."""
    return {name: plain(value) for name, value in payload.items()}


def _reason_fault(reason: str) -> dict[str, str]:
    return {} if reason.strip() else {"reason": "Say why."}


def _refuse_faults(errors: Mapping[str, str]) -> None:
    if errors:
        raise ProposalRefused(" ".join(dict.fromkeys(errors.values())), errors)


def _lock(kind: Kind, payload: Payload) -> None:
    """Let one change of a subject at a time through, until the transaction ends."""
    number = int.from_bytes(hashlib.sha256(kind.subject(payload).encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _row(kind: Kind, payload: Payload, *, actor: Actor, at: datetime) -> Proposal:
    """Return the unsaved row, sealed and bound to what stands there now. Raises ProposalRefused."""
    subject = kind.subject(payload)
    if Proposal.objects.filter(kind=kind.code, subject=subject, state="open").exists():
        raise ProposalRefused("The same change waits for a decision already.")
    before = plain(kind.state(payload))
    lines = kind.describe(before, payload)  # type: ignore[arg-type]  # -- the state of a kind is a mapping
    if all(line.old == line.new for line in lines):
        raise ProposalRefused("That would change nothing.")
    if actor.user_id is None:
        raise ProposalRefused("Only a person proposes a change.")
    row = Proposal(
        kind=kind.code,
        subject=subject,
        payload={name: value for name, value in payload.items() if name not in kind.sealed},
        before=before,
        needs=sorted(kind.needs(payload) if kind.needs else kind.checkers or ()),
        about_id=kind.about(payload),
        maker_id=actor.user_id,
        made_at=at,
        key=sealing.new_key("proposal", at=at, retention_class=RETENTION),
    )
    secret = {name: payload[name] for name in kind.sealed if payload.get(name)}
    if secret:
        sealing.seal(row, {"sealed": json.dumps(secret)}, key=row.key)
    row.digest = _digest(row, before=before)
    return row


def _digest(row: Proposal, *, before: object) -> str:
    """Return the hex SHA-256 of exactly what is agreed to, and of what it would replace."""
    sealed = row.sealed.ciphertext if row.sealed is not None else b""
    content = [row.kind, row.subject, row.payload, commitment(sealed), before, row.needs, row.about_id]
    return hashlib.sha256(canon(content)).hexdigest()


def _open_for_update(uid: UUID, actor: Actor) -> Proposal:
    row = visible_to(actor).select_for_update(of=("self",)).select_related("key").filter(uid=uid).first()
    if row is None:
        raise NotVisible
    if row.state != "open":
        raise ProposalStale(f"Somebody was faster: this was {row.state} already.")
    return row


def _act(
    row: Proposal, verb: str, *, actor: Actor, at: datetime, reason: str, request: ledger.RequestInfo | None
) -> AbstractContextManager[ledger.Action]:
    return ledger.action(
        row.uid,
        f"office.{verb}",
        actor=actor.label,
        at=at,
        reason=reason.strip(),
        key=row.key,
        request=request,
        detail={"kind": row.kind, "subject": row.subject, "digest": row.digest},
        source=actor.source,
    )


def _agree(row: Proposal, payload: Payload, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None) -> None:
    get(row.kind).apply(Change(proposal=row, payload=payload, actor=actor, at=at, request=request))
    _end(row, "agreed", at=at)


def _give_up(row: Proposal, state: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None) -> None:
    """End a change that does not happen, and take back what happened meanwhile."""
    kind = known(row.kind)
    if kind is not None and kind.undo is not None:
        kind.undo(Change(proposal=row, payload=row.payload, actor=actor, at=at, request=request))
    _end(row, state, at=at)


def _end(row: Proposal, state: str, *, at: datetime) -> None:
    row.state, row.ended_at = state, at
    row.save(update_fields=["state", "ended_at", "checker"])
