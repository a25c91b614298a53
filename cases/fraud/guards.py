"""What must be true before a referral moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud import codes
from cases.kernel.models import CaseParty, Evidence, OutboxMessage


def has_subject(context: Any) -> str | None:
    if not CaseParty.objects.filter(case=context.case, is_detached=False).exists():
        return "Add at least one person first."
    return None


def maker_answers_four_pillars(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    unmet = [number for number, _ in codes.PILLARS if not _is_met(number, answers.get(number, {}))]
    if unmet:
        return f"Pillar {', '.join(map(str, unmet))}: answer yes, or close the referral without filing."
    return None


def _is_met(number: int, answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("is_met")) or (number == 4 and bool(answer.get("exception")))


def has_evidence_for_each_pillar(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    bare = [number for number, _ in codes.PILLARS if not answers.get(number, {}).get("evidence")]
    if bare:
        return f"Pillar {', '.join(map(str, bare))}: link at least one document."
    wanted = {number for answer in answers.values() for number in answer.get("evidence", ())}
    known = set(Evidence.objects.filter(case=context.case, number__in=wanted).values_list("number", flat=True))
    return None if wanted <= known else "One of the linked documents is not part of this case."


def has_notice_version(context: Any) -> str | None:
    """Nobody has to show a notice to an unknown fraudster; the person in whose name it was done must have had one."""
    named = CaseParty.objects.filter(case=context.case, role__in=["applicant", "account_holder", *codes.VICTIM_ROLES])
    if named.exists() and not context.case.fraud_referral.notice_version:
        return "Record which version of the privacy notice the applicant or account holder was shown, and when."
    return None


def checker_answers_four_pillars(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    unmet = [number for number, _ in codes.PILLARS if not answers.get(number, {}).get("is_met")]
    if unmet:
        return f"Pillar {', '.join(map(str, unmet))}: you must agree with every pillar to approve; else return it."
    return None


def has_reviewed_innocent_flags(context: Any) -> str | None:
    if not context.inputs.get("has_reviewed_innocent"):
        return "Confirm that you reviewed who is marked innocent."
    return None


def is_not_delivered(context: Any) -> str | None:
    """Only the latest filing counts: an earlier one that the agency refused was delivered, and is over."""
    filings = OutboxMessage.objects.filter(case=context.case, kind="fpa_file").order_by("-seq")
    latest = filings.values_list("state", flat=True).first()
    is_gone = latest in {"sending", "delivered", "acknowledged", "unknown"}
    return "The agency may have received the filing already." if is_gone else None


def has_agency_reference(context: Any) -> str | None:
    return None if context.inputs.get("agency_reference") else "The agency gave no reference."


def has_reached_expiry(context: Any) -> str | None:
    running = context.case.clocks.filter(rule__startswith="k24_", state__in=["running", "paused"])
    left = running.filter(due_at__gt=context.at)
    return "A marker of this filing has not expired yet." if left.exists() else None
