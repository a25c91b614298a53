"""Somebody of a referral is in Breathing Space: a debt that fraud made is not eligible for it, so we ask for a review.

The moratorium stops contact and enforcement, as its hold says; it does not stop a filing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from cases.fraud import opening
from cases.kernel import accountholds, clocks, holds, locks, policy, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.models import Case, CaseParty, Clock, Hold, Job, Task

__all__ = [
    "ENDED_BY_HAND",
    "TASKS",
    "ask_no_more",
    "asked",
    "case_ended",
    "fit",
    "hold_began",
    "hold_elsewhere",
]

CLOCK, TASK = "k14_ask_review", "fraud_ask_review"
clocks.due_with(CLOCK, TASK)
TASKS = {TASK: "A moratorium: ask the money adviser to review it, since a debt made by fraud is not eligible"}
MORATORIA = frozenset({"breathing_space", "mental_health_crisis"})
KIND, LOOK = "fraud_referral", "fraud_moratoria"
NOT_ASKED = "not_to_be_asked"  # what came of a task that asks for nothing any more
# No period in which a review may be asked for is longer: what began before is not looked at.
LONGEST = timedelta(days=40)
# Whose account it may be: a debt that somebody else made by fraud in their name is eligible (SI 2020/1311 reg 5(4)(c)).
DEBTORS = ("applicant", "account_holder", "director")


def hold_began(case: Case, hold: Hold, *, at: datetime) -> None:
    """Start the days in which a creditor may ask for a review (K14) and ask somebody to, inside the current ledger
    action on a locked case. It is a moratorium of the law of England and Wales wherever the person lives by what we
    know. Nothing follows from a moratorium of somebody innocent, or on a case that has ended."""
    if hold.kind in MORATORIA and _may_be_asked(case, hold) and not case.is_closed:
        _ask(case, hold, at=at)


def _ask(case: Case, hold: Hold, *, at: datetime) -> None:
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
    known = Case.objects.filter(pk__in=accountholds.beside(case), kind=KIND, is_closed=False, is_restricted=False)
    return list(known.filter(pk__in=_holders().values("case")).order_by("pk").values_list("pk", flat=True))


def _holders() -> QuerySet[CaseParty]:
    return CaseParty.objects.filter(role__in=DEBTORS, is_innocent=False, is_detached=False)


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
    within = Clock.objects.filter(case=case_id, rule=CLOCK, due_at__gte=at).exclude(state="cancelled")
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
    is_over = hold.released_at is not None or _is_too_late(hold, at=at)
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


def case_ended(case: Case, *, actor: Actor, at: datetime) -> None:
    """Nothing is filed: as long as nobody says that it was fraud the debt is eligible, and nobody asks for a review. Of
    an incident that another open referral, or a filing that stands, is about that one says it; then it is asked as
    before. Inside the current ledger action on a locked case."""
    if not opening.every_one_of_incident(case.fraud_referral).filter(case__is_closed=False).exists():
        ask_no_more(case, actor=actor, at=at)


def fit(case: Case, *, actor: Actor, at: datetime) -> None:
    """After a change of a locked case, or of what holds it, inside the current ledger action: nobody asks for a review
    of a moratorium that is over, or of somebody who is innocent or no part of the case; and somebody does of one on
    this case that is about whoever did it after all, within the days that there are for it. Two queries where there is
    neither. The caller saves the case."""
    asked = {task: _hold_of(task) for task in Task.objects.filter(case=case, kind=TASK, closed_at=None)}
    for task, hold in asked.items():
        if not _may_be_asked(case, hold):
            tasks.close(task, actor=actor, at=at, outcome=NOT_ASKED)
            _end(case, hold, at=at)
    for hold in _on_this(case, at=at):
        if not _was_asked(case, hold) and _may_be_asked(case, hold) and not _is_too_late(hold, at=at):
            _ask(case, hold, at=at)


def _on_this(case: Case, *, at: datetime) -> list[Hold]:
    found = Hold.objects.filter(holds.in_force(at), case=case, kind__in=MORATORIA)
    return [] if case.is_closed else list(found.select_related("party").order_by("pk"))


def _hold_of(task: Task) -> Hold | None:
    """Return the hold of the case that a task is about; None for one on another case, which the task does not name."""
    number = task.detail.get("hold")
    return Hold.objects.select_related("party").get(pk=number) if number is not None else None


def _may_be_asked(case: Case, hold: Hold | None) -> bool:
    """Whether a review may be asked for still: of a moratorium on another case, by who has the account."""
    if hold is None:
        return _holders().filter(case=case).exists()
    is_theirs = hold.party is None or not (hold.party.is_innocent or hold.party.is_detached)
    return hold.released_at is None and is_theirs


def _was_asked(case: Case, hold: Hold) -> bool:
    return Task.objects.filter(case=case, kind=TASK, detail__hold=hold.pk).exclude(outcome=NOT_ASKED).exists()


def _is_too_late(hold: Hold, *, at: datetime) -> bool:
    return clocks.plan(CLOCK, started_at=hold.began_at, jurisdiction="eaw").due_at < at


def _end(case: Case, hold: Hold | None, *, at: datetime) -> None:
    """Cancel the days of one moratorium, also where its person is no part of the case any more."""
    party = hold.party_id if hold is not None else None
    for clock in Clock.objects.filter(case=case, rule=CLOCK, party=party, ended_at=None):
        clocks.end_one(case, clock, at=at, state="cancelled")
    clocks.refresh_due(case)


def ask_no_more(case: Case, *, actor: Actor, at: datetime) -> None:
    """It was no fraud of theirs after all, so the debt is eligible: nobody asks the adviser to review the moratorium.
    Inside the current ledger action on a locked case."""
    for task in Task.objects.filter(case=case, kind=TASK, closed_at=None):
        tasks.close(task, actor=actor, at=at, outcome=NOT_ASKED)
    clocks.end(case, CLOCK, at=at, state="cancelled")


def asked(case: Case, _task: Task, *, at: datetime) -> None:
    """Somebody asked the adviser, or says why not: the period for it is met."""
    clocks.meet(case, CLOCK, at=at)
    clocks.refresh_due(case)


ENDED_BY_HAND = {TASK: asked}
