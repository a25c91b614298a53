"""Maker and checker. An approval binds to a digest of exactly what is approved, and dies when that changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, Model

from cases.kernel import casetypes
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, ApprovalDecision, Case
from cases.ledger.canonical import canon
from cases.ledger.models import LedgerEvent

__all__ = ["ApprovalRefused", "decide", "digest", "has_made", "open_approval", "open_for", "void_if_changed"]

# Ledger verbs under which somebody shaped what is later approved. Whoever stands behind one may not check it.
SHAPING_VERBS = ("case.opened", "case.edited", "case.evidence_added", "case.pillars_answered")
NOT_CONTENT = frozenset(
    {
        "id",
        "retention_class",
        "closed_date",
        "dispose_after_date",
        "filing_reference",
        "filed_date",
        "field_errors",
    }
)


class ApprovalRefused(CaseError):
    """This approval cannot be given by this person, or not on what the case now says."""


def _row_content(row: Model) -> list[object]:
    values = {
        column.attname: getattr(row, column.attname)
        for column in row._meta.concrete_fields
        if column.attname not in NOT_CONTENT
    }
    return [row._meta.label_lower, values]


def digest(case: Case) -> str:
    """Return the hex SHA-256 of what an approval of this case is about. Sealed values count by their ciphertext, so
    no key is opened: sealing is deterministic within a row."""
    rows = casetypes.get(case.kind).approval_rows(case)
    return hashlib.sha256(canon([_row_content(row) for row in rows])).hexdigest()


def _person(actor: Actor) -> int:
    """Return whose hand it was. Raises ApprovalRefused for a machine: four eyes are two people's."""
    if actor.user_id is None:
        raise ApprovalRefused("Only a person prepares and decides.")
    return actor.user_id


def open_for(case: Case, act: str) -> Approval | None:
    """Return the open approval of an act, if there is one."""
    return Approval.objects.filter(case=case, act=act, closed_at=None).first()


def open_approval(
    case: Case,
    act: str,
    *,
    maker: Actor,
    needs: Sequence[str],
    at: datetime,
    mode: str = "before",
    due_at: datetime | None = None,
) -> Approval:
    """Open an approval on the present digest, inside the current ledger action on a locked case."""
    return Approval.objects.create(
        case=case,
        act=act,
        digest=digest(case),
        maker_id=_person(maker),
        needs=list(needs),
        mode=mode,
        opened_at=at,
        due_at=due_at,
    )


def has_made(case: Case, actor: Actor) -> bool:
    """Say whether the actor stands behind any event that shaped what is to be approved, or asked for the approval.

    One query.
    """
    shaped = LedgerEvent.objects.filter(stream=case.uid, actor=actor.label, action__in=SHAPING_VERBS)
    asked = Approval.objects.filter(case=case, maker_id=actor.user_id)
    return Case.objects.filter(Exists(shaped) | Exists(asked), pk=case.pk).exists()


def refusal(case: Case, act: str, *, compares_digest: bool) -> str | None:
    """Return the sentence why nobody can agree to this act now, or None. Edits void approvals as they happen, so a
    page need not compare the digest; whoever decides does."""
    approval = open_for(case, act)
    if approval is None:
        return "Nothing waits for approval: the case changed after it was sent for approval."
    if compares_digest and approval.digest != digest(case):
        return "The case changed after it was sent for approval."
    return None


def decide(case: Case, act: str, *, checker: Actor, role: str, verdict: str, at: datetime) -> Approval | None:
    """Write one checker's verdict on the open approval and close it when nothing more is needed.

    Inside the current ledger action on a locked case. Returns None when there is no open approval. The database
    refuses a maker as checker and a second verdict of the same person or role.
    """
    approval = open_for(case, act)
    if approval is None:
        return None
    ApprovalDecision.objects.create(
        approval=approval,
        maker_id=approval.maker_id,
        checker_id=_person(checker),
        role=role,
        verdict=verdict,
        digest=approval.digest,
        decided_at=at,
    )
    agreed = set(approval.decisions.filter(verdict="agreed").values_list("role", flat=True))
    if verdict != "agreed" or agreed >= set(approval.needs):
        approval.closed_at, approval.outcome = at, verdict
        approval.save(update_fields=["closed_at", "outcome"])
    return approval


def void_if_changed(case: Case, *, at: datetime) -> list[Approval]:
    """Void every open approval whose digest no longer fits, inside the current ledger action."""
    voided = []
    for approval in Approval.objects.filter(case=case, closed_at=None):
        if approval.digest != digest(case):
            _void(approval, at=at)
            voided.append(approval)
    return voided


def void_all(case: Case, *, at: datetime) -> None:
    """Void what was agreed or waits on a locked case: it is being worked on again. A verdict given stays on record."""
    for approval in Approval.objects.filter(case=case, voided_at=None).exclude(outcome__in=["returned", "refused"]):
        _void(approval, at=at)


def _void(approval: Approval, *, at: datetime) -> None:
    approval.voided_at = at
    approval.closed_at, approval.outcome = approval.closed_at or at, approval.outcome or "void"
    approval.save(update_fields=["voided_at", "closed_at", "outcome"])
