"""What must be true before a placement moves. Each guard reads the context and returns why not, or None."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases.debt import codes, figures, gate, periods, remitting, takeout
from cases.debt.limitation import limit
from cases.debt.moratorium import fees
from cases.kernel import holds

__all__ = ["is_many", "is_stopped"]

# Found when the account is handed over, and not by the gate: its case names somebody else.
OTHER_HOLDERS = "holders_changed"
_SENTENCES = {rule.code: rule.sentence for rule in gate.RULES} | {
    OTHER_HOLDERS: "Its holders changed since it was chosen: choose it anew."
}


def in_words(stopped_by: list[str]) -> str:
    """Return why an account may not be placed."""
    return " ".join(_SENTENCES.get(code, code) for code in stopped_by)


def gate_is_clear(context: Any) -> str | None:
    placement = context.case.placement
    if placement.gate_at is None or placement.gate_at < context.at - timedelta(hours=24):
        return "The exclusions were not looked at within the last 24 hours."
    return in_words(placement.stopped_by) or None


def is_stopped(context: Any) -> str | None:
    """An account is taken out for a rule that stops it, and for nothing else."""
    return None if context.case.placement.stopped_by else "No exclusion applies to this account."


def has_batch(context: Any) -> str | None:
    batch = context.case.placement.batch
    return "Name the batch." if batch is None or batch.released_at is not None else None


def has_file(context: Any) -> str | None:
    return None if context.case.placement.file_uid else "An account is released with its batch."


def is_many(context: Any) -> bool:
    """Say whether so many accounts are recalled at once that a manager agrees first."""
    return int(context.inputs.get("accounts") or 1) > limit("recall_alone")


def has_amount(context: Any) -> str | None:
    placement, pence = context.case.placement, context.inputs.get("amount_pence")
    if not isinstance(pence, int) or pence <= 0:
        return "The remittance names no amount."
    if placement.collected_pence + pence > placement.balance_pence:
        return "More was collected than was owed."
    return None


def is_paid_in_full(context: Any) -> str | None:
    if refusal := has_amount(context):
        return refusal
    placement = context.case.placement
    if placement.collected_pence + context.inputs["amount_pence"] < placement.balance_pence:
        return "Not all of it is paid."
    return None


def is_below_authority(context: Any) -> bool:
    """Say whether a settlement is for less than the agency may agree to by itself, by its agreement of that day."""
    placement, pence = context.case.placement, int(context.inputs.get("amount_pence") or 0)
    day = remitting.day_of(context.occurred_at, came_at=context.at)
    least = figures.settlement_authority(remitting.batch_of(context.case).agency_id, on=day)
    return (placement.collected_pence + pence) * 100 < placement.balance_pence * least


def has_return_code(context: Any) -> str | None:
    return None if context.inputs.get("code") in codes.RETURNS else "The agency gave no reason that we know."


def has_ceased(context: Any) -> str | None:
    return None if context.inputs.get("has_ceased") else "The agency has not confirmed that all activity has ceased."


def is_unanswered(context: Any) -> str | None:
    """People say that an agency has ceased only where it does not say so itself in time, or could be told nothing."""
    case = context.case
    is_late = case.clocks.filter(rule=periods.RECALL, state="breached").exists()
    by_hand = is_late or case.tasks.filter(kind=periods.RECALL_BY_HAND).exists()
    return None if by_hand else "The agency has time to confirm it by itself: its answer is not late."


def file_waits(context: Any) -> str | None:
    """Nobody has tried to send the file, or somebody gave it up."""
    file = takeout.file_of(context.case)
    waits = file is not None and file.message is not None and takeout.can_be_stopped(file.message)
    return None if waits or takeout.is_given_up(context.case) else str(takeout.HasLeft())


def has_cause(context: Any) -> str | None:
    """An account is taken out for a hold, a complaint, a payment, what else the gate found, or a file given up."""
    if takeout.is_given_up(context.case):
        return None
    placement = context.case.placement
    account = placement.account
    is_held = placement.stopped_by or holds.blocks(context.case, gate.PLACE, at=context.at)
    flags = account.flags.filter(code__in=("adr", "complaint", "dispute"), ended_date=None)
    is_paid = fees.owed([account])[account.pk] < placement.balance_pence
    return None if is_held or is_paid or flags.exists() else "Nothing speaks against this account."


def has_given_up(context: Any) -> str | None:
    """The old agency has ceased and given the account up."""
    return None if context.case.placement.ceased_at else "The agency has not said that it gives the account up."


def has_something_to_tell(context: Any) -> str | None:
    wanted = bool(context.inputs.get("is_held"))
    if not wanted and context.case.state == "recall_requested":
        return "It is recalled: the agency may not go on."
    return None if wanted != context.case.placement.is_told_of_hold else "The agency knows that already."
