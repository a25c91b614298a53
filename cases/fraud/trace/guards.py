"""What must be true before a trace moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from typing import Any

from cases.fraud.trace import codes

__all__ = ["has_calls_and_harm", "is_expedient", "names_provider", "says_result"]


def has_calls_and_harm(context: Any) -> str | None:
    row = context.case.trace
    return None if row.calls is not None and row.harm is not None else "Say when the calls came and what harm they do."


def is_expedient(context: Any) -> str | None:
    """The provider must be satisfied that it is necessary and expedient (PECR reg 15(1))."""
    if context.inputs.get("is_expedient") is True:
        return None
    return "Say that it is necessary and expedient to trace these calls."


def names_provider(context: Any) -> str | None:
    return None if str(context.inputs.get("provider") or "").strip() else "Name the provider."


def says_result(context: Any) -> str | None:
    if context.inputs.get("outcome") not in dict(codes.OUTCOMES):
        return "Choose what was found."
    return None if str(context.inputs.get("result") or "").strip() else "Write what was found."
