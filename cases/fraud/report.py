"""What the case page and the audit report say about a fraud referral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet

from cases.fraud import codes, disputes, guards
from cases.fraud.models import FraudDispute, FraudReferral, PillarAnswer
from cases.kernel import money
from cases.kernel.casetypes import Check
from cases.kernel.evidence import scanning
from cases.kernel.models import Case, Evidence
from cases.kernel.prepared import Prepared

__all__ = ["POLICE", "PREJUDICE", "amount", "checks", "context", "facts_view", "topic", "topic_label"]

POLICE = "The agency may pass it to the police"
PREJUDICE = "Telling the people would prejudice an investigation"


def topic(facts: Mapping[str, Any]) -> str:
    """Return the codes a title is made of: kind of event and attack, else kind of fraud and first reason."""
    if facts.get("event_type"):
        return f"{facts['event_type']}.{facts['attack']}"
    return ".".join([str(facts["fpa_case_type"]), *[str(reason) for reason in list(facts["reasons"])[:1]]])


def topic_label(code: str) -> str:
    case_type, _, reason = code.partition(".")
    events = codes.EVENT_TYPES.labels()
    label = events.get(case_type) or codes.CASE_TYPES.labels().get(case_type, case_type)
    said = codes.ATTACKS.labels().get(reason, reason) if case_type in events else codes.reason_label(reason)
    return f"{label}: {_in_a_sentence(said)}" if reason else label


def _in_a_sentence(words: str) -> str:
    """Return a label as it stands inside a sentence: SIM stays SIM."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def amount(facts: Mapping[str, Any]) -> int | None:
    return facts.get("value_at_risk_pence") or None


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else "Not given"


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed, and the maker's four answers. Two queries."""
    facts = case.fraud_referral
    reasons = codes.all_reasons()
    rows = [
        *_event(facts),
        ("Kind of fraud", codes.CASE_TYPES.labels().get(facts.fpa_case_type, facts.fpa_case_type) or "Not known"),
        ("What was done", ", ".join(reasons.get(code, code) for code in facts.reasons)),
        ("Product", codes.PRODUCTS.labels().get(facts.product, facts.product)),
        ("Channel", codes.SALES_CHANNELS.labels().get(facts.sales_channel, facts.sales_channel)),
        ("Product provided", _yes(facts.is_facility_granted)),
        ("Product given back to the person", _yes(facts.is_reinstated)),
        ("Date of application", _day(facts.application_date)),
        ("Discovered", _day(facts.discovered_date)),
        ("Value at risk", money.pounds(facts.value_at_risk_pence)),
        ("Loss", money.pounds(facts.loss_pence)),
        ("Saved", money.pounds(facts.savings_pence)),
        ("Privacy notice shown", f"{facts.notice_version}, {_day(facts.notice_shown_date)}".strip(", ")),
        (POLICE, _yes(facts.may_share_with_police)),
        ("Retail alert", codes.ALERT_CODES.labels().get(facts.alert_code, facts.alert_code) or "None"),
        (PREJUDICE, _yes(facts.prejudice_recorded)),
    ]
    rows.extend(_maker_pillars(case))
    if facts.filing_reference:
        rows.append(("Agency's reference", facts.filing_reference))
        rows.append(("Filed", _day(facts.filed_date)))
    if facts.removal_reason:
        rows.append(("Removed because", codes.REMOVAL_REASONS.labels().get(facts.removal_reason, facts.removal_reason)))
    if facts.police_reference:
        rows.append(("Police reference", facts.police_reference))
    rows.extend(_disputed(case))
    rows.extend(("Agency's field error", f"{each['code']} at {each['pointer']}") for each in facts.field_errors)
    return rows


def _event(facts: FraudReferral) -> list[tuple[str, str]]:
    """Return what kind of attack it is; nothing of a fraud that is none."""
    if not facts.event_type:
        return []
    return [
        ("Kind of event", codes.EVENT_TYPES.labels().get(facts.event_type, facts.event_type)),
        ("Kind of attack", codes.ATTACKS.labels().get(facts.attack, facts.attack)),
    ]


def _disputed(case: Case) -> list[tuple[str, str]]:
    """Return who disputes a filing and on which grounds, in one query; none where nobody does."""
    found = disputes.open_ones(case) if case.state == "disputed" else []
    return [line for dispute in found for line in _dispute(dispute)]


def _dispute(dispute: FraudDispute) -> list[tuple[str, str]]:
    who = f"Person {dispute.party.number}" if dispute.party else "Nobody named in the case"
    return [("Disputed by", who), ("Grounds", codes.GROUNDS.labels().get(dispute.grounds, dispute.grounds))]


def _answers(*, case: int) -> QuerySet[PillarAnswer]:
    documents = ArrayAgg("links__evidence__number", filter=Q(links__isnull=False), order_by="links__evidence__number")
    return PillarAnswer.objects.filter(case=case, side="maker").annotate(documents=documents).order_by("pillar")


_ANSWERS = Prepared(_answers, case=-(10**15) - 1)


def _maker_pillars(case: Case) -> list[tuple[str, str]]:
    """Return the maker's answer to each pillar and the documents that bear it out, in one query."""
    asked, answers = dict(codes.pillars_of(case.fraud_referral.fpa_case_type)), _ANSWERS.objects(case=case.pk)
    return [(f"Pillar {answer.pillar}", _pillar_sentence(answer, asked[answer.pillar])) for answer in answers]


def _pillar_sentence(answer: Any, asked: str) -> str:
    said = "Yes" if answer.is_met else dict(codes.PILLAR_4_EXCEPTIONS)[answer.exception] if answer.exception else "No"
    documents = ", ".join(str(number) for number in answer.documents or ["none"])
    return f"{said}: {asked.lower()} (documents: {documents})"


def checks(case: Case) -> list[Check]:
    """Return what has to be in order before a filing. Uses the people and documents already fetched for the page; one
    query until it is filed."""
    facts = case.fraud_referral
    parties = [party for party in case.parties.all() if not party.is_detached]
    documents = list(case.evidence.all())
    innocent = [party for party in parties if party.is_innocent]
    notified = any(party.role in guards.NOTIFIED for party in parties)
    fault = guards.why_not_on_notice(facts) if notified and not facts.filing_reference else None
    return [
        Check(label="People named", is_clear=bool(parties), detail=f"{len(parties)}, of whom {len(innocent)} innocent"),
        Check(label="Documents attached", is_clear=bool(documents), detail=_scanned(documents)),
        Check(
            label="Privacy notice on record",
            is_clear=fault is None,
            detail=fault or facts.notice_version or "Nobody is named who had to be shown one",
        ),
        Check(
            label="No field error of the agency open",
            is_clear=not facts.field_errors,
            detail=", ".join(each["code"] for each in facts.field_errors),
        ),
    ]


def _scanned(documents: Sequence[Evidence]) -> str:
    doubtful = sum(scanning.why_not(each) is not None for each in documents)
    return f"{len(documents)}, {doubtful} not known to be clean" if doubtful else f"{len(documents)}, scanned"


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind: the facts and both people's answers to the four pillars."""
    rows = PillarAnswer.objects.filter(case=case).select_related("answered_by").prefetch_related("links__evidence")
    exceptions = {code: label for code, label in codes.PILLAR_4_EXCEPTIONS if code}
    return {
        "template": "cases/fraud/report.html",
        "facts": facts_view(case),
        "pillars": codes.pillars_of(case.fraud_referral.fpa_case_type),
        "answers": [(row, exceptions.get(row.exception, "")) for row in rows.order_by("pillar", "side")],
    }
