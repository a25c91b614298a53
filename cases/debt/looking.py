"""What stops an account that an agency has, or will have in a minute: the gate is asked as soon as something may have
changed, and every night.

As it is sent and accepted, as billing tells of it, and when a hold begins that was entered beforehand.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from cases.accounts.models import Account
from cases.debt import codes, effects, gate, opening, periods, takeout
from cases.debt.models import Placement
from cases.debt.moratorium import codes as regimes
from cases.kernel import accountholds, clocks, locks, record, tasks, transitions
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, Clock, Hold, Letter
from cases.ledger.reads import Reader

__all__ = ["HELD", "hold_elsewhere", "letter_due", "look", "look_at_held", "look_nightly", "look_now"]


def look_nightly(case: Case, clock: Clock, *, at: datetime) -> None:
    """Ask the gate about an account that an agency has, tell it to stop or to go on, and look again tomorrow."""
    actor = system("gate", source=case.source)
    with record.act(case, "placement.looked_at", actor=actor, at=at):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        if case.state in codes.AT_AGENCY:
            jurisdiction = case.placement.account.jurisdiction
            clocks.start(case, periods.NIGHTLY, started_at=at, jurisdiction=jurisdiction)
        clocks.refresh_due(case)
        case.save()
    if case.state in codes.AT_AGENCY:
        look(case, at=at)


def look(case: Case, *, at: datetime) -> None:
    """Ask the gate about an account that an agency has, and tell it to stop or to go on where that changed; what stops
    placing alone is for people, but not that it is promised to a buyer: the cut-off recalls it. Locks the case."""
    actor = system("gate", source=case.source)
    before = Placement.objects.get(pk=case.pk).stopped_by
    (stopped,) = opening.look_again([case.placement], actor=actor, at=at)
    placement = Placement.objects.get(pk=case.pk)
    is_held = effects.is_stopped(case, at=at) or any(code in HELD for code in stopped)
    if is_held and not placement.is_told_of_hold:
        _tell_to_stop(case, at=at)
    elif placement.is_told_of_hold and not is_held and case.state != "recall_requested":
        transitions.apply(case.pk, "tell_hold", actor=actor, at=at, inputs={"is_held": False})
    elif _is_for_people(case, set(stopped) - MORATORIA - {"in_sale"}, before=before):
        with record.act(case, "placement.stopped", actor=actor, at=at, detail={"stopped_by": stopped}):
            tasks.raise_task(effects.STOPPED, case=case, at=at, rules=stopped)


def _tell_to_stop(case: Case, *, at: datetime) -> None:
    """Tell an agency to stop; where no file can go, somebody rings it."""
    actor = system("gate", source=case.source)
    try:
        with transaction.atomic():
            transitions.apply(case.pk, "tell_hold", actor=actor, at=at, inputs={"is_held": True})
    except CaseError:
        if not case.tasks.filter(kind=effects.RING, closed_at=None).exists():
            with record.act(case, "placement.stopped", actor=actor, at=at):
                tasks.raise_task(effects.RING, case=case, at=at)


def _is_for_people(case: Case, stopped: set[str], *, before: Collection[str]) -> bool:
    """Say whether somebody has to look at what stops an account that an agency has. What a person has looked at and
    closed is not asked for again, night after night: only another rule is, or one that had ceased to apply."""
    if not stopped:
        return False
    last = case.tasks.filter(kind=effects.STOPPED).order_by("-pk").first()
    if last is None or last.closed_at is None:
        return last is None
    return bool(stopped - (set(last.detail.get("rules", [])) & set(before)))


# What ends by itself, or when we are notified: the agency stops, and keeps the account.
MORATORIA = {f"hold_{code}" for code, _ in regimes.REGIMES}
# What the gate finds that stops contact too, beside holds on the case itself.
HELD = frozenset(rule.code for rule in gate.RULES if rule.code.startswith("hold_") or rule.code == "policy_hold") | {
    *("deceased", "insolvent", "fraud_victim", "vulnerable", "minor"),
    *("complaint", "dispute", "adr"),
}


def look_now(case: Case, clock: Clock, *, at: datetime) -> None:
    """Ask the gate about an account that something may stop by now: its file that waits is kept from leaving, the
    agency that has it is told."""
    actor = system("gate", source=case.source)
    with record.act(case, "placement.looked_at", actor=actor, at=at):
        clocks.end_one(case, clock, at=at, state="met")
        clocks.refresh_due(case)
        case.save()
    _stop(case, at=at)


def hold_elsewhere(case: Case, hold: Hold, *, at: datetime) -> None:
    """Have the gate asked about accounts that a case names on which a hold is entered, in the next minute or when it
    begins. What a moratorium protects it tells by itself. Inside the current ledger action; a placement that somebody
    is working on at this moment is left to the night's look."""
    if case.kind == "debt_placement" or f"hold_{hold.kind}" in MORATORIA or gate.PLACE not in hold.blocks:
        return
    rows = Placement.objects.filter(pk__in=accountholds.beside(case), case__state__in=("released", *codes.AT_AGENCY))
    for row in rows.select_related("account").order_by("pk"):
        try:
            other = locks.another_for_update(row.pk)
        except CaseError:
            continue
        with record.act(other, "placement.hold_elsewhere", actor=system("gate", source=other.source), at=at):
            started_at = max(at, hold.began_at)
            clocks.start(other, periods.LOOK, started_at=started_at, jurisdiction=row.account.jurisdiction)
            other.version += 1
            other.save(update_fields=["version"])


def _stop(case: Case, *, at: datetime) -> None:
    if case.state == "released":
        _keep_file(case, at=at)
    elif case.state in codes.AT_AGENCY:
        look(case, at=at)


def _keep_file(case: Case, *, at: datetime) -> None:
    """Keep the waiting file of an account that something stops now from leaving. Locks the case."""
    actor = system("gate", source=case.source)
    (stopped,) = opening.look_again([case.placement], actor=actor, at=at)
    if stopped:
        with record.act(case, "placement.file_stopped", actor=actor, at=at):
            effects.stop_file(case, at=at)
            case.version += 1
            case.save()


def letter_due(letter: Letter, *, at: datetime) -> bool:
    """Say whether the letter that an agency collects is not to be written, since something stops that by now. Then it
    is taken back, and the file is kept or the agency told; it is asked for anew when the agency may go on."""
    if letter.template != effects.ASKED or letter.case.state not in ("released", *codes.AT_AGENCY):
        return False
    placement = Placement.objects.get(pk=letter.case_id)
    account = Account.objects.filter(pk=placement.account_id).prefetch_related("holders", "flags").get()
    reader = Reader(actor="gate", verb="check", purpose="placement", streams=(letter.case.uid,))
    (known,) = gate.candidates([account], reader=reader, at=at, own=[placement.pk])
    if HELD.isdisjoint(each.code for each in gate.judge(known)):
        return False
    with transaction.atomic():
        case = locks.case_for_update(letter.case_id)
        with record.act(case, "placement.letter_kept", actor=system("gate", source=case.source), at=at):
            takeout.take_letter_back(case, effects.ASKED)
            case.version += 1
            case.save(update_fields=["version"])
        _stop(case, at=at)
    return True


def look_at_held(placements: Collection[Placement], *, at: datetime) -> None:
    """Look at those accounts among what agencies have that something stops, and of which the agency was not told yet.
    Locks their cases. As many queries for any number of accounts that nothing stops."""
    rows = {row.account_id: row for row in placements if not row.is_told_of_hold}
    accounts = list(Account.objects.filter(pk__in=list(rows)).prefetch_related("holders", "flags"))
    if not accounts:
        return
    reader = Reader(actor="gate", verb="check", purpose="placement")
    own = [row.pk for row in rows.values()]
    for known in gate.candidates(accounts, reader=reader, at=at, own=own):
        if not HELD.isdisjoint(each.code for each in gate.judge(known)):
            look(locks.case_for_update(rows[known.account.pk].pk), at=at)
