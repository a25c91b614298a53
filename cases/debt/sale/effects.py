"""What a move of a sale writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from typing import Any

from cases.debt.sale import (
    bids,
    codes,
    ending,
    guards,
    lines,
    looking,
    messages,
    moving,
    notices,
    placed,
    prices,
    tapes,
)
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import calendars, clocks
from cases.ledger import api as ledger

__all__ = ["let_go"]

BATCH = 1000


def let_go(context: Any) -> None:
    """A sale that is given up keeps no account from another one."""
    rows = list(looking.left(context.case.debt_sale))
    for row in rows:
        row.state = "excluded"
    ledger.bulk_update(DebtSaleAccount, rows, ["state"], batch_size=BATCH)


def offer(context: Any) -> None:
    """Give the bid tape to each buyer who was chosen."""
    case, at = context.case, context.at
    chosen = [agency for agency in bids.purchasers() if agency.code in context.inputs["bidders"]]
    messages.send_tape(case, tapes.standing(case.debt_sale, "bid"), chosen, actor=context.actor, at=at)


def prefer(context: Any) -> None:
    """Keep whose bid is preferred, and what was shown of that buyer."""
    sale, bid, inputs = context.case.debt_sale, guards.chosen_bid(context), context.inputs
    if bid is not None:  # the guard has seen it
        sale.purchaser, sale.price_rate = bid.agency, bid.rate
    shown = {code: bool(inputs.get(code)) for code in codes.DILIGENCE}
    sale.diligence = {**shown, "diligence_until": inputs["diligence_until"].isoformat()}
    sale.save(update_fields=["purchaser", "price_rate", "diligence"])


def sign(context: Any) -> None:
    """Keep what was agreed."""
    sale, names = context.case.debt_sale, ("agreement_date", "cut_off_date", "completion_date", "put_back_days")
    for name in names:
        setattr(sale, name, context.inputs[name])
    sale.save(update_fields=names)


def recall(context: Any) -> None:
    placed.recall_all(context.case.debt_sale, actor=context.actor, at=context.at)


def withdraw_tape(context: Any) -> None:
    """A tape that is built again counts no more, nor does what was approved on it."""
    tape = tapes.standing(context.case.debt_sale, "final")
    tape.is_withdrawn = True
    tape.save(update_fields=["is_withdrawn"])


def complete(context: Any) -> None:
    """Sell every line at its price, and give the buyer the assignment and the tape. Raises LookRefused."""
    case, at, actor = context.case, context.at, context.actor
    sale, tape = case.debt_sale, tapes.standing(case.debt_sale, "final")
    looking.require_unchanged(case, actor=actor, at=at)
    sale.funds_pence, sale.funds_date = context.inputs["funds_pence"], context.inputs["funds_date"]
    sale.completed_date = calendars.london_date(at)
    sale.save(update_fields=["funds_pence", "funds_date", "completed_date"])
    rows = list(looking.left(sale))
    for row in rows:
        row.state, row.price_pence = "sold", prices.price_of(row.balance_pence, sale.price_rate)
    ledger.bulk_update(DebtSaleAccount, rows, ["state", "price_pence"], batch_size=BATCH)
    messages.send_tape(case, tape, [sale.purchaser], actor=actor, at=at)
    assigned = {
        "reference": case.reference,
        "accounts": len(rows),
        "owed_pence": sum(row.balance_pence for row in rows),
        "amount_pence": sum(row.price_pence or 0 for row in rows),
        "assigned_date": sale.completed_date.isoformat(),
        "tape_sha256": tape.sha256,
        "manifest_sha256": tape.manifest_sha256,
    }
    messages.send_assignment(case, sale.purchaser, assigned, people=tape.people_count, actor=actor, at=at)
    notices.start(sale, actor=actor, at=at)


def migrate(context: Any) -> None:
    """The window for claims runs from the completion, and the credit agencies are told of each account."""
    case, sale = context.case, context.case.debt_sale
    began = calendars.end_of_day(sale.completed_date)
    clocks.start(case, ending.WINDOW, started_at=began, until=lines.window_ends(sale))
    moving.start(sale, actor=context.actor, at=context.at)


def settle(context: Any) -> None:
    """What did not come back is sold for good."""
    rows = list(context.case.debt_sale.lines.filter(state="sold"))
    for row in rows:
        row.state = "transferred"
    ledger.bulk_update(DebtSaleAccount, rows, ["state"], batch_size=BATCH)
