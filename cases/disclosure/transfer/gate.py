"""How the cases of one recipient set what the register of agencies says of it: the gate asks the register alone.

For each country the newest decision counts. One that is proposed or lapsed blocks the recipient whole; of those
approved the earliest review date ends what may be sent. That a new one is refused does not undo a lapse: the recipient
may have our data there still, until a new one is approved or found to have ended.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime

from cases.disclosure.transfer.models import Transfer
from cases.kernel.actors import system
from cases.kernel.exchange import agencies, agreements
from cases.kernel.exchange.agreements import Standing
from cases.kernel.models import Agency, Case

__all__ = ["is_pending", "stand"]

_COUNTS = ("proposed", "approved", "lapsed", "refused", "ended")
_BLOCKS = ("proposed", "lapsed")


def is_pending(agency: Agency, country: str, *, but: int | None = None) -> bool:
    """Say whether a transfer to a recipient in a country is proposed or approved already."""
    rows = Transfer.objects.filter(recipient=agency.code, country=country)
    return rows.filter(case__state__in=("proposed", "approved")).exclude(pk=but).exists()


def stand(case: Case, *, at: datetime) -> None:
    """Enter in the register how the recipient of a locked case stands, inside the current ledger action.

    Locks the recipient's terms, so that two cases of one recipient do not overwrite each other; one act of the
    recipient's own stream, none where nothing changes. So it does with every other recipient that waits: a correction
    of the case may have named another before. All are locked first, in the order of their ids, so that two cases never
    wait for each other.
    """
    waiting = Agency.objects.filter(terms__isnull=False).exclude(terms__transfer_waits_for="")
    found = {each.pk: each for each in (agencies.get(case.transfer.recipient), *waiting)}
    by = system("transfers", source=case.source)
    with ExitStack() as held:
        for _, agency in sorted(found.items()):
            held.enter_context(agreements.locked(agency))
        for _, agency in sorted(found.items()):
            agreements.set_standing(agency, _standing(case, agency), actor=by, at=at)


def _standing(case: Case, agency: Agency) -> Standing:
    """Return what the cases of one recipient say of it. Safeguard and assessment are those of the country in which it
    is established, else of the transfer that is reviewed first."""
    newest = _newest(case, agency)
    approved = [row for row in newest.values() if _state(row, case) == "approved"]
    approved.sort(key=lambda row: (row.country != agency.country, row.review_date))
    return Standing(
        waits_for=next((row.country for row in newest.values() if _state(row, case) in _BLOCKS), ""),
        safeguard=approved[0].mechanism if approved else "",
        tra_reference=approved[0].assessment if approved else "",
        until_date=min((row.review_date for row in approved if row.review_date), default=None),
        covers_home=agency.country in {row.country for row in approved},
    )


def _state(row: Transfer, case: Case) -> str:
    """The case at hand has moved and is not written yet."""
    return case.state if row.pk == case.pk else row.case.state


def _newest(case: Case, agency: Agency) -> dict[str, Transfer]:
    """Return the newest row that counts, by country. A lapsed one counts until one is approved or ended after it."""
    newest: dict[str, Transfer] = {}
    for row in Transfer.objects.filter(recipient=agency.code).select_related("case").order_by("pk"):
        state, before = _state(row, case), newest.get(row.country)
        is_undone = state == "refused" and before is not None and _state(before, case) == "lapsed"
        if state in _COUNTS and not is_undone:
            newest[row.country] = row
    return newest
