"""What must be true before a sale moves. Each guard reads the context and returns why not, or None."""

from __future__ import annotations

from datetime import date
from typing import Any

from cases.debt.sale import bids, codes, ending, looking, moving, notices, placed, prices, tapes
from cases.debt.sale.models import SaleBid
from cases.kernel import calendars, money

__all__ = ["has_agreement"]


def is_looked_at(context: Any) -> str | None:
    """Every exclusion was asked of every account, and lately."""
    look = looking.newest(context.case.debt_sale)
    if look is None:
        return "The accounts were not looked at yet."
    if look.ended_at is None:
        return "The last look at the accounts has not ended."
    if look.ended_at < context.at - looking.FRESH:
        return "The accounts were not looked at within the last 24 hours."
    return None


def something_is_left(context: Any) -> str | None:
    """Something may be sold, and what was let go of when the sale was given up was looked at since it was reopened."""
    sale = context.case.debt_sale
    if looking.let_go(sale).exists():
        return "The sale was reopened: look at the accounts again."
    return None if looking.left(sale).exists() else "No account is left that may be sold."


def has_agreement(context: Any) -> bool:
    """Say whether an agreement with a buyer was signed: then one more person agrees to give the sale up."""
    return context.case.debt_sale.agreement_date is not None


def _tape(context: Any, kind: str) -> str | None:
    sale = context.case.debt_sale
    tape = tapes.newest(sale, kind)
    if tape is None:
        return "The tape was not made yet."
    if tape.made_at is None:
        return "The tape is not finished."
    if tape.lines_digest != looking.digest_of(sale):
        return "The accounts changed since the tape was made."
    return None


def has_bid_tape(context: Any) -> str | None:
    return _tape(context, "bid")


def has_final_tape(context: Any) -> str | None:
    return _tape(context, "final")


def names_bidders(context: Any) -> str | None:
    known = {agency.code for agency in bids.purchasers()}
    named = context.inputs.get("bidders")
    if not isinstance(named, list) or not named or not set(named) <= known:
        return "Choose the buyers who are given the tape."
    return None


def chosen_bid(context: Any) -> SaleBid | None:
    """Return the bid that is preferred, if it is one of this sale."""
    number = str(context.inputs.get("bid") or "")
    is_number = number.isascii() and number.isdecimal() and len(number) < 9
    return context.case.debt_sale.bids.filter(number=int(number)).first() if is_number else None


def names_a_bid(context: Any) -> str | None:
    return None if chosen_bid(context) else "Choose the bid that is preferred."


def buyer_was_looked_at(context: Any) -> str | None:
    """Everything that has to be true of a buyer was looked at, and holds for long enough."""
    inputs = context.inputs
    missing = [label for code, label in codes.DILIGENCE.items() if not inputs.get(code)]
    if inputs.get("has_permission") or not _has_regulated(context):
        missing = [label for label in missing if label != codes.DILIGENCE["has_permission"]]
    if missing:
        return f"This is not shown of the buyer yet: {'; '.join(missing)}."
    until = inputs.get("diligence_until")
    if not isinstance(until, date) or until < calendars.london_date(context.at):
        return "What was shown of the buyer does not hold any more."
    return None


def holds_until_completion(context: Any) -> str | None:
    """Once a day of the completion is agreed, what is shown of the buyer anew lasts until then."""
    day, until = context.case.debt_sale.completion_date, context.inputs.get("diligence_until")
    lasts = day is None or (isinstance(until, date) and until >= day)
    return None if lasts else "What was shown of the buyer does not hold until the completion."


def _has_regulated(context: Any) -> bool:
    return looking.left(context.case.debt_sale).filter(account__is_regulated_credit=True).exists()


def has_dates(context: Any) -> str | None:
    """The agreement, the cut-off and the completion follow each other, and what was shown of the buyer lasts."""
    days = [context.inputs.get(name) for name in ("agreement_date", "cut_off_date", "completion_date")]
    if not all(isinstance(day, date) for day in days):
        return "Give the days of the agreement, of the cut-off and of the completion."
    agreement, cut_off, completion = days
    if agreement > calendars.london_date(context.at):
        return "The agreement cannot be of a day to come."
    if not agreement <= cut_off <= completion:
        return "The cut-off follows the agreement, and the completion follows the cut-off."
    if completion > date.fromisoformat(context.case.debt_sale.diligence["diligence_until"]):
        return "What was shown of the buyer does not hold until the completion."
    return None


def has_window(context: Any) -> str | None:
    days = context.inputs.get("put_back_days")
    is_window = isinstance(days, int) and 0 < days <= codes.LONGEST_WINDOW
    return None if is_window else "Say for how many days a claim is taken."


def passes_payments_on(context: Any) -> str | None:
    days = context.inputs.get("pass_on_days")
    is_time = isinstance(days, int) and 0 < days <= codes.LONGEST_PASSING_ON
    return None if is_time else "Say within how many working days a payment to us is passed on."


def is_cut_off_day(context: Any) -> str | None:
    day = context.case.debt_sale.cut_off_date
    if day is None or calendars.london_date(context.at) < day:
        return f"The day of the cut-off is {day:%-d %B %Y}." if day else "No day of the cut-off is agreed."
    return None


def is_completion_day(context: Any) -> str | None:
    day = context.case.debt_sale.completion_date
    if day is None or calendars.london_date(context.at) < day:
        return f"The day of the completion is {day:%-d %B %Y}." if day else "No day of the completion is agreed."
    return None


def buyer_holds_still(context: Any) -> str | None:
    """A sale that is completed later than was agreed is completed only while what was shown of the buyer holds."""
    until = date.fromisoformat(context.case.debt_sale.diligence["diligence_until"])
    late = calendars.london_date(context.at) > until
    return (
        "What was shown of the buyer does not hold any more. Look at the buyer again, or abandon the sale."
        if late
        else None
    )


def nothing_changed(context: Any) -> str | None:
    """The exclusions were asked again since the tape was made, and the lines are those of the tape."""
    sale = context.case.debt_sale
    tape, look = tapes.newest(sale, "final"), looking.newest(sale)
    if tape is None or tape.made_at is None or look is None or look.ended_at is None:
        return "The tape is not finished."
    if look.ended_at <= tape.made_at:
        return "Look at the accounts again: the last look was before the tape was made."
    if look.digest != tape.lines_digest:
        return "The accounts changed since the tape was made. Build it again."
    return None


def funds_are_here(context: Any) -> str | None:
    """What came is the price, to the penny, and it came on a day that is not to come."""
    pence, day = context.inputs.get("funds_pence"), context.inputs.get("funds_date")
    if not isinstance(pence, int) or not isinstance(day, date) or day > calendars.london_date(context.at):
        return "Say how much came, and on which day."
    price = prices.total(context.case.debt_sale)
    return None if pence == price else f"The price is {money.pounds(price)}; this is {money.pounds(pence)}."


def everybody_has_notice(context: Any) -> str | None:
    count = notices.missing(context.case.debt_sale).count()
    return f"The holders of {count} accounts have no notice yet." if count else None


def default_dates_are_kept(context: Any) -> str | None:
    kept = moving.keeps_default_dates(context.case.debt_sale)
    return None if kept else "A default has another date than the account has. A sale never changes it."


def window_is_over(context: Any) -> str | None:
    if ending.is_window_open(context.case):
        return "The time for claims of the buyer is not over."
    return "A claim is open." if ending.has_open_claim(context.case) else None


def nothing_is_placed(context: Any) -> str | None:
    count = placed.still_placed(context.case.debt_sale).count()
    return f"{count} of the accounts stand with a recovery agency still." if count else None
