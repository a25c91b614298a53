"""A filing that stands says something that is no longer so: an analyst changes the case, somebody else sends the
correction to the agency, and whoever was told before hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce

from cases.fraud import anew, astold, disputes, expiry, flags, insiders, messages, moratoria, periods, police, victims
from cases.kernel import approvals, casetypes, clocks, holdkinds, holds, outbox, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.exchange import corrections
from cases.kernel.models import Case, CaseParty, Clock, OutboxMessage, Release, ReleasedPerson, Task
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger
from cases.ledger.models import LedgerEvent

__all__ = [
    "STANDING",
    "TASKS",
    "adds_adverse_person",
    "adds_nobody_adverse",
    "amend",
    "amend_disputed",
    "ask_for_amendment",
    "errors_kept",
    "is_changed",
    "is_not_the_changer",
    "is_owed",
    "marks_nobody_under_a_hold",
    "owe_what_changed",
    "take_back_what_marks_anew",
    "take_note_of_errors",
    "was_refused",
]

TAKEN_BACK = "fraud_filing_taken_back"
TASKS = {
    "fraud_amendment": "The case was changed after it was filed: amend the filing",
    TAKEN_BACK: "Somebody was taken out before the filing left, so it was taken back: withdraw it and send it anew",
}
ENDED_BY = {
    "fraud_amendment": "This ends when the filing is amended or removed.",
    TAKEN_BACK: "This ends when the filing is withdrawn; it is then approved anew.",
}
# Tasks that an amendment ends.
_OWING = ("fraud_amendment", "fraud_field_errors", "detached_filed")
STANDING = frozenset({"filed", "disputed"})
# Documents are not part of what the agency was told.
_NO_PART_OF_IT = ("case.evidence_added", "case.pillars_answered", "case.opened")
_DETACHED = "fraud_referral.detach"
_TAKEN_OUT = frozenset({_DETACHED, "fraud_referral.split"})
_CHANGES = (_DETACHED, *(verb for verb in approvals.SHAPING_VERBS if verb not in _NO_PART_OF_IT))
# The agency files what was approved: whoever was taken out since then is still part of it.
_WAITS = ("pending", "dead")
_SAID = ("fraud_referral.approve", "fraud_referral.amend", "fraud_referral.amend_disputed")


def _changes(case: Case) -> Any:
    """Return the changes of a case since the agency was last told what it says. One query, by whoever asks."""
    events = LedgerEvent.objects.filter(stream=case.uid)
    last = events.filter(action__in=_SAID).order_by("-seq").values("seq")[:1]
    return events.filter(action__in=_CHANGES, seq__gt=Coalesce(Subquery(last), 0))


def is_changed(context: Any) -> str | None:
    if not _changes(context.case).exists() and not astold.is_untold(context.case):
        return "Nothing changed since the agency was told. Change the case first; another person then amends."
    if not astold.differs(context.case, at=context.at):
        return "The agency would be told just what it was told: what changed is no part of it, or was put back."
    return None


_OWED = Prepared(
    lambda case: Task.objects.filter(case=case, kind__in=_OWING, closed_at=None).values_list("pk")[:1],
    case=-(10**15) - 1,
)


def is_owed(context: Any) -> str | None:
    """What a page asks before it offers an amendment: a task that stands as long as one is owed. One query."""
    if not _OWED.rows(case=context.case.pk):
        return "The agency would be told just what it was told. Change the case first; another person then amends."
    return None


def is_not_the_changer(context: Any) -> str | None:
    """Whoever made part of the amendment does not approve it, however the case moved since; nor who asked to detach
    somebody, which is part of it too."""
    changes = _changes(context.case).values_list("actor", "action", "body")
    hands = {actor for actor, _, _ in changes}
    hands |= {_proposer(body) for _, action, body in changes if action == _DETACHED}
    if context.actor.label in hands:
        return "You made this amendment. Another person must approve it."
    return None


def _proposer(body: str) -> str:
    return str(json.loads(body).get("detail", {}).get("proposed_by", ""))


def adds_adverse_person(context: Any) -> bool:
    """Whether somebody would get an adverse marker who has none: named anew, or no longer said to be innocent."""
    marked = Clock.objects.filter(case=context.case, rule="k24_adverse").exclude(state="cancelled")
    adverse = insiders.others(context.case).filter(is_innocent=False)
    return adverse.exclude(pk__in=marked.values("party_id")).exists()


def adds_nobody_adverse(context: Any) -> str | None:
    if adds_adverse_person(context):
        return "This would mark another person. Decide the dispute first; then amend, which two approvers agree to."
    return None


def marks_nobody_under_a_hold(context: Any) -> str | None:
    """Where nothing more is to be reported nobody is marked anew; what is no longer so is put right all the same."""
    return holds.blocks(context.case, holdkinds.REPORT, at=context.at) if _marked_anew(context.case) else None


def _marked_anew(case: Case) -> list[int]:
    """Return by number who would be marked at the agency that has no such marker of them: new in the case, or named by
    amendments alone that it did not get."""
    marked = Clock.objects.filter(case=case, rule="k24_adverse").exclude(state="cancelled")
    adverse = insiders.others(case).filter(is_innocent=False)
    people = adverse.exclude(Q(pk__in=marked.values("party_id")) & ~Q(number__in=_unsaid(case)))
    return list(people.values_list("number", flat=True))


def _unsaid(case: Case) -> set[int]:
    """Return by number whom amendments marked anew of which the agency has none, nor any later one. One query where
    nobody ever was."""
    told = LedgerEvent.objects.filter(stream=case.uid, action__in=_SAID, body__contains='"marks"')
    marks = {detail["message"]: detail["marks"] for detail in (event.content()["detail"] for event in told)}
    if not marks:
        return set()
    sent = OutboxMessage.objects.filter(case=case, kind=messages.FPA_AMEND.code)
    had = sent.filter(state__in=("sending", "delivered", "acknowledged")).order_by("-pk").values_list("pk").first()
    unsaid = sent.filter(pk__gt=had[0] if had else 0, public_id__in=marks)
    return {number for public_id in unsaid.values_list("public_id", flat=True) for number in marks[str(public_id)]}


def take_back_what_marks_anew(case: Case, *, at: datetime) -> None:
    """A hold begins that stops reporting: an amendment that waits and would mark somebody anew does not leave, and is
    owed again, inside the current ledger action on a locked case. Once they are taken out it may be made."""
    waits = OutboxMessage.objects.filter(case=case, kind=messages.FPA_AMEND.code, state__in=_WAITS)
    if waits.exists() and _marked_anew(case) and outbox.withdraw(case, messages.FPA_AMEND.code, at=at, states=_WAITS):
        _owe(case, "fraud_amendment", at=at)


def ask_for_amendment(case: Case, *, at: datetime) -> None:
    """A filing that stands was changed here: say what is owed, inside the current ledger action, a removal within the
    one working day that removals have; and take back a letter that no longer fits. Before there is one, the police may
    be owed another report. Called after every change of a case."""
    insiders.hand_on(case, at=at)
    moratoria.fit(case, actor=system("amending", source=case.source), at=at)
    if ledger.current().verb in _TAKEN_OUT:
        disputes.answer_detached(case, at=at)
        flags.purge_heard(case, at=at, party__is_detached=True)
        _take_back_filing(case, at=at)
    _owe_what_is_different(case, at=at)
    if ledger.current().verb in _TAKEN_OUT:
        _take_back_report(case, at=at)


def _owe_what_is_different(case: Case, *, at: datetime) -> None:
    if ledger.current().verb not in _CHANGES:
        return
    if case.state not in STANDING:
        anew.ask(case, at=at)
        return
    facts = case.fraud_referral
    facts.refresh_from_db()
    victims.fit(case, at=at)
    if facts.is_reinstated:
        _owe(case, "fraud_must_remove", at=at, due_at=clocks.plan("removal_transmission", started_at=at).due_at)
    elif astold.differs(case, at=at):
        _owe(case, "fraud_amendment", at=at)
    else:
        tasks.close_all(case, "fraud_amendment", actor=system("amending", source=case.source), at=at)


def _take_back_filing(case: Case, *, at: datetime) -> None:
    """What was approved names somebody who is no part of it: as long as it waits it does not leave, nor any more. Of a
    filing that stands it is an amendment, and another is owed."""
    if case.state in STANDING:
        outbox.withdraw(case, messages.FPA_AMEND.code, at=at, states=_WAITS)
    if case.state != "approved":
        return
    if not outbox.withdraw(case, messages.FPA_FILE.code, at=at, states=("pending", "dead")):
        return
    _owe(case, TAKEN_BACK, at=at)
    filings = Release.objects.filter(case=case, message_kind=messages.FPA_FILE.code)
    if not filings.exclude(outbox.never_left("message__")).exists():  # nobody has what would have to be put right
        tasks.close_all(case, "detached_filed", actor=system("amending", source=case.source), at=at)


def _take_back_report(case: Case, *, at: datetime) -> None:
    """A report to the police that waits and names somebody who is no part of it does not leave: another is owed."""
    kind = police.REPORT_FRAUD.code
    named = ReleasedPerson.objects.filter(release__case=case, release__message_kind=kind, party__is_detached=True)
    waits = named.filter(release__message__state__in=["pending", "dead"]).exists()
    if waits and outbox.withdraw(case, kind, at=at, states=("pending", "dead")):
        _owe(case, police.ANEW, at=at)


def owe_what_changed(case: Case, marked: Sequence[CaseParty], *, at: datetime) -> None:
    """Whoever was taken out while the filing was on its way is still part of what was filed: say what is owed. `marked`
    are those of whom a marker stands."""
    if astold.differs(case, at=at, marked=marked):
        _owe(case, "fraud_amendment", at=at)


def _owe(case: Case, kind: str, *, at: datetime, due_at: datetime | None = None) -> None:
    if not Task.objects.filter(case=case, kind=kind, closed_at=None).exists():
        tasks.raise_task(kind, case=case, at=at, due_at=due_at)


def amend(context: Any) -> None:
    """Tell the agency what the case says now, and everybody who was told before. The marker of a person named anew
    counts from now; who is taken out or found innocent loses theirs."""
    case, at, actor = context.case, context.at, context.actor
    ledger.current().detail["digest"] = approvals.digest(case, context.transition.name)
    facts = case.fraud_referral
    facts.field_errors = []
    facts.save(update_fields=["field_errors"])
    marks = _marked_anew(case)
    message = _tell_agency(case, actor=actor, at=at)
    if message is not None and marks:
        ledger.current().detail.update({"marks": marks, "message": str(message.public_id)})
    astold.note(case, at=at)
    marked = expiry.start_or_restart(case, filed_at=_filed_at(case, at), at=at)
    flags.fit(case, at=at, marked=marked)
    for party in insiders.others(case).filter(is_innocent=True).exclude(party=None):
        casetypes.tell("marker_taken_back", party, at=at)
    for kind in _OWING:
        tasks.close_all(case, kind, actor=actor, at=at)
    corrections.send(case, "amended", reason="amended", actor=actor, at=at)
    victims.write(context.case, at=at, marked=marked)


def _tell_agency(case: Case, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    try:
        return messages.amend(case, actor=actor, at=at)
    except outbox.NoChannel as refusal:
        outbox.supersede(case, messages.FPA_AMEND.code, at=at)
        corrections.by_hand(case, messages.FPA_AMEND.recipient_kind, "amended", refusal=refusal, at=at)
        return None


def amend_disputed(context: Any) -> None:
    """The dispute was right in part: amend, end it, and answer the person, and whoever else disputes the filing."""
    amend(context)
    ended = disputes.end(context.case, "amended", actor=context.actor, at=context.at)
    for party in disputes.to_answer(ended):
        disputes.write_answer(context.case, party, template="n18", at=context.at)


def _filed_at(case: Case, at: datetime) -> datetime:
    """Return the moment from which the first markers of the filing count."""
    first = Clock.objects.filter(case=case, rule__in=periods.EXPIRIES).order_by("started_at").first()
    return first.started_at if first else at


def _is_overtaken(case: Case, message: OutboxMessage) -> bool:
    later = Q(kind=message.kind, seq__gt=message.seq) | Q(kind=messages.FPA_REMOVE.code)
    return OutboxMessage.objects.filter(later, case=case).exists()


def errors_kept(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return of an agency's field errors what is kept: place and code, none of its words."""
    return [
        {"pointer": str(error.get("pointer", ""))[:120], "code": str(error.get("code", ""))[:80]} for error in errors
    ]


def was_refused(case: Case, message: OutboxMessage) -> bool:
    """Say whether the agency refused an amendment, at once or later. One query at most."""
    told = LedgerEvent.objects.filter(stream=case.uid, action="amendment.refused")
    return message.state == "refused" or told.filter(body__contains=f'"{message.public_id}"').exists()


def take_note_of_errors(case: Case, message: OutboxMessage, errors: Any, *, at: datetime) -> None:
    """The agency does not take an amendment and names fields: the filing stands as it was, and somebody corrects."""
    if case.state not in STANDING or _is_overtaken(case, message):
        return
    found = errors_kept(errors)
    actor = system("delivery", source=case.source)
    with record.act(case, "amendment.refused", actor=actor, at=at, detail={"message": str(message.public_id)}):
        facts = case.fraud_referral
        facts.field_errors = found
        facts.save(update_fields=["field_errors"])
        tasks.raise_task("fraud_field_errors", case=case, at=at, codes=[each["code"] for each in found])
