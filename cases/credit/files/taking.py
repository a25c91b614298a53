"""How accounts become rows of the monthly file: read part by part, judged by named rules, sealed as they will leave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from django.db.models import Max, Min, Q

from cases.accounts.models import Account, AccountFlag, AccountHolder, AccountMonth, BureauTold
from cases.credit.defaults.codes import OPEN
from cases.credit.defaults.models import Default
from cases.credit.defaults.standing import DEFAULTING, KEPT_MONTHS, died, goes_on, is_over, marks_of_default, month_of
from cases.credit.files import codes
from cases.credit.files.messages import COLUMNS
from cases.credit.files.models import CreditFile, CreditFileFault, CreditFilePart, CreditFileReject
from cases.credit.files.status import SOLD, UNKNOWN, Month, flags_of, status_of
from cases.kernel import accountholds, calendars, casetypes, formats, holdkinds
from cases.kernel.errors import CaseError
from cases.kernel.finding import terms
from cases.ledger import copying, sealing
from cases.ledger.reads import Reader

__all__ = ["PART", "accounts_of", "keep_part", "named", "people_changed", "rows_of", "slices", "take_part", "taken_of"]

PART = 1000
LABEL = "cases.CreditFilePart"
LONGEST_NUMBER = 20
Rule = Callable[["CreditFile", "Taken", Month, "Known"], bool]
_ON_FILE, _TAKEN_OFF = ("approved", "filed", "satisfied"), ("removed", "expired")
_VALUES = ("forename", "surname", "date_of_birth", "line_1", "town", "postcode")


class PartMissing(CaseError):
    """A part of the file is gone, or its key is destroyed."""


def accounts_of(file: CreditFile) -> Any:
    """Return every account of a person that is taken: all that are open, and those that were ended within the last six
    years. One query when read."""
    oldest = calendars.add_months(file.effective_date or file.month, -KEPT_MONTHS)
    gone = Q(contract_end_date__lt=oldest, balance_pence__lte=0)
    return Account.objects.filter(is_business=False).exclude(gone).order_by("pk")


def slices(file: CreditFile) -> Iterator[str]:
    """Yield the parts: number, first and last account."""
    number, first, last, count = 0, 0, 0, 0
    for pk in accounts_of(file).values_list("pk", flat=True).iterator():
        first = first or pk
        last, count = pk, count + 1
        if count == PART:
            number += 1
            yield f"{number}:{first}:{last}"
            first, count = 0, 0
    if count:
        yield f"{number + 1}:{first}:{last}"


@dataclass(kw_only=True)
class Known:
    """What is known of the accounts of one part beside their own rows, by account."""

    before: Mapping[int, str]
    defaults: Mapping[int, Default]
    taken_off: Collection[int]
    pending: Collection[int]
    over: Collection[int]
    told_without: Collection[int]
    told: Mapping[int, date | None]
    disputed: Mapping[str, frozenset[str]]
    marks: Mapping[int, frozenset[str]]
    held: Mapping[str, frozenset[str]]
    flags: Mapping[int, Collection[str]]
    unread: Collection[int]
    people: Mapping[int, Sequence[Mapping[str, Any]]]
    numbers: Mapping[int, str]


@dataclass(kw_only=True)
class Taken:
    """One account as a row: its cells, and the codes of what is wrong with it."""

    account: Account
    status: str
    flags: tuple[str, ...]
    default: Default | None = None
    cells: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def told_pence(self) -> int:
        """The balance that is told: of what is sold nothing is owed to us; of a default of ours what is left of it,
        without what fell due since."""
        if SOLD in self.flags:
            return 0
        return self.account.balance_pence if self.default is None else self.default.left_pence

    @property
    def is_left_out(self) -> bool:
        return any(codes.FAULTS[code][0] == "field" for code in self.faults)


def take_part(file: CreditFile, subject: str, *, by: str, at: datetime) -> tuple[CreditFilePart, list[CreditFileFault]]:
    """Return one part of a file: its rows, sealed, and what is wrong with them; `keep_part` freezes it. The number of
    statements does not depend on the number of accounts; opens numbers and holders: two access rows."""
    number, first, last = (int(each) for each in subject.split(":"))
    accounts = list(accounts_of(file).filter(pk__gte=first, pk__lte=last).select_related("key__parent"))
    taken = taken_of(file, accounts, by=by, at=at)
    rows = [[row.account.pk, row.cells] for row in taken if not row.is_left_out]
    body = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    part = CreditFilePart(uid=uuid4(), file=file, round=file.round, number=number)
    part.body = sealing.seal_bytes(body, key=file.key, label=LABEL, uid=part.uid, field="body")
    part.sha256, part.rows = hashlib.sha256(body).hexdigest(), len(rows)
    part.total_pence = sum(row.told_pence for row in taken if not row.is_left_out)
    part.taken_rows, part.taken_pence = len(taken), sum(account.balance_pence for account in accounts)
    faults = [
        CreditFileFault(file=file, round=file.round, account=row.account, level=codes.FAULTS[code][0], code=code)
        for row in taken
        for code in row.faults
    ]
    return part, faults


def keep_part(part: CreditFilePart, faults: Sequence[CreditFileFault]) -> None:
    """Freeze a part with its faults, in the caller's transaction."""
    part.save(force_insert=True)
    copying.copy_rows(faults)


def taken_of(file: CreditFile, accounts: Sequence[Account], *, by: str, at: datetime) -> list[Taken]:
    """Return accounts, fetched with their keys, as rows of a file. Two access rows."""
    known = _known(file, accounts, by=by, at=at)
    return [_taken(file, account, known) for account in accounts]


def _known(file: CreditFile, accounts: Sequence[Account], *, by: str, at: datetime) -> Known:
    reader = Reader(actor=by, verb="take", purpose="report_accounts", streams=(file.case.uid,))
    ids = [account.pk for account in accounts]
    # Between the first and the last are few others: two numbers are asked for, not a thousand, and those left aside.
    here = {"account__gte": min(ids, default=0), "account__lte": max(ids, default=0)}
    sealed = sealing.open_rows(accounts, ["number"], reader=reader, at=at, loaded=[each.key for each in accounts])
    numbers = [each["number"] or "" for each in sealed]
    flags: dict[int, set[str]] = {}
    for pk, code in AccountFlag.objects.filter(ended_date=None, **here).values_list("account", "code"):
        flags.setdefault(pk, set()).add(code)
    months = AccountMonth.objects.filter(month__lt=file.month, **here).order_by("account", "-month")
    ours = Default.objects.select_related("case").filter(case__state__in={*_ON_FILE, *_TAKEN_OFF, *OPEN}, **here)
    on_file = {row.account_id: row for row in ours if row.case.state in _ON_FILE}
    off = {row.account_id for row in ours if row.case.state in _TAKEN_OFF}
    today = file.effective_date or file.month
    over = {each.pk for each in accounts if each.default_date and is_over(each.default_date, today=today)}
    by_itself = Min("status", filter=Q(message_id__isnull=False))
    rows = BureauTold.objects.filter(**here).values_list("account")
    told = {pk: (day, best or "") for pk, day, best in rows.annotate(day=Max("default_date"), best=by_itself)}
    before = dict(months.distinct("account").values_list("account", "status"))
    stopped = accountholds.entered_each(numbers, [DEFAULTING, holdkinds.REPORT], at=at)
    return Known(
        before={pk: _no_worse(before.get(pk, ""), told.get(pk, (None, ""))[1]) for pk in before.keys() | told.keys()},
        defaults=on_file,
        over=({row.account_id for row in ours if row.case.state == "expired"} | over) - on_file.keys(),
        taken_off=(off | over) - on_file.keys(),
        pending={row.account_id for row in ours if row.case.state in OPEN},
        told={pk: day for pk, (day, _) in told.items() if day is not None},
        told_without={pk for pk, (day, _) in told.items() if day is None},
        marks=_marks(ids, here, at=at),
        disputed=stopped[DEFAULTING],
        held=stopped[holdkinds.REPORT],
        flags=flags,
        unread=_unread(here),
        people=_people(set(ids), here, reader=reader, at=at),
        numbers=dict(zip((account.pk for account in accounts), numbers, strict=True)),
    )


def _people(ids: set[int], here: Mapping[str, int], *, reader: Reader, at: datetime) -> dict[int, list[dict[str, Any]]]:
    """Return by account who holds it now, the first holder first. Opens them, with the access rows."""
    living = AccountHolder.objects.filter(ended_date=None, **here).select_related("key__parent").order_by("ordinal")
    holders = [each for each in living if each.account_id in ids]
    keys = [each.key for each in holders]
    opened = sealing.open_rows(holders, _VALUES, reader=reader, at=at, loaded=keys) if holders else []
    people: dict[int, list[dict[str, Any]]] = {}
    for holder, values in zip(holders, opened, strict=True):
        people.setdefault(holder.account_id, []).append(values)
    return people


def _marks(ids: list[int], here: Mapping[str, int], *, at: datetime) -> dict[int, frozenset[str]]:
    """Return by account what cases of any kind say of it, and whether its holder died."""
    marks: dict[int, frozenset[str]] = {}
    for found in (each.marks(ids) for each in casetypes.all_types()):
        marks.update({pk: marks.get(pk, frozenset()) | said for pk, said in found.items()})
    marks.update({pk: marks.get(pk, frozenset()) | {"deceased"} for pk in died(here, at=at)})
    return marks


def _no_worse(before: str, since: str) -> str:
    """Return the status that an account which is frozen goes no worse than: that of the last file, or a better one that
    an agency was told of by itself."""
    if not since.isdigit():
        return before
    return min(before, since) if before.isdigit() else since


def _unread(here: Mapping[str, int]) -> set[int]:
    """Return the accounts that somebody left out because an agency could not read whose they are, and of whose people
    billing has told nothing since. Two queries at most."""
    left_out = CreditFileReject.objects.filter(left_out_at__isnull=False, **here).values_list("account")
    since = dict(left_out.annotate(Max("left_out_at")))
    return {pk for pk, at in since.items() if not people_changed(pk, since=at)}


def people_changed(account: int, *, since: datetime) -> bool:
    """Say whether billing has told something new of who holds an account. One query."""
    history: Any = AccountHolder.history_model
    holders = AccountHolder.objects.filter(account=account).values("pk")
    return bool(history.objects.filter(id__in=holders, history_date__gt=since).exists())


def _taken(file: CreditFile, account: Account, known: Known) -> Taken:
    number, default = known.numbers[account.pk], known.defaults.get(account.pk)
    month = _month(file, account, default, known)
    people = known.people.get(account.pk, ())
    row = Taken(account=account, status=status_of(month), flags=flags_of(month), default=default)
    row.faults = [code for code, applies in _RULES.items() if applies(file, row, month, known)]
    if row.is_left_out:
        return row
    first, second = people[0], people[1] if len(people) > 1 else {}
    date_of_default, pence = _default_of(account, known)
    told = {
        "account": number,
        "account_type": codes.LOAN if account.is_regulated_credit else codes.TYPES[account.product],
        "start_date": _day(account.contract_start_date),
        "close_date": _day(account.contract_end_date) if month.is_closed else "",
        "name": _name(first),
        "date_of_birth": first["date_of_birth"] or "",
        "joint_name": _name(second),
        "joint_date_of_birth": second.get("date_of_birth") or "",
        **{name: first[name] or "" for name in ("line_1", "town", "postcode")},
        "payment_pence": "" if account.payment_pence is None else str(account.payment_pence),
        "period": "monthly",
        "amount_pence": str(row.told_pence),
        "default_pence": "" if pence is None else str(pence),
        "default_date": _day(date_of_default),
        "satisfied_date": _day(default.satisfied_date if default else None),
        "status": row.status,
        "flags": ";".join(row.flags),
        "effective_date": _day(file.effective_date),
    }
    row.cells = [told[name] for name in COLUMNS]
    return row


def _month(file: CreditFile, account: Account, default: Default | None, known: Known) -> Month:
    """Return the account as a month: a dispute or complaint that is entered on any case of the office freezes it."""
    held = known.disputed[terms.account(known.numbers[account.pk])] & {"dispute", "complaint"}
    return month_of(
        account,
        today=file.effective_date or file.month,
        before=known.before.get(account.pk, ""),
        has_default=_default_of(account, known)[0] is not None,
        flags=(
            *known.flags.get(account.pk, ()),
            *held,
            *known.marks.get(account.pk, ()),
            *(marks_of_default(default) if default else ()),
        ),
    )


def _default_of(account: Account, known: Known) -> tuple[date | None, int | None]:
    """Return date and balance of the default on file: of our own case, else of what billing tells from before.

    What was taken off, or is six years old, stays off whatever billing goes on telling.
    """
    if (default := known.defaults.get(account.pk)) is not None:
        return default.default_date, default.default_pence
    return (None, None) if account.pk in known.taken_off else (account.default_date, account.default_pence)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _name(values: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (values.get("forename"), values.get("surname"))))


def _is_of_a_minor(row: Taken, known: Known) -> bool:
    births = [terms.born(each["date_of_birth"] or "") for each in known.people.get(row.account.pk, ())]
    young = any(formats.is_under_18(date.fromisoformat(born), on=row.account.as_of) for born in births if born)
    return young or "minor" in known.flags.get(row.account.pk, ())


def _lacks(*names: str) -> Rule:
    """Return the rule that the first holder lacks one of these, or that there is none."""

    def applies(_file: CreditFile, row: Taken, _month: Month, known: Known) -> bool:
        people = known.people.get(row.account.pk, ())
        return not people or not all(people[0][name] for name in names)

    return applies


def _default_day(row: Taken, known: Known) -> date | None:
    return _default_of(row.account, known)[0]


def _in_future(file: CreditFile, row: Taken, _month: Month, known: Known) -> bool:
    day = _default_day(row, known)
    return day is not None and file.effective_date is not None and day > file.effective_date


def _moved_later(_file: CreditFile, row: Taken, _month: Month, known: Known) -> bool:
    day, before = _default_day(row, known), known.told.get(row.account.pk)
    return day is not None and before is not None and day > before


def _is_undecided(_file: CreditFile, row: Taken, month: Month, known: Known) -> bool:
    """Say whether only billing tells of a default: the agencies do not have it, or a case of ours has yet to decide."""
    pk = row.account.pk
    is_new = pk in known.told_without or (pk in known.pending and pk not in known.told)
    return month.has_default and pk not in known.defaults and is_new


def _jumped(_file: CreditFile, row: Taken, month: Month, _known: Known) -> bool:
    is_counted = month.before.isdigit() and row.status.isdigit() and "8" not in (month.before, row.status)
    return is_counted and int(row.status) > int(month.before) + 1


# What is asked of each account, by the code of what is wrong.
_RULES: Mapping[str, Rule] = {
    "number_missing": lambda _file, row, _month, known: not known.numbers[row.account.pk],
    "number_too_long": lambda _file, row, _month, known: len(known.numbers[row.account.pk]) > LONGEST_NUMBER,
    "default_in_future": _in_future,
    "default_moved_later": _moved_later,
    "default_without_notice": lambda _file, row, month, known: (
        month.has_default and row.account.pk not in known.defaults
    ),
    "default_undecided": _is_undecided,
    "default_under_way": lambda _file, row, _month, known: (
        row.account.pk in known.defaults and row.account.pk in known.pending
    ),
    "name_missing": _lacks("surname"),
    "birth_missing": _lacks("date_of_birth"),
    "address_missing": _lacks("line_1", "postcode"),
    "minor": lambda _file, row, _month, known: _is_of_a_minor(row, known),
    "as_of_later": lambda file, row, _month, _known: (
        file.effective_date is not None and row.account.as_of > file.effective_date
    ),
    "not_in_feed": lambda file, row, _month, _known: row.account.as_of < file.month,
    "over": lambda file, row, _month, known: (
        row.account.pk in known.over and not goes_on(row.account, today=file.effective_date or file.month)
    ),
    "held": lambda _file, row, _month, known: bool(known.held[terms.account(known.numbers[row.account.pk])]),
    "unread": lambda _file, row, _month, known: row.account.pk in known.unread,
    "status_unknown": lambda _file, row, _month, _known: row.status == UNKNOWN,
    "status_jumped": _jumped,
}


def named(cells: Sequence[str]) -> dict[str, str]:
    """Return the cells of one row by their columns."""
    return dict(zip(COLUMNS, cells, strict=True))


def rows_of(part: CreditFilePart, *, by: str, at: datetime) -> list[tuple[int, list[str]]]:
    """Open one part: account and cells of each row. One access row. Raises PartMissing where its key is gone, or the
    part is not the one whose hash was signed."""
    reader = Reader(actor=by, verb="send", purpose="report_accounts", streams=(part.file.case.uid,))
    body = sealing.open_bytes(
        bytes(part.body), key_id=part.file.key_id, label=LABEL, uid=part.uid, field="body", reader=reader, at=at
    )
    if body is None or hashlib.sha256(body).hexdigest() != part.sha256:
        raise PartMissing("The part is gone, or is not the one that was taken.")
    return [(pk, cells) for pk, cells in json.loads(body)]
