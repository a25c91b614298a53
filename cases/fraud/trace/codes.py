"""Codes of a trace, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["EVIDENCE_KINDS", "FOUND", "OUTCOMES", "ROLES"]

FOUND = "caller_found"
OUTCOMES = (
    (FOUND, "The line that called is found"),
    ("came_from_other", "The call came from another provider"),
)
ROLES = (("complainant", "Complainant"),)
EVIDENCE_KINDS = CodeList(
    "trace_evidence",
    "Traces: kinds of document",
    (("call_log", "Log of the calls"), ("answer", "Answer of a provider"), ("police_letter", "Letter of the police")),
    is_open=True,
)
