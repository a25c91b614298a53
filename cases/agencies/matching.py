"""To which case a callback belongs: by what a person decided, by our reference, else by the agency's, if it is but one.

Also what people decide about a callback that matched nothing: the case it belongs to, or that nothing follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from cases.agencies.callback_body import CallbackBody
from cases.kernel import casetypes, conflicts, locks, record, tasks
from cases.kernel.actors import Actor
from cases.kernel.errors import CaseError
from cases.kernel.exchange import exchanges
from cases.kernel.models import Callback, Case, OutboxMessage, Task
from cases.kernel.prepared import Prepared
from cases.ledger import api as ledger
from cases.ledger import sealing

__all__ = ["Match", "NotWaiting", "find", "ignore", "match"]


class NotWaiting(CaseError):
    """The callback waits for nobody, or what was decided about it lacks something; the message says what."""


@dataclass(frozen=True)
class Match:
    """The case and, where our reference was named, the message, by their numbers. `cause` says why there is no case."""

    case_id: int | None = None
    message_id: int | None = None
    cause: str = "no_case"


def find(row: Callback, body: CallbackBody) -> Match:
    """Return what a callback belongs to. Only messages to this very agency count, and none of another case than the
    one that a person chose.

    A reference of the agency's that several cases share names none of them: that is for people to say.
    """
    if body.reference:
        named = _NAMED.rows(agency=row.agency_id, reference=UUID(body.reference)) if _is_uuid(body.reference) else []
        for message_id, case_id in named:
            if row.case_id in (None, case_id):
                return Match(case_id, message_id)
    if row.case_id is not None:
        return Match(row.case_id)
    if body.agency_reference:
        told = _own(row.agency_id).filter(agency_reference=body.agency_reference)
        cases = list(told.order_by("case_id").values_list("case_id", flat=True).distinct()[:2]) or _named(row, body)
        if len(cases) == 1:
            return Match(cases[0])
        return Match(cause="shared_reference" if cases else "no_case")
    return Match()


def _own(agency: int) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(channel__agency=agency)


_NAMED = Prepared(
    lambda agency, reference: _own(agency).filter(public_id=reference).values_list("pk", "case_id"),
    agency=-(10**15) - 1,
    reference=UUID(int=1),
)


def _named(row: Callback, body: CallbackBody) -> list[int | None]:
    """Return the cases that the agency means by a reference of its own, as the kinds that deal with it know."""
    kinds = [each for each in casetypes.all_types() if row.agency.kind in each.agency_kinds]
    said = {"type": body.type, "data": body.data, "at": row.received_at}
    wanted = [case_id for each in kinds for case_id in each.named_by(row.agency_id, body.agency_reference, **said)]
    return list(Case.objects.filter(pk__in=wanted).values_list("pk", flat=True)[:2]) if wanted else []


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@transaction.atomic
def match(callback: Callback, case: Case, *, actor: Actor, at: datetime, reason: str) -> None:
    """Say that a callback belongs to a case; the next sweep applies it as if it had named it.

    Locks case and callback; writes an act of the case and ends the tasks about the callback. Raises NotWaiting.
    """
    case = locks.case_for_update(case.pk)
    row = _waiting(callback, reason)
    detail = {"callback": str(row.uid), "agency": row.agency.code, "type": row.type}
    if not OutboxMessage.objects.filter(case=case, channel__agency=row.agency).exists():
        raise NotWaiting(f"{row.agency.display_name} was never told of {case.reference}.")
    _refuse_tied(case, actor)
    with record.act(case, "callback.matched", actor=actor, at=at, reason=reason.strip(), detail=detail):
        _end_tasks(row, actor=actor, at=at, outcome="matched")
    row.case, row.state, row.reason, row.tries = case, "received", "", 0
    row.save(update_fields=["case", "state", "reason", "tries"])


@transaction.atomic
def ignore(callback: Callback, *, actor: Actor, at: datetime, reason: str) -> None:
    """Say that nothing follows from a callback: an act of the agency's stream, and the end of the tasks about it.

    Raises NotWaiting.
    """
    row = _waiting(callback, reason)
    _refuse_tied(row.case, actor)
    detail = {"callback": str(row.uid), "type": row.type}
    key = sealing.new_key("agency", at=at)
    with ledger.action(
        row.agency.uid,
        "callback.ignored",
        actor=actor.label,
        at=at,
        reason=reason.strip(),
        key=key,
        detail=detail,
        source=actor.source,
    ):
        _end_tasks(row, actor=actor, at=at, outcome="ignored")
        if row.case is not None and (follow := casetypes.get(row.case.kind).reacts.get("callback_ignored")):
            follow(row, at=at)
    row.state, row.reason, row.applied_at = "ignored", "by_a_person", at
    row.save(update_fields=["state", "reason", "applied_at"])


def _refuse_tied(case: Case | None, actor: Actor) -> None:
    if case is not None and (refusal := conflicts.why_not(actor, case)):
        raise NotWaiting(refusal)


def _waiting(callback: Callback, reason: str) -> Callback:
    rows = Callback.objects.select_for_update(of=("self",)).select_related("agency")
    row = rows.filter(exchanges.TO_REVIEW, pk=callback.pk).first()
    if row is None:
        raise NotWaiting("This callback waits for nobody any more.")
    if not reason.strip():
        raise NotWaiting("Say why, for the record.")
    return row


def _end_tasks(row: Callback, *, actor: Actor, at: datetime, outcome: str) -> None:
    for task in Task.objects.filter(detail__callback=str(row.uid), closed_at=None):
        tasks.close(task, actor=actor, at=at, outcome=outcome)
