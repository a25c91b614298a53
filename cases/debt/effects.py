"""What a move of a placement writes, inside the same transaction and the same ledger event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cases.debt import codes, heard, messages, opening, periods, remitting, takeout
from cases.kernel import casetypes, clocks, holds, money, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.exchange import letters
from cases.kernel.models import Approval, BatchFile, Case, CaseParty, Hold, Letter, Task
from cases.kernel.timing import places

__all__ = ["RECALL_LATE", "REJECTED", "hold_began"]

REJECTED, RECALL_LATE, STOPPED = "placement_rejected", "placement_recall_late", "placement_stopped_at_agency"
COMPLAINT, RING = heard.COMPLAINT, "placement_tell_by_hand"
UPDATE, GIVEN_UP = "placement_update_by_hand", "placement_given_up"
RECALL_BY_HAND = periods.RECALL_BY_HAND
BY_HAND, NOT_BOOKED = "placement_write_by_hand", "placement_not_booked"
_REPORTED = {
    "complaint": "a complaint; nobody collects until this is closed and billing has told of the account again",
    "call": "it called",
    "letter": "it wrote",
    "visit": "it came to the door",
    "text": "it sent a text message",
    "email": "it sent an e-mail",
}
tasks.declare(
    {
        REJECTED: "A recovery agency rejected an account: look why",
        RECALL_LATE: "A recovery agency has not confirmed a recall: ring them",
        STOPPED: "An account that an agency has is excluded now: recall it, or say why it stays",
        COMPLAINT: "A recovery agency reports a complaint or something it did in spite of a stop",
        UPDATE: "Bring a recovery agency up to date by hand: its account has other holders, or no file can go",
        GIVEN_UP: "A recovery agency gave an account up: hand it to the next one, or recall it",
        RING: "A recovery agency could not be told to stop: ring them",
        RECALL_BY_HAND: "A recovery agency could not be told that an account is recalled: tell them by hand",
        NOT_BOOKED: "Billing has not booked what an agency collected long ago: ask it, and close this once it has",
        BY_HAND: "Tell somebody who holds the account of the agency by hand: no letter can go to them",
    },
    ended_by={RECALL_LATE: "This ends when the agency confirms that it has stopped, or somebody notes that it has."},
    more={
        COMPLAINT: lambda detail: _REPORTED.get(str(detail.get("code")), ""),
        NOT_BOOKED: lambda detail: money.pounds(detail["pence"]) if "pence" in detail else "",
    },
)
ASKED = "placement_n6"
NOTICES = {"n6": "We have asked an agency to collect what you owe", "n8": "An agency collects no more from you"}
LETTERS = tuple(
    letters.Template(
        code=f"placement_{code}",
        version=1,
        label=label,
        template=f"cases/debt/letters/{code}.html",
        effective_from=periods.CLOCKS[0].effective_from,
        says=("account_reference",),
    )
    for code, label in NOTICES.items()
)


def write(case: Case, template: str, *, at: datetime) -> None:
    """Ask for a letter to everybody of the case, inside the current ledger action; somebody writes by hand to whomever
    none reaches."""
    for party in CaseParty.objects.filter(case=case, is_detached=False).order_by("number"):
        if party.surname is not None and places.is_reached(party):
            letters.request(case, party, template=template, at=at)
        else:
            tasks.raise_task(BY_HAND, case=case, at=at, letter=template, person=party.number)


def release(context: Any) -> None:
    """Enter what leaves in the register."""
    case, at = context.case, context.at
    batch = case.placement.batch
    rows = BatchFile.objects.select_related("message", "channel")
    file = context.inputs.get("file") or rows.get(uid=case.placement.file_uid)
    row = context.inputs.get("row") or messages.place([case.placement], actor=context.actor, at=at)[0]
    messages.register(case, messages.DCA_PLACE, row, agency=batch.agency, file=file, actor=context.actor, at=at)
    placement = case.placement
    placement.seen_pence, placement.told_digest = placement.balance_pence, str(context.inputs.get("people") or "")
    placement.save(update_fields=["seen_pence", "told_digest"])


def watch(context: Any) -> None:
    """The agency has it: from now on holds are looked at every night."""
    case, jurisdiction = context.case, context.case.placement.account.jurisdiction
    if not case.clocks.filter(rule=periods.NIGHTLY, ended_at=None).exists():
        clocks.start(case, periods.NIGHTLY, started_at=context.at, jurisdiction=jurisdiction)


def proposal_ended(case: Case, approval: Approval, *, at: datetime) -> None:
    """A settlement that no manager will agree to is a difference: somebody says what becomes of the money."""
    if approval.act == remitting.SETTLE:
        remitting.not_agreed(case, is_refused=approval.outcome == "refused", at=at)


def end_watch(context: Any) -> None:
    for rule in (periods.LOOK, periods.NIGHTLY, periods.RECALL, periods.STOP):
        clocks.meet(context.case, rule, at=context.at)
    tasks.close_all(context.case, STOPPED, actor=context.actor, at=context.at)
    for kind in (RECALL_LATE, RECALL_BY_HAND):
        tasks.close_all(context.case, kind, actor=context.actor, at=context.at)


def ask_why(context: Any) -> None:
    end_watch(context)
    tasks.raise_task(REJECTED, case=context.case, at=context.at)


def recall(context: Any) -> None:
    """Tell the agency to cease all activity; where no file can go, as to one that has ended, somebody tells it."""
    case, at = context.case, context.at
    try:
        with transaction.atomic():
            messages.tell(case, messages.DCA_RECALL, actor=context.actor, at=at, reason="recalled")
    except CaseError:
        tasks.raise_task(RECALL_BY_HAND, case=case, at=at)
    clocks.start(case, periods.RECALL, started_at=at, jurisdiction=case.placement.account.jurisdiction)
    tasks.close_all(case, STOPPED, actor=context.actor, at=at)


def say_recalled(context: Any) -> None:
    end_watch(context)
    write(context.case, "placement_n8", at=context.at)


def learn(context: Any) -> None:
    """The agency knows why it ends: billing has to note it, and nobody else gets the account meanwhile."""
    end_watch(context)
    what = heard.BY_STATE.get(context.transition.target) or heard.BY_RETURN.get(str(context.inputs.get("code")))
    if what:
        heard.ask_billing(context.case, what, account=context.case.placement.account, at=context.at)


def settle(context: Any) -> None:
    """It is settled for less: what was let off is still on the account."""
    learn(context)
    add(context.case, context.inputs, at=context.at, said_at=context.occurred_at)


def book(context: Any) -> None:
    """Add what the agency collected and keeps of it."""
    end_watch(context)
    add(context.case, context.inputs, at=context.at, said_at=context.occurred_at)


def add(case: Case, told: Mapping[str, Any], *, at: datetime, said_at: datetime) -> None:
    """Add a remittance to a placement and mark its line as booked, inside the current ledger action on the case."""
    placement = case.placement
    said = remitting.said_of(case, told, day=remitting.day_of(said_at, came_at=at))
    placement.collected_pence += said.amount
    placement.commission_pence += said.commission
    placement.vat_pence += said.vat
    placement.save(update_fields=["collected_pence", "commission_pence", "vat_pence"])
    remitting.book(case, said, str(told.get("callback") or ""), at=at)


def tell_hold(context: Any) -> None:
    say_held(context.case, context.inputs.get("is_held") is True, actor=context.actor, at=context.at)


def say_held(case: Case, is_held: bool, *, actor: Any, at: datetime) -> None:
    """Tell the agency to stop or that it may go on, inside the current ledger action on a locked case. A stop that has
    not arrived when its time is over is told by telephone."""
    kind = messages.DCA_HOLD if is_held else messages.DCA_RELEASE
    messages.tell(case, kind, actor=actor, at=at)
    knows(case, actor=actor, at=at)
    if not is_held:
        write_who_asks(case, at=at)
    else:
        clocks.start(case, periods.STOP, started_at=at, jurisdiction=case.placement.account.jurisdiction)
    placement = case.placement
    placement.is_told_of_hold = is_held
    placement.save(update_fields=["is_told_of_hold"])


def write_who_asks(case: Case, *, at: datetime) -> None:
    """Ask for the letter that an agency collects, inside the current ledger action: once the file has left and nothing
    stops it, or when the agency may go on, and once for each time that the account is handed over (domain 5A.5)."""
    since = remitting.batch_of(case).released_at or at
    told = Letter.objects.filter(case=case, template=ASKED, requested_at__gte=since).exclude(state="withdrawn")
    if not told.exists():
        write(case, ASKED, at=at)


def knows(case: Case, *, actor: Actor, at: datetime) -> None:
    """Nobody has to ring the agency any more, inside the current ledger action on a locked case."""
    clocks.meet(case, periods.STOP, at=at)
    tasks.close_all(case, RING, actor=actor, at=at)


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """A hold that stops contact or enforcement is passed on to the agency in the same act. Which it is, is not said.

    A hold stands whether or not the agency can be told: where no file can go, somebody rings them.
    """
    if hold.began_at > at and case.state in codes.OUT:
        jurisdiction = case.placement.account.jurisdiction
        clocks.start(case, periods.LOOK, started_at=hold.began_at, jurisdiction=jurisdiction)
    if case.state == "released" and "place" in hold.blocks and hold.began_at <= at:
        stop_file(case, at=at)
    is_stop = not {"contact", "enforce"}.isdisjoint(hold.blocks) and hold.began_at <= at
    if is_stop and case.state in codes.AT_AGENCY and not case.placement.is_told_of_hold:
        _stop_or_ring(case, at=at)


def _stop_or_ring(case: Case, *, at: datetime) -> None:
    try:
        with transaction.atomic():
            say_held(case, True, actor=system("placement", source=case.source), at=at)
    except CaseError:
        tasks.raise_task(RING, case=case, at=at)


def needs_support(case: Case, *, at: datetime) -> None:
    """The agency heard that the customer needs support: it stops, and nobody else gets the account until billing has
    noted it, inside the current ledger action on the locked case. Which need it is, nobody says here (domain 5A.3)."""
    _stop_for(case, at=at)
    about = {"what": "vulnerable", "account": case.placement.account_id}
    if not case.tasks.filter(kind=heard.TO_NOTE, detail__contains=about, closed_at=None).exists():
        heard.ask_billing(case, "vulnerable", account=case.placement.account, at=at)


def complains(case: Case, *, at: datetime) -> None:
    """The agency heard a complaint: it stops, as for one that we hear, and nobody else gets the account until somebody
    has looked at it and billing has told of the account again, inside the current ledger action on the locked case."""
    _stop_for(case, at=at)
    account = case.placement.account_id
    tasks.raise_task(COMPLAINT, case=case, at=at, code="complaint", what="complaint", account=account)


def _stop_for(case: Case, *, at: datetime) -> None:
    if case.state in codes.AT_AGENCY and not case.placement.is_told_of_hold:
        _stop_or_ring(case, at=at)


def stop_file(case: Case, *, at: datetime) -> None:
    """Keep a file that has not left from leaving: in the next minute the account is taken out of it, or it is promised
    anew. Inside the current ledger action on the locked case."""
    if takeout.stop(case, at=at) and not case.clocks.filter(rule=periods.PULL, ended_at=None).exists():
        clocks.start(case, periods.PULL, started_at=at, jurisdiction=case.placement.account.jurisdiction)


def pull(context: Any) -> None:
    """Take the account out of the file: the rest goes as another. A letter that an agency has it waits only where an
    earlier release asked for it before the file had left."""
    case, at = context.case, context.at
    clocks.meet(case, periods.PULL, at=at)
    if not takeout.is_given_up(case):  # nobody has such a file, and the rest of it is taken out as well
        if not takeout.stop(case, at=at):
            raise takeout.HasLeft
        takeout.promise_anew(case, actor=context.actor, at=at, is_out=True)
    takeout.take_letter_back(case, ASKED)


def reopened(context: Any) -> None:
    """A placement that is opened again is in no batch and no file: the next batch of its account takes it in."""
    row = context.case.placement
    row.batch, row.file_uid, row.told_digest, row.is_told_of_hold = None, None, "", False
    row.save(update_fields=["batch", "file_uid", "told_digest", "is_told_of_hold"])


def tell_if_held(context: Any) -> None:
    """The agency has it now: the customer is told who will ask them; what was held while the file was on its way, the
    agency is told at once, and the customer when it may go on. Where it cannot be told, somebody rings it."""
    case, at = context.case, context.at
    watch(context)
    if is_stopped(case, at=at):
        _stop_or_ring(case, at=at)
    else:
        write_who_asks(case, at=at)


def transfer(context: Any) -> None:
    """The account goes to the next agency: it is chosen anew, and the exclusions are asked again."""
    end_watch(context)
    tasks.close_all(context.case, GIVEN_UP, actor=context.actor, at=context.at)
    opening.next_tier(context.case, at=context.at)


def rung(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody told the agency to stop by telephone."""
    clocks.meet(case, periods.STOP, at=at)
    placement = case.placement
    placement.is_told_of_hold = True
    placement.save(update_fields=["is_told_of_hold"])
    has_stopped(case, at=at)


def is_booked(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody says that billing has what the agency collected: it is off the balance by billing's own count."""
    placement = case.placement
    placement.booked_pence = placement.collected_pence
    placement.save(update_fields=["booked_pence"])


def has_stopped(case: Case, *, at: datetime) -> None:
    """Let whoever waited for it know that the agency has learned that it must stop."""
    for casetype in casetypes.all_types():
        if follow := casetype.reacts.get("agency_stopped"):
            follow(case, at=at)


def is_stopped(case: Case, *, at: datetime) -> bool:
    """Say whether a hold on the case stops contact or enforcement. Four queries."""
    return any(holds.blocks(case, block, at=at) for block in ("contact", "enforce"))
