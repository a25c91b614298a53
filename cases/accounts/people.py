"""Who holds accounts, in the shape in which a case takes its people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cases.accounts.models import Account
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["people_of"]

_VALUES = ("forename", "surname", "date_of_birth", "phone", "email")
_PLACE = ("line_1", "town", "postcode")


def people_of(accounts: Sequence[Account], *, reader: Reader, at: datetime) -> dict[int, list[dict[str, Any]]]:
    """Return, by account, who holds it now, in order, in the shape parties.add takes. One access row for all."""
    holders = [
        each
        for account in accounts
        for each in sorted(account.holders.all(), key=lambda each: each.ordinal)
        if each.ended_date is None
    ]
    opened = sealing.open_rows(holders, [*_VALUES, *_PLACE], reader=reader, at=at) if holders else []
    found: dict[int, list[dict[str, Any]]] = {account.pk: [] for account in accounts}
    for holder, values in zip(holders, opened, strict=True):
        home = {name: values[name] or "" for name in _PLACE}
        found[holder.account_id].append(
            {
                "role": "debtor",
                "is_innocent": False,
                "source": "billing",
                "values": {name: values[name] for name in _VALUES},
                "addresses": [{**home, "kind": "current"}] if any(home.values()) else [],
            }
        )
    return found
