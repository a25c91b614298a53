"""What must be true before a trace moves. Each guard reads the context and returns the sentence why not, or None."""

from __future__ import annotations

from typing import Any

from cases.fraud.trace import codes
from cases.fraud.trace.models import TraceHop
from cases.kernel.models import Agency
from cases.ledger.models import LedgerEvent

__all__ = [
    "another_recorded_it",
    "goes_to_who_may_have_it",
    "has_calls_and_harm",
    "is_expedient",
    "names_asked_provider",
    "names_interest",
    "names_provider",
    "says_result",
    "says_why_it_stays",
]


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


def names_asked_provider(context: Any) -> str | None:
    """A provider of the register, or the name of another."""
    if code := str(context.inputs.get("agency") or ""):
        known = Agency.objects.filter(code=code, kind=codes.PROVIDER, is_active=True).first()
        return "The register has no such provider." if known is None else _was_asked(context, known.display_name)
    return names_provider(context) or _was_asked(context, str(context.inputs["provider"]).strip())


def _was_asked(context: Any, name: str) -> str | None:
    """A way that goes round in a circle has no end."""
    hops = TraceHop.objects.filter(case=context.case, direction="out", provider__iexact=name)
    return f"{name} was asked already: the way goes in a circle. Compare what they answered." if hops.exists() else None


def says_result(context: Any) -> str | None:
    if context.inputs.get("outcome") not in dict(codes.OUTCOMES):
        return "Choose what was found."
    return None if str(context.inputs.get("result") or "").strip() else "Write what was found."


def says_why_it_stays(context: Any) -> str | None:
    """A result that nobody is given ends with one person: why is on record, for whoever complains of it."""
    if context.case.state != "result_held" or context.reason:
        return None
    return "Say why the result is passed to nobody."


def another_recorded_it(context: Any) -> str | None:
    """Who recorded the result does not decide to whom it goes."""
    told = LedgerEvent.objects.filter(stream=context.case.uid, action="trace.hold_result").order_by("-seq").first()
    is_own = told is not None and told.actor == context.actor.label
    return "You recorded the result. Another person must decide to whom it goes." if is_own else None


def goes_to_who_may_have_it(context: Any) -> str | None:
    """The police or a provider, and never whoever complained (PECR reg 15(2))."""
    code = str(context.inputs.get("recipient") or "")
    if _in_use(code, codes.PROVIDER):
        return None
    if not _in_use(code, codes.POLICE):
        return "Choose the police or a provider. Nobody else is given the result, and whoever complained least of all."
    return None if context.case.trace.police_reference else "Enter the reference of the police first."


def names_interest(context: Any) -> str | None:
    said = str(context.inputs.get("interest") or "").strip()
    return None if said else "Say which legitimate interest the recipient has in the result."


def _in_use(code: str, kind: str) -> bool:
    return Agency.objects.filter(code=code, kind=kind, is_active=True).exists()
