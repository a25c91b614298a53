"""Maker and checker. An approval binds to a digest of exactly what is approved, and dies when that changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Model, QuerySet

from cases.kernel import casetypes, clocks, tasks, typed
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Approval, ApprovalDecision, Case, CaseAddress, CaseParty, Evidence
from cases.kernel.prepared import Prepared
from cases.ledger import sealing
from cases.ledger.canonical import canon
from cases.ledger.models import LedgerEvent
from cases.ledger.sealed import Sealed

__all__ = [
    "ApprovalRefused",
    "decide",
    "digest",
    "open_approval",
    "open_for",
    "people_and_documents",
    "shaping_verbs",
    "unfilled",
    "void_if_changed",
]

clocks.declare(
    clocks.ClockRule(
        code="check_after",
        label="Look at it afterwards",
        length=1,
        unit="working_days",
        source="Internal rule: what one person did alone another looks at within one working day",
        effective_from=date(2026, 1, 1),
    )
)

GONE = "Nothing waits for approval: the case changed after it was sent for approval."
CHANGED = "The case changed after it was sent for approval."

# Ledger verbs under which somebody shaped what is later approved. Whoever stands behind one may not check it.
SHAPING_VERBS = ("case.opened", "case.edited", "case.evidence_added", "case.pillars_answered", "case.package_changed")
# Moves that every kind has and that change whom the case is about: who makes one happen shapes it.
SHAPING_MOVES = ("detach", "split")
# Under this name the first event of a case that was split off says who shaped what it holds.
SHAPED_BY = "shaped_by"
NOT_CONTENT = frozenset(
    {
        "id",
        "retention_class",
        "closed_date",
        "dispose_after_date",
        "filing_reference",
        "filed_date",
        "field_errors",
        "police_reference",
        "removal_reason",
        "admissibility",  # is said as a document is taken in and never changes
        "scan",  # what the virus scanner says later changes no document
        "jurisdiction",  # says nothing that the postcode does not
    }
)


class ApprovalRefused(CaseError):
    """This approval cannot be given by this person, or not on what the case now says."""


def shaping_verbs(kind: str) -> tuple[str, ...]:
    """Return the ledger verbs under which a case of this kind is shaped."""
    return (*SHAPING_VERBS, *(f"{kind}.{move}" for move in SHAPING_MOVES))


def shapers(case: Case) -> list[str]:
    """Return the labels of everybody who shaped a case, here or in the one it was split from, and of who asked for an
    approval of it. Two queries."""
    events = LedgerEvent.objects.filter(stream=case.uid, action__in=shaping_verbs(case.kind))
    found = set[str]()
    for event in events:
        body = event.content()
        found |= {body["actor"], *body.get("detail", {}).get(SHAPED_BY, ())}
    makers = Approval.objects.filter(case=case, maker__isnull=False).values_list("maker_id", flat=True)
    return sorted(found | {f"staff:{maker}" for maker in makers})


def _row_content(row: Model) -> list[object]:
    values = {
        column.attname: getattr(row, column.attname)
        for column in row._meta.concrete_fields
        if column.attname not in NOT_CONTENT
    }
    if isinstance(row, CaseParty):
        values["party_id"] = None  # whom a person is joined with in other cases changes nothing of this one
    return [row._meta.label_lower, values]


def people_and_documents(case: Case) -> list[Model]:
    """Return what an approval of most kinds is bound to beside the facts: whom a case names, where they live, its
    documents. Three queries."""
    return [
        *CaseParty.objects.filter(case=case).order_by("number"),
        *CaseAddress.objects.filter(party__case=case).order_by("pk"),
        *Evidence.objects.filter(case=case).order_by("number"),
    ]


def digest(case: Case, act: str, typed_text: Sealed | None = None) -> str:
    """Return the hex SHA-256 of what an approval of this act is about: the rows it names and what was typed for it.
    Sealed values count by their ciphertext, so no key is opened: sealing is deterministic within a row."""
    casetype = casetypes.get(case.kind)
    own = casetype.lifecycle[act].payload if act in casetype.lifecycle else None
    content = [_row_content(row) for row in (own or casetype.approval_rows)(case)]
    if typed_text is not None:
        content.append([act, typed_text.ciphertext.hex()])
    return hashlib.sha256(canon(content)).hexdigest()


def _person(actor: Actor) -> int:
    """Return whose hand it was. Raises ApprovalRefused for a machine: four eyes are two people's."""
    if actor.user_id is None:
        raise ApprovalRefused("Only a person prepares and decides.")
    return actor.user_id


def open_for(case: Case, act: str) -> Approval | None:
    """Return the approval that an act waits for, if there is one."""
    return next(iter(_OPEN_FOR.objects(case=case.pk, act=act)), None)


_OPEN_FOR = Prepared(
    lambda case, act: Approval.objects.filter(case=case, act=act, mode="before", closed_at=None).order_by("pk")[:1],
    case=-(10**15) - 1,
    act="one act",
)


def open_approval(
    case: Case,
    act: str,
    *,
    maker: Actor,
    needs: Sequence[str],
    at: datetime,
    mode: str = "before",
    due_at: datetime | None = None,
    given: Mapping[str, Any] | None = None,
) -> Approval:
    """Open an approval on the present digest, inside the current ledger action on a locked case.

    `given` is what was typed for the act. It is sealed with the approval, which then may come from a machine too;
    without it only a person asks. Raises ApprovalRefused.
    """
    approval = Approval(
        case=case,
        act=act,
        maker_id=_person(maker) if given is None else maker.user_id,
        needs=list(needs),
        mode=mode,
        opened_at=at,
        due_at=due_at,
    )
    if given is not None:
        approval.key = case.key
        sealing.seal(approval, {"typed": typed.write(given)}, key=case.key)
    approval.digest = digest(case, act, approval.typed)
    approval.save(force_insert=True)
    return approval


def unfilled(approval: Approval) -> list[str]:
    """Return the roles whose agreement is still missing, in order; a role that is needed twice stands there twice."""
    missing = list(approval.needs)
    for role in approval.decisions.filter(verdict__in=["agreed", "confirmed"]).values_list("role", flat=True):
        if role in missing:
            missing.remove(role)
    return missing


def decide(
    approval: Approval | None, *, checker: Actor, role: str, verdict: str, at: datetime
) -> ApprovalDecision | None:
    """Write one checker's verdict on an open approval and close it when nothing more is needed.

    Inside the current ledger action on a locked case. Returns None when there is no approval. The database refuses a
    maker as checker, a second verdict of the same person, and more verdicts of a role than are needed.
    """
    if approval is None:
        return None
    decision = ApprovalDecision.objects.create(
        approval=approval,
        maker_id=approval.maker_id,
        checker_id=_person(checker),
        role=role,
        place=approval.decisions.filter(role=role).count() + 1 if approval.needs.count(role) > 1 else 1,
        verdict=verdict,
        digest=approval.digest,
        decided_at=at,
    )
    if verdict not in {"agreed", "confirmed"} or not unfilled(approval):
        close(approval, outcome=verdict, at=at)
    return decision


def close(approval: Approval, *, outcome: str, at: datetime) -> None:
    """Close an approval, inside the current ledger action."""
    approval.closed_at, approval.outcome = at, outcome
    approval.save(update_fields=["closed_at", "outcome"])


def void_if_changed(case: Case, *, at: datetime) -> list[Approval]:
    """Void every approval that an act waits for and whose digest no longer fits, inside the current ledger action."""
    voided = []
    for approval in Approval.objects.filter(case=case, closed_at=None, mode="before"):
        if approval.digest != digest(case, approval.act, approval.typed):
            _void(case, approval, at=at)
            voided.append(approval)
    return voided


def void_overtaken(case: Case, *, at: datetime) -> None:
    """Void what was proposed and can no longer happen from the case's state, or is about what the case no longer says,
    inside the current ledger action."""
    lifecycle = casetypes.get(case.kind).lifecycle
    for approval in _PROPOSED.objects(case=case.pk):
        is_closed = approval.act not in lifecycle or case.state not in lifecycle[approval.act].source
        if is_closed or approval.digest != digest(case, approval.act, approval.typed):
            _void(case, approval, at=at)


def proposed(case: Any) -> QuerySet[Approval]:
    """Return what is proposed on a case and waits for somebody to agree."""
    return Approval.objects.filter(case=case, closed_at=None, mode="before", typed__isnull=False)


_PROPOSED = Prepared(proposed, case=-(10**15) - 1)


def void_all(case: Case, *, at: datetime) -> None:
    """Void what was agreed or waits on a locked case: it is being worked on again. A verdict given stays on record, and
    so does an act that two people made, and what is looked at after the act."""
    standing = Approval.objects.filter(case=case, voided_at=None, mode="before")
    standing = standing.exclude(typed__isnull=False, closed_at__isnull=False)
    for approval in standing.exclude(outcome__in=["returned", "refused", "withdrawn"]):
        _void(case, approval, at=at)


def _void(case: Case, approval: Approval, *, at: datetime) -> None:
    was_open = approval.closed_at is None
    approval.voided_at = at
    approval.closed_at, approval.outcome = approval.closed_at or at, approval.outcome or "void"
    approval.save(update_fields=["voided_at", "closed_at", "outcome"])
    if was_open:
        tell_ended(case, approval, at=at)


def take_back(case: Case, approval: Approval, *, at: datetime) -> None:
    """End what waits for approval because nobody stands behind it any more, inside the current ledger action on the
    locked case; somebody of its team is asked to propose it anew."""
    close(approval, outcome="withdrawn", at=at)
    tell_ended(case, approval, at=at)
    tasks.raise_task("proposal_of_leaver", case=case, at=at, act=approval.act)


def tell_ended(case: Case, approval: Approval, *, at: datetime) -> None:
    """Let the family know that what waits for approval will not happen, inside the current ledger action on the locked
    case."""
    if follow := casetypes.get(case.kind).reacts.get("proposal_ended"):
        follow(case, approval, at=at)
