"""What buyers of debts are told: a tape that names nobody, and, once it is sold, all that they need to take it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cases.debt.messages import written
from cases.debt.sale import tapes
from cases.debt.sale.models import SaleTape
from cases.kernel import releases
from cases.kernel.actors import Actor
from cases.kernel.background import jobs
from cases.kernel.exchange import agreements, files
from cases.kernel.models import Agency, BatchFile, Case
from cases.ledger.reads import Reader

__all__ = [
    "ALL",
    "ASSIGNMENT",
    "BID_TAPE",
    "DEFAULTED",
    "FINAL_TAPE",
    "PAID",
    "ReadyTape",
    "make_ready",
    "send_assignment",
    "send_default",
    "send_paid",
    "send_ready",
    "send_tape",
]

BID_TAPE = releases.MessageKind(
    code="bid_tape",
    label="Accounts offered for sale, without names",
    recipient_kind="purchaser",
    purpose="sell_debts",
    necessity="A buyer can bid only if it knows how much is owed, since when, and on what; not by whom.",
    subjects="people",
    categories=tapes.BID,
    put_right_by="nobody",
)
FINAL_TAPE = releases.MessageKind(
    code="final_tape",
    label="Accounts that were sold",
    recipient_kind="purchaser",
    purpose="sell_debts",
    necessity="The buyer is owed the debt now, and must know by whom, how to reach them, and how much.",
    subjects="people",
    categories=tapes.FINAL,
    put_right_by="family",
)
ASSIGNMENT = releases.MessageKind(
    code="assignment",
    label="Assignment of debts",
    recipient_kind="purchaser",
    purpose="sell_debts",
    necessity="The buyer must have in writing what was assigned, on which day and for how much.",
    categories=dict.fromkeys(
        ("reference", "accounts", "owed_pence", "amount_pence", "assigned_date", "tape_sha256", "manifest_sha256"),
        "financial",
    ),
    put_right_by="nobody",
)
PAID = releases.MessageKind(
    code="sold_account_paid",
    label="Payment on a sold account",
    recipient_kind="purchaser",
    purpose="sell_debts",
    necessity="Whoever has paid us must not be asked for the same money by the buyer.",
    categories=dict.fromkeys(("reference", "paid_date", "amount_pence", "passed_on_by"), "financial"),
    put_right_by="nobody",
)
DEFAULTED = releases.MessageKind(
    code="sold_account_default",
    label="Default of a sold account",
    recipient_kind="purchaser",
    purpose="sell_debts",
    necessity="Whoever owns the debt must hold no default against the customer that stands no longer as it was told.",
    categories=dict.fromkeys(("reference", "reason", "default_date", "default_pence", "satisfied_date"), "financial"),
    put_right_by="nobody",
)
ALL = (BID_TAPE, FINAL_TAPE, ASSIGNMENT, PAID, DEFAULTED)
releases.declare(*ALL)
_KINDS = {"bid": BID_TAPE, "final": FINAL_TAPE}


def send_tape(case: Case, tape: SaleTape, agencies: Sequence[Agency], *, actor: Actor, at: datetime) -> None:
    """Promise a whole tape to each of the buyers and register it, inside the current ledger action. Opens the tape: one
    access row for each of its parts. Raises ReleaseRefused, NoChannel, NoFiles, TapeRefused."""
    kind = _KINDS[tape.kind]
    body = tapes.whole(tape, reader=_reader(case, actor), at=at)
    fields = dict.fromkeys(kind.categories, "")
    for agency in agencies:
        _promise(case, kind, agency, fields, body, value=tape.sha256, people=tape.people_count, actor=actor, at=at)


def _reader(case: Case, actor: Actor) -> Reader:
    return Reader(actor=actor.label, verb="release", purpose="sell_debts", streams=(case.uid,))


@dataclass(frozen=True)
class ReadyTape:
    """A tape that is sealed for its buyer; promise its file, or drop it."""

    tape: int
    file: files.Ready


def make_ready(case: Case, tape: SaleTape, agency: Agency, *, actor: Actor, at: datetime) -> ReadyTape:
    """Seal a tape for its buyer, while nothing is locked and with one part in memory at a time. Opens the
    tape: one access row for each of its parts. Raises NoChannel, NoFiles, TapeRefused, StoreFull."""
    pieces = tapes.pieces(tape, reader=_reader(case, actor), at=at)
    return ReadyTape(tape.pk, files.make_ready([agency.code], _KINDS[tape.kind].code, pieces, at=at, case=case))


def send_ready(case: Case, tape: SaleTape, agency: Agency, ready: ReadyTape, *, actor: Actor, at: datetime) -> None:
    """Promise a tape that was made ready and register it, inside the current ledger action. Raises ReleaseRefused, and
    Outdated where another tape holds by now, or another file took its place on the channel."""
    if ready.tape != tape.pk:
        raise jobs.Outdated("Another tape was made meanwhile.")
    kind = _KINDS[tape.kind]
    items = _allowed(kind, agency, dict.fromkeys(kind.categories, ""), value=tape.sha256, actor=actor, at=at)
    (file,) = files.promise_to_each(ready.file, at=at, case=case, dedupe=f"{kind.code}:{case.uid}:{tape.number}")
    told = _for_register(kind, agency, file, subject_count=tape.people_count, actor=actor, at=at)
    releases.record(case, file.message, items, **told)


def send_assignment(
    case: Case, agency: Agency, row: Mapping[str, Any], *, people: int, actor: Actor, at: datetime
) -> None:
    """Promise what was assigned, as one row, inside the current ledger action."""
    _promise(case, ASSIGNMENT, agency, row, written([row]), value=str(dict(row)), people=people, actor=actor, at=at)


def send_paid(case: Case, agency: Agency, row: Mapping[str, Any], *, people: int, actor: Actor, at: datetime) -> None:
    """Promise word of a payment that a customer made to us, as one row, inside the current ledger action."""
    _promise(case, PAID, agency, row, written([row]), value=str(dict(row)), people=people, actor=actor, at=at)


def send_default(
    case: Case, agency: Agency, row: Mapping[str, Any], *, people: int, actor: Actor, at: datetime
) -> None:
    """Promise word of what became of the default of a sold account, as one row, inside the current ledger action."""
    _promise(case, DEFAULTED, agency, row, written([row]), value=str(dict(row)), people=people, actor=actor, at=at)


def _promise(
    case: Case,
    kind: releases.MessageKind,
    agency: Agency,
    fields: Mapping[str, Any],
    body: bytes,
    *,
    value: str,
    people: int,
    actor: Actor,
    at: datetime,
) -> BatchFile:
    """Check every column, promise the file, and enter it in the register under one hash for the whole of it."""
    items = _allowed(kind, agency, fields, value=value, actor=actor, at=at)
    file = files.promise(agency.code, kind.code, body, at=at, case=case)
    told = _for_register(kind, agency, file, subject_count=people, actor=actor, at=at)
    releases.record(case, file.message, items, **told)
    return file


def _allowed(
    kind: releases.MessageKind, agency: Agency, fields: Mapping[str, Any], *, value: str, actor: Actor, at: datetime
) -> list[releases.Item]:
    if sentence := agreements.too_close(agency, actor, at=at):
        raise releases.ReleaseRefused(sentence)
    return [replace(item, values=(value,)) for item in releases.check(kind, agency, fields, at=at)]


def _for_register(kind: releases.MessageKind, agency: Agency, file: BatchFile, **told: Any) -> dict[str, Any]:
    """Return what the register says of a promised file beside its categories."""
    return {"channel": file.channel, "kind": kind, "recipient": agency, **told}
