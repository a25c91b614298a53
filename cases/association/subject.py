"""What each of two linked people is told who asks: how the agencies have the link, and what they said themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from cases.association import bureaus, codes
from cases.association.models import LinkStatement
from cases.kernel.models import Case
from cases.kernel.papers import Item, filled, moment
from cases.ledger import sealing
from cases.ledger.sealing import Reader

__all__ = ["for_subject"]

_STATEMENTS = dict(codes.STATEMENTS)
_HOW = {**dict(codes.CHANNELS), **dict(codes.AGREEMENTS), "shown_by_document": "Shown by a document"}


def for_subject(case: Case, roles: Collection[str], *, reader: Reader, at: datetime) -> Sequence[Item]:
    """Return how each agency has the link, and every statement of one's own side, opened. Two queries and one access
    row; nothing of what the other person said."""
    said = list(LinkStatement.objects.filter(case=case, party_role__in=roles).order_by("said_at", "pk"))
    opened = sealing.open_rows(said, ("words",), reader=reader, at=at) if said else []
    agencies = [
        Item(
            head=f"how {row.agency.display_name} has it",
            rows=filled(
                ("How it stands", codes.LINK_STATES.get(row.state, row.state)),
                ("Its reference", row.agency_reference),
                ("Told", moment(row.told_at)),
                ("Since", moment(row.changed_at)),
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
