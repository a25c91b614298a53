"""What leaves in a trace: the question to the next provider, and the result to whoever may lawfully act on it.

Neither names whoever complains, and neither kind of message can go to them: their recipients are agencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cases.fraud.trace import codes
from cases.fraud.trace.models import Trace
from cases.kernel import releases
from cases.kernel.actors import Actor
from cases.kernel.models import Agency, Case, CaseParty, OutboxMessage
from cases.ledger import sealing

__all__ = ["ALL", "TRACEBACK", "TRACE_RESULT", "ask", "in_register", "pass_on"]

TRACEBACK = releases.MessageKind(
    code="traceback",
    label="Traceback: where did these calls come from?",
    recipient_kind=codes.PROVIDER,
    purpose="trace_calls",
    answer_days=5,
    answer_source="Internal target: answer of the next provider",
    necessity="PECR reg 15: the next provider finds where the calls came from only if told to which line, and when.",
    categories=dict.fromkeys(("call_id", "from", "to", "time", "hop"), "call_trace"),
    lists=frozenset(),
)
TRACE_RESULT = releases.MessageKind(
    code="trace_result",
    label="Result of a trace of calls",
    recipient_kind=codes.POLICE,  # or a provider
    purpose="trace_calls",
    necessity="PECR reg 15: whoever has a legitimate interest may be given what the trace found.",
    categories=dict.fromkeys(("trace", "to", "calls", "result", "provider", "police_reference"), "call_trace"),
    lists=frozenset(),
)
ALL = (TRACEBACK, TRACE_RESULT)
releases.declare(*ALL)
_TYPED = ("line", "calls", "result")


def in_register(kinds: Sequence[str]) -> list[Agency]:
    """Return the agencies of some kinds that are in use, by name. One query."""
    rows = Agency.objects.select_related("terms").filter(kind__in=kinds, is_active=True)
    return list(rows.order_by("display_name", "pk"))


def ask(case: Case, provider: Agency, *, hop: int, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the question to the next provider, inside the current ledger action. Raises ReleaseRefused, NoChannel."""
    said = _opened(case.trace, actor=actor, at=at)
    body = {
        "call_id": f"{case.reference}/{hop}",
        "from": "withheld",
        "to": said["line"],
        "time": said["calls"],
        "hop": hop,
    }
    return releases.send(
        case,
        TRACEBACK,
        agency=provider,
        body=body,
        actor=actor,
        at=at,
        subject_count=1,
        parties=_complainants(case),
    )


def pass_on(case: Case, recipient: Agency, *, interest: str, actor: Actor, at: datetime) -> OutboxMessage:
    """Promise the result to the police or a provider, inside the current ledger action; the register of releases keeps
    which interest they have in it. Raises ReleaseRefused, NoChannel."""
    row = case.trace
    said = _opened(row, actor=actor, at=at)
    answered = case.trace_hops.filter(direction="in").order_by("number").values_list("provider", flat=True).last()
    body = {
        "trace": case.reference,
        "to": said["line"],
        "calls": said["calls"],
        "result": said["result"],
        "provider": answered or "",
    }
    if row.police_reference:
        body["police_reference"] = row.police_reference
    kind = replace(TRACE_RESULT, recipient_kind=recipient.kind)
    items = [replace(item, necessity=interest) for item in releases.check(kind, recipient, body, at=at)]
    return releases.send(
        case,
        kind,
        agency=recipient,
        body=body,
        actor=actor,
        at=at,
        subject_count=1,
        parties=_complainants(case),
        items=items,
    )


def _complainants(case: Case) -> list[CaseParty]:
    return list(CaseParty.objects.filter(case=case, is_detached=False).order_by("number"))


def _opened(row: Trace, *, actor: Actor, at: datetime) -> dict[str, Any]:
    reader = sealing.Reader(actor=actor.label, verb="release", purpose="trace_calls", streams=(row.case.uid,))
    (said,) = sealing.open_rows([row], _TYPED, reader=reader, at=at)
    return {name: value if isinstance(value, str) else "" for name, value in said.items()}
