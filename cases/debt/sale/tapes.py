"""The tapes of a sale: made part by part by a job, sealed, with a hash for each line and control totals.

A bid tape names nobody: amounts in bands, days as months, the district of the address. Each of its lines is compared
with what is sealed of its account; one that would show any of it stops the tape.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain

from django.db import transaction
from django.db.models import Max, Sum

from cases.accounts.models import Account, AccountHolder
from cases.debt import contacts
from cases.debt.sale import looking
from cases.debt.sale.models import DebtSale, DebtSaleAccount, SaleTape, SaleTapePart
from cases.kernel import calendars, locks, policy, record
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.errors import CaseError
from cases.kernel.models import Case
from cases.ledger import api as ledger
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = [
    "ACT",
    "BID",
    "FINAL",
    "KIND",
    "MADE_IN",
    "PERSON",
    "TapeRefused",
    "ask",
    "first_lines",
    "manifest",
    "newest",
    "standing",
    "whole",
]

ACT = "make_sale_tape"
LABEL = "cases.SaleTapePart"
PART = 500
# In which state which tape is made.
MADE_IN = {"exclusions_run": "bid", "cut_off": "final"}
# The columns of each tape, and the category of data that each belongs to.
BID = {
    "line": "financial",
    "district": "address",
    "jurisdiction": "address",
    "product": "financial",
    "owed_band": "financial",
    "fees_band": "financial",
    "closed_month": "financial",
    "unpaid_since_month": "financial",
    "last_payment_month": "financial",
    "default_month": "financial",
    "holders": "financial",
    "has_birth": "contact",
    "has_phone": "contact",
    "has_email": "contact",
    "was_placed": "financial",
}
PERSON = {
    "forename": "identity",
    "surname": "identity",
    "date_of_birth": "date_of_birth",
    "line_1": "address",
    "town": "address",
    "postcode": "address",
    "phone": "contact",
    "email": "contact",
}
HOLDERS = 2
STATEMENTS = 24  # months; domain rules 5B.4
FINAL = {
    "reference": "financial",
    "account": "financial",
    "amount_pence": "financial",
    "fees_pence": "financial",
    "product": "financial",
    "jurisdiction": "financial",
    "final_bill_date": "financial",
    "oldest_unpaid_date": "financial",
    "last_payment_date": "financial",
    "last_payment_pence": "financial",
    "default_date": "financial",
    "default_pence": "financial",
    "statement_months": "financial",
    **{f"holder_{number}_{name}": PERSON[name] for number in range(1, HOLDERS + 1) for name in PERSON},
}
_COLUMNS = {"bid": BID, "final": FINAL}
# The upper ends of the bands, in whole pounds.
_BANDS = (50, 100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 10000)


class TapeRefused(CaseError):
    """The tape cannot be made or used; the message is fit to show."""


def newest(sale: DebtSale, kind: str) -> SaleTape | None:
    """Return the last tape of a kind that was not withdrawn. One query."""
    return sale.tapes.filter(kind=kind, is_withdrawn=False).order_by("-number").first()


def standing(sale: DebtSale, kind: str) -> SaleTape:
    """Return the tape of a kind that holds. Raises TapeRefused where there is none."""
    tape = newest(sale, kind)
    if tape is None or tape.made_at is None:
        raise TapeRefused("The tape was not made yet.")
    return tape


@transaction.atomic
def ask(case: Case, *, actor: Actor, at: datetime, request: ledger.RequestInfo | None = None) -> jobs.Job:
    """Have the tape that the sale needs next made, in the background. Locks the case; one act, one job.

    Raises NotAllowed, TapeRefused.
    """
    policy.require(actor, ACT, case=case)
    case = locks.case_for_update(case.pk)
    sale = DebtSale.objects.get(pk=case.pk)
    kind = MADE_IN.get(case.state)
    if kind is None:
        raise TapeRefused("This sale needs no tape now.")
    if looking.under_way(case):
        raise TapeRefused("The accounts are being looked at. Wait until that has ended.")
    before = newest(sale, kind)
    if before is not None and looking.is_running(ACT, case, before.number):
        raise TapeRefused("The tape is being made already.")
    number = (sale.tapes.aggregate(last=Max("number"))["last"] or 0) + 1
    with record.act(case, "debt_sale.tape_asked", actor=actor, at=at, request=request, detail={"tape": number}):
        if before is not None:
            before.is_withdrawn = True
            before.save(update_fields=["is_withdrawn"])
        SaleTape.objects.create(
            sale=sale,
            kind=kind,
            number=number,
            key=sealing.new_key("sale_tape", at=at, parent=case.key),
            asked_by_id=looking.person(actor),
            asked_at=at,
            lines_digest=looking.digest_of(sale),
        )
        looking.touch(case, at=at)
    params = {"sale": case.pk, "tape": number}
    return jobs.start(ACT, actor=actor, at=at, params=params, key=f"{case.uid}:{number}", request=request)


# Reading a tape.


def _texts(tape: SaleTape, *, reader: Reader, at: datetime) -> Iterator[str]:
    """Yield the text of each part, in order. One access row for each. Raises TapeRefused for one that was erased."""
    for part in tape.parts.order_by("number").iterator(chunk_size=20):
        body = sealing.open_bytes(
            bytes(part.rows), key_id=tape.key_id, label=LABEL, uid=part.uid, field="rows", reader=reader, at=at
        )
        if body is None:
            raise TapeRefused("This tape was erased.")
        yield body.decode()


def _heading(tape: SaleTape) -> str:
    return ",".join(_COLUMNS[tape.kind]) + "\n"


def pieces(tape: SaleTape, *, reader: Reader, at: datetime) -> Iterator[bytes]:
    """Yield a tape as CSV, its heading first, then part by part. Raises TapeRefused, in the end, where it is not as it
    was made."""
    digest = hashlib.sha256()
    for text in chain([_heading(tape)], _texts(tape, reader=reader, at=at)):
        piece = text.encode()
        digest.update(piece)
        yield piece
    if digest.hexdigest() != tape.sha256:
        raise TapeRefused("The tape is not as it was made.")


def whole(tape: SaleTape, *, reader: Reader, at: datetime) -> bytes:
    """Return a tape as one CSV with a heading. Raises TapeRefused where it is not as it was made."""
    return b"".join(pieces(tape, reader=reader, at=at))


def first_lines(tape: SaleTape, *, most: int, reader: Reader, at: datetime) -> list[dict[str, str]]:
    """Return the first lines of a tape, for whoever checks it. Opens one part."""
    text = next(_texts(tape, reader=reader, at=at), "")
    rows = csv.DictReader(io.StringIO(_heading(tape) + text))
    return [row for row, _ in zip(rows, range(most), strict=False)]


def _hashes(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        yield hashlib.sha256(line.encode()).hexdigest()


def manifest(tape: SaleTape, *, reader: Reader, at: datetime) -> bytes:
    """Return the manifest of a tape: its control totals, and a hash for each line in order."""
    hashes = [each for text in _texts(tape, reader=reader, at=at) for each in _hashes(text)]
    return _manifest(hashes, row_count=tape.row_count, total_pence=tape.total_pence)


def _manifest(hashes: Sequence[str], *, row_count: int, total_pence: int) -> bytes:
    lines = [f"lines,{row_count}", f"total_pence,{total_pence}", "line,sha256"]
    lines += [f"{number},{each}" for number, each in enumerate(hashes, start=1)]
    return ("\n".join(lines) + "\n").encode()


# The job.


def _parts(job: jobs.Job) -> Iterator[str]:
    sale = DebtSale.objects.get(pk=job.params["sale"])
    numbers = looking.left(sale).values_list("number", flat=True)
    return looking.ranges("lines", numbers.iterator(chunk_size=2000), size=PART)


def _make(job: jobs.Job, subject: str, at: datetime) -> None:
    """Write one part: its lines opened, put in order and sealed. It changes no row that is tracked."""
    _, first, last = subject.split(":")
    sale = DebtSale.objects.select_related("case").get(pk=job.params["sale"])
    tape = sale.tapes.select_related("key", "key__parent").get(number=job.params["tape"])
    reader = Reader(actor=jobs.worker_of(job).label, verb="release", purpose="sell_debts", streams=(sale.case.uid,))
    lines = list(looking.left(sale).filter(number__range=(int(first), int(last))))
    accounts = {
        each.pk: each
        for each in Account.objects.filter(pk__in=[line.account_id for line in lines]).prefetch_related(
            "holders", "placements__case"
        )
    }
    found = _opened([accounts[line.account_id] for line in lines], reader=reader, at=at)
    months = _statements(list(accounts), until=sale.cut_off_date) if tape.kind == "final" else {}
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(_COLUMNS[tape.kind]), lineterminator="\n")
    people = 0
    for line in lines:
        account = accounts[line.account_id]
        number, held = found[account.pk]
        people += len(held)
        if tape.kind == "bid":
            row = _bid_row(line, account, held)
            _names_nobody(row, number, held)
        else:
            row = _final_row(sale, line, account, number, held) | {"statement_months": months.get(account.pk, "")}
        writer.writerow(row)
    part = SaleTapePart(tape=tape, number=int(first), people_count=people)
    body = text.getvalue().encode()
    part.rows = sealing.seal_bytes(body, key=tape.key, label=LABEL, uid=part.uid, field="rows")
    part.save(force_insert=True)


def _statements(accounts: Sequence[int], *, until: date | None) -> dict[int, str]:
    """Return, by account, of which of the 24 months that end with the cut-off billing told a balance: what statements a
    buyer may ask for. One query."""
    if until is None:
        return {}
    since = calendars.add_months(until.replace(day=1), 1 - STATEMENTS)
    told = Account.history.filter(id__in=accounts, as_of__gte=since, as_of__lte=until)
    months: dict[int, set[str]] = {}
    for account, day in told.values_list("id", "as_of"):
        months.setdefault(account, set()).add(_month(day))
    return {account: " ".join(sorted(found)) for account, found in months.items()}


Held = Mapping[str, str | None]


def _opened(accounts: Sequence[Account], *, reader: Reader, at: datetime) -> dict[int, tuple[str, list[Held]]]:
    """Return, by account, its number and who holds it; a telephone number that is too old is left out. Two access
    rows."""
    numbers = sealing.open_rows(accounts, ["number"], reader=reader, at=at)
    holders: list[AccountHolder] = [
        each for account in accounts for each in sorted(account.holders.all(), key=lambda row: row.ordinal)
    ]
    holders = [each for each in holders if each.ended_date is None]
    opened = sealing.open_rows(holders, list(PERSON), reader=reader, at=at) if holders else []
    found: dict[int, tuple[str, list[Held]]] = {
        account.pk: (values["number"] or "", []) for account, values in zip(accounts, numbers, strict=True)
    }
    today = calendars.london_date(at)
    for holder, values in zip(holders, opened, strict=True):
        is_old = contacts.is_too_old(holder.phone_date, today=today)
        found[holder.account_id][1].append({**values, "phone": None} if is_old else values)
    return found


def _band(pence: int) -> str:
    """Return between which whole pounds an amount lies."""
    if pence <= 0:
        return "0"
    low = 0
    for high in _BANDS:
        if pence <= high * 100:
            return f"{low}-{high}"
        low = high
    return f"{low}-"


def _month(day: date | None) -> str:
    return f"{day:%Y-%m}" if day else ""


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _bid_row(line: DebtSaleAccount, account: Account, held: Sequence[Held]) -> dict[str, object]:
    postcode = next((each["postcode"] for each in held if each["postcode"]), None)
    return {
        "line": line.uid.hex,
        "district": postcode.split()[0] if postcode and " " in postcode else "",
        "jurisdiction": account.jurisdiction,
        "product": account.product,
        "owed_band": _band(line.balance_pence),
        "fees_band": _band(line.fees_pence),
        "closed_month": _month(account.final_bill_date),
        "unpaid_since_month": _month(account.oldest_unpaid_date),
        "last_payment_month": _month(account.last_payment_date),
        "default_month": _month(line.default_date),
        "holders": len(held),
        "has_birth": _yes(any(each["date_of_birth"] for each in held)),
        "has_phone": _yes(any(each["phone"] for each in held)),
        "has_email": _yes(any(each["email"] for each in held)),
        "was_placed": _yes(account.placements.all()),
    }


# Columns whose words come from a list of our own: whoever is called No, or lives at 1, is not told by them.
_OF_A_LIST = {"jurisdiction", "product", "holders", "has_birth", "has_phone", "has_email", "was_placed"}


def _names_nobody(row: Mapping[str, object], number: str, held: Sequence[Held]) -> None:
    """Raise TapeRefused where a cell of a bid tape is, or holds, anything that is sealed of its account."""
    sealed = {text.casefold() for each in held for text in each.values() if text} | {number.casefold()}
    cells = {str(cell).casefold() for name, cell in row.items() if name != "line" and name not in _OF_A_LIST}
    if cells & sealed or any(text in str(row["line"]).casefold() for text in sealed if len(text) > 4):
        raise TapeRefused("A line of the tape would show who it is about.")


def _final_row(
    sale: DebtSale, line: DebtSaleAccount, account: Account, number: str, held: Sequence[Held]
) -> dict[str, object]:
    plain = ("final_bill_date", "oldest_unpaid_date", "last_payment_date", "last_payment_pence", "default_pence")
    row: dict[str, object] = {
        "reference": f"{sale.case.reference}/{line.number}",
        "account": number,
        "amount_pence": line.balance_pence,
        "fees_pence": line.fees_pence,
        "product": account.product,
        "jurisdiction": account.jurisdiction,
        "default_date": line.default_date or "",
        **{name: "" if (value := getattr(account, name)) is None else value for name in plain},
    }
    for place in range(HOLDERS):
        values = held[place] if place < len(held) else {}
        row |= {f"holder_{place + 1}_{name}": values.get(name) or "" for name in PERSON}
    return row


def _finish(job: jobs.Job, at: datetime) -> None:
    """Add the tape up and write down its hashes. Raises TapeRefused where it is not the lines it was asked for."""
    case = locks.case_for_update(job.params["sale"])
    sale = DebtSale.objects.get(pk=case.pk)
    tape = sale.tapes.select_related("key").get(number=job.params["tape"])
    if tape.made_at is not None or tape.is_withdrawn:
        return
    worker = jobs.worker_of(job)
    reader = Reader(actor=worker.label, verb="check", purpose="sell_debts", streams=(case.uid,))
    digest, hashes = hashlib.sha256(_heading(tape).encode()), []
    for text in _texts(tape, reader=reader, at=at):
        digest.update(text.encode())
        hashes += list(_hashes(text))
    owed = looking.left(sale).order_by().aggregate(owed=Sum("balance_pence"))["owed"] or 0
    if len(hashes) != looking.left(sale).count() or looking.digest_of(sale) != tape.lines_digest:
        raise TapeRefused("The lines changed while the tape was made.")
    with record.act(case, "debt_sale.tape_made", actor=worker, at=at, detail={"tape": tape.number}) as act:
        tape.row_count, tape.total_pence, tape.made_at = len(hashes), owed, at
        tape.people_count = tape.parts.aggregate(people=Sum("people_count"))["people"] or 0
        tape.sha256 = digest.hexdigest()
        listed = _manifest(hashes, row_count=tape.row_count, total_pence=owed)
        tape.manifest_sha256 = hashlib.sha256(listed).hexdigest()
        tape.save()
        act.detail |= {"lines": tape.row_count, "owed_pence": owed, "sha256": tape.sha256}
        looking.touch(case, at=at)


KIND = jobs.Kind(
    code=ACT,
    label="Make the tape of a sale",
    rows=_parts,
    do=_make,
    finish=_finish,
    reasons={"tape_refused": "A line would show who it is about, or the lines changed meanwhile"},
    names=lambda _actor, subjects: {each: f"Part from {each.split(':')[1]}" for each in subjects},
)
jobs.declare(KIND)
