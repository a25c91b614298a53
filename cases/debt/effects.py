"""What a move of a placement writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.debt import codes, messages, periods
from cases.debt.models import Placement
from cases.kernel import clocks, holds, tasks
from cases.kernel.actors import system
from cases.kernel.exchange import letters
from cases.kernel.models import BatchFile, Case, CaseParty, Hold
from cases.kernel.timing.places import HOME_KINDS

__all__ = ["RECALL_LATE", "REJECTED", "hold_began"]

REJECTED, RECALL_LATE, STOPPED = "placement_rejected", "placement_recall_late", "placement_stopped_at_agency"
COMPLAINT = "placement_complaint"
tasks.declare(
    {
        REJECTED: "A recovery agency rejected an account: look why",
        RECALL_LATE: "A recovery agency has not confirmed a recall: ring them",
        STOPPED: "An account that an agency has is excluded now: recall it, or say why it stays",
        COMPLAINT: "A recovery agency reports a complaint or something it did in spite of a stop",
    },
    ended_by={RECALL_LATE: "This ends when the agency confirms that it has stopped."},
)
NOTICES = {"n6": "We have asked an agency to collect what you owe", "n8": "An agency collects no more from you"}
LETTERS = tuple(
    letters.Template(
        code=f"placement_{code}",
        version=1,
        label=label,
        template=f"cases/debt/letters/{code}.html",
        effective_from=periods.CLOCKS[0].effective_from,
    )
    for code, label in NOTICES.items()
)


def write(case: Case, template: str, *, at: datetime) -> None:
    """Ask for a letter to everybody of the case whose address is known, inside the current ledger action."""
    for party in CaseParty.objects.filter(case=case, is_detached=False).order_by("number"):
        if party.addresses.filter(kind__in=HOME_KINDS, is_detached=False).exists():
            letters.request(case, party, template=template, at=at)


def release(context: Any) -> None:
    """Enter what leaves in the register, and tell the customer who will ask them."""
    case, at = context.case, context.at
    batch = case.placement.batch
    file = BatchFile.objects.select_related("message", "channel").get(uid=batch.file_uid)
    row = context.inputs.get("row") or messages.place([case.placement], actor=context.actor, at=at)[0]
    messages.register(case, messages.DCA_PLACE, row, agency=batch.agency, file=file, actor=context.actor, at=at)
    write(case, "placement_n6", at=at)


def watch(context: Any) -> None:
    """The agency has it: from now on holds are looked at every night."""
    jurisdiction = context.case.placement.account.jurisdiction
    clocks.start(context.case, periods.NIGHTLY, started_at=context.at, jurisdiction=jurisdiction)


def end_watch(context: Any) -> None:
    for rule in (periods.NIGHTLY, periods.RECALL):
        clocks.meet(context.case, rule, at=context.at)
    tasks.close_all(context.case, STOPPED, actor=context.actor, at=context.at)
    tasks.close_all(context.case, RECALL_LATE, actor=context.actor, at=context.at)


def ask_why(context: Any) -> None:
    tasks.raise_task(REJECTED, case=context.case, at=context.at)


def recall(context: Any) -> None:
    case, at = context.case, context.at
    messages.tell(case, messages.DCA_RECALL, actor=context.actor, at=at, reason="recalled")
    clocks.start(case, periods.RECALL, started_at=at, jurisdiction=case.placement.account.jurisdiction)
    tasks.close_all(case, STOPPED, actor=context.actor, at=at)


def say_recalled(context: Any) -> None:
    end_watch(context)
    write(context.case, "placement_n8", at=context.at)


def book(context: Any) -> None:
    """Add what the agency collected and keeps of it."""
    end_watch(context)
    add(context.case.placement, context.inputs)


def add(placement: Placement, said: Any) -> None:
    """Add a remittance to a placement, inside the current ledger action."""
    placement.collected_pence += int(said["amount_pence"])
    placement.commission_pence += int(said.get("commission_pence") or 0)
    placement.vat_pence += int(said.get("vat_pence") or 0)
    placement.save(update_fields=["collected_pence", "commission_pence", "vat_pence"])


def tell_hold(context: Any) -> None:
    say_held(context.case, context.inputs.get("is_held") is True, actor=context.actor, at=context.at)


def say_held(case: Case, is_held: bool, *, actor: Any, at: datetime) -> None:
    """Tell the agency to stop or that it may go on, inside the current ledger action on a locked case."""
    kind = messages.DCA_HOLD if is_held else messages.DCA_RELEASE
    messages.tell(case, kind, actor=actor, at=at)
    placement = case.placement
    placement.is_told_of_hold = is_held
    placement.save(update_fields=["is_told_of_hold"])


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """A hold that stops contact or enforcement is passed on to the agency in the same act. Which it is, is not said."""
    is_stop = not {"contact", "enforce"}.isdisjoint(hold.blocks) and hold.began_at <= at
    if is_stop and case.state in codes.AT_AGENCY and not case.placement.is_told_of_hold:
        say_held(case, True, actor=system("placement", source=case.source), at=at)


def is_stopped(case: Case, *, at: datetime) -> bool:
    """Say whether a hold on the case stops contact or enforcement. Four queries."""
    return any(holds.blocks(case, block, at=at) for block in ("contact", "enforce"))
