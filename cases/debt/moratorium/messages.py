"""What whoever keeps the register, and the buyer of a sold debt, are told. Of a buyer's debt no word about health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cases.debt.messages import written
from cases.debt.moratorium import searching
from cases.debt.moratorium.models import Moratorium, MoratoriumDebt
from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.exchange import files
from cases.kernel.models import Agency, Case, OutboxMessage
from cases.ledger import sealing
from cases.ledger.reads import Reader

__all__ = ["ALL", "ANSWER", "FORWARD", "answer", "forward"]

ANSWER = releases.MessageKind(
    code="moratorium_answer",
    label="Answer about a moratorium",
    recipient_kind="insolvency",
    purpose="honour_moratorium",
    necessity="Whoever advises the debtor has to know which debts the moratorium protects, and which others there are.",
    categories={
        "register_reference": "request",
        "outcome": "request",
        "debts.account": "financial",
        "debts.amount_pence": "financial",
        "further.account": "financial",
        "further.amount_pence": "financial",
    },
    lists=frozenset({"debts", "further"}),
    put_right_by="family",
)
FORWARD = releases.MessageKind(
    code="moratorium_forward",
    label="Notice of a moratorium passed on to a buyer",
    recipient_kind="purchaser",
    purpose="correct_recipients",
    necessity="The buyer owns the debt now, and has to leave the debtor alone.",
    categories=dict.fromkeys(("account", "register_reference", "start_date"), "correction"),
    put_right_by="family",
)
ALL = (ANSWER, FORWARD)
releases.declare(*ALL)


def _reader(case: Case, actor: Actor) -> Reader:
    return Reader(actor=actor.label, verb="release", purpose="moratorium", streams=(case.uid,))


def _reference(case: Case, *, reader: Reader, at: datetime) -> str:
    row = Moratorium.objects.get(pk=case.pk)
    (values,) = sealing.open_rows([row], ["register_reference"], reader=reader, at=at)
    return values["register_reference"] or ""


def _numbers(debts: Sequence[MoratoriumDebt], *, reader: Reader, at: datetime) -> list[str]:
    accounts = [debt.account for debt in debts if debt.account is not None]
    return [values["number"] or "" for values in sealing.open_rows(accounts, ["number"], reader=reader, at=at)]


def _agency(case: Case) -> Agency:
    """Return who is answered: whoever notified us, else the one insolvency service there is.

    Raises NoChannel where there is none, and where there are several: nobody said which of them has the debtor."""
    row = Moratorium.objects.select_related("agency").get(pk=case.pk)
    if row.agency is not None:
        return row.agency
    services = list(Agency.objects.filter(kind="insolvency", is_active=True)[:2])
    if len(services) != 1:
        raise outbox.NoChannel("There is not one insolvency service to answer: none, or several.")
    return services[0]


def answer(
    case: Case,
    outcome: str,
    *,
    debts: Sequence[MoratoriumDebt] = (),
    further: Sequence[MoratoriumDebt] = (),
    owed: dict[int, int] | None = None,
    actor: Actor,
    at: datetime,
) -> OutboxMessage:
    """Tell the register what came of a notice, inside the current ledger action on the locked case: `found`,
    `not_found` or `sold`, the debts it protects and the further ones of the same person. `owed` are the amounts today
    by account. Raises ReleaseRefused, NoChannel."""
    reader, owed = _reader(case, actor), owed or {}

    def told(rows: Sequence[MoratoriumDebt]) -> list[dict[str, object]]:
        numbers = _numbers(rows, reader=reader, at=at)
        return [
            {"account": number, "amount_pence": owed.get(row.account_id or 0, 0)}
            for number, row in zip(numbers, rows, strict=True)
        ]

    body = {
        "register_reference": _reference(case, reader=reader, at=at),
        "outcome": outcome,
        "debts": told(debts),
        "further": told(further),
    }
    debtor = searching.debtor_of(case)
    return releases.send(
        case,
        ANSWER,
        agency=_agency(case),
        body=body,
        actor=actor,
        at=at,
        subject_count=1,
        parties=[debtor] if debtor else [],
    )


def forward(case: Case, buyer: Agency, debts: Sequence[MoratoriumDebt], *, actor: Actor, at: datetime) -> None:
    """Pass a notice on to whoever owns the debts now, as a file, inside the current ledger action on the locked case.
    Raises ReleaseRefused, NoChannel, NoFiles."""
    reader = _reader(case, actor)
    reference = _reference(case, reader=reader, at=at)
    day = Moratorium.objects.get(pk=case.pk).start_date.isoformat()
    rows = [
        {"account": number, "register_reference": reference, "start_date": day}
        for number in _numbers(debts, reader=reader, at=at)
    ]
    items = [releases.check(FORWARD, buyer, row, at=at) for row in rows]
    file = files.promise(buyer.code, FORWARD.code, written(rows), at=at, case=case, priority=1)
    debtor = searching.debtor_of(case)
    for each in items:
        releases.record(
            case,
            file.message,
            each,
            channel=file.channel,
            kind=FORWARD,
            recipient=buyer,
            actor=actor,
            at=at,
            subject_count=1,
            parties=[debtor] if debtor else [],
        )
