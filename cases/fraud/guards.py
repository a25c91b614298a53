"""What must be true before a referral moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.fraud import codes, insiders, opening
from cases.fraud.models import FraudReferral
from cases.kernel import calendars, clocks
from cases.kernel.evidence import scanning
from cases.kernel.models import CaseParty, Evidence, OutboxMessage

_STANDING = ("approved", "submitted", "rejected", "filed", "disputed", "removal_requested")
# Who must have been shown the privacy notice.
NOTIFIED = ("applicant", "account_holder", *codes.VICTIM_ROLES)


def has_subject(context: Any) -> str | None:
    named = CaseParty.objects.filter(case=context.case, is_detached=False)
    if not named.exists():
        return "Add at least one person first."
    if not insiders.others(context.case).exists():
        return "Only a member of our staff is named, and of them nothing is filed: hand the matter to human resources."
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
    held = Evidence.objects.filter(case=context.case, number__in=wanted, blob__key__destroyed_at=None)
    known = dict(held.values_list("number", "scan"))
    if not wanted <= known.keys():
        return "One of the linked documents is not part of this case."
    harmful = sorted(number for number, scan in known.items() if scan == scanning.INFECTED)
    if harmful:
        return f"Document {', '.join(map(str, harmful))}: nobody may open it, so it bears out no pillar."
    return None


def has_notice_version(context: Any) -> str | None:
    """Nobody has to show a notice to an unknown fraudster; the person in whose name it was done must have had one,
    before the fraud, and not longer ago than a notice counts."""
    named = CaseParty.objects.filter(case=context.case, role__in=NOTIFIED, is_detached=False)
    return why_not_on_notice(context.case.fraud_referral) if named.exists() else None


def why_not_on_notice(facts: FraudReferral) -> str | None:
    """Return the sentence why nothing can be filed on the notice that is on record; None where it counts."""
    if not facts.notice_version or facts.notice_shown_date is None:
        return "Record which version of the privacy notice the applicant or account holder was shown, and when."
    if facts.notice_shown_date > facts.discovered_date:
        return "The privacy notice was shown after the fraud was discovered. Nothing can be filed on it."
    shown_at = calendars.end_of_day(facts.notice_shown_date)
    if clocks.plan("fraud_notice_validity", started_at=shown_at).due_date < facts.discovered_date:
        return "The privacy notice on record was shown too long ago. Record a later one, or close without filing."
    return None


def filing_fits_its_people(context: Any) -> str | None:
    """An adverse filing names somebody who did it; a filing for a victim or a protected person names nobody else."""
    parties = list(insiders.others(context.case))
    if any(party.role in codes.VICTIM_ROLES and not party.is_innocent for party in parties):
        return "A victim is not marked innocent. Mark them innocent, or correct the role."
    has_adverse = any(not party.is_innocent for party in parties)
    if not context.case.fraud_referral.fpa_case_type:
        return "Say of which kind of fraud this is. An attack that is none of them is not filed."
    is_adverse_kind = context.case.fraud_referral.fpa_case_type not in codes.NON_ADVERSE
    if is_adverse_kind and parties and not has_adverse:
        return "Everybody named is innocent. Name who did it, or choose a kind of filing that is not adverse."
    if has_adverse and not is_adverse_kind:
        return "This kind of filing is about innocent people only. Mark everybody innocent, or choose another kind."
    return None


def product_is_not_given_back(context: Any) -> str | None:
    if context.case.fraud_referral.is_reinstated:
        return "The product was given back to the person, so the fourth pillar does not hold."
    return None


def is_not_filed_already(context: Any) -> str | None:
    """One incident is filed once, whichever brand of the group refers it, and not anew once its time is up: its marker
    would stand longer than K24 lets it. Waits while another referral of it is being decided, and then sees how that
    ended."""
    facts = context.case.fraud_referral
    opening.lock_incident(facts)
    others = opening.every_one_of_incident(facts).filter(case__state__in=[*_STANDING, "expired"])
    found = others.values_list("case__reference", "case__state").first()
    if found is None:
        return None
    reference, state = found
    if state == "expired":
        return f"The same incident was on file in {reference} until its time was up. It is not filed again."
    return f"The same incident stands in {reference}. Compare them, then amend that filing or close this referral."


def checker_answers_four_pillars(context: Any) -> str | None:
    answers = context.inputs.get("pillars", {})
    unmet = [number for number, _ in codes.PILLARS if not _is_met(number, answers.get(number, {}))]
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
