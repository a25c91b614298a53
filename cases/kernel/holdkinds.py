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
    source: str


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
            source="Police and Criminal Evidence Act 1984 Sch 1 para 11, or the order of a court",
        ),
        HoldKind(
            code="dispute",
            label="Dispute",
            blocks=("enforce", "place", "sell", "cra_default"),
            review_days=30,
            source="UK GDPR Art 5(1)(d): what is disputed may not be right",
        ),
        HoldKind(
            code="complaint",
            label="Complaint or ADR",
            blocks=("enforce", "place", "sell", "cra_default", "dispose"),
            review_days=56,
            source="Ofcom General Condition C4: complaints, and alternative dispute resolution",
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
            source="SI 2020/1311 reg 28",
        ),
        HoldKind(
            code="scottish_moratorium",
            label="Scottish moratorium",
            blocks=_DEBT,
            review_days=182,
            source="Bankruptcy (Scotland) Act 2016 s.198",
        ),
        HoldKind(
            code="insolvency",
            label="Insolvency",
            blocks=_DEBT,
            review_days=90,
            source="Insolvency Act 1986 s.285(3); in Scotland and Northern Ireland, their own acts",
        ),
        HoldKind(
            code="deceased",
            label="Deceased",
            blocks=_DEBT,
            review_days=30,
            source="Internal rule: whoever deals with the estate is asked, not the family",
        ),
        HoldKind(
            code="vulnerable",
            label="Vulnerable",
            blocks=("contact", "enforce", "place", "sell"),
            review_days=90,
            is_released_by_two=False,
            source="Ofcom General Condition C5: measures for consumers in vulnerable circumstances",
        ),
        HoldKind(
            code="fraud_victim",
            label="Fraud victim",
            blocks=_DEBT,
            review_days=30,
            source="UK GDPR Art 5(1)(d): what a fraudster ran up is not theirs",
        ),
        HoldKind(
            code="data_protection",
            label="Data protection",
            blocks=("place", "sell", "dispose"),
            review_days=30,
            is_quiet=True,
            is_told=False,
            source="UK GDPR Art 18: restricted while it is looked at",
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
            source="Internal rule: a colleague's account is looked at by a restricted team first",
        ),
        HoldKind(
            code="protected_address",
            label="Protected address",
            blocks=("contact", "place", "sell"),
            review_days=180,
            is_quiet=True,
            is_told=False,
            source="UK GDPR Art 5(1)(f): where somebody is safe is told to nobody",
        ),
    )
}

# Under these what is on record of a person is kept and not used, UK GDPR Art 18(2) and 21(1).
STOPS_USE = frozenset({"data_protection", "objection"})


def shown_label(code: str) -> str:
    """Return how a hold reads on a page."""
    kind = KINDS.get(code)
    return "Policy hold" if kind is None or kind.is_quiet else kind.label
