"""What a provider's answer to a traceback means: the caller, another provider to ask, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cases.fraud.trace import codes, hops, messages, periods
from cases.kernel import clocks, formats, record, tasks, transitions
from cases.kernel.actors import Actor
from cases.kernel.casetypes import Content
from cases.kernel.errors import CaseError
from cases.kernel.exchange import datashapes
from cases.kernel.models import Case

__all__ = ["EXAMPLES", "answered", "SHAPES"]

# `from` where the line that called is found; `upstream`, the code of the next provider in our register, where the call
# came from another one.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "traceback.answered": {"result": codes.FOUND, "from": "+441632960222", "upstream": "sandbox-transit"}
}
_KNOWN = dict(codes.ANSWERS)
SHAPES: Mapping[str, datashapes.Shape] = {
    "traceback.answered": datashapes.shape(
        {"result": datashapes.one_of(_KNOWN)},
        {
            "from": {"type": "string", "description": f"The line that called; needed where it is {codes.FOUND}."},
            "upstream": {"type": "string", "description": f"The provider to ask next, where it is {codes.FROM_OTHER}."},
        },
        **{"if": {"properties": {"result": {"const": codes.FOUND}}}, "then": {"required": ["from"]}},
    ),
}


def answered(case: Case, content: Content, *, actor: Actor, at: datetime) -> None:
    """A provider that we asked says where the calls came from.

    A line that is found is held as the result; another provider is asked in its turn; nothing found is for a person.
    Raises CaseError for an answer to nothing we asked, or one that says nothing; AlreadyThere once the trace has ended.
    """
    message = content.message
    if message is None or message.kind != messages.TRACEBACK.code:
        raise CaseError("This answers no traceback of the case.")
    result = content.data.get("result")
    if result not in _KNOWN:
        raise CaseError("The answer does not say what was found.")
    if case.state != "tracing":
        raise transitions.AlreadyThere("The trace has its result, or has ended.")
    provider = message.channel.agency.display_name
    if result == codes.FOUND:
        number = _number(content)
        transitions.apply(
            case.pk,
            "hold_result",
            actor=actor,
            at=at,
            occurred_at=content.occurred_at,
            cause=content.callback_uid,
            inputs={"provider": provider, "outcome": result, "result": f"The calls came from {number}."},
        )
        return
    with record.act(case, "trace.hop", actor=actor, at=at, cause=content.callback_uid, detail={"result": str(result)}):
        hops.note(case, provider, "in", happened_at=min(content.occurred_at or at, at), outcome=str(result))
        if result == codes.FROM_OTHER:
            hops.go_on(case, str(content.data.get("upstream") or ""), actor=actor, at=at)
        else:
            clocks.meet(case, periods.ANSWER, at=at)
            tasks.raise_task(hops.NEXT, case=case, at=at)
        case.version += 1
        clocks.refresh_due(case)
        case.save()


def _number(content: Content) -> str:
    try:
        return formats.phone(str(content.data.get("from") or ""))
    except formats.BadFormat as fault:
        raise CaseError("The answer names no telephone number.") from fault
