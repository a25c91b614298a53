"""A person of a case who is not the person: detached, found by nothing any more, and everybody told before hears of it.

Once somebody outside was told, two people detach; before that, one does. The row stays on record, as detached.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, Q

from cases.kernel import approvals, casetypes, outbox, releases, tasks
from cases.kernel.exchange import corrections, unposted
from cases.kernel.finding import index
from cases.kernel.models import Case, CaseParty, OutboxMessage, PersonPair, Release
from cases.ledger import api as ledger

__all__ = [
    "BEYOND",
    "INSIDE_ALONE",
    "REASON",
    "detach_person",
    "has_told",
    "names_a_person",
    "needs_another",
    "set_apart",
    "told_by_filing",
    "was_told",
]

REASON = "wrong_person"
# Moves of a case of which nobody outside was told, and why not otherwise.
INSIDE_ALONE = frozenset({"void", "merge"})
BEYOND = "Somebody outside was told of this case. Take that back or correct it first."
# Whoever asked is answered, whoever they prove to be: UK GDPR Art 12(3).
ANSWERS = ("k10_request", "k10_extended")

LETTER_WENT = "letter_to_detached"
tasks.declare(
    {
        "detached_filed": "A person was detached: put right what an agency filed",
        LETTER_WENT: "A letter went to a person who was detached: tell them, and see whether it spoke of somebody else",
    },
    ended_by={"detached_filed": "This ends when the filing is amended or removed."},
)


def _person(context: Any) -> CaseParty | None:
    number = str(context.inputs.get("person", ""))
    wanted = context.case.parties.filter(is_detached=False)
    return wanted.filter(number=int(number)).first() if number.isdecimal() and len(number) < 5 else None


def names_a_person(context: Any) -> str | None:
    return None if _person(context) else "The case has no such person, or they are detached already."


def has_told(case_id: int) -> ExpressionWrapper[Any]:
    """Return the condition that somebody outside was, may have been, or is about to be told of a case: by a message, or
    by an answer or a telephone call, which leave a release alone."""
    messages = OutboxMessage.objects.filter(case=case_id).exclude(outbox.never_left())
    spoken = Release.objects.filter(case=case_id, message=None)
    return ExpressionWrapper(Q(Exists(messages)) | Q(Exists(spoken)), output_field=BooleanField())


def was_told(case: Case) -> bool:
    """Say whether somebody outside was told of a case, as `has_told` has it. One query."""
    return Case.objects.filter(pk=case.pk).filter(has_told(case.pk)).exists()


def needs_another(context: Any) -> bool:
    """Say whether detaching needs a second person here."""
    return was_told(context.case)


def told_by_filing(case: Case, party: CaseParty) -> list[Release]:
    """Return what left the firm about a person and is put right by the family's own messages, not by a notice."""
    left = Release.objects.filter(case=case, people__party=party).exclude(outbox.never_left("message__"))
    rows = left.select_related("recipient")
    own = {code for code, kind in releases.KINDS.items() if kind.put_right_by == "family"}
    return [row for row in rows.distinct().order_by("pk") if row.message_kind in own]


def set_apart(party: CaseParty, *, at: Any) -> None:
    """Detach a person, inside the current ledger action on a locked case: addresses too, out of the search and of any
    join; what ran for them alone ends, but for the month in which they are to be answered, and no letter to them that
    is still here is posted."""
    party.is_detached, party.party = True, None
    party.save(update_fields=["is_detached", "party"])
    for place in party.addresses.filter(is_detached=False):
        place.is_detached = True
        place.save(update_fields=["is_detached"])
    unposted.take_back(party.case, at=at, party=party)
    index.forget_people([party.pk])
    for clock in party.clocks.filter(ended_at=None).exclude(rule__in=ANSWERS):
        clock.state, clock.ended_at = "cancelled", at
        clock.save(update_fields=["state", "ended_at"])
    joined = PersonPair.objects.filter(Q(first=party) | Q(second=party), state="joined")
    joined.update(state="rejected", decided_at=at)


def detach_person(context: Any) -> None:
    """Set the person apart, tell every earlier recipient to remove what it was told, ask somebody about letters that
    went to them, and void what was to be agreed."""
    case, party, at = context.case, _person(context), context.at
    if party is None:
        return
    filed = told_by_filing(case, party)
    sent = corrections.send(case, "removed", reason=REASON, actor=context.actor, at=at, party=party)
    casetypes.tell("marker_taken_back", party, at=at)  # as long as it is known who they are elsewhere
    set_apart(party, at=at)
    # What nobody had tried to send is taken back by now; the others may be with somebody whom they do not concern.
    if party.letters.filter(state__in=["rendered", "dispatched"]).exists():
        tasks.raise_task(LETTER_WENT, case=case, at=at, person=party.number)
    for agency in dict.fromkeys(row.recipient.code for row in filed):
        tasks.raise_task("detached_filed", case=case, at=at, agency=agency, person=party.number)
    casetypes.get(case.kind).changed(case, at=at)
    voided = approvals.void_if_changed(case, at=at)
    detail = {"person": party.number, "notices": len(sent)} | ({"approvals_voided": len(voided)} if voided else {})
    ledger.current().detail.update(detail)
