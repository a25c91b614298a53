"""What buyers offer for a pool. Whoever was given the bid tape may bid; what they offer is noted by hand."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from cases.debt.sale import looking
from cases.debt.sale.models import DebtSale, SaleBid
from cases.kernel import calendars, locks, policy, record
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.models import Agency, Case, Release
from cases.ledger import api as ledger

__all__ = ["ACT", "BidRefused", "bidders", "note", "purchasers"]

ACT = "note_bid"
# Above this a pound of debt would cost a pound: a slip of the pen.
MOST = 9999


class BidRefused(CaseError):
    """The bid cannot be noted; the message is fit to show."""


def purchasers() -> list[Agency]:
    """Return the buyers of debts in the register. One query."""
    return list(Agency.objects.filter(kind="purchaser", is_active=True).order_by("display_name"))


def bidders(case: Case) -> list[Agency]:
    """Return the buyers who were given the bid tape of a sale. One query."""
    given = Release.objects.filter(case=case, message_kind="bid_tape").values("recipient")
    return list(Agency.objects.filter(pk__in=given).order_by("display_name"))


@transaction.atomic
def note(
    case: Case,
    agency_code: str,
    rate: int,
    received: date,
    *,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> SaleBid:
    """Note what a buyer offers. Locks the case; one act. Raises NotAllowed, BidRefused."""
    policy.require(actor, ACT, case=case)
    case = locks.case_for_update(case.pk)
    sale = DebtSale.objects.get(pk=case.pk)
    if case.state != "bidding":
        raise BidRefused("Bids are noted while the sale is out for bids.")
    agency = next((each for each in bidders(case) if each.code == agency_code), None)
    if agency is None:
        raise BidRefused("Only a buyer who was given the bid tape bids.")
    if not 0 < rate <= MOST:
        raise BidRefused("Write how many pence are offered for each pound that is owed.")
    if received > calendars.london_date(at):
        raise BidRefused("A bid cannot have come after today.")
    number = sale.bids.count() + 1
    with record.act(case, "debt_sale.bid_noted", actor=actor, at=at, request=request, detail={"bid": number}):
        bid = SaleBid.objects.create(
            sale=sale,
            agency=agency,
            number=number,
            rate=rate,
            received_date=received,
            noted_by_id=looking.person(actor),
            noted_at=at,
        )
        looking.touch(case, at=at)
    return bid
