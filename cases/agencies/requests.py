"""Requests of own systems and of agencies to open a case, answered once and for all repeats with the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from cases.agencies import shapes, strict_json
from cases.agencies.inbound import IdReused
from cases.agencies.limits import Counting
from cases.agencies.senders import Sender
from cases.kernel import actors, casetypes, intake, record
from cases.kernel.casetypes import CaseType
from cases.kernel.exchange import agencies
from cases.kernel.models import Case, IntakeRequest
from cases.kernel.office import codelists
from cases.kernel.prepared import Prepared, Statement
from cases.ledger import api as ledger
from cases.ledger import sealing, security

__all__ = [
    "Answer",
    "Done",
    "NotASender",
    "answer_anew",
    "as_answer",
    "casetype_at",
    "counted",
    "once",
    "open_case",
    "repeated",
]

CREATED, ACCEPTED = 201, 202
# The row is taken first: of equal requests at once, one opens the case and the others wait for its answer.
_TAKE = Statement.of("""
INSERT INTO cases_intakerequest (agency_id, message_id, received_at, body_sha256, status, answer)
VALUES (%s, %s, %s, %s, 0, '') ON CONFLICT (agency_id, message_id) DO NOTHING RETURNING id
""")
_KEEP = Statement.of("UPDATE cases_intakerequest SET case_id = %s, status = %s, answer = %s WHERE id = %s RETURNING id")


class NotASender(Exception):
    """This system does not open cases of this kind."""


@dataclass(frozen=True)
class Answer:
    """Status and bytes of the answer, and whether the request was a repeat."""

    status: int
    content: bytes
    is_repeat: bool


def casetype_at(path: str) -> CaseType | None:
    """Return the kind of case whose intake has this last part of the address."""
    return next((each for each in casetypes.all_types() if each.intake and each.intake.path == path), None)


def open_case(
    casetype: CaseType,
    sender: Sender,
    raw: bytes,
    *,
    now: datetime,
    request: ledger.RequestInfo | None = None,
) -> Answer:
    """Open a case as an own system asks, or return the answer it had before.

    Raises NotASender, IdReused (noted in the security log), strict_json.Unreadable, and what opening raises:
    intake.FieldErrors, IntakeRefused, NotAllowed. Nothing is then kept, so a corrected body may use the same id.
    """
    plan = casetype.intake
    if plan is None or not (sender.agency.code in plan.senders or sender.agency.kind in plan.sender_kinds):
        raise NotASender
    if (repeat := repeated(sender, raw, now=now)) is not None:
        return repeat
    document = strict_json.parse(raw)
    codelists.refresh()
    if faults := shapes.faults(document, plan.schema()):
        raise intake.FieldErrors(faults)
    facts, people = plan.parse(document)
    facts = plan.by_sender(facts, sender.agency.code)
    if plan.raw_as:
        facts = {**facts, plan.raw_as: raw.decode()}
    return once(
        sender,
        raw,
        lambda: _opened(
            intake.open_case(
                casetype.code, actor=actors.agency(sender.agency), at=now, facts=facts, people=people, request=request
            )
        ),
        now=now,
    )


@dataclass(frozen=True)
class Done:
    """What a request did: the case it is about, if any, and the answer it gets now and at every repeat."""

    case: Case | None
    status: int
    said: Mapping[str, Any]


def repeated(sender: Sender, raw: bytes, *, now: datetime) -> Answer | None:
    """Return the answer a request had before, or None for a new one. Raises IdReused, noted in the security log."""
    known = sender.before.answered if isinstance(sender.before, Before) else _known(sender)
    return None if known is None else _repeat(known, _digests(raw), sender, now=now)


def once(sender: Sender, raw: bytes, do: Callable[[], Done], *, now: datetime) -> Answer:
    """Do what a request asks in one transaction with its answer, unless an equal one has done it meanwhile.

    Raises IdReused and what `do` raises; nothing is then kept.
    """
    with transaction.atomic():
        row_id = _take(sender, _digests(raw)[0], now=now)
        if row_id is not None:
            return _keep(row_id, do())
    found = _known(sender)
    if found is None:
        raise IdReused
    return _repeat(found, _digests(raw), sender, now=now)


def answer_anew(sender: Sender, done: Done) -> Answer:
    """Give a request whose case went on before anybody was answered a later answer, which its repeats get too."""
    row = IntakeRequest.objects.get(agency=sender.agency, message_id=sender.message_id)
    return _keep(row.pk, done)


def _digests(raw: bytes) -> list[str]:
    return [each.hex() for each in sealing.kept_hashes("intake_body", raw)]


def _opened(case: Case) -> Done:
    """Return what is said of an opened case. A restricted kind never gives out a reference."""
    if case.is_restricted:
        return Done(case, ACCEPTED, {"id": str(case.uid), "status": "accepted"})
    return Done(case, CREATED, {"id": str(case.uid), "reference": case.reference, "state": case.state})


@dataclass(frozen=True)
class Answered:
    """A request that was answered, and with what."""

    status: int
    answer: str
    body_sha256: str


_ANSWERED = Prepared(
    lambda agency, message: IntakeRequest.objects.filter(agency_id=agency, message_id=message).values_list(
        "status", "answer", "body_sha256"
    ),
    agency=-(10**15) - 1,
    message="one message",
)
_COUNTED = Counting(
    columns="answered.status, answered.answer, answered.body_sha256",
    beside="LEFT JOIN cases_intakerequest answered ON answered.agency_id = %s AND answered.message_id = %s",
)


@dataclass(frozen=True)
class Before:
    """What had been answered to its id when a call was counted."""

    answered: Answered | None


def counted(sender: Sender) -> Sender:
    """Count a call in its sender's window; return the sender with what was there before. One query. Raises TooMany."""
    status, answer, digest = sender.count(_COUNTED, sender.agency.pk, sender.message_id)
    return replace(sender, before=Before(None if status is None else Answered(status, answer, digest)))


def _known(sender: Sender) -> Answered | None:
    found = _ANSWERED.rows(agency=sender.agency.pk, message=sender.message_id)
    return Answered(*found[0]) if found else None


def _take(sender: Sender, digest: str, *, now: datetime) -> int | None:
    taken = _TAKE.rows([sender.agency.pk, sender.message_id, now, digest])
    return taken[0][0] if taken else None


def _keep(row_id: int, done: Done) -> Answer:
    """Write the answer beside the request."""
    answer = as_answer(done)
    text = answer.content.decode("ascii")
    _KEEP.rows([done.case.pk if done.case else None, done.status, text, row_id])
    return answer


def as_answer(done: Done) -> Answer:
    """Return what is said as status and bytes."""
    return Answer(done.status, json.dumps(done.said, separators=(",", ":")).encode("ascii"), is_repeat=False)


def _repeat(known: Answered, digests: list[str], sender: Sender, *, now: datetime) -> Answer:
    if known.body_sha256 not in digests:
        team = agencies.compartment(sender.agency)
        within = {record.COMPARTMENT: team.pk} if team else {}
        by = f"agency:{sender.agency.code}"
        security.note("intake_id_reused", actor=by, at=now, act="", message_id=sender.message_id, **within)
        raise IdReused
    return Answer(known.status, known.answer.encode("ascii"), is_repeat=True)
