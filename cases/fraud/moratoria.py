"""Somebody of a referral is in Breathing Space: a debt that fraud made is not eligible for it, so we ask for a review.

The moratorium stops contact and enforcement, as its hold says; it does not stop a filing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from cases.kernel import accountholds, clocks, holds, jobs, locks, policy, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Clock, Hold, Job, Task

__all__ = ["ENDED_BY_HAND", "TASKS", "ask_no_more", "asked", "hold_began", "hold_elsewhere"]

CLOCK, TASK = "k14_ask_review", "fraud_ask_review"
clocks.due_with(CLOCK, TASK)
TASKS = {TASK: "A moratorium: ask the money adviser to review it, since a debt made by fraud is not eligible"}
MORATORIA = frozenset({"breathing_space", "mental_health_crisis"})
KIND, LOOK = "fraud_referral", "fraud_moratoria"
# No period in which a review may be asked for is longer: what began before is not looked at.
LONGEST = timedelta(days=40)
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
    case is the referral does not say. One that somebody is working on at this moment is asked by work of its own right
    after."""
    if hold.kind not in MORATORIA or case.kind == KIND:
        return
    for pk in _of_the_account(case):
        try:
            other = locks.another_for_update(pk)
        except locks.CaseBusy:
            jobs.start(LOOK, actor=system("moratoria", source=case.source), at=at, params={"hold": hold.pk})
            return
        except CaseError:
            continue
        _ask_once(other, hold, at=at)


def _of_the_account(case: Case) -> list[int]:
    """Return the ids of open referrals of an account that a case names, where whoever has the account did it."""
    holders = CaseParty.objects.filter(role__in=DEBTORS, is_innocent=False, is_detached=False)
    known = Case.objects.filter(pk__in=accountholds.beside(case), kind=KIND, is_closed=False, is_restricted=False)
    return list(known.filter(pk__in=holders.values("case")).order_by("pk").values_list("pk", flat=True))


def _ask_once(case: Case, hold: Hold, *, at: datetime) -> bool:
    """Ask for a review unless somebody is asked already, or was within the days in which a creditor may ask (K14): one
    moratorium may hold several cases. Say whether it was asked."""
    if _is_asked(case.pk, at=at):
        return False
    with record.act(case, "fraud_referral.moratorium", actor=system("moratoria", source=case.source), at=at):
        clock = clocks.start(case, CLOCK, started_at=hold.began_at, jurisdiction="eaw")
        tasks.raise_task(TASK, case=case, at=at, due_at=clock.due_at)
        clocks.refresh_due(case)
        case.version += 1
        case.save()
    return True


def _is_asked(case_id: int, *, at: datetime) -> bool:
    within = Clock.objects.filter(case=case_id, rule=CLOCK, due_at__gte=at)
    return within.exists() or Task.objects.filter(case=case_id, kind=TASK, closed_at=None).exists()


def _elsewhere(*, at: datetime) -> QuerySet[Hold]:
    """Return the moratoria on open cases of other kinds of which a review may still be asked for."""
    held = Hold.objects.filter(holds.in_force(at), kind__in=MORATORIA, began_at__gte=at - LONGEST)
    return held.filter(case__is_closed=False, case__is_restricted=False).exclude(case__kind=KIND).order_by("pk")


def _to_look_at(job: Job) -> Iterator[str]:
    """List as "referral:hold" what a job looks at: the referrals of one moratorium, or of all that may be asked about,
    since a referral may name the account, or say who did it, only after that began."""
    one = job.params.get("hold")
    wanted = Hold.objects.filter(pk=one) if one else _elsewhere(at=job.asked_at)
    for hold in wanted.select_related("case"):
        yield from (f"{pk}:{hold.pk}" for pk in _of_the_account(hold.case) if not _is_asked(pk, at=job.asked_at))


def _look(_job: Job, subject: str, at: datetime) -> None:
    number, _, hold_id = subject.partition(":")
    case, hold = locks.case_for_update(int(number)), Hold.objects.select_related("case").get(pk=hold_id)
    is_over = (
        hold.released_at is not None or clocks.plan(CLOCK, started_at=hold.began_at, jurisdiction="eaw").due_at < at
    )
    if is_over or case.pk not in _of_the_account(hold.case) or not _ask_once(case, hold, at=at):
        raise jobs.Skipped("nothing_to_ask")


def _named(actor: Actor, subjects: list[str]) -> dict[str, str]:
    numbers = {subject: int(subject.partition(":")[0]) for subject in subjects}
    seen = dict(policy.visible_to(actor).filter(pk__in=numbers.values()).values_list("pk", "reference"))
    return {subject: seen[pk] for subject, pk in numbers.items() if pk in seen}


jobs.declare(
    jobs.Kind(
        code=LOOK,
        label="Look for moratoria of whoever has the account of a referral",
        rows=_to_look_at,
        do=_look,
        desk=KIND,
        is_daily=True,
        reasons={"nothing_to_ask": "Somebody is asked already, or nothing may be asked any more"},
        names=_named,
    )
)


def ask_no_more(case: Case, *, actor: Actor, at: datetime) -> None:
    """It was no fraud of theirs after all, so the debt is eligible: nobody asks the adviser to review the moratorium.
    Inside the current ledger action on a locked case."""
    tasks.close_all(case, TASK, actor=actor, at=at)
    clocks.end(case, CLOCK, at=at, state="cancelled")


def asked(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody asked the adviser, or says why not: the period for it is met."""
    clocks.meet(case, CLOCK, at=at)
    clocks.refresh_due(case)


ENDED_BY_HAND = {TASK: asked}
