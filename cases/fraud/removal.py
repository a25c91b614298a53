"""A filing comes down: asked of the agency within one working day, told to whoever had heard of it, and confirmed.
Its time may also be up; then the agency is asked to confirm, and what was derived from the marker goes as well."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cases.fraud import alerts, codes, disputes, flags, incoming, messages, moratoria, periods
from cases.kernel import casetypes, clocks, outbox, releases, tasks
from cases.kernel.exchange import corrections
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage
from cases.ledger.models import LedgerEvent

__all__ = [
    "TASKS",
    "another_removed_it",
    "confirm",
    "delivered",
    "expire",
    "gives_reason_code",
    "is_told_by_hand",
    "nothing_but_what_was_typed",
    "remove",
]

TASKS = {
    "fraud_must_remove": "The product was given back: the filing must be removed",
    "fraud_removal_refused": "The agency does not remove a filing",
}
ENDED_BY = {"fraud_must_remove": "This ends when the filing is removed."}
# What was owed about a filing while it stood.
MOOT = (
    *("fraud_must_remove", "fraud_removal", "fraud_amendment", "fraud_dispute"),
    *("fraud_field_errors", "fraud_removal_refused", "detached_filed", alerts.TASK),
)
ALERT = frozenset({"fraud_alert"})
# In which states a removal never came to the agency, or not by our message.
UNHEARD = ("refused", "skipped", "withdrawn", "superseded")
# Who warn others with what we told them. The police were told of a crime and not of a marker.
PARTNERS = frozenset({"bank", "provider"})


def gives_reason_code(context: Any) -> str | None:
    if context.inputs.get("reason_code") not in dict(codes.REMOVAL_REASONS):
        return "Say why the filing is removed."
    return None


def nothing_but_what_was_typed(_case: Case) -> list[Any]:
    """Any other approver may look at a removal afterwards, whoever made the filing."""
    return []


def remove(context: Any) -> None:
    """Ask the agency to take the filing down and tell whoever had heard of it; both run against one working day. What
    the agency told us to do about it, if it did, is then done."""
    case, at, reason = context.case, context.at, context.inputs["reason_code"]
    facts = case.fraud_referral
    facts.removal_reason = reason
    facts.save(update_fields=["removal_reason"])
    disputes.end(case, "removed", actor=context.actor, at=at)
    for kind in ("fraud_must_remove", "fraud_removal", "fraud_amendment", "fraud_police_anew", alerts.TASK):
        tasks.close_all(case, kind, actor=context.actor, at=at)
    incoming.accept_instructions(case, actor=context.actor, at=at)
    if reason != "duplicate":  # of which another filing says that it was fraud
        moratoria.ask_no_more(case, actor=context.actor, at=at)
    corrections.start_transmission(case, at=at)
    _ask_agency(context, reason)
    corrections.send(case, "removed", reason=reason, actor=context.actor, at=at)


def _ask_agency(context: Any, reason: str) -> None:
    try:
        messages.remove(context.case, reason=reason, actor=context.actor, at=context.at)
    except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
        kind = messages.FPA_REMOVE.recipient_kind
        corrections.by_hand(context.case, kind, "removed", refusal=refusal, at=context.at)


def another_removed_it(context: Any) -> str | None:
    """Who removed the filing does not say of it that it is done."""
    asked = LedgerEvent.objects.filter(stream=context.case.uid, action="fraud_referral.remove").order_by("-seq").first()
    is_own = asked is not None and asked.actor == context.actor.label
    return "You removed the filing. Another person must say that it is down." if is_own else None


def is_told_by_hand(context: Any) -> str | None:
    """Whether no message of ours asks the agency, which would then say itself that the filing is down."""
    asked = OutboxMessage.objects.filter(
        case=context.case, kind=messages.FPA_REMOVE.code, channel__agency__is_active=True
    )
    if asked.exclude(state__in=UNHEARD).exists():
        return "The agency was sent the removal and answers it. Only what was told by hand is recorded here."
    return None


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """The agency has our removal: whatever older failed to arrive meanwhile is not tried again."""
    outbox.go_first(message, at=at)
    corrections.delivered(case, message, at=at)


def confirm(context: Any) -> None:
    """The marker is down, as the agency says itself or as somebody heard from it: nothing derived from it stays,
    nobody's data is kept for its sake, people are told, and nobody is to tell the agency any more."""
    case, at, kind = context.case, context.at, messages.FPA_REMOVE.recipient_kind
    for code in (kind, *Agency.objects.filter(kind=kind).values_list("code", flat=True)):
        tasks.close_about(case, corrections.BY_HAND, actor=context.actor, at=at, agency=code, change="removed")
    flags.purge(case, at=at)
    for rule in periods.EXPIRIES:
        clocks.end(case, rule, at=at, state="cancelled")
    refused = OutboxMessage.objects.filter(case=case, kind=messages.FPA_REMOVE.code, state="refused").last()
    if not corrections.are_on_their_way(case, but=refused):
        clocks.meet(case, "removal_transmission", at=at)
    for party in CaseParty.objects.filter(case=case):
        party.dispose_after_date = None  # the end of the marker no longer says when
        party.save(update_fields=["dispose_after_date"])
    disputes.end(case, "removed", actor=context.actor, at=at)
    _close_what_is_moot(context)
    disputes.tell_of_removal(case, at=at)
    casetypes.tell("filing_removed", case, at=at)


def expire(context: Any) -> None:
    """The time of the last marker is up. The agency confirms; who was warned by it hears of it as well."""
    case, at = context.case, context.at
    for rule in periods.EXPIRIES:
        clocks.meet(case, rule, at=at)
    flags.purge(case, at=at)
    ended = disputes.end(case, "expired", actor=context.actor, at=at)
    _close_what_is_moot(context)
    disputes.answer_expired(case, ended, at=at)
    _ask_agency(context, "expired")
    corrections.send(case, "removed", reason="expired", actor=context.actor, at=at, to=ALERT | PARTNERS)


def _close_what_is_moot(context: Any) -> None:
    case: Case = context.case
    clocks.end(case, alerts.HELD, at=context.at, state="cancelled")
    for kind in MOOT:
        tasks.close_all(case, kind, actor=context.actor, at=context.at)
