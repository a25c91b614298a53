"""What an agency's files say of the accounts it has, and what follows when a period is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from cases.debt import batches, codes, effects, figures, messages, opening, periods, remitting, takeout
from cases.debt.models import Placement
from cases.kernel import approvals, calendars, clocks, locks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import datashapes, files
from cases.kernel.exchange.files import FileKind, FileRefused, Line
from cases.kernel.models import BatchFile, Case, Clock

__all__ = ["CALLBACKS", "EXAMPLES", "FILES", "recall_is_late", "SHAPES"]

AMOUNTS = ("amount_pence", "commission_pence", "vat_pence", "net_pence")
Row = Mapping[str, str]


class ReportUnknown(CaseError):
    """The agency reports something by a code that was not agreed; the message is fit to show."""


def answered(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency answers a file: an account that was sent is accepted or rejected; of another only note is taken."""
    said, cause = content.data, content.callback_uid
    if case.state == "sent":
        move = "accept" if said["outcome"] == "accepted" else "reject"
        reason = str(said.get("reason") or "It gave none.") if move == "reject" else ""
        transitions.apply(
            case.pk, move, actor=actor, at=at, reason=reason, occurred_at=content.occurred_at, cause=cause
        )
        return
    with record.act(case, "placement.acknowledged", actor=actor, at=at, cause=cause, detail={"said": said["outcome"]}):
        case.version += 1
        case.save(update_fields=["version"])


def ceased(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency has ceased all activity: on an account that was recalled, or on one that it gives up by itself."""
    if case.state == "active":
        with record.act(case, "placement.given_up", actor=actor, at=at, cause=content.callback_uid):
            case.placement.ceased_at = min(content.occurred_at or at, at)
            case.placement.save(update_fields=["ceased_at"])
            tasks.raise_task(effects.GIVEN_UP, case=case, at=at)
            case.version += 1
            case.save()
        return
    _move(case, "confirm_recall", content, actor=actor, at=at, has_ceased=True)


def _move(case: Case, move: str, content: Content, *, actor: Actor, at: datetime, **inputs: Any) -> None:
    transitions.apply(
        case.pk,
        move,
        actor=actor,
        at=at,
        inputs=inputs,
        occurred_at=content.occurred_at,
        cause=content.callback_uid,
    )


def remitted(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency passes on what a customer paid: all of it, a settlement, or a part.

    What cannot be booked to the penny is kept beside what can, for a manager to close. Raises RemittanceRefused.
    """
    told, cause = dict(content.data), content.callback_uid
    if not isinstance(told.get("is_settlement", False), bool):
        raise remitting.RemittanceRefused("Whether it is a settlement is said by true or false.")
    placement, callback = case.placement, str(cause or "")
    said_at = min(content.occurred_at or at, at)
    said = remitting.said_of(case, told, day=remitting.day_of(said_at, came_at=at))
    if why := remitting.why_not(case, said):
        detail = {"amount_pence": said.amount, "why": why}
        with record.act(case, "placement.remittance_differs", actor=actor, at=at, cause=cause, detail=detail):
            remitting.differs(case, said, callback, why, at=at)
            case.version += 1
            case.save(update_fields=["version"])
        return
    told["callback"] = callback
    left = placement.balance_pence - placement.collected_pence - said.amount
    if told.get("is_settlement") or left == 0 or case.state not in codes.AT_AGENCY:
        move = remitting.SETTLE if told.get("is_settlement") else "pay"
        _move(case, move, content, actor=actor, at=at, **told)
        if approvals.open_for(case, move) is not None:
            with record.act(case, "placement.settlement_waits", actor=actor, at=at, cause=cause):
                remitting.wait(case, said, callback, at=at)
        return
    detail = {"amount_pence": said.amount, "commission_pence": said.commission, "vat_pence": said.vat}
    with record.act(case, "placement.remitted", actor=actor, at=at, cause=cause, detail=detail):
        effects.add(case, told, at=at, said_at=said_at)
        case.version += 1
        case.save(update_fields=["version"])


def returned(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency gives an account back, and says why by a code."""
    _move(case, "return", content, actor=actor, at=at, code=content.data["code"])


def insolvent(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency learned that the customer is insolvent."""
    _move(case, "insolvent", content, actor=actor, at=at)


def died(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency learned that the customer has died."""
    _move(case, "deceased", content, actor=actor, at=at)


def acted(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The agency tells what it did. What it did though it had to stop, and a complaint, is for people.

    It had to after a stop, a recall or the end of the placement. For a customer who complains or needs support it stops
    at once. Raises ReportUnknown: a code that nobody knows may be a breach."""
    code = str(content.data["code"])
    if code not in ACTIVITIES:
        raise ReportUnknown("The agency reports something by a code that was not agreed: ask it what it did.")
    occurred_at = min(content.occurred_at or at, at)
    is_breach = code in CONTACTS and _had_to_stop(case, occurred_at)
    verb = "placement.breached" if is_breach else "placement.reported"
    with record.act(
        case, verb, actor=actor, at=at, occurred_at=occurred_at, cause=content.callback_uid, detail={"code": code}
    ):
        if is_breach:
            tasks.raise_task(effects.COMPLAINT, case=case, at=at, code=code)
        if follow := HEARD.get(code):
            follow(case, at=at)
        case.version += 1
        case.save(update_fields=["version"])


def _had_to_stop(case: Case, moment: datetime) -> bool:
    """Say whether the agency had been told by then to stop or to cease, or had the account no more. Two queries."""
    if case.closed_date is not None:
        return calendars.london_date(moment) > case.closed_date
    told = {periods.RECALL: case.state == "recall_requested", periods.STOP: case.placement.is_told_of_hold}
    since = [
        case.clocks.filter(rule=rule).order_by("-started_at").values_list("started_at", flat=True).first()
        for rule, is_told in told.items()
        if is_told
    ]
    return any(began is None or moment >= began for began in since)


CONTACTS = ("call", "letter", "visit", "text", "email")
HEARD = {"complaint": effects.complains, "support_need": effects.needs_support}
ACTIVITIES = (*CONTACTS, *HEARD, "note")
CALLBACKS = {
    "placement.answered": answered,
    "placement.ceased": ceased,
    "placement.remitted": remitted,
    "placement.returned": returned,
    "placement.insolvent": insolvent,
    "placement.deceased": died,
    "placement.reported": acted,
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "placement.answered": {"outcome": "accepted", "reason": ""},
    "placement.ceased": {},
    "placement.remitted": {
        "amount_pence": 5000,
        "commission_pence": 900,
        "vat_pence": 180,
        "net_pence": 3920,
        "is_settlement": False,
    },
    "placement.returned": {"code": "gone_away"},
    "placement.insolvent": {},
    "placement.deceased": {},
    "placement.reported": {"code": "call"},
}
_AMOUNT: datashapes.Shape = {"type": "integer", "minimum": -(10**12), "maximum": 10**12, "description": "Whole pence."}
SHAPES: Mapping[str, datashapes.Shape] = {
    "placement.answered": datashapes.shape(
        {"outcome": datashapes.one_of(("accepted", "rejected"))}, {"reason": {"type": ["string", "null"]}}
    ),
    "placement.remitted": datashapes.shape(
        {"amount_pence": _AMOUNT},
        {**dict.fromkeys(AMOUNTS[1:], _AMOUNT), "is_settlement": {"type": "boolean"}},
    ),
    "placement.returned": datashapes.shape({"code": datashapes.one_of(codes.RETURNS)}),
    "placement.reported": datashapes.shape({"code": datashapes.one_of(ACTIVITIES)}),
}


def find(file: BatchFile, rows: Sequence[Row]) -> list[int]:
    """Return the case of each row: an account that this agency has or had, by our reference. One query. Raises
    FileRefused for a row about anything else: of such a file nothing is taken."""
    found = _known(file, rows)
    named = [row.get("reference", "") for row in rows]
    if any(reference not in found for reference in named):
        raise FileRefused("account_unknown")
    return [found[reference] for reference in named]


def _known(file: BatchFile, rows: Sequence[Row]) -> dict[str, int]:
    """Return the case of each account of the rows that this agency has or had, by our reference. One query."""
    handed = Placement.objects.filter(batch__agency=file.channel.agency_id, file_uid__isnull=False)
    named = [row.get("reference", "") for row in rows]
    known = handed.filter(case__reference__in=named).exclude(case__state="excluded")
    return dict(known.values_list("case__reference", "pk"))


def find_paid(file: BatchFile, rows: Sequence[Row]) -> list[int]:
    """As `find`; every row must add up and keep the commission that was agreed for its batch, and its tax, to the
    penny. Of a file that is refused for that what every row said is kept, with what was agreed."""
    known = _known(file, rows)
    told = _said_in(file, rows, known)
    whys = [
        said.why if row.get("reference", "") in known else "account_unknown"
        for row, said in zip(rows, told, strict=True)
    ]
    cases = [known.get(row.get("reference", "")) for row in rows]
    if wrong := next((why for why in remitting.WHYS if why in whys), ""):
        raise FileRefused(wrong, note=lambda at: remitting.keep_refused(file, told, cases, whys, at=at))
    return [case_id for case_id in cases if case_id is not None]


def _said_in(file: BatchFile, rows: Sequence[Row], known: Mapping[str, int]) -> list[remitting.Said]:
    rates = remitting.rates_of(known.values())
    vat_rate = figures.vat_rate(on=remitting.day_of(file.written_at, came_at=file.created_at))
    return [
        remitting.Said(
            {name: _pence(row, name) for name in AMOUNTS},
            rates.get(known.get(row.get("reference", "")), 0),
            vat_rate=vat_rate,
        )
        for row in rows
    ]


def keep_paid(file: BatchFile, rows: Sequence[Row], callbacks: Sequence[UUID], at: datetime) -> None:
    """Keep what a taken file of remittances says, row by row."""
    known = _known(file, rows)
    remitting.keep(file, _said_in(file, rows, known), [known[row["reference"]] for row in rows], callbacks, at=at)


def _pence(row: Row, column: str) -> int:
    text = row.get(column, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise FileRefused("amount_malformed")
    return int(text)


def _code(row: Row, column: str, among: Sequence[str] | Mapping[str, str]) -> str:
    if row.get(column) not in among:
        raise FileRefused(f"{column}_unknown")
    return row[column]


def _ack(row: Row) -> Line:
    outcome = _code(row, "outcome", ("accepted", "rejected"))
    return Line(type="placement.answered", data={"outcome": outcome, "reason": row.get("reason", "")[:200]})


def _pay(row: Row) -> Line:
    """One remittance; that it adds up was seen when its account was found."""
    said = {name: _pence(row, name) for name in AMOUNTS}
    answer = _code({"is_settlement": row.get("is_settlement") or ""}, "is_settlement", ("yes", "no", ""))
    return Line(type="placement.remitted", data={**said, "is_settlement": answer == "yes"})


def _return(row: Row) -> Line:
    return Line(type="placement.returned", data={"code": _code(row, "code", codes.RETURNS)})


def _activity(row: Row) -> Line:
    return _report(row, _code(row, "code", ACTIVITIES))


def _report(row: Row, code: str) -> Line:
    try:
        occurred_at = datetime.fromisoformat(row.get("occurred_at", ""))
    except ValueError:
        raise FileRefused("time_malformed") from None
    if occurred_at.tzinfo is None:
        raise FileRefused("time_malformed")
    return Line(type="placement.reported", occurred_at=occurred_at, data={"code": code})


def _heard(code: str) -> Any:
    return lambda row: _report(row, code)


def _said(kind: str) -> Any:
    return lambda _row: Line(type=kind)


def stop_arrived(file: BatchFile, became: str, at: datetime) -> None:
    """A stop has reached the agency: nobody has to ring it any more."""
    if became not in {"delivered", "answered"} or file.message is None or file.message.case_id is None:
        return
    case = locks.case_for_update(file.message.case_id)
    if became == "delivered":
        actor = system("delivery", source=case.source)
        with record.act(case, "placement.stop_arrived", actor=actor, at=at):
            effects.knows(case, actor=actor, at=at)
    effects.has_stopped(case, at=at)


def update_given_up(file: BatchFile, became: str, at: datetime) -> None:
    """Nobody will send the agency what changed: a person tells it."""
    if became not in {"skipped", "lost"} or file.message is None or file.message.case_id is None:
        return
    case = locks.case_for_update(file.message.case_id)
    if case.state in codes.AT_AGENCY:
        with record.act(case, "placement.update_given_up", actor=system("delivery", source=case.source), at=at):
            tasks.raise_task(effects.UPDATE, case=case, at=at)
            case.version += 1
            case.save(update_fields=["version", "is_dormant"])


_WITH_MORE = (messages.DCA_PLACE, messages.DCA_HOLD, messages.DCA_UPDATE)
FILES = (
    FileKind(code=messages.DCA_PLACE.code, label="Accounts handed over", after=batches.sent),
    FileKind(code=messages.DCA_HOLD.code, label=messages.DCA_HOLD.label, after=stop_arrived),
    FileKind(code=messages.DCA_UPDATE.code, label=messages.DCA_UPDATE.label, after=update_given_up),
    *(FileKind(code=kind.code, label=kind.label) for kind in messages.ALL if kind not in _WITH_MORE),
    FileKind(code="ack", label="What an agency accepts", line=_ack, find=find, is_balanced=True),
    FileKind(code="ceased", label="Recalls confirmed", line=_said("placement.ceased"), find=find),
    FileKind(code="pay", label="Remittances", line=_pay, find=find_paid, kept=keep_paid),
    FileKind(code="return", label="Accounts returned", line=_return, find=find),
    FileKind(code="activity", label="What an agency did", line=_activity, find=find),
    FileKind(code="complaint", label="Complaints that an agency heard", line=_heard("complaint"), find=find),
    FileKind(code="vuln", label="Customers who need support", line=_heard("support_need"), find=find),
    FileKind(code="insolvency", label="Customers who are insolvent", line=_said("placement.insolvent"), find=find),
    FileKind(code="deceased", label="Customers who have died", line=_said("placement.deceased"), find=find),
)
files.declare(*FILES)


def take_out(case: Case, clock: Clock, *, at: datetime) -> None:
    """Take an account out of the file that was kept from leaving; where nothing stops it any more, the file goes."""
    actor = system("gate", source=case.source)
    with record.act(case, "placement.looked_at", actor=actor, at=at):
        clocks.end_one(case, clock, at=at, state="met")
        clocks.refresh_due(case)
        case.save()
    if case.state != "released":
        return
    opening.look_again([case.placement], actor=actor, at=at)
    try:
        transitions.apply(case.pk, "pull", actor=actor, at=at)
    except transitions.TransitionRefused:
        case = Case.objects.select_related("key").get(pk=case.pk)
        file = takeout.file_of(case)
        if file is None or file.message is None or file.message.state != "withdrawn":
            return
        with record.act(case, "placement.file_goes", actor=actor, at=at):
            takeout.promise_anew(case, actor=actor, at=at, is_out=False)


def recall_is_late(case: Case, clock: Clock, *, at: datetime) -> None:
    """A recall was not confirmed in time: somebody rings the agency."""
    with record.act(case, "placement.recall_late", actor=system("placement", source=case.source), at=at):
        clock.state, clock.ended_at = "breached", at
        clock.save(update_fields=["state", "ended_at"])
        tasks.raise_task(effects.RECALL_LATE, case=case, at=at)
        clocks.refresh_due(case)
        case.save()


def stop_is_late(case: Case, clock: Clock, *, at: datetime) -> None:
    """A stop has not reached the agency in time, whatever keeps its file: somebody rings them."""
    with record.act(case, "placement.stop_late", actor=system("placement", source=case.source), at=at):
        clock.state, clock.ended_at = "breached", at
        clock.save(update_fields=["state", "ended_at"])
        tasks.raise_task(effects.RING, case=case, at=at)
        clocks.refresh_due(case)
        case.save()
