"""What was found wrong with a month's file and what agencies did not take of it, account by account: why, what they
were sent, and what happens next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, QuerySet

from cases.accounts.models import Account, AccountHolder, AccountMonth
from cases.credit.defaults.models import Default
from cases.credit.files import codes, correcting, effects
from cases.credit.files.models import CreditFileFault, CreditFileReject
from cases.credit.files.status import FLAGS, STATUSES
from cases.kernel import calendars, policy
from cases.kernel.actors import Actor
from cases.kernel.models import Case, JobRow, OutboxMessage

__all__ = ["Found", "Line", "Wrong", "among", "found", "lines", "looked_at", "with_fault"]

_LEVELS = {"core": "Stops the file", "field": "Left out", "warn": "To look at"}

_BY_STATE = {
    "delivered": "the agency has taken it",
    "acknowledged": "the agency has taken it",
    "refused": "the agency refused that too, which is a task",
    "dead": "it could not be delivered, which is a task",
    "skipped": "the message was given up",
    "withdrawn": "the message was taken back",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something that is wrong with some of the accounts, in words, what follows from it, and with how many."""

    code: str
    words: str
    level: str
    accounts: int


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One account with which something is wrong: as billing tells of it, how it was told last in words, and the case of
    its default, if the reader may see one."""

    account: Account
    before: str
    correction: Case | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One account that one agency did not take, in words. `correction` is the case of its default, if the reader may
    see one; `says_when` is when the agency was told of the account by itself."""

    row: CreditFileReject
    why: str
    status: str
    flags: tuple[str, ...]
    balance_pence: int | None
    next: str
    told_at: datetime | None
    correction: Case | None


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is known beside one row."""

    row: CreditFileReject
    case: Case
    people_at: datetime | None
    message: OutboxMessage | None
    tasks: frozenset[tuple[str, str]]
    work: tuple[str, str]

    def waits(self, kind: str) -> bool:
        """Say whether a task of a kind waits for this agency."""
        return (kind, self.row.copy.agency.code) in self.tasks

    def has_new_people(self, since: datetime | None) -> bool:
        return self.people_at is not None and since is not None and self.people_at > since


def _told(known: _Known) -> str:
    state = known.message.state if known.message else ""
    return f"The agency was told of it by itself: {_BY_STATE.get(state, 'that is on its way')}."


def _left_out(known: _Known) -> str:
    day = calendars.london_date(known.row.left_out_at) if known.row.left_out_at else None
    return f"Left out of every file since {day:%-d %B %Y}, until billing tells anew whose it is."


# What happens next: the first that applies. A row about people is put right by a whole row, any other by a message.
_NEXT: tuple[tuple[Callable[[_Known], bool], Callable[[_Known], str]], ...] = (
    (lambda known: known.row.message_id is not None, _told),
    (
        lambda known: (
            known.has_new_people(known.row.left_out_at or known.row.copy.file.extracted_at)
            and known.row.code in codes.ABOUT_PEOPLE
        ),
        lambda _known: "Billing has told anew whose it is: the next file tells of it.",
    ),
    (lambda known: known.row.left_out_at is not None, _left_out),
    (
        lambda known: known.case.state == "transmitted",
        lambda _known: "It becomes work once every agency has reported, or the days for that are over.",
    ),
    (
        lambda known: known.waits(effects.REJECTED) and known.row.code in codes.ABOUT_PEOPLE,
        lambda _known: (
            "Have billing put its people right: the next file tells of it. A change of one account names nobody."
        ),
    ),
    (
        lambda known: known.waits(effects.REJECTED),
        lambda _known: "Have billing put it right, then close the task: the agency is told of it at once.",
    ),
    (
        lambda known: known.row.code in codes.ABOUT_PEOPLE,
        lambda _known: "Have billing put its people right: the next file tells of it, or the task leaves it out.",
    ),
    (
        lambda known: known.work[0] == "skipped",
        lambda _known: "It may not be told now: the next file tells of it once it may.",
    ),
    (
        lambda known: known.work[0] == "failed",
        lambda known: f"It could not be told: {correcting.REASONS.get(known.work[1], 'look at the work').lower()}.",
    ),
    (lambda _known: True, lambda _known: "The agency is about to be told of it."),
)


def _faults(case: Case) -> QuerySet[CreditFileFault]:
    return CreditFileFault.objects.filter(file=case.pk, round=case.credit_file.round)


def found(case: Case) -> list[Found]:
    """Return what was found wrong when the accounts were taken last, the gravest first. One query."""
    counted = _faults(case).values_list("level", "code").annotate(accounts=Count("pk")).order_by("level", "code")
    return [
        Found(code=code, words=codes.FAULTS[code][1], level=_LEVELS[level], accounts=count)
        for level, code, count in counted
    ]


def with_fault(case: Case, code: str) -> QuerySet[CreditFileFault]:
    """Return the accounts with which one thing is wrong."""
    return _faults(case).filter(code=code).select_related("account__key")


def looked_at(case: Case, rows: Sequence[CreditFileFault], *, reader: Actor) -> list[Wrong]:
    """Return each account with which something is wrong, with what was told of it last, what billing tells now, and the
    case of its default. Three queries, however many rows; none where there is no row."""
    if not rows:
        return []
    accounts = [row.account_id for row in rows]
    before = AccountMonth.objects.filter(account__in=accounts, month__lt=case.credit_file.month)
    told = dict(before.order_by("account", "-month").distinct("account").values_list("account", "status"))
    cases = _corrections(accounts, reader)
    return [
        Wrong(
            account=row.account,
            before=STATUSES.get(told.get(row.account_id, ""), "Nothing"),
            correction=cases.get(row.account_id),
        )
        for row in rows
    ]


def among(case: Case, agency: str) -> QuerySet[CreditFileReject]:
    """Return what was not taken of a file, by all agencies or by one."""
    rows = CreditFileReject.objects.filter(copy__file=case.pk)
    rows = rows.filter(copy__agency__code=agency) if agency else rows
    return rows.select_related("copy__agency", "copy__file", "account__key")


def lines(case: Case, rows: Sequence[CreditFileReject], *, reader: Actor) -> list[Line]:
    """Return each row in words. Six queries, however many rows; none where there is no row."""
    if not rows:
        return []
    accounts = [row.account_id for row in rows]
    months = {each.account_id: each for each in AccountMonth.objects.filter(file_uid=case.uid, account__in=accounts)}
    sent = OutboxMessage.objects.filter(public_id__in=[row.message_id for row in rows if row.message_id])
    messages = {message.public_id: message for message in sent}
    tasks, people, work = _tasks(case), _people(accounts), _work(rows)
    corrections = _corrections(accounts, reader)
    made = []
    for row in rows:
        known = _Known(
            row=row,
            case=case,
            people_at=people.get(row.account_id),
            message=messages.get(row.message_id) if row.message_id else None,
            tasks=tasks,
            work=work.get((row.copy_id, str(row.account_id)), ("", "")),
        )
        month = months.get(row.account_id)
        made.append(
            Line(
                row=row,
                why=codes.REJECTS.get(row.code, row.code),
                status=STATUSES.get(month.status, month.status) if month else "",
                flags=tuple(FLAGS.get(flag, flag) for flag in month.flags) if month else (),
                balance_pence=month.balance_pence if month else None,
                next=next(say(known) for applies, say in _NEXT if applies(known)),
                told_at=known.message.created_at if known.message else None,
                correction=corrections.get(row.account_id),
            )
        )
    return made


def _tasks(case: Case) -> frozenset[tuple[str, str]]:
    open_ones = case.tasks.filter(closed_at=None, kind__in=(effects.REJECTED, correcting.UNREAD))
    return frozenset((kind, detail.get("agency", "")) for kind, detail in open_ones.values_list("kind", "detail"))


def _people(accounts: Iterable[int]) -> Mapping[int, datetime]:
    """Return when billing last told something new of who holds each account."""
    history: Any = AccountHolder.history_model
    holders = AccountHolder.objects.filter(account__in=accounts)
    told = history.objects.filter(id__in=holders.values("pk")).values_list("account")  # by the index there is
    return dict(told.annotate(Max("history_date")))


def _work(rows: Sequence[CreditFileReject]) -> Mapping[tuple[int, str], tuple[str, str]]:
    """Return what came of telling the agency last, by copy of the file and account."""
    done = JobRow.objects.filter(
        job__kind=correcting.CORRECT,
        job__params__copy__in={row.copy_id for row in rows},
        subject__in={str(row.account_id) for row in rows},
    )
    found = done.order_by("pk").values_list("job__params__copy", "subject", "state", "reason")
    return {(copy, subject): (state, reason) for copy, subject, state, reason in found}


def _corrections(accounts: Sequence[int], reader: Actor) -> Mapping[int, Case]:
    """Return the newest case of a default of each account that the reader may see: there a default is corrected."""
    known = Default.objects.filter(account__in=accounts).exclude(case__state__in=("void", "merged"))
    newest = {row.account_id: row.case for row in known.select_related("case__team").order_by("pk")}
    return {pk: case for pk, case in newest.items() if policy.can(reader, "view", case=case).is_allowed}
