"""What the case page and the audit report say about a default."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cases.accounts.models import BureauTold
from cases.accounts.reading import PRODUCTS
from cases.credit.defaults import gate
from cases.credit.defaults.models import Default
from cases.credit.files.status import STATUSES
from cases.kernel import calendars
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Case

__all__ = ["amount", "checks", "context", "facts_view", "names_account", "tables", "topic", "topic_label"]


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts["account"].product)


def topic_label(code: str) -> str:
    return f"Arrears: {PRODUCTS.get(code, code).lower()}"


def amount(facts: Mapping[str, Any]) -> int | None:
    pence: int = facts["account"].balance_pence
    return pence


def names_account(_facts: Mapping[str, Any]) -> bool:
    return True


def _pounds(pence: int) -> str:
    return f"£{pence / 100:,.2f}"


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. One query."""
    row = Default.objects.get(pk=case.pk)
    found = [
        ("Owed", _pounds(row.arrears_pence)),
        ("Payments behind", str(row.payments_behind)),
        ("First payment missed", _day(row.first_missed_date) or "Not known"),
    ]
    if row.notice_pence is not None:
        found.append(("Notice of intention", row.notice_words))
    if row.served_date is not None:
        found.append(("Posted", _day(row.notice_posted_date)))
        found.append(("Counts as served", _day(row.served_date)))
    if row.plan_pence is not None:
        found.append(("Arrangement", f"{_pounds(row.plan_pence)} a month until {_day(row.plan_until_date)}"))
    if row.default_date is not None:
        found.append(("Default", f"{row.default_words} on {_day(row.default_date)}"))
        found.append(("On file until", _day(calendars.add_months(row.default_date, 72))))
        found.append(("Paid of it", _pounds(row.paid_pence)))
    if row.satisfied_date is not None:
        found.append(("Paid in full", _day(row.satisfied_date)))
    return found


def checks(case: Case) -> list[Check]:
    """Return what stopped a default when it was looked at last, each by its sentence. No query beyond the facts."""
    found = case.default.stopped_by
    if not found:
        return [Check(label="Nothing stops a notice or a default", is_clear=True)]
    return [Check(label=gate.words([code]), is_clear=False) for code in found]


def tables(case: Case) -> list[Table]:
    """Return what each agency has of the account. One query."""
    told = BureauTold.objects.filter(account__defaults=case.pk).select_related("agency").order_by("agency__code")
    rows = tuple(
        (
            each.agency.display_name,
            STATUSES.get(each.status, each.status),
            _pounds(each.balance_pence),
            _day(each.default_date) or "None",
            _day(calendars.london_date(each.told_at)),
        )
        for each in told
    )
    columns = ("Agency", "Status", "Balance", "Default", "Told on")
    return [Table(title="What the agencies have of the account", columns=columns, rows=rows, empty="Nothing was told.")]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"template": "cases/credit/report.html", "facts": facts_view(case), "tables": tables(case)}
