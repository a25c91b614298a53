"""A dispute of a credit file that an agency passes on (K22): nothing gets worse meanwhile, and the agency is answered.

What is wrong is put right by the steps of the case, which tell every agency alike; the answer says what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases.accounts import storing
from cases.accounts.bureaus import CRA_CORRECT, PURPOSE, said
from cases.accounts.models import BureauTold
from cases.credit.defaults import opening, standing, telling
from cases.credit.defaults.guards import DISPUTED
from cases.credit.defaults.models import Default
from cases.credit.files.status import DEFAULT, OFF_FILE, is_better
from cases.kernel import calendars, clocks, holds, outbox, record, releases, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import corrections, datashapes
from cases.kernel.models import Agency, Case, Clock, OutboxMessage, Task
from cases.kernel.transitions import AlreadyThere
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = [
    "CALLBACKS",
    "CRA_ANSWER",
    "DISPUTED",
    "EXAMPLES",
    "answered",
    "foretold",
    "hold_released",
    "named_by",
    "SHAPES",
]

OVER = "default_dispute_over"
RULE = "k22_file_dispute"
FIELDS = frozenset({"status", "balance", "default", "default_date", "person", "other"})
TICKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,79}", re.ASCII)
tasks.declare(
    {
        DISPUTED: "A customer disputes at a credit agency what it has of an account: put right by the steps of "
        "the case what is wrong, then close this, which answers the agency",
        OVER: "A dispute is answered and its hold still stands: on Holds, propose to release it, or close this and "
        "say why it stays",
    }
)
CRA_ANSWER = releases.MessageKind(
    code="cra_answer",
    label="Answer to a dispute of a credit file",
    recipient_kind="cra",
    purpose=PURPOSE,
    necessity="The agency must be able to tell the customer whether what they dispute is right, and what was changed.",
    categories=dict.fromkeys(("account", "ticket", "answer"), "financial"),
    put_right_by="family",
)
releases.declare(CRA_ANSWER)


def disputed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A customer disputes what you have of their account: its ticket, and which field.

    A hold marks the account as in dispute, and stops a default, until two people release it; the fourteen days run. One
    act. Raises CaseError, or AlreadyThere where the same waits."""
    ticket, field = _said(content.data)
    if not _is_sound(content.data):
        raise CaseError("A dispute needs its ticket and the field that it is about.")
    about: dict[str, Any] = {"agency": content.agency_code, "ticket": ticket}
    if case.tasks.filter(kind=DISPUTED, closed_at=None, detail__contains=about).exists():
        raise AlreadyThere("The same dispute waits already.")
    detail: dict[str, Any] = {**about, "field": field}
    with record.act(case, "default.disputed", actor=actor, at=at, cause=content.callback_uid, detail=detail):
        if not holds.active(case, at=at).filter(kind="dispute").exists():
            holds.place(case, "dispute", actor=actor, at=at, source="agency", reference=ticket)
        clock = clocks.start(case, RULE, started_at=min(content.occurred_at or at, at))
        last = _changes(case).order_by("pk").values_list("pk", flat=True).last() or 0
        tasks.raise_task(DISPUTED, case=case, at=at, due_at=clock.due_at, clock=clock.pk, after=last, **detail)
        clocks.refresh_due(case)
        case.version += 1
        case.save()


def _said(data: Mapping[str, Any]) -> tuple[str, str]:
    return str(data.get("ticket", "")), str(data.get("field", ""))


def _is_sound(data: Mapping[str, Any]) -> bool:
    """Say whether what came has its ticket and a field that can be disputed."""
    ticket, field = _said(data)
    return TICKET.fullmatch(ticket) is not None and field in FIELDS


def _changes(case: Case) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(case=case, kind=CRA_CORRECT.code).exclude(outbox.never_left())


def _answer(case: Case, task: Task, *, reader: sealing.Reader, at: datetime) -> str:
    """Return what came of a dispute: whether the agency was told anything else of the account since it came. Only a
    default that it had, and that stands no more, is deleted. Opens what it was told first: one access row."""
    told = _changes(case).filter(pk__gt=task.detail["after"], channel__agency__code=task.detail["agency"])
    first = told.order_by("pk").first()
    if first is None:
        return "accurate"
    if case.default.default_date is not None:
        return "amended"
    before = said(first, reader=reader, at=at)
    return "deleted" if before is not None and before.old == DEFAULT else "amended"


def foretold(case: Case, task: Task) -> str:
    """Return in a sentence what closing a dispute would tell the agency now. Opens nothing; five queries at most."""
    told = _changes(case).filter(pk__gt=task.detail["after"], channel__agency__code=task.detail["agency"])
    if told.exists():
        if case.default.default_date is not None:
            return "Closing the task tells the agency: amended."
        return "Closing the task tells the agency: deleted where it had the default, else amended."
    worse = {each.agency.code for each in _worse(case.default)}
    also = " Each agency that has a worse status is told how the account stands now." if worse else ""
    if task.detail["agency"] in worse:
        return f"Closing the task tells the agency: amended.{also}"
    return f"Closing the task tells the agency: accurate, since nothing was changed.{also}"


def answered(case: Case, task: Task, *, at: datetime) -> None:
    """Answer the agency and end the clock, in the act that closes the task. An agency that cannot be told by message
    becomes a task. Opens the account's number: one access row."""
    actor, agency = system("disputes", source=case.source), Agency.objects.get(code=task.detail["agency"])
    row = Default.objects.select_related("account").get(pk=case.pk)
    reader = sealing.Reader(actor=actor.label, verb="release", purpose=PURPOSE, streams=(case.uid,))
    (opened,) = sealing.open_rows([row.account], ["number"], reader=reader, at=at)
    answer = _answer(case, task, reader=reader, at=at)
    if answer == "accurate" and agency.pk in _put_right(case, row, actor=actor, at=at):
        answer = "amended"
    body = {"account": opened["number"] or "", "ticket": task.detail["ticket"], "answer": answer}
    ledger.current().detail["answer"] = answer
    for clock in Clock.objects.filter(pk=task.detail["clock"], case=case, ended_at=None):
        clock.state, clock.ended_at = ("breached" if clock.state == "breached" else "met"), at
        clock.save(update_fields=["state", "ended_at"])
    clocks.refresh_due(case)
    try:
        dedupe = f"{CRA_ANSWER.code}:{ledger.current().uid}"
        releases.send(case, CRA_ANSWER, agency=agency, body=body, actor=actor, at=at, subject_count=1, dedupe=dedupe)
    except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
        corrections.by_hand(case, agency.code, "answer", refusal=refusal, at=at)
    _ask_for_release(case, at=at)


def _ask_for_release(case: Case, *, at: datetime) -> None:
    """Once no dispute waits any more, whether its hold still has a reason is for people to say."""
    if case.is_closed or case.tasks.filter(kind=DISPUTED, closed_at=None).exists():
        return
    for hold in holds.active(case, at=at).filter(kind="dispute"):
        tasks.raise_task(OVER, case=case, at=at, hold=hold.pk)


def hold_released(context: Any) -> None:
    """Whoever was asked whether a hold still has a reason has said so."""
    number = str(context.inputs.get("hold", ""))
    if number.isdecimal():
        tasks.close_about(context.case, OVER, actor=context.actor, at=context.at, hold=int(number))


def _put_right(case: Case, row: Default, *, actor: Actor, at: datetime) -> set[int]:
    """Where the account has no default, tell each agency that has a worse status of it how it stands now; return which.
    What got worse since is left to the next file: nobody decided it, and a dispute freezes it."""
    worse = _worse(row)
    for told in worse:
        telling.tell(case, "disputed", actor=actor, at=at, old=told.status, to=[told.agency])
    return {told.agency_id for told in worse}


def _worse(row: Default) -> list[BureauTold]:
    """Return what agencies have of an account without a default that is worse than how it stands now, but for those
    that are being told of it."""
    if row.default_date is not None or row.account.default_date is not None:
        return []
    now, told_already = standing.status_without_default(row), _being_told(row)
    rows = BureauTold.objects.filter(account=row.account_id).select_related("agency__terms").order_by("agency__code")
    return [
        told
        for told in rows
        if told.status != OFF_FILE and is_better(now, told.status) and told.agency_id not in told_already
    ]


def _being_told(row: Default) -> set[int]:
    """Return the agencies to which a change of the account is on its way that says what billing tells now. One
    query."""
    since = calendars.start_of_day(row.account.as_of)
    sent = OutboxMessage.objects.filter(case=row.case_id, kind=CRA_CORRECT.code, created_at__gte=since)
    last = dict(sent.order_by("pk").values_list("channel__agency", "state"))
    return {agency for agency, state in last.items() if state in ("pending", "sending", "delivered")}


def named_by(
    agency_id: int, reference: str, *, at: datetime, type: str = "", data: Mapping[str, Any] | None = None
) -> Iterable[int]:
    """Return the case that a credit reference agency means by the number of an account: the open one, or the one in
    which the same dispute waits. Where there is none and a sound dispute came, one is opened, of an account that the
    agency was told of or that had a case: whatever it has of a customer can be disputed, and on a closed case a hold
    stops nothing. Else the newest that did not end because nothing was behind. Four queries at most where none is
    opened."""
    account = (
        storing.find(reference) if reference.isalnum() and Agency.objects.filter(pk=agency_id, kind="cra") else None
    )
    if account is None:
        return ()
    mine = Default.objects.filter(account=account, case__is_erased=False).exclude(
        case__state__in=("void", "merged", "cured")
    )
    known = mine.order_by("case__is_closed", "-case_id").values_list("case_id", "case__is_closed").first()
    if type not in CALLBACKS or not _is_sound(data or {}) or (known is not None and not known[1]):
        return [known[0]] if known else ()
    about = {"agency": Agency.objects.get(pk=agency_id).code, "ticket": _said(data or {})[0]}
    waiting = Task.objects.filter(kind=DISPUTED, closed_at=None, case__in=mine.values("case"), detail__contains=about)
    if (same := waiting.values_list("case_id", flat=True).first()) is not None:
        return [same]
    if known is None and not BureauTold.objects.filter(account=account, agency=agency_id).exists():
        return ()
    return [opening.open_disputed(account.pk, at=at).pk]


CALLBACKS = {"cra.disputed": disputed}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {"cra.disputed": {"ticket": "T-2026-0001", "field": "default"}}
SHAPES: Mapping[str, datashapes.Shape] = {
    "cra.disputed": datashapes.shape(
        {"ticket": datashapes.text(80, pattern=f"^{TICKET.pattern}$"), "field": datashapes.one_of(FIELDS)},
    ),
}
