"""Codes of a trace, each with its words."""

from __future__ import annotations

from cases.kernel.office.codelists import CodeList

__all__ = ["ANSWERS", "EVIDENCE_KINDS", "FOUND", "FROM_OTHER", "NOTHING", "OUTCOMES", "POLICE", "PROVIDER", "ROLES"]

FOUND, FROM_OTHER, NOTHING = "caller_found", "came_from_other", "not_found"
OUTCOMES = (
    (FOUND, "The line that called is found"),
    (FROM_OTHER, "The call came from another provider"),
)
ANSWERS = (*OUTCOMES, (NOTHING, "Nothing was found"))
ROLES = (("complainant", "Complainant"),)
# The kinds of agency that may have a legitimate interest in a result.
POLICE, PROVIDER = "lea", "provider"
EVIDENCE_KINDS = CodeList(
    "trace_evidence",
    "Traces: kinds of document",
    (("call_log", "Log of the calls"), ("answer", "Answer of a provider"), ("police_letter", "Letter of the police")),
    is_open=True,
)
