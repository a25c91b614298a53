"""What moves a default without a person: proof that a notice was posted, agencies' answers, and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cases.accounts import bureaus
from cases.credit.defaults import looking, telling
from cases.credit.defaults.models import Default
from cases.kernel import clocks, record, tasks, transitions
from cases.kernel.actors import Actor, system
from cases.kernel.casetypes import Content
from cases.kernel.exchange import letters
from cases.kernel.models import Case, Clock, OutboxMessage
from cases.ledger.reads import Reader

__all__ = ["CALLBACKS", "DELIVERED", "REFUSED", "six_years_over"]


def dispatched(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A letter is in the post. When it is the last of a notice, somebody enters the notice as served."""
    letters.dispatched(case, content, actor=actor, at=at)
    if case.state == "notice_ready":
        looking.ask_to_issue(case, at=at)


def delivered(case: Case, message: OutboxMessage, *, at: datetime) -> None:
    """An agency took a change: what the message said is what it has. When it is the last to take a default that was
    approved, the default is on file."""
    actor = _delivery(case)
    reader = Reader(actor=actor.label, verb="keep", purpose=bureaus.PURPOSE, streams=(case.uid,))
    with record.act(case, "default.told", actor=actor, at=at, detail={"message": str(message.public_id)}):
        said = bureaus.said(message, reader=reader, at=at)
        if said is not None:
            row = Default.objects.select_related("account").get(pk=case.pk)
            bureaus.keep_told(row.account, message, said, at=at)
        case.version += 1
        case.save(update_fields=["version"])
    if case.state == "approved":
        looking.look(case.pk, at=at)


def _delivery(case: Case) -> Actor:
    return system("delivery", source=case.source)


def refused(case: Case, message: OutboxMessage, errors: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """An agency refused a change: somebody looks why, and when they have, it is told again."""
    codes = tasks.codes_of(errors)
    detail = {"message": str(message.public_id), "codes": codes}
    with record.act(case, "default.refused", actor=_delivery(case), at=at, detail=detail):
        tasks.raise_task(telling.REFUSED, case=case, at=at, agency=message.channel.agency.code, codes=codes)
        case.version += 1
        case.save(update_fields=["version", "is_dormant"])


def six_years_over(case: Case, clock: Clock, *, at: datetime) -> None:
    """The default leaves the customer's files."""
    with record.act(case, "clock.met", actor=system("clocks", source=case.source), at=at, detail={"rule": clock.rule}):
        clock.state, clock.ended_at = "met", at
        clock.save(update_fields=["state", "ended_at"])
        clocks.refresh_due(case)
        case.save()
    if case.state in ("filed", "satisfied"):
        transitions.apply(case.pk, "expire", actor=system("clocks", source=case.source), at=at)


CALLBACKS = {**letters.CALLBACKS, "letter.dispatched": dispatched}
DELIVERED = {bureaus.CRA_CORRECT.code: delivered}
REFUSED = {bureaus.CRA_CORRECT.code: refused, **letters.REFUSED}
