"""What each of two linked people is told who asks: how the agencies have the link, and what they said themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from cases.association import bureaus, codes
from cases.association.models import LinkStatement
from cases.kernel.models import Case
from cases.kernel.outputs.papers import Item, filled, moment
from cases.ledger import sealing
from cases.ledger.sealing import Reader

__all__ = ["STATES", "for_subject"]

# Neither of the two hears from us that the other denies the link or asks to break it: only that it is not used.
STATES = dict.fromkeys(("challenged", "break_requested", "signposted"), "Not used at present")

_STATEMENTS = dict(codes.STATEMENTS)
_HOW = {**dict(codes.CHANNELS), **dict(codes.AGREEMENTS), "shown_by_document": "Shown by a document"}


def for_subject(case: Case, roles: Collection[str], *, reader: Reader, at: datetime) -> Sequence[Item]:
    """Return how each agency has the link, and every statement of one's own side, opened. Two queries and one access
    row; nothing of what the other person said."""
    said = list(LinkStatement.objects.filter(case=case, party_role__in=roles).order_by("said_at", "pk"))
    opened = sealing.open_rows(said, ("words",), reader=reader, at=at) if said else []
    # What an agency was asked since would say that the other person asked.
    is_told = case.state not in STATES or any(row.says in (codes.DENIES, codes.ASKS_BREAK) for row in said)
    agencies = [
        Item(
            head=f"how {row.agency.display_name} has it",
            rows=filled(
                ("How it stands", codes.LINK_STATES.get(row.state, row.state) if is_told else ""),
                ("Its reference", row.agency_reference),
                ("Told", moment(row.told_at)),
                ("Since", moment(row.changed_at) if is_told else ""),
            ),
        )
        for row in bureaus.links(case)
    ]
    statements = [
        Item(
            head="what you said",
            rows=filled(
                ("When", moment(row.said_at)),
                ("You", _STATEMENTS.get(row.says, row.says)),
                ("How", _HOW.get(row.how, row.how)),
                ("In your words", values["words"]),
            ),
        )
        for row, values in zip(said, opened, strict=True)
    ]
    return [*agencies, *statements]
