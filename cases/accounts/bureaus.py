"""What credit reference agencies are told of one account at once, between two monthly files. All are told the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from cases.accounts.models import Account, BureauTold
from cases.kernel import outbox, releases
from cases.kernel.actors import Actor
from cases.kernel.exchange import corrections
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["CRA_CORRECT", "PURPOSE", "Change", "agencies", "keep_told", "said", "tell", "tell_again"]

PURPOSE = "report_accounts"
CRA_CORRECT = releases.MessageKind(
    code="cra_correct",
    label="Change of one account at a credit reference agency",
    recipient_kind="cra",
    purpose=PURPOSE,
    necessity="What an agency has of an account must be right at once, not with the next monthly file.",
    categories=dict.fromkeys(
        (
            *("account", "field", "old", "new", "flags", "balance_pence"),
            *("default_date", "default_pence", "satisfied_date", "reason"),
        ),
        "financial",
    ),
    lists=frozenset({"flags"}),
    unknown=frozenset({"default_date", "default_pence", "satisfied_date"}),
    put_right_by="family",
)
releases.declare(CRA_CORRECT)


@dataclass(frozen=True, kw_only=True)
class Change:
    """How an account stood and how it stands, in the codes of the monthly file, and why. Money is whole pence.
    `account` is its number, of a change that was read back from a message."""

    old: str
    new: str
    reason: str
    balance_pence: int
    default_date: date | None = None
    default_pence: int | None = None
    satisfied_date: date | None = None
    flags: tuple[str, ...] = ()
    account: str = ""


def agencies() -> list[Agency]:
    """Return every credit reference agency that takes part. Raises NoChannel where there is none. One query."""
    rows = list(Agency.objects.select_related("terms").filter(kind="cra", is_active=True).order_by("code"))
    if not rows:
        raise outbox.NoChannel("There is no credit reference agency in the register.")
    return rows


def tell(
    case: Case,
    account: Account,
    change: Change,
    *,
    actor: Actor,
    at: datetime,
    to: Sequence[Agency] | None = None,
    parties: Sequence[CaseParty] = (),
    by_hand: str = "",
) -> list[OutboxMessage]:
    """Promise the same change to every agency, or to those named, inside the current ledger action on a locked case.

    `parties` are the people of the case whom it is about, so that whatever of theirs is put right later reaches the
    agencies. With `by_hand`, the name of a correction, an agency that cannot be told by message becomes a task and the
    others are told. Opens the account's number: one access row. Raises, without `by_hand`, NoChannel and
    ReleaseRefused; nothing is then promised.
    """
    reader = sealing.Reader(actor=actor.label, verb="release", purpose=PURPOSE, streams=(case.uid,))
    (opened,) = sealing.open_rows([account], ["number"], reader=reader, at=at)
    body = {
        "account": opened["number"] or "",
        "field": "status",
        "old": change.old,
        "new": change.new,
        "flags": list(change.flags),
        "balance_pence": change.balance_pence,
        "default_date": _day(change.default_date),
        "default_pence": change.default_pence,
        "satisfied_date": _day(change.satisfied_date),
        "reason": change.reason,
    }
    dedupe = f"{CRA_CORRECT.code}:{ledger.current().uid}"
    promised = []
    for agency in agencies() if to is None else to:
        try:
            promised.append(
                releases.send(
                    case,
                    CRA_CORRECT,
                    agency=agency,
                    body=body,
                    actor=actor,
                    at=at,
                    subject_count=max(len(parties), 1),
                    dedupe=dedupe,
                    parties=parties,
                )
            )
        except (releases.ReleaseRefused, outbox.NoChannel) as refusal:
            if not by_hand:
                raise
            corrections.by_hand(case, agency.code, by_hand, refusal=refusal, at=at)
    return promised


def tell_again(case: Case, message: OutboxMessage, *, actor: Actor, at: datetime) -> OutboxMessage | None:
    """Promise the very content of an earlier message to its agency once more, inside the current ledger action on the
    locked case; None where it was erased. One access row. Raises NoChannel, ReleaseRefused."""
    reader = sealing.Reader(actor=actor.label, verb="release", purpose=PURPOSE, streams=(case.uid,))
    body = outbox.open_body(message, reader=reader, at=at)
    if body is None:
        return None
    parties = list(CaseParty.objects.filter(releases__release__message=message).order_by("number"))
    return releases.send(
        case,
        CRA_CORRECT,
        agency=message.channel.agency,
        body=json.loads(body)["data"],
        actor=actor,
        at=at,
        subject_count=max(len(parties), 1),
        dedupe=f"{CRA_CORRECT.code}:{ledger.current().uid}",
        parties=parties,
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def keep_told(account: Account, message: OutboxMessage, change: Change, *, at: datetime) -> None:
    """Keep what the agency that took a message has of the account now, inside the current ledger action."""
    BureauTold.objects.update_or_create(
        account=account,
        agency_id=message.channel.agency_id,
        defaults={
            "told_at": at,
            "status": change.new,
            "balance_pence": change.balance_pence,
            "default_date": change.default_date,
            "message_id": message.public_id,
        },
    )


def said(message: OutboxMessage, *, reader: sealing.Reader, at: datetime) -> Change | None:
    """Return what a message told of its account, or None where its body was erased. One access row."""
    body = outbox.open_body(message, reader=reader, at=at)
    if body is None:
        return None
    told = json.loads(body)["data"]
    plain = {name: told[name] for name in ("old", "new", "reason", "balance_pence", "default_pence")}
    return Change(
        **plain,
        default_date=_read(told["default_date"]),
        satisfied_date=_read(told["satisfied_date"]),
        flags=tuple(told["flags"]),
        account=told["account"],
    )


def _read(day: str) -> date | None:
    return date.fromisoformat(day) if day else None
