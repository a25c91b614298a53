"""What ties a case to others and who was taken out of it, as entries of a report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cases.ledger.models import LedgerEvent
from cases.reports.entries import Entry, lines
from cases.reports.records import Records
from cases.reports.words import Words, capital, moment

__all__ = ["detached", "links"]

ENDS = ("link", "link_from")


def links(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each link the case has had: with which case, who made and removed it, when and why."""
    for number, each in enumerate(records.links, 1):
        row = each.link
        gone = ", removed" if row.removed_at else ""
        one_way = "One way: the other case shows nothing of it." if each.is_one_way else None
        yield Entry(
            head=f"Link {number}: {each.label} {each.other.reference}{gone}",
            lines=lines(
                _said(records, words, "link.made", row.kind, row.made_by_id, row.made_at),
                _said(records, words, "link.removed", row.kind, row.removed_by_id, row.removed_at)
                if row.removed_at
                else None,
                one_way,
            ),
        )


def _said(records: Records, words: Words, verb: str, kind: str, by: int | None, at: datetime) -> str:
    """Return who did it and when, with the reason, which stands on one of the two cases."""
    who = words.people.get(by, "") if by else "the system"
    done = "Made" if verb == "link.made" else "Removed"
    reason = next(
        (
            reason
            for event, reason in zip(records.events, records.reasons, strict=True)
            if event.action == verb and event.at == at and kind in _ends(event) and reason
        ),
        None,
    )
    return f"{done} by {who}, {moment(at)}." + (f" Reason: {reason}" if reason else " No reason stands on this case.")


def _ends(event: LedgerEvent) -> set[str]:
    detail = event.content().get("detail", {})
    return {str(detail[name]) for name in ENDS if name in detail}


def detached(records: Records, words: Words) -> Iterator[Entry]:
    """Yield each person who was taken out: when, by whom, why, and how many were told to remove what they had."""
    verb = f"{records.case.kind}.detach"
    acts = {
        detail["person"]: (event, detail, reason)
        for event, reason in zip(records.events, records.reasons, strict=True)
        if event.action == verb and "person" in (detail := event.content().get("detail", {}))
    }
    for row, _ in records.parties:
        if not row.is_detached:
            continue
        nothing: tuple[LedgerEvent | None, dict[str, Any], str | None] = (None, {}, None)
        event, detail, reason = acts.get(row.number, nothing)
        proposed = f", proposed by {words.actor(detail['proposed_by'])}" if detail.get("proposed_by") else ""
        count = detail.get("notices", 0)
        yield Entry(
            head=capital(words.row("cases.caseparty", row.pk)),
            lines=lines(
                f"Detached {moment(event.at)} by {words.actor(event.actor)}{proposed}. Event {event.seq}."
                if event
                else None,
                f"Reason: {reason}" if reason else None,
                f"{count} {'recipient was' if count == 1 else 'recipients were'} told to remove what they had."
                if count
                else "Nobody outside had to be told.",
            ),
        )
