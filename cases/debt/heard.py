"""What recovery agencies said of an account that outlives its placement: that the customer died, is insolvent, disputes
the debt, complains, has moved away, or settled it for less; and why the buyer of a sold one gave it back. Billing has
to note it; until then nobody else gets the account."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from cases.accounts.models import Account
from cases.debt.models import Placement
from cases.kernel import calendars, money, tasks
from cases.kernel.models import Case, Task

__all__ = ["BY_RETURN", "BY_STATE", "COMPLAINT", "TO_NOTE", "ask_billing", "known"]

TO_NOTE, COMPLAINT = "placement_billing_to_note", "placement_complaint"
WORDS = {
    "deceased": "the customer has died",
    "insolvent": "the customer is insolvent",
    "dispute": "the customer disputes the debt",
    "gone_away": "the customer has left the address",
    "settled": "it was settled for less, and the rest has to be written off",
    "fraud_victim": "the debt was made by fraud",
    "out_of_time": "the debt is out of time",
    "minor": "the customer was under 18",
    "vulnerable": "the customer needs support first",
    "not_proved": "a buyer gave it back because what is owed, or whose it is, is in question",
    "collected": "it came back from a buyer: ask it what it collected meanwhile, and see that part of the refund",
    "collected_pence": "it came back from a buyer, which collected {pounds} meanwhile: book that, and see the refund",
    "moratorium": "a moratorium protects the debt: see that it is held, and what was charged taken back",
}


def _in_words(detail: Mapping[str, Any]) -> str:
    if pence := detail.get("pence"):
        return WORDS["collected_pence"].format(pounds=money.pounds(pence))
    return WORDS.get(str(detail.get("what")), "")


tasks.declare(
    {TO_NOTE: "Have billing note what an agency or a buyer says of an account: nobody gets it until it has"},
    more={TO_NOTE: _in_words},
)
# Which end of a placement, and which code of a return, says what; each is the code of a rule of the gate.
BY_STATE = {"deceased": "deceased", "insolvent": "insolvent", "settled": "settled"}
BY_RETURN = {"disputed": "dispute", "gone_away": "gone_away"}


def ask_billing(case: Case, what: str, *, account: Account, at: datetime, **more: Any) -> None:
    """Ask the desk of a case to have billing note what is said of an account, inside the current ledger action on the
    locked case. `more` takes codes and numbers only."""
    tasks.raise_task(TO_NOTE, case=case, at=at, what=what, account=account.pk, **more)


def known(accounts: Collection[Account], *, but: Collection[int] = ()) -> dict[int, frozenset[str]]:
    """Return, by account, what was said of it that still stands; how placements `but` ended is no news. Two queries.

    It stands until somebody closed the task of it and billing has told of the account on a later day (London).
    """
    rows = Placement.objects.filter(account__in=accounts).exclude(pk__in=list(but))
    placements = rows.filter(case__state__in=BY_STATE).values_list("account_id", "pk", "case__state")
    said = {(account_id, pk, BY_STATE[state]) for account_id, pk, state in placements}
    as_of = {account.pk: account.as_of for account in accounts}
    asked = Task.objects.filter(kind__in=(TO_NOTE, COMPLAINT), detail__account__in=list(as_of))
    for account_id, pk, what, closed_at in asked.values_list("detail__account", "case_id", "detail__what", "closed_at"):
        if closed_at is None or as_of[account_id] <= calendars.london_date(closed_at):
            said.add((account_id, pk, what))
        else:
            said.discard((account_id, pk, what))
    found: dict[int, frozenset[str]] = {}
    for account_id, _, what in said:
        found[account_id] = found.get(account_id, frozenset()) | {what}
    return found
