"""What the case page and the audit report say about a default."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from cases.accounts.models import BureauTold
from cases.accounts.reading import PRODUCTS
from cases.credit.defaults import codes, disputes, gate
from cases.credit.defaults.guards import DISPUTED
from cases.credit.defaults.models import Default
from cases.credit.files.status import TOLD
from cases.kernel import calendars, holdkinds, holds, money
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Case, Hold

__all__ = [
    *("amount", "checks", "context", "facts_view", "names_account", "tables", "topic", "topic_label", "topic_of"),
]
_FIELDS = {
    "status": "the status",
    "balance": "the balance",
    "default": "the default",
    "default_date": "the date of the default",
    "person": "whose account it is",
}


_DISPUTED = "disputed_"


def topic(facts: Mapping[str, Any]) -> str:
    return str(facts["account"].product)


def topic_of(row: Default) -> str:
    """Return what the case is called by: while the customer disputes what is owed, that comes first."""
    product = row.account.product
    return f"{_DISPUTED}{product}" if gate.DISPUTES.intersection(row.stopped_by) else product


def topic_label(code: str) -> str:
    product = code.removeprefix(_DISPUTED)
    of = PRODUCTS.get(product, product).lower()
    return f"Arrears: {of}" if product == code else f"In dispute, which stops a default: {of}"


def amount(facts: Mapping[str, Any]) -> int | None:
    pence: int = facts["account"].balance_pence
    return pence


def names_account(_facts: Mapping[str, Any]) -> bool:
    return True


def _day(day: date | None) -> str:
    return f"{day:%-d %B %Y}" if day else ""


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. One query."""
    row = Default.objects.get(pk=case.pk)
    owed = ("Left of the default", row.left_pence) if case.state in codes.TOLD else ("Owed", row.arrears_pence)
    found = [
        (owed[0], money.pounds(owed[1])),
        ("Payments behind", str(row.payments_behind)),
        ("First payment missed", _day(row.first_missed_date) or "Not known"),
    ]
    if row.notice_pence is not None:
        found.append(("Notice of intention", row.notice_words))
    if row.served_date is not None:
        found.append(("Posted", _day(row.notice_posted_date)))
        found.append(("Counts as served", _day(row.served_date)))
    if row.plan_pence is not None:
        found.append(("Arrangement", f"{money.pounds(row.plan_pence)} a month until {_day(row.plan_until_date)}"))
    if row.default_date is not None:
        found.append(("Default", f"{row.default_words} on {_day(row.default_date)}"))
        found.append(("On file until", _day(calendars.add_months(row.default_date, 72))))
        found.append(("Paid of it", money.pounds(row.paid_pence)))
    if row.satisfied_date is not None:
        found.append(("Settled for less" if row.is_settled else "Paid in full", _day(row.satisfied_date)))
    return found


def checks(case: Case) -> list[Check]:
    """Return what stopped a default when it was looked at last, each by its sentence, and what holds of the case stop
    it now; which dispute waits for its answer until when, and what the agency would be told now; and of a hold of the
    case since when it stands and when it is looked at again. Two queries, and five for each dispute that waits."""
    waiting = case.tasks.filter(kind=DISPUTED, closed_at=None).order_by("due_at", "pk")
    since = _times_of_holds(case)
    stops = dict.fromkeys([*case.default.stopped_by, *since])
    found = [
        *(
            Check(
                label=_words_of(task.detail.get("field", ""), task.due_at),
                is_clear=False,
                detail=disputes.foretold(case, task),
            )
            for task in waiting
        ),
        *(Check(label=gate.words([code]), is_clear=False, detail=since.get(code, "")) for code in stops),
    ]
    return found or [Check(label="Nothing stops a notice or a default", is_clear=True)]


def _times_of_holds(case: Case) -> dict[str, str]:
    """Return of each hold of the case that stops a default, by the code of the gate, its days in words; of a policy
    hold none. One query."""
    held = holds.active(case).filter(blocks__contains=[gate.BLOCK]).order_by("-began_at", "pk")
    return dict(_days_by_code(hold) for hold in held)


def _days_by_code(hold: Hold) -> tuple[str, str]:
    known = holdkinds.KINDS.get(hold.kind)
    return ("policy_hold", "") if known is None or known.is_quiet else (f"hold_{hold.kind}", _days_of(hold))


def _days_of(hold: Hold) -> str:
    since = f"Since {_day(calendars.london_date(hold.began_at))}"
    again = f"; looked at again by {_day(calendars.london_date(hold.review_at))}" if hold.review_at else ""
    return f"{since}{again}."


def _words_of(field: str, due_at: datetime | None) -> str:
    until = f" by {_day(calendars.london_date(due_at))}" if due_at else ""
    what = _FIELDS.get(field, "what it has")
    return f"A customer disputes {what} at an agency: to be answered{until}. Nothing gets worse before."


def tables(case: Case) -> list[Table]:
    """Return what each agency has of the account. One query."""
    told = BureauTold.objects.filter(account__defaults=case.pk).select_related("agency").order_by("agency__code")
    rows = tuple(
        (
            each.agency.display_name,
            TOLD.get(each.status, each.status),
            money.pounds(each.balance_pence),
            _day(each.default_date) or "None",
            _day(calendars.london_date(each.told_at)),
        )
        for each in told
    )
    columns = ("Agency", "Status", "Balance", "Default", "Told on")
    return [Table(title="What the agencies have of the account", columns=columns, rows=rows, empty="Nothing was told.")]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case), "tables": tables(case)}
