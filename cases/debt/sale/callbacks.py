"""What a buyer's files say of sold accounts, what came of letters and corrections, and the end of the window (K26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from cases.accounts import bureaus
from cases.debt.sale import codes, lines, messages, notices
from cases.debt.sale.ending import close_if_over
from cases.debt.sale.models import DebtSaleAccount
from cases.kernel import clocks, locks, record, tasks
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.exchange import datashapes, files, letters
from cases.kernel.exchange.files import FileKind, FileRefused, Line
from cases.kernel.models import BatchFile, Callback, Case, Clock, OutboxMessage

__all__ = ["CALLBACKS", "EXAMPLES", "FILES", "NOT_MOVED", "REFUSED", "window_over", "SHAPES"]

NOT_MOVED, GIVEN_UP = "sale_not_moved", "sale_file_given_up"
tasks.declare(
    {
        NOT_MOVED: "A credit agency did not take a sold account: look why, and tell it again",
        GIVEN_UP: "A file to a buyer was given up: see that the buyer has what it must know",
    },
    more={GIVEN_UP: lambda detail: files.label(str(detail.get("message_kind", ""))).lower()},
)
# What a buyer is sent, and says that it has.
SENT = tuple(kind.code for kind in messages.ALL)
Row = Mapping[str, str]


def claimed(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The buyer claims that an account should not have been sold, and says what it collected.

    What counts is the day on which its claim reached us. Raises LineRefused for any other firm: whoever bid was told of
    the sale too, and bought nothing."""
    buyer = case.debt_sale.purchaser
    if buyer is None or content.agency_code != buyer.code:
        raise lines.LineRefused("This firm did not buy these debts.")
    collected = content.data.get("collected_pence")
    if collected is not None and (not isinstance(collected, int) or isinstance(collected, bool) or collected < 0):
        raise lines.LineRefused("What was collected is whole pence, and not below nought.")
    received = Callback.objects.filter(uid=content.callback_uid).values_list("received_at", flat=True)
    lines.claim(
        case,
        int(content.data["line"]),
        content.data["reason"],
        actor=actor,
        at=at,
        came_at=received.first() if content.callback_uid else None,
        collected_pence=collected,
        cause=content.callback_uid,
    )


def received(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """The buyer has a file: as many lines of as much money as were sent."""
    said = {name: content.data[name] for name in ("lines", "amount_pence")}
    with record.act(case, "debt_sale.received", actor=actor, at=at, cause=content.callback_uid, detail=said):
        case.version += 1
        case.save()


def refused(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """A credit agency refused a change: somebody looks why."""
    said = tasks.codes_of(errors)
    detail = {"message": str(message.public_id), "codes": said}
    with record.act(case, "debt_sale.refused", actor=system("delivery", source=case.source), at=at, detail=detail):
        tasks.raise_task(NOT_MOVED, case=case, at=at, agency=message.channel.agency.code, codes=said)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


def window_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """The time for claims is over: the sale closes, unless one is open."""
    with record.act(case, "clock.met", actor=system("clocks", source=case.source), at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        clocks.refresh_due(case)
        case.save()
    close_if_over(case, at=at)


def find(file: BatchFile, rows: Sequence[Row]) -> list[int]:
    """Return the sale of each row, by the reference of an account that this buyer bought. One query. Raises FileRefused
    for a row about anything else: of such a file nothing is taken."""
    named = [row.get("reference", "").rpartition("/") for row in rows]
    sold = DebtSaleAccount.objects.filter(
        sale__purchaser=file.channel.agency_id,
        sale__case__reference__in=[reference for reference, _, _ in named],
    ).filter(Q(price_pence__isnull=False) | Q(state="in_pool", sale__completed_date__isnull=False))
    known = {
        (reference, str(number)): pk
        for reference, number, pk in sold.values_list("sale__case__reference", "number", "sale_id")
    }
    if any((reference, number) not in known for reference, _, number in named):
        raise FileRefused("account_unknown")
    return [known[reference, number] for reference, _, number in named]


def _claim(row: Row) -> Line:
    if row.get("reason") not in codes.CLAIMS:
        raise FileRefused("reason_unknown")
    said = {"line": int(row["reference"].rpartition("/")[2]), "reason": row["reason"]}
    return Line(type="sale.claimed", data={**said, "collected_pence": _pence(row.get("collected_pence", ""))})


def _pence(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise FileRefused("amount_malformed")
    return int(text)


def find_sent(file: BatchFile, rows: Sequence[Row]) -> list[int]:
    """Return the sale whose file a receipt answers. Raises FileRefused for one that answers none, or says another count
    or amount than was sent."""
    sent = file.answers
    if sent is None or sent.message is None or sent.message.case_id is None or sent.kind not in SENT:
        raise FileRefused("answers_unknown_file")
    if [_received(row) for row in rows] != [{"lines": sent.row_count, "amount_pence": sent.total_pence}]:
        raise FileRefused("differs_from_sent")
    return [sent.message.case_id]


def _received(row: Row) -> dict[str, int]:
    return {name: _pence(row.get(name, "")) for name in ("lines", "amount_pence")}


FILES = (
    FileKind(code="claims", label="Claims of a buyer", line=_claim, find=find),
    FileKind(
        code="receipt",
        label="What a buyer has received",
        line=lambda row: Line(type="sale.received", data=_received(row)),
        find=find_sent,
    ),
)


def file_given_up(file: BatchFile, became: str, at: datetime) -> None:
    """Nobody will send a file to its buyer: a person sees that it has what it must know."""
    if became not in {"skipped", "lost"} or file.message is None or file.message.case_id is None:
        return
    case = locks.case_for_update(file.message.case_id)
    with record.act(case, "debt_sale.file_given_up", actor=system("delivery", source=case.source), at=at):
        tasks.raise_task(GIVEN_UP, case=case, at=at, agency=file.channel.agency.code, message_kind=file.kind)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


files.declare(*FILES, *(FileKind(code=kind.code, label=kind.label, after=file_given_up) for kind in messages.ALL))
CALLBACKS = {
    **letters.CALLBACKS,
    "letter.returned": notices.returned,
    "sale.claimed": claimed,
    "sale.received": received,
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "sale.claimed": {"line": 1, "reason": "wrong_balance", "collected_pence": 0},
    "sale.received": {"lines": 2, "amount_pence": 82000},
}
_COUNT: datashapes.Shape = {"type": "integer", "minimum": 0}
SHAPES: Mapping[str, datashapes.Shape] = {
    "sale.claimed": datashapes.shape(
        {
            "line": {"type": "integer", "minimum": 1, "description": "The number behind the slash of its reference."},
            "reason": datashapes.one_of(codes.CLAIMS),
        },
        {"collected_pence": {**datashapes.PENCE, "type": ["integer", "null"]}},
    ),
    "sale.received": datashapes.shape({"lines": _COUNT, "amount_pence": datashapes.PENCE}),
}
REFUSED = {bureaus.CRA_CORRECT.code: refused, **letters.REFUSED}
