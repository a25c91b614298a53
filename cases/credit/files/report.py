"""What opening a month's file writes, and what its page and the audit report say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Count

from cases.credit.files import codes, guards, rejects
from cases.credit.files.models import CreditFile, CreditFileCopy, CreditFileFault, CreditFileReject
from cases.kernel import calendars, money
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import BatchFile, Case

__all__ = ["amount", "checks", "context", "facts_view", "open_facts", "tables", "topic", "topic_label"]

_STATES = {
    "promised": "On its way",
    "delivered": "Delivered",
    "refused": "Refused",
    "dead": "Could not be delivered",
    "unknown": "Not known whether it arrived",
    "answered": "Reported on",
}


def open_facts(case: Case, facts: Mapping[str, Any]) -> None:
    """Write the facts row of a new file, inside the current ledger action."""
    CreditFile(case=case, key=case.key, month=facts["month"]).save(force_insert=True)


def topic(facts: Mapping[str, Any]) -> str:
    month: date = facts["month"]
    return f"{month:%Y-%m}"


def topic_label(code: str) -> str:
    year, _, month = code.partition("-")
    return f"Accounts of {date(int(year), int(month), 1):%B %Y}" if month.isdecimal() else "Monthly file"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def is_about(_facts: Mapping[str, Any]) -> bool:
    return True


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact. Two queries."""
    row = CreditFile.objects.get(pk=case.pk)
    found = [("Month", f"{row.month:%B %Y}")]
    if row.effective_date is not None:
        found.append(("Tells of", f"{row.effective_date:%-d %B %Y}"))
        found.append(("Taken", "Yes" if row.is_taken else "Not all accounts yet"))
    if row.is_taken:
        found.append(("Accounts taken", f"{row.taken_rows:,}"))
        found.append(("Total of their balances, as billing tells them", money.pounds(row.taken_pence)))
        found.append(("Left out when they were looked at", f"{row.taken_rows - row.rows:,}"))
        found.append(("Accounts to sign for", f"{row.rows:,}"))
        found.append(("Total that the agencies are told of them", money.pounds(row.total_pence)))
        found.append(("Hash of the rows to sign for", row.digest))
    return found + _as_it_left(row)


def _as_it_left(row: CreditFile) -> list[tuple[str, str]]:
    """Return what the agencies were sent, which lacks whatever they were told since the accounts were taken."""
    copies = CreditFileCopy.objects.filter(file=row)
    sent = BatchFile.objects.filter(uid__in=copies.values("batch_uid")).order_by("pk").first()
    if sent is None:
        return []
    return [
        ("Accounts as the file left", f"{sent.row_count:,}"),
        ("Total of their balances as it left", money.pounds(sent.total_pence)),
        ("Left out as it left", f"{row.rows - sent.row_count:,}"),
    ]


def checks(case: Case) -> list[Check]:
    """Return whether something stops the file. One query."""
    row = case.credit_file
    core = CreditFileFault.objects.filter(file=row, round=row.round, level="core").count()
    if not row.is_taken:
        return [Check(label="The accounts are taken", is_clear=False)]
    if core:
        return [Check(label=f"{core} accounts have a fault that stops the file", is_clear=False)]
    found = [Check(label="No account has a fault that stops the file", is_clear=True)]
    return found if guards.leaves_out_few(row) else [*found, Check(label=guards.LEFT_OUT, is_clear=False)]


def tables(case: Case) -> list[Table]:
    """Return what was found wrong and how each agency has the file, side by side. Three queries."""
    row = case.credit_file
    copies = CreditFileCopy.objects.filter(file=row).select_related("agency").order_by("agency__code")
    refused = CreditFileReject.objects.filter(copy__file=row).values_list("copy__agency__display_name", "code")
    return [
        Table(
            title="What was found",
            columns=("What", "So", "Accounts"),
            rows=tuple((each.words, each.level, f"{each.accounts:,}") for each in rejects.found(case)),
            empty="Nothing was found wrong.",
        ),
        Table(
            title="At the agencies",
            columns=("Agency", "Stands", "Taken", "Not taken", "Reported on"),
            rows=tuple(
                (
                    copy.agency.display_name,
                    _STATES.get(copy.state, copy.state),
                    f"{copy.accepted:,}",
                    f"{copy.rejected:,}",
                    f"{calendars.london_date(copy.answered_at):%-d %B %Y}" if copy.answered_at else "Not yet",
                )
                for copy in copies
            ),
            empty="Nothing was sent yet.",
        ),
        Table(
            title="What agencies did not take",
            columns=("Agency", "Why", "Accounts"),
            rows=tuple(
                (name, codes.REJECTS.get(code, code), f"{count:,}")
                for name, code, count in refused.annotate(accounts=Count("pk")).order_by("copy__agency__code", "code")
            ),
            empty="No agency has said of an account that it did not take it.",
        ),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": tables(case)}
