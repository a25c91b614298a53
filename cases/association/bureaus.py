"""How each credit reference agency has the link: told, asked, removed, and what is still open with which."""

from __future__ import annotations

from datetime import datetime

from cases.association import codes, messages
from cases.association.models import AgencyLink
from cases.kernel import outbox, releases, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections
from cases.kernel.models import Case, CaseParty, OutboxMessage

__all__ = [
    "ask_again",
    "is_held",
    "lacks_a_person",
    "link_of",
    "links",
    "remove_everywhere",
    "tell_everybody",
    "tell_rest",
    "turn",
    "unsaid",
]

# Whoever is in one of these may hold the link.
HOLDING = frozenset({"told", "recorded", "asked", "kept", "no_reply"})
# What is used is held by one agency at least.
HELD = "recorded"
_DONE_REMOVING = frozenset({"removed", "taken_back", "refused", "unanswered", "broken"})


def links(case: Case) -> list[AgencyLink]:
    """Return the link at each agency. One query."""
    return list(AgencyLink.objects.select_related("agency").filter(case=case).order_by("agency_id"))


def link_of(case: Case, agency_code: str) -> AgencyLink:
    """Return the link at one agency. Raises CaseError when it was never told."""
    row = AgencyLink.objects.select_related("agency").filter(case=case, agency__code=agency_code).first()
    if row is None:
        raise CaseError("This agency was never told of the link.")
    return row


def is_held(case: Case) -> bool:
    """Say whether an agency holds the link now. One query."""
    return AgencyLink.objects.filter(case=case, state=HELD).exists()


def lacks_a_person(case: Case) -> bool:
    """Say whether a wrong person was detached and one side of the link is empty. One query."""
    sides = CaseParty.objects.filter(case=case, is_detached=False).values("role").distinct()
    return sides.count() < len(codes.ROLES)


def turn(row: AgencyLink, state: str, *, at: datetime, reference: str = "") -> None:
    """Keep how one agency has the link now, inside the current ledger action."""
    row.state, row.changed_at = state, at
    row.agency_reference = reference[:80] or row.agency_reference
    row.save(update_fields=["state", "changed_at", "agency_reference"])


def tell_everybody(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise the link to every agency, inside the current ledger action. Raises NoChannel, ReleaseRefused: all are
    told the same, or none. From whom it was taken back before has its row already."""
    known = {row.agency_id: row for row in links(case)}
    for agency in messages.bureaus():
        message = messages.report(case, agency, actor=actor, at=at)
        row = known.get(agency.pk) or AgencyLink(case=case, agency=agency)
        row.state, row.told_at, row.changed_at, row.message_id = "told", at, at, message.public_id
        row.save()


def take_back_unsent(case: Case, *, at: datetime) -> None:
    """Take back what no agency was sent yet, inside the current ledger action."""
    for row in links(case):
        if row.state != "told" or row.message_id is None:
            continue
        message = OutboxMessage.objects.filter(case=case, public_id=row.message_id).first()
        if message is not None and outbox.take_back(message, at=at):
            turn(row, "taken_back", at=at)


def tell_rest(case: Case, *, actor: Actor, at: datetime) -> None:
    """Promise the link to whoever it was kept from while it was challenged. Raises NoChannel, ReleaseRefused."""
    for row in links(case):
        if row.state == "taken_back":
            message = messages.report(case, row.agency, actor=actor, at=at)
            row.message_id, row.told_at = message.public_id, at
            row.save(update_fields=["message_id", "told_at"])
            turn(row, "told", at=at)


def remove_everywhere(case: Case, *, reason: str, actor: Actor, at: datetime) -> None:
    """Ask every agency that may hold the link to take it off both files, inside the current ledger action. Whoever
    cannot be told by message becomes a task."""
    asked = 0
    for row in links(case):
        if row.state not in HOLDING:
            continue
        turn(row, "removing", at=at)
        try:
            messages.remove(case, row, reason=reason, actor=actor, at=at)
            asked += 1
        except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
            corrections.by_hand(case, row.agency.code, "removed", refusal=refusal, at=at)
    if asked:
        corrections.start_transmission(case, at=at)


def ask_again(case: Case, *, actor: Actor, at: datetime) -> int:
    """Ask each agency that has not said whether it broke the link, inside the current ledger action; return how
    many were asked. Whoever cannot be asked by message becomes a task."""
    silent = [row for row in links(case) if row.state == "asked"]
    for row in silent:
        row.chased_at = at
        row.save(update_fields=["chased_at"])
        try:
            messages.ask_result(case, row, actor=actor, at=at)
        except (releases.ReleaseRefused, outbox.NoChannel):
            tasks.raise_task("association_ask_by_hand", case=case, at=at, agency=row.agency.code)
    return len(silent)


def unsaid(case: Case) -> list[AgencyLink]:
    """Return the links whose removal an agency has not confirmed."""
    return [row for row in links(case) if row.state not in _DONE_REMOVING]


def has_time_left(case: Case) -> bool:
    """Say whether an agency still has time to answer the removal: it was neither chased nor refused it."""
    waiting = OutboxMessage.objects.filter(case=case, kind=messages.CRA_ASSOC_REMOVE.code, chased_at=None)
    return waiting.filter(state__in=["pending", "sending", "delivered"]).exists()
