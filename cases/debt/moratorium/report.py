"""What the case page, the audit report and the letters say about a moratorium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Prefetch, Sum, prefetch_related_objects

from cases.debt.moratorium import codes, searching
from cases.debt.moratorium.models import FeeReversal
from cases.kernel import calendars, money
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Case

__all__ = ["amount", "checks", "context", "facts_view", "tables", "topic", "topic_label"]

_REGIMES, _GROUNDS = dict(codes.REGIMES), dict(codes.GROUNDS)


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts["regime"])


def topic_label(code: str) -> str:
    return _REGIMES.get(code, code)


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else "Not known yet"


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed."""
    facts = case.moratorium
    open_ended = facts.regime == codes.OPEN_ENDED and facts.last_date is None
    rows = [
        ("Kind", _REGIMES.get(facts.regime, facts.regime)),
        ("First protected day", _day(facts.start_date)),
        ("Last protected day", "When we are notified of its end" if open_ended else _day(facts.last_date)),
        ("Notified by", "The register" if facts.agency_id else "A paper or e-mail, typed by a colleague"),
        ("Address", "Withheld by the notice" if facts.is_address_withheld else "As in the notice"),
    ]
    if facts.review_ground:
        rows.append(("Ground of the review", _GROUNDS.get(facts.review_ground, facts.review_ground)))
    return rows


def _debts(case: Case) -> list[Any]:
    """Return the debts of a case with what billing takes back of each. Asked twice for one page, it is two queries."""
    kept = "debts_shown"
    if not hasattr(case, kept):
        rows = searching.debts_of(case).annotate(back_pence=Sum("reversals__amount_pence"))
        rows = rows.prefetch_related(Prefetch("reversals", queryset=FeeReversal.objects.order_by("posted_date", "pk")))
        prefetch_related_objects([case], Prefetch("moratorium_debts", queryset=rows, to_attr=kept))
    found: list[Any] = getattr(case, kept)
    return found


def tables(case: Case) -> Sequence[Table]:
    """Return the debts, and each charge that billing takes back with its day. Two queries for all that is shown."""
    debts = _debts(case)
    rows = tuple(
        (
            f"{debt.number}. {debt.product}",
            money.pounds(debt.account.balance_pence) if debt.account else "",
            codes.ORIGINS.get(debt.origin, debt.origin),
            codes.STANDINGS.get(debt.standing, debt.standing) + ("; joint account" if debt.is_joint else ""),
            _day(debt.effective_date) if debt.effective_date else "",
            money.pounds(debt.back_pence) if debt.back_pence else "",
        )
        for debt in debts
    )
    columns = (
        "Debt",
        "Balance told by billing",
        "How we know of it",
        "Standing",
        "Protected from",
        "Charges taken back",
    )
    return (
        Table(title="Debts", columns=columns, rows=rows, empty="The notice names no account."),
        Table(
            title="Charges taken back",
            columns=("Debt", "Charged on", "How the day is known", "Amount", "Asked of billing", "Taken back on"),
            rows=tuple(
                (
                    f"{debt.number}. {debt.product}",
                    _day(row.posted_date),
                    "Billing tells it" if row.is_day_told else "The balance of that day first showed it",
                    money.pounds(row.amount_pence),
                    _day(calendars.london_date(row.asked_at)),
                    _day(row.confirmed_date) if row.confirmed_date else "Not yet",
                )
                for debt in debts
                for row in debt.reversals.all()
            ),
            empty="No charge was made for a protected day.",
        ),
    )


def checks(case: Case) -> list[Check]:
    """Return how the moratorium stands."""
    debts = _debts(case)
    if case.state == "received":
        return [Check(label="It is certain who is meant", is_clear=searching.is_certain(debts))]
    own = [debt for debt in debts if debt.standing == "protected"]
    return [Check(label="Debts are protected", is_clear=bool(own), detail=f"{len(own)} of {len(debts)}")]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": list(tables(case))}
