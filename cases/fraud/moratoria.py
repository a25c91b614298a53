"""Somebody of a referral is in Breathing Space: a debt that fraud made is not eligible for it, so we ask for a review.

The moratorium stops contact and enforcement, as its hold says; it does not stop a filing.
"""

from __future__ import annotations

from datetime import datetime

from cases.kernel import accountholds, clocks, locks, record, tasks
from cases.kernel.actors import system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Hold, Task

__all__ = ["ENDED_BY_HAND", "TASKS", "asked", "hold_began", "hold_elsewhere"]

CLOCK, TASK = "k14_ask_review", "fraud_ask_review"
clocks.due_with(CLOCK, TASK)
TASKS = {TASK: "A moratorium: ask the money adviser to review it, since a debt made by fraud is not eligible"}
MORATORIA = frozenset({"breathing_space", "mental_health_crisis"})
KIND = "fraud_referral"
# Whose account it may be: a debt that somebody else made by fraud in their name is eligible (SI 2020/1311 reg 5(4)(c)).
DEBTORS = ("applicant", "account_holder", "director")


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """Start the days in which a creditor may ask for a review (K14) and ask somebody to, inside the current ledger
    action on a locked case. It is a moratorium of the law of England and Wales wherever the person lives by what we
    know. Nothing follows from a moratorium of somebody innocent, or on a case that has ended."""
    is_innocent = hold.party is not None and hold.party.is_innocent
    if hold.kind not in MORATORIA or is_innocent or case.is_closed:
        return
    clock = clocks.start(case, CLOCK, started_at=hold.began_at, party=hold.party, jurisdiction="eaw")
    tasks.raise_task(TASK, case=case, at=at, due_at=clock.due_at, hold=hold.pk)
    clocks.refresh_due(case)


def hold_elsewhere(case: Case, hold: Hold, *, at: datetime) -> None:
    """A moratorium began on a case of another kind that names the account of an open referral: where the referral says
    that whoever has the account made the debt by fraud, ask its desk, inside the current ledger action. What the other
    case is the referral does not say. One that somebody is working on at this moment is passed over."""
    if hold.kind not in MORATORIA or case.kind == KIND:
        return
    holders = CaseParty.objects.filter(role__in=DEBTORS, is_innocent=False, is_detached=False)
    known = Case.objects.filter(pk__in=accountholds.beside(case), kind=KIND, is_closed=False, is_restricted=False)
    for pk in known.filter(pk__in=holders.values("case")).order_by("pk").values_list("pk", flat=True):
        try:
            other = locks.another_for_update(pk)
        except CaseError:
            continue
        if not Task.objects.filter(case=other, kind=TASK, closed_at=None).exists():
            _ask(other, began_at=hold.began_at, at=at)


def _ask(case: Case, *, began_at: datetime, at: datetime) -> None:
    with record.act(case, "fraud_referral.moratorium", actor=system("moratoria", source=case.source), at=at):
        clock = clocks.start(case, CLOCK, started_at=began_at, jurisdiction="eaw")
        tasks.raise_task(TASK, case=case, at=at, due_at=clock.due_at)
        clocks.refresh_due(case)
        case.version += 1
        case.save()


def asked(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody asked the adviser, or says why not: the period for it is met."""
    clocks.meet(case, CLOCK, at=at)
    clocks.refresh_due(case)


ENDED_BY_HAND = {TASK: asked}
