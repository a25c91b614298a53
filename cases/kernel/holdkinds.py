"""The kinds of hold: what each blocks, how soon it is looked at again, and whether two people release it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BLOCKS", "KINDS", "REPORT", "SOURCES", "STOPS_USE", "HoldKind", "shown_label"]

# Beside the design's seven: somebody says that nothing more is to be reported, whatever kind of hold it is.
REPORT = "report"
BLOCKS: dict[str, str] = {
    "contact": "Contact",
    "enforce": "Enforcement",
    "interest_fees": "Interest and fees",
    "place": "Placing with an agency",
    "sell": "Selling the debt",
    "cra_default": "Recording a default",
    REPORT: "Reporting to an agency",
    "dispose": "Erasing",
}

SOURCES: dict[str, str] = {
    "customer": "The customer",
    "adviser": "An adviser or representative",
    "court": "A court or tribunal",
    "ombudsman": "An ombudsman or regulator",
    "agency": "An agency",
    "legal": "Our lawyers",
    "staff": "A colleague",
}


@dataclass(frozen=True, kw_only=True)
class HoldKind:
    """One kind. A quiet one reads "Policy hold" to everybody, so that the words alone say nothing. `is_told` says
    whether whoever it is about may be told of it: a legal one may stand for enquiries of others."""

    code: str
    label: str
    blocks: tuple[str, ...]
    review_days: int
    is_released_by_two: bool = True
    is_quiet: bool = False
    is_told: bool = True
    source: str = "Domain rules 1.2: holds are orthogonal to states"


_DEBT = ("contact", "enforce", "interest_fees", "place", "sell", "cra_default")

KINDS: dict[str, HoldKind] = {
    kind.code: kind
    for kind in (
        HoldKind(
            code="legal",
            label="Legal hold",
            blocks=("dispose",),
            review_days=90,
            is_told=False,
            source="Domain rules 1.7: suspends disposal; K08",
        ),
        HoldKind(code="dispute", label="Dispute", blocks=("enforce", "place", "sell", "cra_default"), review_days=30),
        HoldKind(
            code="complaint",
            label="Complaint or ADR",
            blocks=("enforce", "place", "sell", "cra_default", "dispose"),
            review_days=56,
        ),
        HoldKind(
            code="breathing_space",
            label="Breathing space",
            blocks=_DEBT,
            review_days=60,
            source="SI 2020/1311 reg 7",
        ),
        HoldKind(
            code="mental_health_crisis",
            label="Mental health crisis moratorium",
            blocks=_DEBT,
            review_days=30,
            source="SI 2020/1311 reg 28; K18",
        ),
        HoldKind(code="scottish_moratorium", label="Scottish moratorium", blocks=_DEBT, review_days=182),
        HoldKind(code="insolvency", label="Insolvency", blocks=_DEBT, review_days=90),
        HoldKind(code="deceased", label="Deceased", blocks=_DEBT, review_days=30),
        HoldKind(
            code="vulnerable",
            label="Vulnerable",
            blocks=("contact", "enforce", "place", "sell"),
            review_days=90,
            is_released_by_two=False,
        ),
        HoldKind(code="fraud_victim", label="Fraud victim", blocks=_DEBT, review_days=30),
        HoldKind(
            code="data_protection",
            label="Data protection",
            blocks=("place", "sell", "dispose"),
            review_days=30,
            is_quiet=True,
            is_told=False,
        ),
        HoldKind(
            code="objection",
            label="Objection to use",
            blocks=("place", "sell", "dispose"),
            review_days=30,
            is_quiet=True,
            is_told=False,
            source="UK GDPR Art 21(1): no longer used, whatever becomes of a restriction",
        ),
        HoldKind(
            code="staff_account",
            label="Staff account",
            blocks=("place", "sell"),
            review_days=180,
            is_quiet=True,
            is_told=False,
        ),
        HoldKind(
            code="protected_address",
            label="Protected address",
            blocks=("contact", "place", "sell"),
            review_days=180,
            is_quiet=True,
            is_told=False,
        ),
    )
}

# Under these what is on record of a person is kept and not used, UK GDPR Art 18(2) and 21(1).
STOPS_USE = frozenset({"data_protection", "objection"})


def shown_label(code: str) -> str:
    """Return how a hold reads on a page."""
    kind = KINDS.get(code)
    return "Policy hold" if kind is None or kind.is_quiet else kind.label
