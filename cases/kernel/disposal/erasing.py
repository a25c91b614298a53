"""Erases all that a closed case holds before its time, once two people decided to: UK GDPR Art 17(1).

Whoever was told of the person hears of it first (Art 19): the decision waits until nothing of the case is on its way,
no task of it is open and no hold keeps it. Then its keys are destroyed: its own, under which its texts, documents,
messages and letters lie, and that of each person in it. Number, kind, dates and the history of acts stay, and the chain
still verifies. What is erased is changed no more: locks.py refuses it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from cases.kernel import casetypes, clocks, holds, locks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.background import jobs
from cases.kernel.disposal import unnaming
from cases.kernel.errors import CaseError
from cases.kernel.evidence import custody, disposal
from cases.kernel.exchange import chase
from cases.kernel.finding import index
from cases.kernel.linking import detaching
from cases.kernel.models import Approval, Case, CaseParty, Erasure, Evidence, Hold, Letter, OutboxMessage, Task
from cases.kernel.personal import drafts
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.models import DataKey

__all__ = [
    "KEPT",
    "TOLD",
    "WAITING_FOR",
    "MayNotErase",
    "decide",
    "erase",
    "erase_decided",
    "erase_person",
    "person_waits_for",
    "waiting",
    "waits_for",
    "why_not",
    "why_not_each",
    "why_waits",
]

ACTOR = system("disposal")
REASON = "person_asked"
PILE = "erasure"
LAPSED, WAITS = "erasure_lapsed", "erasure_waits"
ASK_AFTER = timedelta(days=14)
# A message that may still leave, or of which nobody has taken note yet.
ON_ITS_WAY = Q(state__in=["pending", "sending", "unknown", "dead"]) | Q(
    state__in=["delivered", "refused"], settled_at=None
)
tasks.declare(
    {
        LAPSED: "A matter that was to be erased was opened again: tell the person that it is kept, and why",
        WAITS: "A matter that two people decided to erase still waits: see on its page what it waits for",
    },
    ended_by={WAITS: "This ends when it is erased, or opened again."},
    more={LAPSED: lambda detail: str(detail.get("matter", ""))},
)
log = logging.getLogger(__name__)


class MayNotErase(CaseError):
    """Something keeps a case from being erased."""


def why_not(case: Case, *, at: datetime | None) -> str:
    """Return in words why nobody can decide to erase a case; empty where two people can. Without `at`, as the
    database's clock has it. Four queries."""
    return why_not_each([case], at=at)[case.pk]


def why_not_each(cases: Collection[Case], *, at: datetime | None) -> dict[int, str]:
    """Return of each case what `why_not` does. Four queries, however many cases."""
    own = Case.objects.filter(pk__in=[case.pk for case in cases])
    destroyed = set(own.exclude(key__destroyed_at=None).values_list("pk", flat=True))
    decided = Erasure.objects.filter(case__in=own, erased_at=None, ended_at=None)
    is_decided = set(decided.values_list("case_id", flat=True))
    # What a compartment keeps is met when it is erased: said here, it would tell that there is one.
    held = Hold.objects.filter(holds.in_force(at), case__in=own, blocks__contains=["dispose"])
    is_held = set(held.values_list("case_id", flat=True))
    merged = Case.objects.filter(merged_into__in=own, key__destroyed_at=None)
    has_merged = set(merged.values_list("merged_into_id", flat=True))
    found = {}
    for case in cases:
        reasons = (
            (case.pk in destroyed, "It is erased already."),
            (case.is_restricted or not case.is_closed, "It is not closed."),
            (case.pk in is_decided, "It is to be erased already."),
            (not casetypes.get(case.kind).is_erasable, "What billing tells of its account still comes to it."),
            (case.pk in is_held, holds.SENTENCE),
            (case.pk in has_merged or case.merged_into_id is not None, "It was merged with another."),
        )
        found[case.pk] = next((sentence for is_so, sentence in reasons if is_so), "")
    return found


def waiting(case: Case) -> Erasure | None:
    """Return the decision to erase a case that has not happened yet. One query."""
    return Erasure.objects.filter(case=case, erased_at=None, ended_at=None).first()


def decide(case_id: int, *, asked_in: Case, proposer_id: int, actor: Actor, at: datetime) -> Erasure:
    """Keep the decision of two people to erase a case: who proposed it, and `actor`, who agrees.

    Runs inside the ledger action of the locked case in which it was asked for; locks the other without waiting and
    writes one event on its stream. Raises MayNotErase, locks.CaseBusy.
    """
    case = locks.another_for_update(case_id)
    if why := why_not(case, at=at):
        raise MayNotErase(f"{case.reference} cannot be erased. {why}")
    with record.act(case, "case.erasure_decided", actor=actor, at=at, detail={"asked_in": asked_in.reference}):
        row = Erasure(case=case, asked_in=asked_in, proposed_by_id=proposer_id, decided_at=at)
        row.agreed_by_id = actor.user_id or 0
        row.save(force_insert=True)
    return row


# What keeps a decided erasure waiting, by a code, in words.
WAITING_FOR = {
    "message_leaves": "A message is on its way.",
    "answer_owed": "An answer to a message is still owed.",
    "letter_waits": "A letter is not posted yet.",
    "task_open": "A task is open.",
    "agreement_awaited": "Somebody's agreement is awaited.",
    "others_waited_for": "What was asked for in it is not erased yet.",
    "period_runs": "A period still runs.",
    "work_runs": "Work in the background still goes on.",
    "report_made": "A report is being made.",
    "held": holds.SENTENCE,
}
# Of the others one sentence is told for all: which it was may be a compartment's secret.
TOLD = ("message_leaves", "answer_owed", "letter_waits", "period_runs", "work_runs", "report_made")
KEPT = "Something keeps it: a hold, a task, an agreement, a tie, or another case."


def _is_owed_an_answer(case: Case) -> bool:
    return OutboxMessage.objects.filter(chase.is_owed(), case=case).exists()


# A period that is over for good, of which people were asked: nothing comes back to a case from it.
_OVER = Q(state="breached")


_WAITS: tuple[tuple[str, Callable[[Case], bool]], ...] = (
    ("message_leaves", lambda case: OutboxMessage.objects.filter(ON_ITS_WAY, case=case).exists()),
    ("answer_owed", _is_owed_an_answer),
    ("letter_waits", lambda case: Letter.objects.filter(case=case, state__in=["due", "rendered"]).exists()),
    ("task_open", lambda case: Task.objects.filter(case=case, closed_at=None).exclude(kind=WAITS).exists()),
    ("agreement_awaited", lambda case: Approval.objects.filter(case=case, closed_at=None).exists()),
    (
        "others_waited_for",
        lambda case: Erasure.objects.filter(asked_in=case, erased_at=None, ended_at=None).exists(),
    ),
    (
        "period_runs",
        lambda case: case.clocks.filter(ended_at=None).exclude(_OVER | Q(rule__in=clocks.ENDING_WITH_CASE)).exists(),
    ),
    ("work_runs", lambda case: jobs.is_at_work(case.pk)),
    ("report_made", lambda case: case.reports.filter(state__in=["queued", "running"]).exists()),
)


def waits_for(case: Case, *, at: datetime | None) -> str:
    """Return by its code what an erasure of a case waits for; empty where it can happen: nothing comes back to it by
    itself afterwards. What open cases of other kinds need counts. Some queries for each line."""
    found = next((code for code, is_so in _WAITS if is_so(case)), "")
    return found or ("held" if holds.blocks(case, "dispose", at=at) else "")


def why_waits(case: Case, *, at: datetime | None) -> str:
    """Return in words what an erasure of a case before its time waits for: any hold that was not released keeps it,
    whatever it stops. Empty where it can happen."""
    code = waits_for(case, at=at) or ("held" if case.holds.filter(released_at=None).exists() else "")
    return WAITING_FOR[code] if code in TOLD else KEPT if code else ""


def erase_decided(*, now: datetime) -> int:
    """Erase every case of which that was decided and that waits for nothing, each in a transaction of its own; a fault
    of one is `disposal.one_by_one`'s. A decision of a case that was opened again ends, and somebody tells the person.
    Returns how many were erased; a killed worker leaves the rest to the next round. Raises OperationalError while the
    database is away."""
    rows = Erasure.objects.filter(erased_at=None, ended_at=None).order_by("pk").values_list("pk", "case__kind")
    return disposal.one_by_one(
        PILE, list(rows), lambda pk, _kind: _take_up(pk, now=now), disposal.team_of_kind, now=now
    )


@transaction.atomic
def _take_up(erasure_id: int, *, now: datetime) -> int:
    case = locks.case_for_update(Erasure.objects.values_list("case_id", flat=True).get(pk=erasure_id))
    row = Erasure.objects.filter(pk=erasure_id, erased_at=None, ended_at=None).first()
    if row is None:  # another worker was first
        return 0
    if not case.is_closed:
        _end(row, case, now=now)
        return 0
    if code := waits_for(case, at=now) or ("held" if case.holds.filter(released_at=None).exists() else ""):
        # Holds are looked at again by themselves, and one of a compartment writes nothing in another stream.
        if code != "held":
            _ask_to_look(row, case, now=now)
        return 0
    with erase(case, reason=REASON, at=now):
        row.erased_at = now
        row.save(update_fields=["erased_at"])
    return 1


def _end(row: Erasure, case: Case, *, now: datetime) -> None:
    """The case is worked on again: nothing is erased on a decision that knew nothing of why."""
    with record.act(case, "case.erasure_lapsed", actor=ACTOR, at=now):
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        tasks.close_all(case, WAITS, actor=ACTOR, at=now)
    asked_in = locks.another_for_update(row.asked_in_id)
    with record.act(asked_in, "case.erasure_lapsed", actor=ACTOR, at=now):
        tasks.raise_task(LAPSED, case=asked_in, at=now, matter=case.reference)


def _ask_to_look(row: Erasure, case: Case, *, now: datetime) -> None:
    """Raise a task, once, where a decision has waited long: the person was told that it happens."""
    if now < row.decided_at + ASK_AFTER or Task.objects.filter(case=case, kind=WAITS, closed_at=None).exists():
        return
    with record.act(case, "case.erasure_waits", actor=ACTOR, at=now):
        tasks.raise_task(WAITS, case=case, at=now)


@contextmanager
def erase(case: Case, *, reason: str, at: datetime, is_again: bool = False, **detail: object) -> Iterator[None]:
    """Destroy every key of a locked case, in one act on its stream that holds the caller's block too; what it was found
    by goes with it, and so does what its kind put elsewhere for as long as there is the case. `detail` takes codes, ids
    and dates; `is_again` is custody.erase's."""
    kept = Evidence.objects.select_related("blob__key").filter(case=case, blob__key__destroyed_at=None)
    documents = list(kept.order_by("number"))
    people = list(case.parties.order_by("number"))
    told = {"hashes": [each.sha256 for each in documents], "people": [each.number for each in people], **detail}
    with record.act(case, "case.erased", actor=ACTOR, at=at, detail=told):
        tasks.close_all(case, WAITS, actor=ACTOR, at=at)
        if follow := casetypes.get(case.kind).reacts.get("erased"):
            follow(case, at=at)
        for clock in case.clocks.filter(ended_at=None):
            clocks.end_one(case, clock, at=at, state="cancelled")
        custody.erase(case, documents, actor=ACTOR, at=at, reason=reason, is_again=is_again)
        own = DataKey.objects.filter(pk__in=[case.key_id, *(each.key_id for each in people)], destroyed_at=None)
        for key in own.order_by("pk"):
            sealing.destroy(key, actor=ACTOR.label, reason=reason, at=at)
        index.forget_case(case)
        drafts.forget_case(case)
        for each in people:
            each.is_erased, each.party = True, None
        ledger.bulk_update(CaseParty, people, ["is_erased", "party"])
        case.is_erased, case.changed_at = True, at
        case.version += 1
        case.save(update_fields=["is_erased", "version", "changed_at"])
        yield
    log.info("case_erased", extra={"kind": case.kind})


# What keeps one person in a case whose time is over while the case is kept, by a code of WAITING_FOR.
_PERSON_WAITS: tuple[tuple[str, Callable[[CaseParty], bool]], ...] = (
    ("message_leaves", lambda person: OutboxMessage.objects.filter(ON_ITS_WAY, case=person.case_id).exists()),
    ("answer_owed", lambda person: _is_owed_an_answer(person.case)),
    ("letter_waits", lambda person: person.letters.filter(state__in=["due", "rendered"]).exists()),
    (
        "task_open",
        lambda person: Task.objects.filter(
            Q(detail__contains={"person": person.number}) | ~Q(detail__has_key="person"),
            case=person.case_id,
            closed_at=None,
        ).exists(),
    ),
    ("agreement_awaited", lambda person: Approval.objects.filter(case=person.case_id, closed_at=None).exists()),
    ("period_runs", lambda person: person.clocks.filter(ended_at=None).exclude(_OVER).exists()),
    ("work_runs", lambda person: jobs.is_at_work(person.case_id)),
    ("report_made", lambda person: person.case.reports.filter(state__in=["queued", "running"]).exists()),
)


def person_waits_for(person: CaseParty, *, at: datetime | None) -> str:
    """Return by its code what erasing one person of a case waits for; empty where it can happen."""
    found = next((code for code, is_so in _PERSON_WAITS if is_so(person)), "")
    return found or ("held" if holds.blocks(person.case, "dispose", at=at) else "")


def erase_person(case: Case, person: CaseParty, *, reason: str, at: datetime, **detail: object) -> None:
    """Destroy what a locked case says of one person alone, in one act on its stream: their row and its addresses, the
    letters to them, and what its notes say of who they are. They stand apart from then on, as number, part and dates;
    what else its texts say of them goes with the case, and where the facts of an open case name them somebody is asked
    to write those anew. `detail` takes codes, ids and dates."""
    told: dict[str, object] = {"person": person.number, **detail}
    with record.act(case, "case.person_erased", actor=ACTOR, at=at, detail=told) as act:
        act.detail.update(unnaming.take_out(case, person, at=at))
        detaching.set_apart(person, at=at)
        drafts.forget_case(case)
        for letter in person.letters.select_related("blob__key").filter(blob__key__destroyed_at=None):
            if letter.blob is not None:
                custody.erase_blob(letter.blob, actor=ACTOR, at=at, reason=reason)
        sealing.destroy(person.key, actor=ACTOR.label, reason=reason, at=at)
        person.is_erased = True
        person.save(update_fields=["is_erased"])
        casetypes.get(case.kind).changed(case, at=at)
        case.version += 1
        case.save(update_fields=["version"])
    log.info("person_erased", extra={"kind": case.kind})
