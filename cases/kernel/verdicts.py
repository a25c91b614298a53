"""The second step: agreeing to what somebody proposed, declining it, taking it back, looking at an act afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from cases.kernel import approvals, casetypes, clocks, locks, policy, record, tasks, transitions, typed
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError, NotVisible
from cases.kernel.models import Approval, Case, User
from cases.kernel.standing import Standing
from cases.kernel.transitions import Agreed, CaseChanged, Context, TransitionRefused
from cases.ledger import api as ledger
from cases.ledger import sealing, security

__all__ = ["VERDICTS", "Proposal", "decide", "words_of"]

YES_OR_NO = {"yes": True, "no": False}
# Which verdicts an open approval takes, by its mode.
VERDICTS = {"before": ("agreed", "refused", "withdrawn"), "after": ("confirmed", "not_confirmed")}


def decide(
    approval_uid: UUID,
    verdict: str,
    *,
    actor: Actor,
    at: datetime,
    reason: str = "",
    answer: str = "",
    version: int | None = None,
    request: ledger.RequestInfo | None = None,
) -> Case:
    """Give one person's verdict on a proposed act, or on one that has happened and is looked at afterwards.

    Locks the case. When every needed role has agreed, the act happens in the same transaction, with its effects and
    its own event. Declining and not confirming need a reason; not confirming raises a task. `answer` is yes or no,
    where the agreement asks something. Raises NotVisible, TransitionRefused, CaseChanged; nothing is then written and
    the refusal is counted.
    """
    act = "verdict"
    try:
        with transaction.atomic():
            approval, case = _locked(approval_uid)
            act = f"{approval.act}.{verdict if verdict in HANDLED else 'verdict'}"
            if version is not None and version != case.version:
                raise CaseChanged("Somebody changed this case while you were reading it.")
            said = Said(
                case=case,
                approval=approval,
                actor=actor,
                at=at,
                reason=reason.strip(),
                answer=answer,
                request=request,
            )
            if verdict not in VERDICTS[approval.mode]:
                raise TransitionRefused("This cannot be answered like that.")
            HANDLED[verdict](said)
            return case
    except CaseError:
        about = Case.objects.filter(approvals__uid=approval_uid).first()
        security.note("transition_refused", actor=actor.label, at=at, act=act[:60], **record.within(about))
        raise


class Said:
    """One verdict as it was given: on which approval, by whom, with which words."""

    def __init__(
        self,
        *,
        case: Case,
        approval: Approval,
        actor: Actor,
        at: datetime,
        reason: str,
        answer: str,
        request: ledger.RequestInfo | None,
    ) -> None:
        self.case, self.approval, self.actor, self.at = case, approval, actor, at
        self.reason, self.answer, self.request = reason, answer, request
        self.move = casetypes.get(case.kind).lifecycle[approval.act]

    def act(self, verb: str, **detail: str) -> Any:
        """Open the ledger action of a verdict that does not make the act happen."""
        return record.act(
            self.case,
            verb,
            actor=self.actor,
            at=self.at,
            reason=self.reason,
            request=self.request,
            detail={"act": self.approval.act, **detail},
        )

    def settle(self) -> None:
        clocks.refresh_due(self.case)
        self.case.version += 1
        self.case.changed_at = self.at
        self.case.save()


def _locked(approval_uid: UUID) -> tuple[Approval, Case]:
    found = Approval.objects.filter(uid=approval_uid, typed__isnull=False).values_list("case_id", flat=True).first()
    if found is None:
        raise NotVisible
    case = locks.case_for_update(found)
    approval = Approval.objects.get(uid=approval_uid)
    if approval.closed_at is not None:
        raise TransitionRefused("This was decided already, or the case changed after it was proposed.")
    return approval, case


def _role(said: Said) -> str:
    """Return the role in which the actor answers. Raises TransitionRefused with why they cannot."""
    standing = Standing(said.case, said.actor, is_deciding=True, at=said.at)
    refusals = standing.seconding(said.move, said.approval)
    if said.approval.decisions.filter(checker_id=said.actor.user_id).exists():
        refusals.append("You answered already. Another person must agree as well.")
    wanted = [role for role in approvals.unfilled(said.approval) if role in said.actor.roles]
    if not refusals and not wanted:
        refusals.append("This waits for another role.")
    if refusals:
        raise TransitionRefused(" ".join(refusals))
    return wanted[0]


def _needs_reason(said: Said) -> None:
    if not said.reason:
        raise TransitionRefused("Give a reason.")


def _context(said: Said) -> Context:
    """Return the act as it was proposed, to be made by who agreed last. Opens what was typed, and records that."""
    reader = sealing.Reader(actor=said.actor.label, verb="view", purpose="approval", streams=(said.case.uid,))
    given = words_of([said.approval], reader=reader, at=said.at, case=said.case)[0]
    return Context(
        case=said.case,
        transition=said.move,
        actor=said.actor,
        at=said.at,
        occurred_at=min(given["occurred_at"], said.at),
        reason=given["reason"],
        inputs=given["inputs"],
        request=said.request,
        proposer=given["by"],
    )


def _agree(said: Said) -> None:
    role = _role(said)
    approval, case = said.approval, said.case
    if approval.digest != approvals.digest(case, approval.act, approval.typed):
        raise TransitionRefused(approvals.CHANGED)
    answered = _answered(said, role)
    if approvals.unfilled(approval) != [role]:
        with said.act("act.agreed", **answered):
            approvals.decide(approval, checker=said.actor, role=role, verdict="agreed", at=said.at)
            said.settle()
        return
    context = _context(said)
    transitions.check_state(context)
    held = Standing(case, said.actor, is_deciding=True, at=said.at).held(said.move)
    if refusals := held + transitions.typed_refusals(context):
        raise TransitionRefused(" ".join(refusals))
    transitions.move(context, agreed=Agreed(approval=approval, role=role, reason=said.reason, **answered))


def _answered(said: Said, role: str) -> dict[str, str]:
    """Return the answer to what the agreement of a role asks, nothing where it asks nothing. Raises TransitionRefused
    for none, and where who proposed it says otherwise."""
    asking = next((each for each in said.move.agreed_by if each.role == role and each.asks), None)
    if asking is None:
        return {}
    if said.answer not in YES_OR_NO:
        raise TransitionRefused(f"Answer this first: {asking.asks}")
    if asking.answered is not None and asking.answered(_context(said)) != YES_OR_NO[said.answer]:
        raise TransitionRefused("Who proposed it says otherwise. Decline it with a reason; it can be proposed anew.")
    return {"answer": said.answer}


def _decline(said: Said) -> None:
    role = _role(said)
    _needs_reason(said)
    with said.act("act.declined"):
        approvals.decide(said.approval, checker=said.actor, role=role, verdict="refused", at=said.at)
        approvals.tell_ended(said.case, said.approval, at=said.at)
        tasks.raise_task(
            "proposal_declined",
            case=said.case,
            at=said.at,
            assignee_id=_who_is_here(said.approval),
            act=said.approval.act,
        )
        said.settle()


def _who_is_here(approval: Approval) -> int | None:
    """Return who proposed it, if they may still sign in: else whoever is in the team takes up what came of it."""
    maker: User | None = approval.maker
    return maker.pk if maker is not None and maker.is_active else None


def _withdraw(said: Said) -> None:
    if said.actor.user_id is None or said.approval.maker_id != said.actor.user_id:
        raise TransitionRefused("Only who proposed it takes it back.")
    policy.require(said.actor, "view", case=said.case)
    with said.act("act.withdrawn"):
        approvals.close(said.approval, outcome="withdrawn", at=said.at)
        approvals.tell_ended(said.case, said.approval, at=said.at)
        said.settle()


def _look(said: Said, *, verb: str, verdict: str) -> None:
    role = _role(said)
    with said.act(verb):
        approvals.decide(said.approval, checker=said.actor, role=role, verdict=verdict, at=said.at)
        if said.approval.closed_at is not None:
            _end_look(said)
        if verdict == "not_confirmed":
            tasks.raise_task("not_confirmed", case=said.case, at=said.at, act=said.approval.act)
        said.settle()


def _end_look(said: Said) -> None:
    """Close the task of this look; the clock is met once no other look waits."""
    for task in said.case.tasks.filter(kind="check_after", closed_at=None, detail__act=said.approval.act)[:1]:
        tasks.close(task, actor=said.actor, at=said.at)
    if not said.case.approvals.filter(mode="after", closed_at=None).exists():
        clocks.meet(said.case, "check_after", at=said.at)


def _confirm(said: Said) -> None:
    _look(said, verb="act.confirmed", verdict="confirmed")


def _not_confirm(said: Said) -> None:
    _needs_reason(said)
    _look(said, verb="act.not_confirmed", verdict="not_confirmed")


HANDLED: dict[str, Callable[[Said], None]] = {
    "agreed": _agree,
    "refused": _decline,
    "withdrawn": _withdraw,
    "confirmed": _confirm,
    "not_confirmed": _not_confirm,
}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One open approval as a page reads it, in the shape in which what was typed is opened."""

    uid: UUID
    key_id: int
    typed: sealing.Sealed | None
    instance_type: type = Approval


def words_of(
    rows: Sequence[Approval | Proposal], *, reader: sealing.Reader, at: datetime, case: Case
) -> list[dict[str, Any]]:
    """Return what was typed for each proposal: by, reason, inputs, occurred_at. Writes the reader's one access row."""
    reader = replace(reader, fields=("typed",))
    wanted: Any = rows
    opened = sealing.open_rows(wanted, ("typed",), reader=reader, at=at, loaded=(case.key,))
    empty = {"by": "", "reason": "", "inputs": {}, "occurred_at": at}
    return [empty | _read(each["typed"]) for each in opened]


def _read(text: str | None) -> dict[str, Any]:
    return {} if text is None or isinstance(text, sealing.Erased) else typed.read(text)
