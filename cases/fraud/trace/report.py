"""What the case page and the audit report say about a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cases.fraud.trace import codes, messages
from cases.kernel import outbox
from cases.kernel.casetypes import Check, Table
from cases.kernel.models import Case, Release
from cases.kernel.outputs import papers

__all__ = ["amount", "checks", "context", "facts_view", "tables", "topic", "topic_label"]

_OUTCOMES = dict(codes.ANSWERS)
_WAYS = {"in": "answered", "out": "asked"}


def topic(_facts: Mapping[str, Any]) -> str:
    return "calls"


def topic_label(_code: str) -> str:
    return "Malicious calls"


def amount(_facts: Mapping[str, Any]) -> int | None:
    return None


def facts_view(case: Case) -> list[tuple[str, str]]:
    """Return label and value of every fact that is not sealed. No query."""
    row = case.trace
    return [
        ("Calls", f"{row.call_count:,}" if row.call_count else "Not counted"),
        ("Reference of the police", row.police_reference or "None"),
        ("Incident of malware or an attack", row.incident_reference or "None"),
        ("Necessary and expedient", "Yes" if row.is_expedient else "Not decided yet"),
    ]


def tables(case: Case) -> Sequence[Table]:
    """Return the providers that were asked and that answered, in order, and to whom the result went. Two queries."""
    rows = tuple(
        (
            str(hop.number),
            hop.provider,
            _WAYS[hop.direction],
            papers.moment(hop.happened_at),
            _OUTCOMES.get(hop.outcome, ""),
        )
        for hop in case.trace_hops.order_by("number")
    )
    return (
        Table(
            title="Way back to the caller",
            columns=("Hop", "Provider", "What", "When", "Result"),
            rows=rows,
            empty="No provider was asked yet.",
        ),
        Table(
            title="To whom the result went",
            columns=("Recipient", "When"),
            rows=tuple(_passed(case)),
            empty="To nobody. Whoever complained is never told who called.",
        ),
    )


def _passed(case: Case) -> Iterator[tuple[str, str]]:
    given = Release.objects.filter(case=case, message_kind=messages.TRACE_RESULT.code).order_by("pk")
    for release in given.exclude(outbox.never_left("message__")).select_related("recipient"):
        yield release.recipient.display_name, papers.moment(release.released_at)


def checks(case: Case) -> list[Check]:
    """Return how the trace stands. No query."""
    row = case.trace
    return [
        Check(label="Calls and harm recorded", is_clear=row.calls is not None and row.harm is not None),
        Check(label="Necessary and expedient", is_clear=row.is_expedient),
    ]


def context(case: Case) -> dict[str, Any]:
    """Return what the audit report adds for this kind."""
    return {"facts": facts_view(case)}
