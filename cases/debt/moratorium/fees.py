"""Charges of a protected debt: which billing made for a day inside the period, and which it has taken back.

The mirror of an account says how much of a balance is charges, and of which day the newest is where billing tells it;
else what it rose by is a charge of the day of the balance that first shows it. The automated charges of a joint debt
are for a person to look at: the other holder may owe them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Sum

from cases.accounts.models import Account
from cases.debt.models import Placement
from cases.debt.moratorium import codes
from cases.debt.moratorium.models import FeeReversal, MoratoriumDebt
from cases.kernel.models import Task

__all__ = ["Charge", "charges", "confirmed", "owed", "reverse"]


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What billing charged: the day in London, and whole pence. `is_day_told`: billing says which day that was, it is
    not only the day of the balance that first showed the charge, `seen_date`."""

    posted_date: date
    amount_pence: int
    is_day_told: bool = False
    seen_date: date | None = None


@dataclass(frozen=True)
class _Step:
    """By how much the charges of an account rose or fell: the day it counts for, and when we saw it."""

    day: date
    pence: int
    is_day_told: bool
    seen_date: date
    told_at: datetime


def _steps(account_id: int) -> Iterable[_Step]:
    """Yield each change of the charges of an account, the oldest first. The charges of its first row count where
    billing says of which day the newest is: how many of them are older nobody tells, and the debtor is not the one to
    bear that. One query."""
    rows = Account.history.filter(id=account_id).order_by("history_id")
    before: int | None = None
    for as_of, fees, fees_date, told_at in rows.values_list("as_of", "fees_pence", "fees_date", "history_date"):
        known = before if before is not None else (0 if fees_date else fees)
        if fees != known:
            is_told = fees > known and fees_date is not None
            yield _Step(fees_date if is_told else as_of, fees - known, is_told, as_of, told_at)
        before = fees


def charges(debt: MoratoriumDebt, *, until: date | None) -> list[Charge]:
    """Return the charges for days from the debt's first protected day to `until` that are not given back yet. Two
    queries."""
    if debt.account_id is None or debt.effective_date is None:
        return []
    given = (
        FeeReversal.objects.filter(debt__account=debt.account_id)
        .exclude(debt__case__state__in=["void", "merged"])
        .values_list("posted_date")
        .annotate(Sum("amount_pence"))
    )
    left = {day: -pence for day, pence in given}
    newest: dict[date, _Step] = {}
    for step in _steps(debt.account_id):
        if step.pence > 0 and step.day >= debt.effective_date and (until is None or step.day <= until):
            left[step.day] = left.get(step.day, 0) + step.pence
            newest[step.day] = step
    return [
        Charge(
            posted_date=day,
            amount_pence=pence,
            is_day_told=newest[day].is_day_told,
            seen_date=newest[day].seen_date,
        )
        for day, pence in sorted(left.items())
        if pence > 0
    ]


def reverse(debt: MoratoriumDebt, charge: Charge, *, at: datetime) -> FeeReversal:
    """Have billing take a charge back, inside the current ledger action on the locked case. Billing reads what it owes
    at its own door; until it has done so, the amount does not count as owed."""
    return FeeReversal.objects.create(
        debt=debt,
        posted_date=charge.posted_date,
        amount_pence=charge.amount_pence,
        is_day_told=charge.is_day_told,
        asked_at=at,
    )


def confirmed(debt: MoratoriumDebt) -> list[tuple[FeeReversal, date]]:
    """Return what billing has taken back and is not marked so yet, with the day of the balance that showed it.

    Charges that fell before we asked were no answer to it. Of what fell since, each asked-for charge of the account
    takes its own amount, the oldest first. Three queries at most.
    """
    if debt.account_id is None or not FeeReversal.objects.filter(debt=debt, confirmed_date=None).exists():
        return []
    falls = [(step.day, -step.pence, step.told_at) for step in _steps(debt.account_id) if step.pence < 0]
    unclaimed = [pence for _, pence, _ in falls]
    found = []
    asked = FeeReversal.objects.filter(debt__account=debt.account_id)
    asked = asked.exclude(debt__case__state__in=["void", "merged"])
    for row in asked.order_by("asked_at", "posted_date", "pk"):
        left, last = row.amount_pence, None
        for place, (day, _, told_at) in enumerate(falls):
            taken = min(left, unclaimed[place]) if told_at > row.asked_at else 0
            if taken:
                left, last = left - taken, day
                unclaimed[place] -= taken
        if not left and last is not None and row.confirmed_date is None and row.debt_id == debt.pk:
            found.append((row, last))
    return found


def owed(accounts: Collection[Account], *, but: Collection[int] = ()) -> dict[int, int]:
    """Return what is owed on each account today, by its id, in whole pence: its balance without what billing still has
    to take back, without charges of a joint debt of which nobody has decided yet who owes them, and without what
    agencies collected and billing has not booked yet. Of placements `but` what was collected is not taken off. Three
    queries; where there are protected joint debts one more, and one for each of them."""
    rows = FeeReversal.objects.filter(debt__account__in=[each.pk for each in accounts], confirmed_date=None)
    rows = rows.exclude(debt__case__state__in=["void", "merged"])
    waiting = dict(rows.values_list("debt__account").annotate(Sum("amount_pence")))
    paid = Placement.objects.filter(account__in=[each.pk for each in accounts], collected_pence__gt=F("booked_pence"))
    others = paid.exclude(pk__in=list(but)).values_list("account_id")
    unbooked = dict(others.annotate(pence=Sum(F("collected_pence") - F("booked_pence"))))
    for account_id, pence in _undecided([each.pk for each in accounts]).items():
        waiting[account_id] = waiting.get(account_id, 0) + pence
    return {each.pk: each.balance_pence - waiting.get(each.pk, 0) - unbooked.get(each.pk, 0) for each in accounts}


def _undecided(accounts: Collection[int]) -> dict[int, int]:
    """Return, by account, the charges for days inside the period of a joint debt that are not decided: those told
    since the task that asks was closed last, and every one while it never was."""
    rows = MoratoriumDebt.objects.filter(account__in=accounts, standing="protected", is_joint=True)
    debts = list(rows.exclude(case__state__in=["void", "merged"]).select_related("case__moratorium"))
    decided: dict[tuple[int, int], datetime] = {}
    closed = Task.objects.filter(case__in=[debt.case_id for debt in debts], kind=codes.JOINT, closed_at__isnull=False)
    for task in closed.order_by("closed_at"):
        if task.closed_at is not None:
            decided[task.case_id or 0, task.detail.get("debt", 0)] = task.closed_at
    found: dict[int, int] = {}
    for debt in debts:
        if debt.account_id is None or debt.effective_date is None:  # no protected debt is without
            continue
        since, until, pence = decided.get((debt.case_id, debt.number)), debt.case.moratorium.last_date, 0
        for step in _steps(debt.account_id):
            if step.pence < 0:
                pence = max(0, pence + step.pence)
            elif step.day >= debt.effective_date and (until is None or step.day <= until):
                pence += step.pence if since is None or step.told_at > since else 0
        found[debt.account_id] = max(pence, found.get(debt.account_id, 0))
    return found
