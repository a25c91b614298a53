"""What must be true before a transfer moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from datetime import date
from typing import Any

from cases.disclosure.transfer import codes, periods
from cases.kernel import calendars
from cases.kernel.countries import COUNTRIES, name_of
from cases.kernel.evidence import scanning
from cases.kernel.models import Case, Evidence
from cases.ledger.models import LedgerEvent

__all__ = [
    "assessments",
    "has_assessment",
    "has_mechanism",
    "has_review_date",
    "is_ones_own",
    "review_has_passed",
    "stands_on_the_list",
]


def has_mechanism(context: Any) -> str | None:
    mechanism, country = context.inputs.get("mechanism"), context.case.transfer.country
    if mechanism not in dict(codes.MECHANISMS):
        return "Choose the mechanism of the transfer."
    known = COUNTRIES.get(country)
    if mechanism == codes.ADEQUACY and known is not None and known.is_by_list:
        return f"{name_of(country)}: the regulations cover who stands on a list. Choose the data bridge."
    if mechanism == codes.ADEQUACY and not (known is not None and known.is_adequate):
        return f"No adequacy regulations cover {name_of(country)}: choose another mechanism."
    if mechanism == codes.BRIDGE and not (known is not None and known.is_by_list):
        return f"The data bridge does not lead to {name_of(country)}: choose another mechanism."
    return None


def stands_on_the_list(context: Any) -> str | None:
    """The data bridge covers nobody but who stands on the list of the UK extension: under which name is on record."""
    if context.inputs.get("mechanism") != codes.BRIDGE or str(context.inputs.get("assessment") or "").strip():
        return None
    return "Say under which name the recipient stands on the list of the UK extension, and when you looked."


def has_assessment(context: Any) -> str | None:
    """A safeguard stands on a risk assessment whose test found the protection not materially lower than here. It is a
    document of the case, so that whoever approves could read it, and nobody exchanges it later."""
    inputs = context.inputs
    if inputs.get("mechanism") not in codes.NEEDS_ASSESSMENT:
        return None
    if not str(inputs.get("assessment") or "").strip():
        return "This mechanism needs the reference of a transfer risk assessment."
    if inputs.get("document") not in {each.number for each in assessments(context.case)}:
        return "Choose the risk assessment itself: who proposes attaches it, and the scanner finds it clean first."
    if not inputs.get("is_not_lower"):
        return "Say that the assessment found the protection not materially lower than here."
    return None


def assessments(case: Case) -> list[Evidence]:
    """Return the risk assessments of a case that can be read, the newest first. One query."""
    rows = Evidence.objects.filter(case=case, kind=codes.ASSESSMENT, scan=scanning.CLEAN, blob__key__destroyed_at=None)
    return list(rows.order_by("-number"))


def is_ones_own(context: Any) -> str | None:
    """What somebody else proposed is for the data protection officer to decide."""
    first = LedgerEvent.objects.filter(stream=context.case.uid).order_by("seq").values_list("actor", flat=True).first()
    return None if first == context.actor.label else "Only who proposed it takes it back."


def has_review_date(context: Any) -> str | None:
    """It is still to come, and near enough that somebody looks at the transfer again."""
    day, today = context.inputs.get("review_date"), calendars.london_date(context.at)
    if not isinstance(day, date) or day <= today:
        return "Give a review date that is still to come."
    if day > calendars.add_months(today, periods.LONGEST_MONTHS):
        return f"Give a review date within {periods.LONGEST_MONTHS // 12} years."
    return None


def review_has_passed(context: Any) -> str | None:
    day = context.case.transfer.review_date
    if day is not None and calendars.london_date(context.at) > day:
        return None
    return "The review date has not passed."
