"""What a move of a sale writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases.debt.sale import (
    bids,
    bulk,
    codes,
    ending,
    guards,
    lines,
    looking,
    messages,
    moving,
    placed,
    prices,
    tapes,
)
from cases.kernel import actors, calendars, clocks
from cases.kernel.actors import Actor

__all__ = ["let_go"]


def _desk(context: Any) -> Actor:
    """Return who begins the work that follows: no person, so that the whole desk sees it and can go on with it."""
    return actors.system("debt_sale", source=context.case.source)


READY = "tape_made_ready"


def let_go(context: Any) -> None:
    """A sale that is given up keeps no account from another one."""
    bulk.start(context.case.debt_sale, "release_line", actor=_desk(context), at=context.at)


def offer(context: Any) -> None:
    """Give the bid tape to each buyer who was chosen."""
    case, at = context.case, context.at
    chosen = [agency for agency in bids.purchasers() if agency.code in context.inputs["bidders"]]
    messages.send_tape(case, tapes.standing(case.debt_sale, "bid"), chosen, actor=context.actor, at=at)


def prefer(context: Any) -> None:
    """Keep whose bid is preferred, and what was shown of that buyer."""
    sale, bid = context.case.debt_sale, guards.chosen_bid(context)
    if bid is not None:  # the guard has seen it
        sale.purchaser, sale.price_rate = bid.agency, bid.rate
    sale.diligence = _shown(context.inputs)
    sale.save(update_fields=["purchaser", "price_rate", "diligence"])


def look_at_buyer(context: Any) -> None:
    """Keep what was shown of the buyer anew; what was shown before stays in the history of the sale."""
    sale = context.case.debt_sale
    sale.diligence = _shown(context.inputs)
    sale.save(update_fields=["diligence"])


def _shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    shown = {code: bool(inputs.get(code)) for code in codes.DILIGENCE}
    return {**shown, "diligence_until": inputs["diligence_until"].isoformat()}


def sign(context: Any) -> None:
    """Keep what was agreed."""
    sale, days = context.case.debt_sale, ("agreement_date", "cut_off_date", "completion_date")
    names = (*days, "put_back_days", "pass_on_days")
    for name in names:
        setattr(sale, name, context.inputs[name])
    sale.save(update_fields=names)


def recall(context: Any) -> None:
    placed.recall_all(context.case.debt_sale, actor=_desk(context), at=context.at)


def withdraw_tape(context: Any) -> None:
    """A tape that is built again counts no more, nor does what was approved on it."""
    tape = tapes.standing(context.case.debt_sale, "final")
    tape.is_withdrawn = True
    tape.save(update_fields=["is_withdrawn"])


def complete(context: Any) -> None:
    """Sell what is left, and give the buyer the assignment and the tape, which who works in the background made ready
    before; each line gets its price, and its holders their notices, in the background. Raises LookRefused."""
    case, at, actor = context.case, context.at, context.actor
    sale, tape = case.debt_sale, tapes.standing(case.debt_sale, "final")
    looking.require_unchanged(case, actor=actor, at=at)
    sale.funds_pence, sale.funds_date = context.inputs["funds_pence"], context.inputs["funds_date"]
    sale.completed_date = calendars.london_date(at)
    sale.save(update_fields=["funds_pence", "funds_date", "completed_date"])
    ready = context.inputs.get(READY) or messages.make_ready(case, tape, sale.purchaser, actor=actor, at=at)
    messages.send_ready(case, tape, sale.purchaser, ready, actor=actor, at=at)
    assigned = {
        "reference": case.reference,
        "accounts": tape.row_count,
        "owed_pence": tape.total_pence,
        "amount_pence": prices.total(sale),
        "assigned_date": sale.completed_date.isoformat(),
        "tape_sha256": tape.sha256,
        "manifest_sha256": tape.manifest_sha256,
    }
    messages.send_assignment(case, sale.purchaser, assigned, people=tape.people_count, actor=actor, at=at)
    bulk.start(sale, "sell", actor=_desk(context), at=at)


def migrate(context: Any) -> None:
    """The window for claims runs from the completion, and the credit agencies are told of each account."""
    case, sale = context.case, context.case.debt_sale
    began = calendars.end_of_day(sale.completed_date)
    clocks.start(case, ending.WINDOW, started_at=began, until=lines.window_ends(sale))
    moving.start(sale, actor=_desk(context), at=context.at)


def settle(context: Any) -> None:
    """What did not come back is sold for good."""
    bulk.start(context.case.debt_sale, "settle", actor=_desk(context), at=context.at)
