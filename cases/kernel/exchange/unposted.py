"""Letters that are printed and still here: what is decided before the post house has one holds for it too."""

from __future__ import annotations

from datetime import datetime

from cases.kernel import outbox
from cases.kernel.models import Case, CaseParty, Letter

__all__ = ["take_back"]


def take_back(case: Case, *, at: datetime, party: CaseParty | None = None) -> None:
    """Make the printed letters of a locked case, or of one person in it, due again where nobody has tried to send them:
    whoever writes them looks anew at whether they may go. Inside the current ledger action; locks their messages."""
    printed = Letter.objects.filter(case=case, state="rendered").select_related("message")
    for letter in printed.filter(party=party) if party else printed:
        if letter.message is not None and outbox.take_back(letter.message, at=at):
            letter.state = "due"
            letter.save(update_fields=["state"])
