"""Erasing closed cases when their time is over: one person proposes all of a kind up to a day, another agrees, a job
does it case by case. UK GDPR Art 5(1)(e); the periods are those of retention.py.

What is over is found by overdue.py; what begins to keep a case later is met by the job. Of a kind whose cases are
restricted all of this is its own team's alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from cases.kernel import calendars, casetypes, conflicts, locks, policy, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.casetypes import CaseType
from cases.kernel.disposal import erasing, overdue
from cases.kernel.errors import CaseError, NotAllowed, NotVisible
from cases.kernel.evidence import disposal
from cases.kernel.models import Case, Disposal, JobRow, Task, Team
from cases.ledger import api as ledger

__all__ = [
    "REFUSALS",
    "DisposalRefused",
    "ask_for_disposals",
    "decide",
    "get_visible",
    "kind_for",
    "left",
    "kinds_of",
    "may_agree",
    "may_propose",
    "mine",
    "propose",
    "require_decider",
    "require_proposer",
    "waiting",
    "withdraw",
]

AGAIN_AFTER = timedelta(days=30)
ACTOR = system("disposal")
REASON = "retention_over"
OF_CASE = "/"  # between a case and the number of a person in it
ERASE, ERASE_QUIETLY = "erase_what_is_over", "erase_what_is_over_quietly"
PROPOSE, DECIDE = "propose_disposal", "decide_disposal"
DUE, TO_AGREE, LEFT = "disposal_due", "disposal_to_agree", "disposal_left"
REFUSALS = {
    "still_needed": "Some of them are still needed: put a hold on those first",
    "period_wrong": "The period itself is to be looked at again",
    "not_now": "Not now: it can be proposed again",
}
tasks.declare(
    {
        DUE: "The time of closed cases is over: propose that they are erased",
        TO_AGREE: "Somebody proposes to erase cases whose time is over: agree or refuse",
        LEFT: "Not all that two people agreed to erase could be: propose it again, or have the log looked into",
    },
    ended_by={
        DUE: "This ends when it is proposed to erase them, or when none is left.",
        TO_AGREE: "This ends when another person than who proposed it has decided, or when it is taken back.",
    },
    more={kind: lambda detail: _label(str(detail.get("of", ""))) for kind in (DUE, TO_AGREE, LEFT)},
    pages={DUE: ("web:disposal_due", "of"), TO_AGREE: ("web:disposal", "disposal"), LEFT: ("web:disposal", "disposal")},
)


class DisposalRefused(CaseError):
    """This cannot be proposed or decided like this; nothing was written."""


def _label(kind: str) -> str:
    return next((each.label for each in casetypes.all_types() if each.code == kind), "")


def _desks(actor: Actor) -> frozenset[str]:
    """Return the codes of the teams a person is in. One query."""
    return frozenset(Team.objects.filter(pk__in=actor.team_ids).values_list("code", flat=True))


def _may(actor: Actor, act: str, casetype: CaseType, desks: Collection[str]) -> bool:
    """Say whether a person may do this with cases of a kind; of a restricted one its own team alone knows how many
    there are."""
    is_known = not casetype.is_restricted or casetype.team in desks
    return is_known and policy.can(actor, act, kind=casetype.code).is_allowed


def may_propose(actor: Actor, casetype: CaseType) -> bool:
    """Say whether a person may propose to erase cases of a kind. One query."""
    return _may(actor, PROPOSE, casetype, _desks(actor))


def may_agree(actor: Actor, casetype: CaseType) -> bool:
    """Say whether a person may decide on what another proposed. One query."""
    return _may(actor, DECIDE, casetype, _desks(actor))


def kinds_of(actor: Actor) -> list[CaseType]:
    """Return the kinds of whose disposal a person may know, by their labels. One query. Raises NotAllowed."""
    policy.require(actor, "view_disposals")
    desks, sees_all = _desks(actor), policy.can(actor, "oversee_disposals").is_allowed
    known = [
        each
        for each in casetypes.all_types()
        if (sees_all and not each.is_restricted) or any(_may(actor, act, each, desks) for act in (PROPOSE, DECIDE))
    ]
    return sorted(known, key=lambda each: each.label)


def kind_for(actor: Actor, code: str) -> CaseType:
    """Return a kind of whose disposal a person may know. Raises NotAllowed, NotVisible."""
    found = next((each for each in kinds_of(actor) if each.code == code), None)
    if found is None:
        raise NotVisible
    return found


def waiting(kind: str) -> Disposal | None:
    """Return the proposal of a kind that waits for a decision. One query."""
    return Disposal.objects.select_related("proposed_by").filter(kind=kind, state="open").first()


def mine(actor: Actor, *, most: int) -> list[Disposal]:
    """Return what was proposed of the kinds a person may know of, the newest first. One query and what `kinds_of`
    asks."""
    rows = Disposal.objects.filter(kind__in=[each.code for each in kinds_of(actor)])
    return list(rows.select_related("proposed_by", "decided_by", "job").order_by("-pk")[:most])


def get_visible(actor: Actor, uid: UUID) -> Disposal:
    """Return one proposal. Raises NotAllowed, NotVisible."""
    known = [each.code for each in kinds_of(actor)]
    row = Disposal.objects.select_related("proposed_by", "decided_by", "job").filter(uid=uid, kind__in=known).first()
    if row is None:
        raise NotVisible
    return row


@transaction.atomic
def propose(
    kind: str,
    *,
    last_date: date,
    actor: Actor,
    at: datetime,
    is_confirmed: bool = False,
    request: ledger.RequestInfo | None = None,
) -> Disposal:
    """Propose to erase all cases of a kind that were to be kept until `last_date` or before, as the page showed it.
    `is_confirmed` says that what the kind asks of whoever disposes of it is so.

    Locks the kind's team; writes one event on the proposal's own stream and the task of who decides. Raises
    NotAllowed, NotVisible, DisposalRefused where another proposal waits or runs, or nothing is over.
    """
    casetype = kind_for(actor, kind)
    require_proposer(actor, casetype)
    _refuse_unconfirmed(casetype, is_confirmed=is_confirmed)
    team = Team.objects.select_for_update().get(code=casetype.team)
    if before := Disposal.objects.select_related("job").filter(kind=kind).order_by("-pk").first():
        if before.state == "open":
            raise DisposalRefused("It is proposed already: another person decides.")
        if before.job is not None and not before.job.is_over:
            raise DisposalRefused("What was agreed before is being erased. Wait until that is done.")
    today = calendars.london_date(at)
    last = min(last_date, found.last_date) if (found := overdue.next_due(kind, today=today)) else last_date
    cases, people = overdue.counts(kind, today=today, last_date=last)
    if not cases and not people:
        raise DisposalRefused("Nothing is over any more: it was opened again, or is held.")
    row = Disposal(kind=kind, last_date=last, counted=cases, people=people, proposed_at=at)
    row.proposed_by_id = actor.user_id or 0
    with _act(row, "disposal.proposed", actor=actor, at=at, request=request):
        row.save(force_insert=True)
        tasks.close_office(DUE, actor=actor, at=at, of=kind)
        # Whoever has that right of the office decides on every kind that is not restricted.
        desk = team if casetype.is_restricted else None
        tasks.raise_task(TO_AGREE, case=None, team=desk, at=at, of=kind, disposal=str(row.uid))
    return row


def _refuse_unconfirmed(casetype: CaseType, *, is_confirmed: bool) -> None:
    if casetype.disposal_needs and not is_confirmed:
        raise DisposalRefused(f"Say that it is so: {casetype.disposal_needs}")


def _act(
    row: Disposal, verb: str, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None
) -> AbstractContextManager[ledger.Action]:
    told = {"kind": row.kind, "until": row.last_date.isoformat(), "count": row.counted, "people": row.people}
    return ledger.action(row.uid, verb, actor=actor.label, at=at, request=request, detail=told, source=actor.source)


def require_proposer(actor: Actor, casetype: CaseType) -> None:
    """Raise NotAllowed for who may not propose to erase cases of a kind. One query."""
    if not may_propose(actor, casetype):
        raise NotAllowed("Whoever leads the work on these cases proposes to erase them.")


def require_decider(row: Disposal, actor: Actor) -> None:
    """Raise NotAllowed for who proposed it or may not decide on it. One query."""
    if row.proposed_by_id == actor.user_id:
        raise NotAllowed("You proposed this: another person decides.")
    if not may_agree(actor, casetypes.get(row.kind)):
        raise NotAllowed("Whoever checks the keeping of records decides this.")


def _open_for_update(uid: UUID, actor: Actor) -> Disposal:
    get_visible(actor, uid)
    row = Disposal.objects.select_for_update().get(uid=uid)
    if row.state != "open":
        raise DisposalRefused("It is decided already.")
    return row


@transaction.atomic
def decide(
    uid: UUID,
    *,
    is_agreed: bool,
    why_not: str = "",
    is_confirmed: bool = False,
    actor: Actor,
    at: datetime,
    request: ledger.RequestInfo | None = None,
) -> Disposal:
    """Agree to a proposal, which starts the job, or refuse it with one of `REFUSALS`.

    Locks the proposal; writes one event on its stream, and the job. Raises NotAllowed for who proposed it or may not
    decide, NotVisible, DisposalRefused.
    """
    row = _open_for_update(uid, actor)
    casetype = casetypes.get(row.kind)
    require_decider(row, actor)
    if is_agreed:
        _refuse_unconfirmed(casetype, is_confirmed=is_confirmed)
    elif why_not not in REFUSALS:
        raise DisposalRefused("Say why not.")
    row.state = "agreed" if is_agreed else "refused"
    row.why_not = "" if is_agreed else why_not
    with _act(row, f"disposal.{row.state}", actor=actor, at=at, request=request):
        row.decided_by_id, row.decided_at = actor.user_id, at
        if is_agreed:
            code = ERASE_QUIETLY if casetype.is_restricted else ERASE
            row.job = jobs.start(code, actor=actor, at=at, params={"disposal": str(row.uid)}, key=str(row.uid))
        row.save()
        tasks.close_office(TO_AGREE, actor=actor, at=at, disposal=str(row.uid))
    return row


@transaction.atomic
def withdraw(uid: UUID, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> Disposal:
    """Take back what one proposed oneself. Locks the proposal; one event on its stream. Raises NotAllowed, NotVisible,
    DisposalRefused."""
    row = _open_for_update(uid, actor)
    if row.proposed_by_id != actor.user_id:
        raise NotAllowed("Only who proposed it takes it back.")
    row.state = "withdrawn"
    with _act(row, "disposal.withdrawn", actor=actor, at=at, request=request):
        row.decided_by_id, row.decided_at = actor.user_id, at
        row.save()
        tasks.close_office(TO_AGREE, actor=actor, at=at, disposal=str(row.uid))
    return row


def _of(job: jobs.Job) -> Disposal:
    return Disposal.objects.get(uid=job.params["disposal"])


def _rows(job: jobs.Job) -> Iterable[str]:
    """List the cases, then the people of others."""
    row, today = _of(job), calendars.london_date(job.asked_at)
    for case, *_ in overdue.listed(overdue.cases_over(row.kind, today=today, last_date=row.last_date)):
        yield str(case)
    for case, *_, number in overdue.listed(overdue.people_over(row.kind, today=today, last_date=row.last_date)):
        yield f"{case}{OF_CASE}{number}"


def _do(job: jobs.Job, subject: str, at: datetime) -> None:
    """Erase one case or one person of a case, unless something keeps it by now. Locks the case; one event on its
    stream. What a hold, a task, a tie or another case keeps is left for one reason: which it was may be secret."""
    row = _of(job)
    case_id, _, number = subject.partition(OF_CASE)
    try:
        case = locks.case_for_update(int(case_id))
    except locks.CaseErased:
        raise jobs.Skipped("erased") from None
    if disposal.is_needed_beyond(case, now=at):
        raise jobs.Skipped("merged")
    deciders = [user for user in (row.proposed_by_id, row.decided_by_id) if user is not None]
    if erasing.waiting(case) or any(conflicts.is_tied(user, case) for user in deciders):
        raise jobs.Skipped("kept")
    (_erase_person if number else _erase)(case, number, row, at=at)


def _erase(case: Case, _number: str, row: Disposal, *, at: datetime) -> None:
    still_due = overdue.cases_over(row.kind, today=calendars.london_date(at), last_date=row.last_date).filter(
        pk=case.pk
    )
    if not still_due.exists() or casetypes.get(case.kind).is_kept_on(case, at):
        raise jobs.Skipped("kept")
    _stop_if(erasing.waits_for(case, at=at))
    told: dict[str, Any] = {
        "class": case.retention_class,
        "kept_until": str(case.dispose_after_date),
        "disposal": str(row.uid),
    }
    with erasing.erase(case, reason=REASON, at=at, **told):
        pass


def _erase_person(case: Case, number: str, row: Disposal, *, at: datetime) -> None:
    people = overdue.people_over(row.kind, today=calendars.london_date(at), last_date=row.last_date)
    person = people.filter(case=case, number=int(number)).select_related("key").first()
    if person is None:
        raise jobs.Skipped("kept")
    person.case = case
    _stop_if(erasing.person_waits_for(person, at=at))
    told: dict[str, Any] = {
        "class": person.retention_class,
        "kept_until": str(person.dispose_after_date),
        "disposal": str(row.uid),
    }
    erasing.erase_person(case, person, reason=REASON, at=at, **told)


def _stop_if(code: str) -> None:
    if code:
        raise jobs.Skipped(code if code in erasing.TOLD else "kept")


def _references(actor: Actor, subjects: Collection[str]) -> Mapping[str, str]:
    """Return subjects in words; those of cases that the reader may not see are left out."""
    parts = {each: each.partition(OF_CASE) for each in subjects}
    rows = policy.visible_to(actor).filter(pk__in={int(case) for case, _, _ in parts.values()})
    known = dict(rows.values_list("pk", "reference"))
    return {
        each: known[int(case)] + (f", person {number}" if number else "")
        for each, (case, _, number) in parts.items()
        if int(case) in known
    }


def _nobody_named(_actor: Actor, _subjects: Collection[str]) -> Mapping[str, str]:
    """Name no case on the page of the job: that one was kept, and shows nothing that keeps it, would tell of a hold
    that only a compartment knows."""
    return {}


def _note_left(job: jobs.Job, at: datetime) -> None:
    """Such work is on no page: its own people hear of what could not be erased, on the proposal's own stream, until all
    of a later one was."""
    row = _of(job)
    asked = Task.objects.filter(case=None, kind=LEFT, closed_at=None, detail__of=row.kind)
    is_left = jobs.has_more(job)
    if is_left == asked.exists():
        return
    worker, team = jobs.worker_of(job), Team.objects.get(code=casetypes.get(row.kind).team)
    became, detail = "left_undone" if is_left else "done_after_all", {"kind": row.kind}
    with ledger.action(row.uid, f"job.{became}", actor=worker.label, at=at, detail=detail, source=job.source):
        if is_left:
            tasks.raise_task(LEFT, case=None, team=team, at=at, of=row.kind, disposal=str(row.uid))
        else:
            tasks.close_office(LEFT, actor=worker, at=at, of=row.kind)


for code, is_hidden in ((ERASE, False), (ERASE_QUIETLY, True)):
    jobs.declare(
        jobs.Kind(
            code=code,
            label="Erase cases whose time is over",
            rows=_rows,
            do=_do,
            names=_nobody_named,
            is_hidden=is_hidden,
            ended=_note_left if is_hidden else None,
            reasons={
                **{each: erasing.WAITING_FOR[each].rstrip(".") for each in erasing.TOLD},
                "erased": "It is erased already",
                "kept": erasing.KEPT.rstrip("."),
                "merged": "The case it was merged into needs it",
            },
        )
    )


def left(row: Disposal, actor: Actor, *, most: int) -> list[tuple[str, str]]:
    """Return what waits for something that its own page shows, as far as the reader may see it, with what for; at most
    so much. Two queries."""
    if row.job is None:
        return []
    rows = JobRow.objects.filter(job=row.job, state="skipped", reason__in=erasing.TOLD).order_by("number")
    found = list(rows.values_list("subject", "reason")[:most])
    known = _references(actor, [subject for subject, _ in found])
    return [(known[subject], jobs.reason(row.job, code)) for subject, code in found if subject in known]


def ask_for_disposals(*, now: datetime) -> int:
    """Raise one task for each kind of which anything is over that nobody decided on, and end it where none is left.
    Returns how many were raised. Three queries for each kind, which read one row each."""
    return sum(_ask(casetype, now=now) for casetype in casetypes.all_types())


@transaction.atomic
def _ask(casetype: CaseType, *, now: datetime) -> int:
    """The event of a restricted kind is on its team's own stream. Locks the team where anything changes."""
    asked = Task.objects.filter(case=None, kind=DUE, closed_at=None, detail__of=casetype.code)
    is_wanted = _is_to_be_proposed(casetype, now=now)
    if is_wanted == asked.exists():
        return 0
    desk = Team.objects.select_for_update().filter(code=casetype.team).first()
    if desk is None or is_wanted == asked.exists():
        return 0
    verb = "disposal.due" if is_wanted else "disposal.none_due"
    with ledger.action(desk.uid, verb, actor=ACTOR.label, at=now, detail={"of": casetype.code}):
        if is_wanted:
            tasks.raise_task(DUE, case=None, team=desk, at=now, of=casetype.code)
        else:
            tasks.close_office(DUE, actor=ACTOR, at=now, of=casetype.code)
    return int(is_wanted)


def _is_to_be_proposed(casetype: CaseType, *, now: datetime) -> bool:
    """Say whether anything of a kind is over on which nobody decided in the last month: what was held then is looked
    at again after that, and what was refused."""
    today = calendars.london_date(now)
    last = Disposal.objects.select_related("job").filter(kind=casetype.code).exclude(state="withdrawn")
    row = last.order_by("-pk").first()
    if row is not None and (row.state == "open" or (row.job is not None and not row.job.is_over)):
        return False
    cases, people = overdue.cases_over(casetype.code, today=today), overdue.people_over(casetype.code, today=today)
    if row is not None and row.decided_at is not None and now < row.decided_at + AGAIN_AFTER:
        cases = cases.filter(dispose_after_date__gt=row.last_date)
        people = people.filter(dispose_after_date__gt=row.last_date)
    return any(overdue.listed(rows, most=1) for rows in (cases, people))
