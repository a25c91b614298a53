"""What an agency's report on a month's file says, and what follows when the time for reports is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases.accounts import storing
from cases.accounts.models import Account
from cases.credit.files import again, codes, effects, guards, messages
from cases.credit.files.models import CreditFileCopy, CreditFileFault, CreditFileReject
from cases.kernel import clocks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import datashapes, files
from cases.kernel.exchange.files import FileKind, FileRefused, Line
from cases.kernel.models import BatchFile, Case, Clock

__all__ = ["CALLBACKS", "EXAMPLES", "time_is_over", "SHAPES"]

REPORT = "cra_report"
Row = Mapping[str, str]


def reported(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """One line of an agency's report on a monthly file: an account that it did not take, or, last, how many it took.

    When every agency has reported, the file is locked. An account that is not taken is work then at once, also where it
    is said only after that."""
    copy = _copies_for_update().filter(file=case.pk, agency__code=content.agency_code).first()
    if copy is None:
        raise CaseError("This agency was not sent the file.")
    said = content.data
    is_last = said["outcome"] == "accepted"
    detail = {"agency": content.agency_code, "outcome": said["outcome"]}
    with record.act(case, "credit_file.reported", actor=actor, at=at, cause=content.callback_uid, detail=detail) as act:
        if is_last:
            copy.state, copy.accepted, copy.answered_at = "answered", int(said["rows"]), at
            again.arrived(copy, actor=system("delivery", source=case.source), at=at)
        else:
            act.detail["code"] = said["code"]
            is_new = _reject(copy, str(said["account"]), str(said["code"]))
        copy.rejected = copy.rejects.count()
        if not is_last and is_new and case.state == "locked":
            _ask_to_put_right(case, copy, at=at)
        if is_last:
            _count_again(case, copy, at=at)
        copy.save(update_fields=["state", "accepted", "answered_at", "rejected"])
        case.version += 1
        case.save(update_fields=["version"])
    if is_last and case.state == "transmitted" and guards.are_all_answered(case):
        transitions.apply(case.pk, "lock", actor=actor, at=at, cause=content.callback_uid)


def _copies_for_update() -> QuerySet[CreditFileCopy]:
    return CreditFileCopy.objects.select_for_update(of=("self",), no_key=True)


def _reject(copy: CreditFileCopy, number: str, code: str) -> bool:
    account = storing.find(number)
    if account is None or not _may_hold(copy, account):
        raise CaseError("The agency reports on an account that the file does not hold.")
    _, is_new = CreditFileReject.objects.get_or_create(copy=copy, account=account, defaults={"code": code})
    again.give_back(copy, account.pk)
    return is_new


def _may_hold(copy: CreditFileCopy, account: Account) -> bool:
    """Say whether the file may hold an account: nobody is told of one that was left out, or came later, because an
    agency says that it did not take it. Three queries at most."""
    file = copy.file
    if (
        account.is_business
        or CreditFileFault.objects.filter(file=file, round=file.round, account=account, level="field").exists()
    ):
        return False
    sent_at = BatchFile.objects.values_list("created_at", flat=True).get(uid=copy.batch_uid)
    return not Account.objects.filter(pk=account.pk, key__created_at__gt=sent_at).exists()


def _ask_to_put_right(case: Case, copy: CreditFileCopy, *, at: datetime) -> None:
    code = copy.agency.code
    if not case.tasks.filter(kind=effects.REJECTED, closed_at=None, detail__contains={"agency": code}).exists():
        tasks.raise_task(effects.REJECTED, case=case, at=at, agency=code, rejected=copy.rejected)


def _count_again(case: Case, copy: CreditFileCopy, *, at: datetime) -> None:
    """Raise a task where what the agency took and what it did not are not all that it was sent."""
    sent = BatchFile.objects.values_list("row_count", flat=True).get(uid=copy.batch_uid)
    took, agency = copy.accepted or 0, copy.agency.code
    if took + copy.rejected != sent:
        kind, rejected = effects.MISCOUNTED, copy.rejected
        tasks.raise_task(kind, case=case, at=at, agency=agency, sent=sent, accepted=took, rejected=rejected)


CALLBACKS = {"cra_file.reported": reported}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "cra_file.reported": {"outcome": "rejected", "account": "8001234567", "code": "name_unreadable", "rows": 0},
}
SHAPES: Mapping[str, datashapes.Shape] = {
    "cra_file.reported": datashapes.shape(
        {"outcome": datashapes.one_of(("accepted", "rejected"))},
        {
            "account": {"type": "string", "description": "Needed of one that you did not take."},
            "code": {
                "type": "string",
                "description": f"Needed of one that you did not take: {', '.join(codes.REJECTS)}.",
            },
            "rows": {"type": "integer", "minimum": 0, "description": "Needed last: how many you took."},
        },
        **{
            "if": {"properties": {"outcome": {"const": "rejected"}}},
            "then": {"required": ["account", "code"], "properties": {"code": datashapes.one_of(codes.REJECTS)}},
            "else": {"required": ["rows"]},
        },
    ),
}


def find(file: BatchFile, rows: Sequence[Row]) -> list[int]:
    """Return the case of the sent file that a report answers, for each of its rows. Raises FileRefused."""
    sent = file.answers
    copy = CreditFileCopy.objects.filter(batch_uid=sent.uid, agency=file.channel.agency_id).first() if sent else None
    if copy is None:
        raise FileRefused("answers_unknown_file")
    return [copy.file_id] * len(rows)


def _line(row: Row) -> Line:
    outcome, rows = row.get("outcome", ""), row.get("rows", "0") or "0"
    if outcome not in ("accepted", "rejected") or not (rows.isascii() and rows.isdecimal()):
        raise FileRefused("outcome_unknown")
    if outcome == "rejected" and row.get("code") not in codes.REJECTS:
        raise FileRefused("code_unknown")
    said = {"outcome": outcome, "account": row.get("account", ""), "code": row.get("code", ""), "rows": int(rows)}
    return Line(type="cra_file.reported", data=said)


def left(file: BatchFile, became: str, at: datetime) -> None:
    """Keep what became of the file at one agency; once it is there, what the agency has of each account. Locks the
    copy: the agency may report on it at this moment."""
    copy = _copies_for_update().filter(batch_uid=file.uid).select_related("file__case").first()
    if copy is None or copy.state == "answered" or became == "answered":
        return
    actor = system("delivery", source=copy.file.case.source)
    with record.act(copy.file.case, f"credit_file.{became}", actor=actor, at=at, detail={"file": str(file.uid)}):
        copy.state = became
        copy.save(update_fields=["state"])
        if became in ("delivered", "acknowledged"):
            again.arrived(copy, actor=actor, at=at)


files.declare(
    FileKind(code=messages.CRA_FILE.code, label=messages.CRA_FILE.label, after=left),
    FileKind(code=REPORT, label="Report on a monthly file", line=_line, find=find),
)


def time_is_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """The ten working days are over: the file is locked with the reports that came."""
    actor = system("clocks", source=case.source)
    with record.act(case, "clock.met", actor=actor, at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        clocks.refresh_due(case)
        case.save()
    if case.state == "transmitted":
        transitions.apply(case.pk, "lock", actor=actor, at=at)
